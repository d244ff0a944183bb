#include "slipstream/rocketmq/consumer.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/producer.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/testing/wait_until.h"
#include "rocketmq/message/record.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

class ConsumerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 4);
    auto connected =
        Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
  }
  void fill(const MessageQueue& queue, int count, int first = 0) {
    for (int i = first; i < first + count; ++i) broker_.append(queue, std::to_string(i));
  }
  // Reads until `count` messages came; bodies must be the offsets.
  static void expect_messages(Consumer& consumer, int count, std::int64_t first_offset = 0) {
    std::map<MessageQueue, std::int64_t> next;
    for (int seen = 0; seen < count;) {
      const auto messages = consumer.receive(120'000);
      ASSERT_TRUE(messages.ok()) << messages.error().to_string();
      ASSERT_FALSE(messages->empty()) << "only " << seen << " of " << count;
      for (const ReceivedMessage& message : *messages) {
        const auto slot = next.try_emplace(message.queue(), first_offset).first;
        ASSERT_EQ(message.queue_offset, slot->second++);
        ASSERT_EQ(message.body, std::to_string(message.queue_offset));
        ++seen;
      }
    }
    EXPECT_FALSE(consumer.poll()->has_value());
  }
  QueueProgress only(const Consumer& consumer) const {
    const auto all = consumer.progress();
    EXPECT_EQ(all.size(), 1U);
    return all.front();
  }
  static Fault fault(Fault::Kind kind, std::int32_t code = 0, std::string remark = {}) {
    return {.kind = kind, .code = code, .remark = std::move(remark), .delay_ms = 0};
  }

  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
  const MessageQueue queue_{"T", "broker-a", 0};
};

TEST_F(ConsumerTest, ReadsQueuesInOrderAndThenWhatArrives) {
  Consumer consumer(*client_, {.group = "g"});
  for (std::int32_t id = 0; id < 4; ++id) {
    fill({"T", "broker-a", id}, 1'000);
    ASSERT_TRUE(consumer.assign({"T", "broker-a", id}, StartPosition::earliest()).ok());
  }
  expect_messages(consumer, 4'000);
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 4; }));
  broker_.append(queue_, "1000");
  expect_messages(consumer, 1, 1'000);
}

// Finding 37: what poll() gives needed a header that is not installed.
TEST_F(ConsumerTest, AFrameBecomesMessagesByPublicMeansAlone) {
  fill(queue_, 3);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(1)).ok());
  const auto frame = consumer.poll_wait(20'000);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  const auto messages = consumer.decode(**frame);
  ASSERT_TRUE(messages.ok()) << messages.status().to_string();
  ASSERT_FALSE(messages->empty());
  EXPECT_EQ(messages->front().queue_offset, 1);
  EXPECT_EQ(messages->front().queue(), queue_);
}

TEST_F(ConsumerTest, AnUnreadableMessageTakesNoneWithIt) {
  fill(queue_, 6);
  broker_.damage_body(queue_, 2);
  broker_.damage_body(queue_, 3);
  Consumer consumer(*client_, {.group = "g", .pulls_per_queue_max = 1});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  const auto before = consumer.receive(20'000);
  ASSERT_TRUE(before.ok()) << before.error().to_string();
  EXPECT_EQ(before->size(), 2U);
  for (const char* offset : {"T/broker-a/0 at offset 2", "T/broker-a/0 at offset 3"}) {
    const auto damaged = consumer.receive(20'000);
    ASSERT_FALSE(damaged.ok());
    EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(damaged.error().message.find(offset), std::string::npos) << damaged.error().message;
  }
  const auto behind = consumer.receive(20'000);
  ASSERT_TRUE(behind.ok());
  ASSERT_EQ(behind->size(), 2U);
  EXPECT_EQ((*behind)[0].body, "4");
}

// A batch that is stored as one record may begin before the offset that was asked for.
TEST_F(ConsumerTest, ADamagedBatchIsReportedFromWhereTheFrameBegins) {
  fill(queue_, 3);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  const auto polled = consumer.poll_wait(20'000);
  ASSERT_TRUE(polled.ok() && polled->has_value());
  PulledFrame frame = **polled;
  std::string records[3];
  for (std::string& each : records) {
    const auto record = decode_record(frame.records);
    ASSERT_TRUE(record.ok());
    each = as_text(frame.records.first(static_cast<std::size_t>(record->total_size)));
    frame.records = frame.records.subspan(each.size());
  }
  constexpr std::size_t kSysFlagsAt = 36;
  ByteWriter(records[0])
      .patch_u32(kSysFlagsAt,
                 static_cast<std::uint32_t>(sys_flag::kNeedUnwrap | sys_flag::kInnerBatch));
  frame.begin_offset = 1;
  const auto decode = [&](const std::string& bytes) {
    frame.records = as_bytes(bytes);
    return consumer.decode_readable(frame);
  };
  const DecodedFrame within = decode(records[0] + records[2]);
  ASSERT_EQ(within.unreadable.size(), 1U);
  EXPECT_EQ(within.unreadable[0].offset, 1);
  EXPECT_NE(within.unreadable[0].error.message.find("from offset 1 to its end"), std::string::npos)
      << within.unreadable[0].error.message;
  ASSERT_EQ(within.messages.size(), 1U);
  EXPECT_EQ(within.messages[0].body, "2");
  const DecodedFrame before = decode(records[0] + records[1] + records[2]);
  EXPECT_TRUE(before.unreadable.empty()) << "it was in the frame before";
  EXPECT_EQ(before.messages.size(), 2U);
}

TEST_F(ConsumerTest, StartPositions) {
  for (int i = 0; i < 100; ++i) broker_.append(queue_, std::to_string(i), {}, 1'000 + i);
  broker_.expire(queue_, 10);
  const auto begin_at = [&](StartPosition start) {
    Consumer consumer(*client_, {.group = "g"});
    EXPECT_TRUE(consumer.assign(queue_, start).ok());
    const auto messages = consumer.receive(120'000);
    return messages.ok() && !messages->empty() ? messages->front().queue_offset : -1;
  };
  EXPECT_EQ(begin_at(StartPosition::earliest()), 10);
  EXPECT_EQ(begin_at(StartPosition::offset(42)), 42);
  EXPECT_EQ(begin_at(StartPosition::timestamp(1'050)), 50);
  Consumer latest(*client_, {.group = "g"});
  ASSERT_TRUE(latest.assign(queue_, StartPosition::latest()).ok());
  ASSERT_TRUE(wait_until([&] { return only(latest).position == 100; }));
  broker_.append(queue_, "100");
  expect_messages(latest, 1, 100);
}

TEST_F(ConsumerTest, SeveralPullsAreUnderWayPerQueue) {
  fill(queue_, 3'200);
  Consumer consumer(*client_, {.group = "g", .pulls_per_queue_max = 8});
  // The first answers are held back: the pulls behind them must be sent all the same.
  broker_.inject(RequestCode::kPullMessage,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 1}, 1);
  broker_.inject(RequestCode::kPullMessage,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 300}, 8);
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  EXPECT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kPullMessage) == 9; }));
  expect_messages(consumer, 3'200);
}

TEST_F(ConsumerTest, APauseFollowsAnEmptyPull) {
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 1, .pause_when_empty_ms = 50});
  const SystemClock clock;
  const std::int64_t begun_ms = clock.now_ms();
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  ASSERT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kPullMessage) >= 5; }));
  EXPECT_GE(clock.now_ms() - begun_ms, 190);
  fill(queue_, 100);
  expect_messages(consumer, 100);
}

TEST_F(ConsumerTest, FaultsOnTheWayLoseAndRepeatNothing) {
  fill(queue_, 2'000);
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 200, .call_timeout_ms = 300});
  for (int round = 0; round < 4; ++round) {
    broker_.inject(RequestCode::kPullMessage, fault(Fault::Kind::kDropBefore));
    broker_.inject(RequestCode::kPullMessage,
                   fault(Fault::Kind::kCode, response_code::kSystemBusy, "[OVERLOAD]"), 3);
    broker_.inject(RequestCode::kPullMessage,
                   {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 20}, 3);
    broker_.inject(RequestCode::kPullMessage, fault(Fault::Kind::kDropAfter));
    broker_.inject(RequestCode::kPullMessage,
                   fault(Fault::Kind::kCode, response_code::kServiceNotAvailable));
  }
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  expect_messages(consumer, 2'000);
}

TEST_F(ConsumerTest, AnOutageIsShownAndOvercome) {
  fill(queue_, 100);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  expect_messages(consumer, 100);
  broker_.set_brokers_up(false);
  ASSERT_TRUE(wait_until([&] { return !only(consumer).trouble.empty(); }));
  EXPECT_TRUE(consumer.poll().ok());
  fill(queue_, 50, 100);
  broker_.set_brokers_up(true);
  expect_messages(consumer, 50, 100);
  EXPECT_TRUE(wait_until([&] { return only(consumer).trouble.empty(); }));
}

TEST_F(ConsumerTest, ATagFilterGivesMatchingMessagesAndMovesOverTheRest) {
  for (int i = 0; i < 100; ++i)
    broker_.append(queue_, std::to_string(i),
                   i % 10 == 0 ? "TAGS\x01"
                                 "a\x02"
                               : "TAGS\x01"
                                 "b\x02");
  Consumer consumer(*client_, {.group = "g", .tags = "a || c"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  std::vector<std::string> bodies;
  while (bodies.size() < 10) {
    const auto messages = consumer.receive(120'000);
    ASSERT_TRUE(messages.ok());
    for (const auto& message : *messages) bodies.push_back(message.body);
  }
  EXPECT_EQ(bodies.back(), "90");
  // The long poll sleeps through what does not match; asking for a proof looks again.
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  broker_.append(queue_, "x",
                 "TAGS\x01"
                 "b\x02");
  ASSERT_TRUE(wait_until([&] {
    consumer.renew_proofs();
    static_cast<void>(consumer.receive(10));
    return only(consumer).position == 101;
  }));
}

TEST_F(ConsumerTest, EmptinessIsProvenByANewerRequest) {
  fill(queue_, 10);
  Consumer consumer(*client_, {.group = "g"});
  std::atomic<int> wakes{0};
  consumer.set_wake([&] { ++wakes; });
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  expect_messages(consumer, 10);
  ASSERT_TRUE(wait_until([&] { return only(consumer).proven_empty_ms >= 0; }));
  EXPECT_GT(wakes, 0);
  const std::int64_t first_ms = only(consumer).proven_empty_ms;
  ASSERT_TRUE(wait_until([&] {
    consumer.renew_proofs();
    return only(consumer).proven_empty_ms > first_ms;
  }));
  broker_.append(queue_, "10");
  expect_messages(consumer, 1, 10);
  ASSERT_TRUE(wait_until([&] {
    consumer.renew_proofs();
    return only(consumer).position == 11 && only(consumer).proven_empty_ms > first_ms;
  }));
}

TEST_F(ConsumerTest, OffsetsOutOfRangeFollowThePolicy) {
  fill(queue_, 100);
  broker_.expire(queue_, 50);
  Consumer failing(*client_, {.group = "g"});
  ASSERT_TRUE(failing.assign(queue_, StartPosition::offset(3)).ok());
  const auto failed = failing.poll_wait(120'000);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kOutOfRange);
  for (const char* part : {"T/broker-a/0", "offset 3", "[50, 100]"}) {
    EXPECT_NE(failed.error().message.find(part), std::string::npos) << failed.error().message;
  }
  EXPECT_FALSE(failing.poll().ok());
  const auto first = [&](OffsetOutOfRange policy, std::int64_t offset) {
    Consumer consumer(*client_, {.group = "g", .out_of_range = policy});
    EXPECT_TRUE(consumer.assign(queue_, StartPosition::offset(offset)).ok());
    EXPECT_TRUE(wait_until(
        [&] { return consumer.out_of_range_count() == 1 && only(consumer).position != offset; }));
    return only(consumer).position;
  };
  EXPECT_EQ(first(OffsetOutOfRange::kEarliest, 3), 50);
  EXPECT_EQ(first(OffsetOutOfRange::kEarliest, 500), 50);
  EXPECT_EQ(first(OffsetOutOfRange::kLatest, 3), 100);
  EXPECT_EQ(first(OffsetOutOfRange::kNearest, 3), 50);
  EXPECT_EQ(first(OffsetOutOfRange::kNearest, 500), 100);
}

TEST_F(ConsumerTest, AnOperatorsResetInsideTheRangeIsIgnored) {
  fill(queue_, 100);
  broker_.inject(RequestCode::kPullMessage,
                 fault(Fault::Kind::kCodeAfter, response_code::kPullOffsetMoved));
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  expect_messages(consumer, 100);
  EXPECT_EQ(consumer.out_of_range_count(), 0U);
}

TEST_F(ConsumerTest, PermanentRefusalsEndTheReading) {
  broker_.inject(RequestCode::kPullMessage,
                 fault(Fault::Kind::kCode, response_code::kSubscriptionGroupNotExist, "no group"));
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  const auto failed = consumer.poll_wait(120'000);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("no group"), std::string::npos);
  Consumer nameless(*client_, {});
  EXPECT_EQ(nameless.poll().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ConsumerTest, MemoryIsBoundedAndPollingMakesRoom) {
  const std::string body(1'000, 'x');
  for (std::int32_t id = 0; id < 4; ++id) {
    for (int i = 0; i < 1'000; ++i) broker_.append({"T", "broker-a", id}, body);
  }
  constexpr std::size_t kBytesMax = 300'000;
  Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = kBytesMax});
  for (std::int32_t id = 0; id < 4; ++id)
    ASSERT_TRUE(consumer.assign({"T", "broker-a", id}, StartPosition::offset(0)).ok());
  std::size_t seen = 0;
  while (seen < 4'000) {
    const auto messages = consumer.receive(120'000);
    ASSERT_TRUE(messages.ok());
    ASSERT_FALSE(messages->empty()) << seen;
    seen += messages->size();
  }
  EXPECT_EQ(seen, 4'000U);
}

TEST_F(ConsumerTest, AFullConsumerStopsPulling) {
  const std::string body(1'000, 'x');
  for (int i = 0; i < 4'000; ++i) broker_.append(queue_, body);
  Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = 200'000});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  // Whatever the order of answers, the count of pulls comes to rest far below the 125 of the whole
  // queue.
  std::size_t before = 0;
  ASSERT_TRUE(wait_until([&] {
    const std::size_t now = broker_.requests_seen(RequestCode::kPullMessage);
    const bool rests = now > 3 && now == before;
    before = now;
    return rests;
  }));
  EXPECT_LT(broker_.requests_seen(RequestCode::kPullMessage), 20U);
}

TEST_F(ConsumerTest, WithoutSharedMemoryLeftOneRequestGoesOn) {
  const std::string body(1'000, 'x');
  for (int i = 0; i < 2'000; ++i) broker_.append(queue_, body);
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> most{0};
  {
    Consumer consumer(
        *client_,
        {.group = "g",
         .messages_per_pull_max = 32,
         .memory = {
             .reserve =
                 [&](std::size_t bytes, bool must) {
                   if (!must) return false;
                   held += static_cast<std::int64_t>(bytes);
                   most = std::max(most.load(), held.load());
                   return true;
                 },
             .release = [&](std::size_t bytes) { held -= static_cast<std::int64_t>(bytes); }}});
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
    for (std::size_t seen = 0; seen < 1'000;) {
      const auto messages = consumer.receive(120'000);
      ASSERT_TRUE(messages.ok());
      ASSERT_FALSE(messages->empty()) << seen;
      seen += messages->size();
    }
  }
  EXPECT_GT(most, 0);
  EXPECT_LT(most, 200'000) << "one pull and what it brought";
  EXPECT_EQ(held, 0) << "given back with half of the queue unread";
}

TEST_F(ConsumerTest, ALongPollDoesNotHoldABusyQueueBackWithoutSharedMemory) {
  const std::string body(1'000, 'x');
  for (int i = 0; i < 1'000; ++i) broker_.append(queue_, body);
  Consumer consumer(*client_, {.group = "g",
                               .messages_per_pull_max = 32,
                               .suspend_ms = 300'000,
                               .call_timeout_ms = 400'000,
                               .memory = {.reserve = [](std::size_t, bool must) { return must; },
                                          .release = [](std::size_t) {}}});
  for (std::int32_t id = 0; id < 4; ++id) {
    const MessageQueue empty{"T", "broker-a", id};
    if (empty == queue_) continue;
    ASSERT_TRUE(consumer.assign(empty, StartPosition::offset(0)).ok());
  }
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 3; }));
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t seen = 0; seen < 1'000;) {
    const auto messages = consumer.receive(120'000);
    ASSERT_TRUE(messages.ok());
    seen += messages->size();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(200))
      << "one long poll takes 300 s";
}

// Two queues with 2,000 messages of 1,000 bytes each and room for 400 of them.
class PreferenceTest : public ConsumerTest {
 protected:
  static constexpr std::size_t kMessages = 2'000;
  static constexpr std::size_t kBytesMax = 400'000;

  void SetUp() override {
    ConsumerTest::SetUp();
    const std::string body(1'000, 'x');
    for (std::size_t i = 0; i < kMessages; ++i) {
      broker_.append(low_, body);
      broker_.append(high_, body);
    }
  }
  void read(Consumer& consumer) {
    ASSERT_TRUE(consumer.assign(high_, StartPosition::offset(0)).ok());
    ASSERT_TRUE(consumer.assign(low_, StartPosition::offset(0)).ok());
  }
  // No pull was sent for a while: the consumer is full, or has everything.
  void settle(std::int64_t calm_ms = 3) {
    const SystemClock clock;
    std::size_t seen = 0;
    std::int64_t since_ms = 0;
    ASSERT_TRUE(wait_until([&] {
      const std::size_t now = broker_.requests_seen(RequestCode::kPullMessage);
      if (std::exchange(seen, now) != now) since_ms = clock.now_ms();
      return now > 0 && clock.now_ms() - since_ms > calm_ms;
    }));
  }
  // The queue whose frame a slow reader gets next; nothing when there is none.
  std::optional<MessageQueue> next(Consumer& consumer) {
    settle();
    const auto frame = consumer.poll_wait(120'000);
    EXPECT_TRUE(frame.ok() && frame->has_value());
    if (!frame.ok() || !frame->has_value()) return std::nullopt;
    position_[*(*frame)->queue] = (*frame)->next_offset;
    return *(*frame)->queue;
  }

  const MessageQueue low_ = queue_;
  const MessageQueue high_{"T", "broker-a", 1};
  std::map<MessageQueue, std::int64_t> position_;
};

TEST_F(PreferenceTest, ItsFramesComeFirstAndItGetsTheRoom) {
  Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = kBytesMax});
  read(consumer);
  consumer.set_read_order(std::vector{low_, high_});
  while (position_[low_] < 1'500) ASSERT_TRUE(next(consumer).has_value());
  EXPECT_LE(position_[high_], 400) << "what was received before the order was told";
  consumer.set_read_order(std::vector{high_, low_});
  const std::int64_t low_then = position_[low_];
  while (position_[high_] < 1'500) ASSERT_TRUE(next(consumer).has_value());
  EXPECT_LE(position_[low_], low_then + 400);
}

TEST_F(PreferenceTest, WithoutAnOrderNoneWaits) {
  Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = kBytesMax});
  read(consumer);
  consumer.set_read_order(std::vector{low_, high_});
  consumer.set_read_order({});
  while (position_[low_] < 1'500) ASSERT_TRUE(next(consumer).has_value());
  EXPECT_GT(position_[high_], 750);
}

TEST_F(PreferenceTest, WithoutSharedMemoryItGetsTheOneRequest) {
  Consumer consumer(*client_, {.group = "g",
                               .messages_per_pull_max = 32,
                               .suspend_ms = 300'000,
                               .call_timeout_ms = 400'000,
                               .memory = {.reserve = [](std::size_t, bool must) { return must; },
                                          .release = [](std::size_t) {}}});
  read(consumer);
  consumer.set_read_order(std::vector{low_, high_});
  while (position_[low_] < 1'500) ASSERT_TRUE(next(consumer).has_value());
  EXPECT_LE(position_[high_], 64);
}

TEST_F(PreferenceTest, APreferredQueueWithoutMessagesStopsNobody) {
  const MessageQueue empty{"T", "broker-a", 2};
  Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = kBytesMax});
  ASSERT_TRUE(consumer.assign(empty, StartPosition::offset(0)).ok());
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  read(consumer);
  consumer.set_read_order(std::vector{empty, low_, high_});
  while (position_[low_] < static_cast<std::int64_t>(kMessages) ||
         position_[high_] < static_cast<std::int64_t>(kMessages))
    ASSERT_TRUE(next(consumer).has_value());
  // The last pulls of a queue that is read find its end.
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 3; }));
  broker_.append(empty, "late");
  EXPECT_EQ(next(consumer), empty);
}

// More pulls are under way for the queue that follows than half of the room could hold.
TEST_F(PreferenceTest, BesideAnIdlePreferredQueueTheRoomIsUsed) {
  const MessageQueue empty{"T", "broker-a", 2};
  const auto received = [&](std::vector<MessageQueue> order) {
    Consumer consumer(*client_, {.group = "g", .bytes_in_flight_max = kBytesMax});
    EXPECT_TRUE(consumer.assign(empty, StartPosition::offset(0)).ok());
    EXPECT_TRUE(wait_until([&] { return broker_.parked_pulls() > 0; }));
    consumer.set_read_order(order);
    EXPECT_TRUE(consumer.assign(high_, StartPosition::offset(0)).ok());
    consumer.set_read_order(order);
    settle(100);
    std::size_t bytes = 0;
    while (true) {
      const auto frame = consumer.poll();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) return bytes;
      bytes += (*frame)->records.size();
    }
  };
  EXPECT_GT(received({empty, high_}), kBytesMax * 3 / 4);
}

// Each pull is answered 20 ms after it was asked, with two messages at most.
class DistanceTest : public ::testing::Test {
 protected:
  static constexpr int kMessages = 6'000;
  static constexpr std::int64_t kDelayMs = 20;

  void SetUp() override {
    broker_.create_topic("T", 1);
    auto connected = Client::connect({.name_servers = broker_.name_server()});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
    append(kMessages);
    broker_.disturb([this](RequestCode code) { return answer_late(code); });
  }
  void TearDown() override { broker_.disturb({}); }

  void append(int count) {
    for (int i = 0; i < count; ++i) broker_.append(queue_, body_);
  }
  std::optional<Fault> answer_late(RequestCode code) {
    if (code != RequestCode::kPullMessage) return std::nullopt;
    if (answers_left_ == 0) {
      ++unanswered_;
      return Fault{.kind = Fault::Kind::kSilence};
    }
    if (answers_left_ > 0) --answers_left_;
    const std::int64_t now_ms = clock_.now_ms();
    sent_ms_.push_back(now_ms);
    while (now_ms - sent_ms_.front() >= kDelayMs) sent_ms_.pop_front();
    // What is left in it cannot have been answered yet.
    under_way_max_ = std::max(under_way_max_.load(), static_cast<int>(sent_ms_.size()));
    return Fault{.kind = Fault::Kind::kDelay, .delay_ms = kDelayMs};
  }
  void read(Consumer& consumer, int count) const {
    for (int seen = 0; seen < count;) {
      const auto messages = consumer.receive(120'000);
      ASSERT_TRUE(messages.ok()) << messages.status().to_string();
      ASSERT_FALSE(messages->empty()) << seen;
      seen += static_cast<int>(messages->size());
    }
  }

  const MessageQueue queue_{"T", "broker-a", 0};
  const std::string body_ = std::string(1'000, 'x');
  const SystemClock clock_;
  std::deque<std::int64_t> sent_ms_;   // of pulls; the broker's thread
  std::atomic<int> under_way_max_{0};  // at least so many at once
  std::atomic<int> answers_left_{-1};  // below 0: all are answered
  std::atomic<int> unanswered_{0};
  ScriptedBroker broker_{{.pull_count_max = 2}};
  std::unique_ptr<Client> client_;
};

TEST_F(DistanceTest, MorePullsAreUnderWayUntilTheEndOfTheQueueAndThenOneLongPoll) {
  Consumer consumer(*client_, {.group = "g", .messages_per_pull_max = 2});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  read(consumer, kMessages);
  // On a machine that was busy with something else the distance was not what limited.
  for (int tries = 0; tries < 50 && under_way_max_ < 32; ++tries) {
    consumer.unassign(queue_);
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
    read(consumer, kMessages);
  }
  EXPECT_GE(under_way_max_, 32);
  EXPECT_LE(under_way_max_, 128);
  // Those of tries before are answered in the end.
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));

  // A backlog: its first pull tells how long it is, and of those behind it none is answered.
  consumer.pause(queue_);
  append(1);
  read(consumer, 1);
  append(200);
  answers_left_ = 1;
  consumer.resume(queue_);
  ASSERT_TRUE(wait_until([&] { return unanswered_ >= 8; }));
  ASSERT_TRUE(Admin(*client_).max_offset(queue_).ok());
  EXPECT_EQ(unanswered_, 8) << "as many as at the beginning";
}

TEST_F(DistanceTest, AFixedNumberOfPullsStays) {
  Consumer consumer(*client_,
                    {.group = "g", .pulls_per_queue_max = 12, .messages_per_pull_max = 2});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  read(consumer, kMessages / 6);
  EXPECT_LE(under_way_max_, 12);
  answers_left_ = 0;
  EXPECT_TRUE(wait_until([&] { return unanswered_ == 12; }));
}

// Each pull reserves 4 KiB at least.
TEST_F(DistanceTest, PullsUnderWayStayWithinTheMemory) {
  constexpr std::int64_t kPullsMax = 20;
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> most{0};
  Consumer consumer(
      *client_,
      {.group = "g",
       .messages_per_pull_max = 2,
       .bytes_in_flight_max = kPullsMax * 4'096,
       .memory = {
           .reserve =
               [&](std::size_t bytes, bool) {
                 held += static_cast<std::int64_t>(bytes);
                 most = std::max(most.load(), held.load());
                 return true;
               },
           .release = [&](std::size_t bytes) { held -= static_cast<std::int64_t>(bytes); }}});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  read(consumer, kMessages / 3);
  EXPECT_LE(under_way_max_, kPullsMax);
  EXPECT_GT(most, 0);
  EXPECT_LE(most, (kPullsMax + 1) * 4'096);
}

TEST_F(ConsumerTest, UnassignDropsFramesAndAssignBeginsAnew) {
  fill(queue_, 100);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest(), 5).ok());
  EXPECT_EQ(consumer.assign(queue_, StartPosition::earliest()).error().code,
            ErrorCode::kAlreadyExists);
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  consumer.unassign(queue_);
  EXPECT_FALSE(consumer.poll()->has_value());
  EXPECT_TRUE(consumer.progress().empty());
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(20), 6).ok());
  const auto frame = consumer.poll_wait(120'000);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->tag, 6U);
  EXPECT_EQ((*frame)->begin_offset, 20);
}

TEST_F(ConsumerTest, APausedQueueGivesNothingNew) {
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 1});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(0)).ok());
  consumer.pause(queue_);
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 0; }));
  fill(queue_, 10);
  consumer.resume(queue_);
  expect_messages(consumer, 10);
}

// Finding 17.
TEST_F(ConsumerTest, AQueueThatLeftItsTopicIsProvenEmptyUntilItIsBack) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("its topic") != std::string_view::npos) lines.emplace_back(text);
  });
  const MessageQueue last{"T", "broker-a", 1};
  broker_.append(last, "0");
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 100});
  ASSERT_TRUE(consumer.assign(last, StartPosition::earliest()).ok());
  ASSERT_TRUE(consumer.poll_wait(20'000)->has_value());
  broker_.append(last, "1");
  ASSERT_TRUE(wait_until([&] { return consumer.progress().front().max_offset == 2; }));
  broker_.shrink_topic("T", 1);
  broker_.append(last, "2");
  const SystemClock clock;
  ASSERT_TRUE(wait_until([&] { return consumer.progress().front().left_topic; }));
  EXPECT_LT(consumer.progress().front().proven_empty_ms, 0) << "1 was received and not polled";
  ASSERT_TRUE(consumer.poll_wait(20'000)->has_value());
  EXPECT_EQ(consumer.progress().front().position, 2);
  for (int i = 0; i < 2; ++i) {
    const std::int64_t now_ms = clock.now_ms();
    EXPECT_TRUE(wait_until([&] {
      consumer.renew_proofs();
      return consumer.progress().front().proven_empty_ms >= now_ms;
    }));
  }
  const std::size_t pulls = broker_.requests_seen(RequestCode::kPullMessage);
  EXPECT_FALSE(consumer.poll_wait(200)->has_value());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kPullMessage), pulls) << "it is not pulled";
  broker_.create_topic("T", 2);
  const auto back = consumer.poll_wait(20'000);
  ASSERT_TRUE(back.ok());
  ASSERT_TRUE(back->has_value());
  EXPECT_EQ((*back)->begin_offset, 2) << "read on from where it was";
  EXPECT_FALSE(consumer.progress().front().left_topic);
  set_log_sink({});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("T/broker-a/1 has left its topic"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("is back"), std::string::npos) << lines[1];
}

TEST_F(ConsumerTest, QueuesOfADeletedTopicLeaveItWhereTheyMay) {
  fill(queue_, 2);
  Consumer failing(*client_, {.group = "g", .suspend_ms = 100, .topic_deleted_ms = 200});
  Consumer consumer(*client_, {.group = "g",
                               .suspend_ms = 100,
                               .out_of_range = OffsetOutOfRange::kEarliest,
                               .topic_deleted_ms = 200,
                               .deleted_topics_leave = true});
  for (Consumer* each : {&failing, &consumer}) {
    ASSERT_TRUE(each->assign(queue_, StartPosition::earliest()).ok());
    expect_messages(*each, 2);
  }
  ASSERT_TRUE(Admin(*client_).delete_topic("T").ok());
  const SystemClock clock;
  const std::int64_t deleted_ms = clock.now_ms();
  ASSERT_TRUE(wait_until([&] { return consumer.progress().front().topic_deleted; }));
  EXPECT_TRUE(consumer.progress().front().left_topic);
  EXPECT_TRUE(wait_until([&] {
    consumer.renew_proofs();
    return consumer.progress().front().proven_empty_ms >= deleted_ms;
  }));
  EXPECT_TRUE(wait_until([&] { return !failing.poll().ok(); }));
  EXPECT_EQ(failing.poll().status().error().code, ErrorCode::kNotFound);
  broker_.create_topic("T", 2);
  broker_.append(queue_, "anew");
  const auto back = consumer.poll_wait(20'000);
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  ASSERT_TRUE(back->has_value());
  EXPECT_EQ((*back)->begin_offset, 0) << "made anew, its offsets begin anew";
  EXPECT_FALSE(consumer.progress().front().left_topic);
  EXPECT_FALSE(consumer.progress().front().topic_deleted);
}

class ATopicThatIsBack : public ConsumerTest {
 protected:
  void SetUp() override {
    ConsumerTest::SetUp();
    consumer_ =
        std::make_unique<Consumer>(*client_, ConsumerOptions{.group = "g", .suspend_ms = 100});
    broker_.append(queue_, "0", {}, 1'000);
    broker_.append(queue_, "1", {}, 2'000);
    ASSERT_TRUE(consumer_->assign(queue_, StartPosition::earliest()).ok());
    expect_messages(*consumer_, 2);
  }
  // With these store times; the reader has seen that it was gone.
  void comes_back(const std::vector<std::int64_t>& store_times, std::int64_t min_offset = 0) {
    ASSERT_TRUE(Admin(*client_).delete_topic("T").ok());
    ASSERT_TRUE(wait_until([&] {
      return only(*consumer_).trouble.find("does not exist") != std::string::npos;
    })) << only(*consumer_).trouble;
    broker_.set_brokers_up(false);
    broker_.create_topic("T", 4);
    for (std::size_t i = 0; i < store_times.size(); ++i)
      broker_.append(queue_, std::to_string(i), {}, store_times[i]);
    if (min_offset > 0) broker_.expire(queue_, min_offset);
    broker_.set_brokers_up(true);
  }
  std::unique_ptr<Consumer> consumer_;
};

TEST_F(ATopicThatIsBack, IsReadFromItsFirstMessageWhenItIsAnotherOne) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("made anew") != std::string_view::npos) lines.emplace_back(text);
  });
  comes_back({3'000, 3'000, 3'000, 3'000});
  expect_messages(*consumer_, 4);
  comes_back({4'000});  // fewer than were read
  expect_messages(*consumer_, 1);
  comes_back({});
  ASSERT_TRUE(wait_until([&] { return lines.size() == 3; }));
  broker_.append(queue_, "0", {}, 5'000);
  expect_messages(*consumer_, 1);
  EXPECT_EQ(only(*consumer_).position, 1);
  set_log_sink({});
  EXPECT_NE(lines[0].find("T/broker-a/0, read up to offset 2"), std::string::npos) << lines[0];
}

TEST_F(ATopicThatIsBack, IsReadOnWhenItIsTheSame) {
  comes_back({1'000, 2'000, 3'000});
  expect_messages(*consumer_, 1, 2);
  comes_back({1'000, 2'000, 3'000, 4'000}, 1);
  expect_messages(*consumer_, 1, 3);
  comes_back({1'000, 2'000, 3'500, 4'500, 5'500});  // it lost its end and was written on
  expect_messages(*consumer_, 1, 4);
}

// Finding 23.
TEST_F(ConsumerTest, BrokersListItAsAMemberOfItsGroup) {
  std::atomic<bool> written{true};
  {
    Consumer consumer(*client_, {.group = "g", .tags = "a || b"});
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
    ASSERT_TRUE(wait_until([&] { return !broker_.last_heartbeat().empty(); }));
    for (const char* part : {R"("groupName":"g")", R"("topic":"T")", R"("subString":"a || b")"}) {
      EXPECT_NE(broker_.last_heartbeat().find(part), std::string::npos)
          << part << " in " << broker_.last_heartbeat();
    }
    ASSERT_TRUE(consumer.assign({"T", "broker-a", 1}, StartPosition::earliest()).ok());
    // A connection that is made again tells the broker again, long before the next heartbeat.
    const std::size_t seen = broker_.requests_seen(RequestCode::kHeartbeat);
    broker_.set_brokers_up(false);
    broker_.set_brokers_up(true);
    ASSERT_TRUE(wait_until([&] {
      if (written.exchange(false))
        consumer.commit({{queue_, 0}}, [&](const Status&) { written = true; });
      return broker_.requests_seen(RequestCode::kHeartbeat) > seen;
    }));
    EXPECT_EQ(broker_.requests_seen(RequestCode::kUnregisterClient), 0U);
  }
  EXPECT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kUnregisterClient) == 1; }));
  const std::size_t seen = broker_.requests_seen(RequestCode::kHeartbeat);
  Consumer silent(*client_, {.group = "g", .member = false});
  ASSERT_TRUE(silent.assign(queue_, StartPosition::earliest()).ok());
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  EXPECT_EQ(broker_.requests_seen(RequestCode::kHeartbeat), seen);
}

// A group that was read a moment ago would look as if it still had a member, and could not be reset.
TEST_F(ConsumerTest, BrokersKnowWhoHasLeftWhenTheClientIsClosed) {
  const SystemClock clock;
  for (int tries = 1;; ++tries) {
    auto client = Client::connect({.name_servers = broker_.name_server()});
    ASSERT_TRUE(client.ok());
    const std::size_t begun = broker_.requests_seen(RequestCode::kHeartbeat);
    const std::size_t left = broker_.requests_seen(RequestCode::kUnregisterClient);
    broker_.inject(RequestCode::kHeartbeat, {.kind = Fault::Kind::kDelay, .delay_ms = 100});
    {
      Consumer consumer(**client, {.group = "g"});
      ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
      ASSERT_TRUE(
          wait_until([&] { return broker_.requests_seen(RequestCode::kHeartbeat) > begun; }));
    }
    const std::int64_t begin_ms = clock.now_ms();
    (*client)->close();
    // On a busy machine the second that closing waits may be too short.
    if (clock.now_ms() - begin_ms >= 1'000 && tries < 10) continue;
    EXPECT_EQ(broker_.requests_seen(RequestCode::kUnregisterClient), left + 1);
    return;
  }
}

// Brokers take requests of one client in any order.
TEST_F(ConsumerTest, AGroupThatIsJoinedAgainIsSignedOffBefore) {
  const auto begin = [&](Consumer& consumer) {
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  };
  {
    Consumer consumer(*client_, {.group = "g"});
    begin(consumer);
    ASSERT_TRUE(wait_until([&] { return broker_.members("g").size() == 1; }));
    broker_.inject(RequestCode::kUnregisterClient, {.kind = Fault::Kind::kLate, .delay_ms = 100});
  }
  // The answer to the heartbeat is waited for before.
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kUnregisterClient) == 1; }));
  std::atomic<std::size_t> known{99};  // when the group is announced again
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code == RequestCode::kHeartbeat && known == 99) known = broker_.members("g").size();
    return std::nullopt;
  });
  Consumer consumer(*client_, {.group = "g"});
  begin(consumer);
  ASSERT_TRUE(wait_until([&] { return known != 99; }));
  EXPECT_EQ(known, 0U) << "the sign-off was handled before";
  EXPECT_TRUE(wait_until([&] { return broker_.members("g").size() == 1; }));
  broker_.disturb({});
}

TEST_F(ConsumerTest, AQuotaOfCallsLeavesRoomForTheSignOff) {
  const SystemClock clock;
  for (int tries = 1;; ++tries) {
    auto client = Client::connect({.name_servers = broker_.name_server(), .calls_per_second = 100});
    ASSERT_TRUE(client.ok());
    const std::size_t left = broker_.requests_seen(RequestCode::kUnregisterClient);
    Consumer consumer(**client, {.group = "g"});
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
    ASSERT_TRUE(wait_until([&] { return broker_.members("g").size() == 1; }));
    ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() >= 1; }));
    Admin admin(**client);
    for (int i = 0; i < 10; ++i) admin.max_offset_async(queue_, [](const Result<std::int64_t>&) {});
    const std::int64_t begin_ms = clock.now_ms();
    (*client)->close();
    if (clock.now_ms() - begin_ms >= 1'000 && tries < 10) continue;  // a busy machine
    EXPECT_EQ(broker_.requests_seen(RequestCode::kUnregisterClient), left + 1);
    return;
  }
}

TEST_F(ConsumerTest, ABrokerThatIsSilentHoldsClosingUpForASecondAtMost) {
  auto client = Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 20'000});
  ASSERT_TRUE(client.ok());
  broker_.inject(RequestCode::kHeartbeat, {.kind = Fault::Kind::kSilence});
  {
    Consumer consumer(**client, {.group = "g"});
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
    ASSERT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kHeartbeat) == 1; }));
  }
  const SystemClock clock;
  const std::int64_t begin_ms = clock.now_ms();
  (*client)->close();
  const std::int64_t took_ms = clock.now_ms() - begin_ms;
  EXPECT_GE(took_ms, 900);
  EXPECT_LT(took_ms, 20'000) << "the call timeout";
}

TEST_F(ConsumerTest, GroupOffsetsAreWritten) {
  fill(queue_, 10);
  Consumer consumer(*client_, {.group = "g"});
  std::atomic<bool> done{false};
  consumer.commit({{queue_, 7}, {{"T", "broker-a", 1}, 3}},
                  [&](const Status& status) { done = status.ok(); });
  ASSERT_TRUE(wait_until([&] { return done.load(); }));
  EXPECT_EQ(broker_.group_offset("g", queue_), 7);
  EXPECT_EQ(broker_.group_offset("g", {"T", "broker-a", 1}), 3);
}

}  // namespace
}  // namespace slipstream::rocketmq
