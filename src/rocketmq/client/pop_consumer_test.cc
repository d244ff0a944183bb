#include "slipstream/rocketmq/pop_consumer.h"

#include <limits>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/testing/wait_until.h"
#include "rocketmq/client/pop_decoder.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/testing/group_consumer_fixture.h"
#include "rocketmq/testing/pop_table.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::PopTable;
using testing::ScriptedBroker;

constexpr std::int64_t kInvisibleMs = 60'000;

class PopConsumerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 2);
    client_ = testing::connect_member(broker_);
  }
  static PopOptions options() {
    return {.group = "g",
            .topic = "T",
            .invisible_ms = kInvisibleMs,
            .from = StartPosition::earliest()};
  }
  std::unique_ptr<PopConsumer> create(PopOptions options) {
    auto created = PopConsumer::create(*client_, std::move(options));
    EXPECT_TRUE(created.ok()) << (created.ok() ? "" : created.error().to_string());
    return created.ok() ? std::move(*created) : nullptr;
  }
  void fill(const MessageQueue& queue, int count) {
    for (int i = 0; i < count; ++i) broker_.append(queue, std::to_string(i));
  }
  void append_batch(const MessageQueue& queue, std::initializer_list<const char*> bodies) {
    BatchEncoder batch;
    for (const char* each : bodies) EXPECT_TRUE(batch.add(each, "").ok());
    const std::string body = batch.take();
    broker_.append_stored(queue, {.body = body,
                                  .properties = {},
                                  .sys_flag = sys_flag::kNeedUnwrap | sys_flag::kInnerBatch,
                                  .batch_count = static_cast<std::int64_t>(bodies.size())});
  }
  // Each topic that is asked for, in this order: whether it stores batches.
  void set_kinds(std::initializer_list<bool> batches) {
    std::deque<std::string> answers;
    for (const bool each : batches) {
      answers.push_back(std::string(R"({"topicName":"T","attributes":{"queue.type":")") +
                        (each ? "BatchCQ" : "SimpleCQ") + R"("}})");
    }
    broker_.set_answers(RequestCode::kTopicConfig, answers);
  }
  static std::vector<std::string> bodies(const std::vector<PoppedMessage>& messages) {
    std::vector<std::string> all;
    for (const PoppedMessage& each : messages) all.push_back(each.message.body);
    return all;
  }
  // Polls until there were so many.
  static std::vector<PoppedMessage> poll(PopConsumer& consumer, std::size_t count) {
    std::vector<PoppedMessage> got;
    EXPECT_TRUE(wait_until([&] {
      const auto popped = consumer.poll(1'000);
      EXPECT_TRUE(popped.ok()) << (popped.ok() ? "" : popped.error().to_string());
      if (popped.ok()) got.insert(got.end(), popped->begin(), popped->end());
      return !popped.ok() || got.size() >= count;
    }));
    EXPECT_EQ(got.size(), count);
    return got;
  }
  // The first failure of poll().
  static Error failure(PopConsumer& consumer) {
    Error error;
    EXPECT_TRUE(wait_until([&] {
      const auto popped = consumer.poll(1'000);
      if (!popped.ok()) error = popped.error();
      return !popped.ok();
    }));
    return error;
  }
  static std::vector<PopHandle> handles(const std::vector<PoppedMessage>& messages) {
    std::vector<PopHandle> all;
    for (const PoppedMessage& each : messages) all.push_back(each.handle);
    return all;
  }
  void set(const std::function<void(PopTable::Settings&)>& change) {
    broker_.with_pops([&](PopTable& pops) { change(pops.settings()); });
  }
  void advance_ms(std::int64_t by_ms) {
    broker_.with_pops([&](PopTable& pops) { pops.advance_ms(by_ms); });
  }
  std::size_t in_flight() const {
    std::size_t count = 0;
    broker_.with_pops([&](PopTable& pops) { count = pops.in_flight(); });
    return count;
  }
  std::size_t parked() const {
    std::size_t count = 0;
    broker_.with_pops([&](PopTable& pops) { count = pops.parked(); });
    return count;
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  const MessageQueue first_{"T", "broker-a", 0};
  const MessageQueue second_{"T", "broker-a", 1};
  const MessageQueue other_{"T", "broker-b", 0};
  std::unique_ptr<Client> client_;
};

TEST(PopHandleTest, TimesOfABrokerThatAreTooLargeTogetherEndAtTheLastOne) {
  PopCheckPoint check_point;
  check_point.pop_ms = std::numeric_limits<std::int64_t>::max() - 1;
  check_point.invisible_ms = kInvisibleMs;
  EXPECT_EQ(internal::handle_of(check_point, "T", "g").invisible_until_ms,
            std::numeric_limits<std::int64_t>::max());
}

TEST_F(PopConsumerTest, WhatIsAcknowledgedDoesNotComeAgain) {
  fill(first_, 3);
  fill(second_, 2);
  fill(other_, 4);
  auto consumer = create(options());
  const auto popped = poll(*consumer, 9);
  std::map<MessageQueue, std::set<std::int64_t>> offsets;
  for (const PoppedMessage& each : popped) {
    EXPECT_EQ(each.message.topic, "T");
    EXPECT_EQ(each.message.queue(), each.handle.queue);
    EXPECT_EQ(each.message.body, std::to_string(each.handle.offset));
    EXPECT_EQ(each.handle.reconsume_times, 0);
    EXPECT_EQ(each.handle.invisible_until_ms, each.handle.first_pop_ms + kInvisibleMs);
    offsets[each.handle.queue].insert(each.handle.offset);
  }
  EXPECT_EQ(offsets[first_].size(), 3U);
  EXPECT_EQ(offsets[second_].size(), 2U);
  EXPECT_EQ(offsets[other_].size(), 4U);
  EXPECT_EQ(in_flight(), 9U);
  for (const PoppedMessage& each : popped) EXPECT_TRUE(consumer->ack(each.handle).ok());
  EXPECT_EQ(in_flight(), 0U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kAckMessage), 9U);
  advance_ms(kInvisibleMs);
  EXPECT_TRUE(consumer->poll(50)->empty());
}

TEST_F(PopConsumerTest, WhatIsNotAcknowledgedComesAgainAfterItsTime) {
  for (const bool v2 : {false, true}) {
    for (const bool own_topic : {false, true}) {
      set([&](PopTable::Settings& settings) {
        settings.retry_topic_v2 = v2;
        settings.own_retry_topic = own_topic;
      });
      fill(first_, 1);
      auto consumer = create(options());
      const PopHandle before = poll(*consumer, 1)[0].handle;
      advance_ms(kInvisibleMs - 1'000);
      EXPECT_TRUE(consumer->poll(20)->empty());
      advance_ms(2'000);
      const PoppedMessage again = poll(*consumer, 1)[0];
      EXPECT_EQ(again.message.topic, "T");
      EXPECT_EQ(again.message.body, "0");
      EXPECT_EQ(again.message.reconsume_times, 1);
      EXPECT_EQ(again.handle.reconsume_times, 1);
      EXPECT_EQ(again.handle.first_pop_ms, before.first_pop_ms);
      EXPECT_EQ(again.handle.queue.topic, v2 ? "%RETRY%g+T" : "%RETRY%g_T");
      EXPECT_TRUE(consumer->ack(before).ok()) << "too late: it does nothing";
      EXPECT_EQ(in_flight(), 1U);
      EXPECT_TRUE(consumer->ack(again.handle).ok());
      EXPECT_EQ(in_flight(), 0U);
      consumer.reset();
      client_ = testing::connect_member(broker_);
      // What is still under way would get the next message.
      ASSERT_TRUE(wait_until([&] { return parked() == 0; }));
    }
  }
}

TEST_F(PopConsumerTest, AChangedTimeCountsFromNowAndGivesANewHandle) {
  fill(first_, 2);
  auto consumer = create(options());
  const auto popped = poll(*consumer, 2);
  advance_ms(kInvisibleMs / 2);
  const auto changed = consumer->change_invisible(popped[1].handle, 2 * kInvisibleMs);
  ASSERT_TRUE(changed.ok()) << changed.error().to_string();
  EXPECT_NE(changed->check_point, popped[1].handle.check_point);
  EXPECT_EQ(changed->offset, popped[1].handle.offset);
  EXPECT_GT(changed->invisible_until_ms, popped[1].handle.invisible_until_ms + kInvisibleMs);
  advance_ms(kInvisibleMs);
  EXPECT_EQ(poll(*consumer, 1)[0].message.body, popped[0].message.body);
  EXPECT_EQ(consumer->change_invisible(popped[1].handle, 1).error().code, ErrorCode::kNotFound)
      << "the old handle does not count any more";
  ASSERT_TRUE(consumer->ack(*changed).ok());
  EXPECT_EQ(in_flight(), 1U);
  // At once.
  fill(second_, 1);
  const PopHandle soon = poll(*consumer, 1)[0].handle;
  ASSERT_TRUE(consumer->change_invisible(soon, 0).ok());
  EXPECT_EQ(poll(*consumer, 1)[0].handle.reconsume_times, 1);
  EXPECT_EQ(consumer->change_invisible(soon, -1).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PopConsumerTest, ManyAreAcknowledgedWithOneRequestToEachBroker) {
  fill(first_, 20);
  fill(second_, 5);
  fill(other_, 7);
  auto consumer = create(options());
  std::vector<PopHandle> all = handles(poll(*consumer, 32));
  all.push_back({.check_point = "none"});
  const std::vector<Status> statuses = consumer->ack(all);
  ASSERT_EQ(statuses.size(), 33U);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_TRUE(statuses[i].ok());
  EXPECT_EQ(statuses[32].error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(in_flight(), 0U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kBatchAckMessage), 2U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kAckMessage), 0U);
  EXPECT_TRUE(consumer->ack(std::span<const PopHandle>()).empty());
}

TEST_F(PopConsumerTest, BrokersWithoutBatchesGetSingleOnes) {
  set([](PopTable::Settings& settings) { settings.batch_acks = false; });
  auto consumer = create(options());
  for (int round = 0; round < 2; ++round) {
    fill(first_, 3);
    for (const Status& each : consumer->ack(handles(poll(*consumer, 3)))) EXPECT_TRUE(each.ok());
    EXPECT_EQ(in_flight(), 0U);
  }
  EXPECT_EQ(broker_.requests_seen(RequestCode::kBatchAckMessage), 1U) << "asked once";
  EXPECT_EQ(broker_.requests_seen(RequestCode::kAckMessage), 6U);
}

TEST_F(PopConsumerTest, ALostAnswerToAnAcknowledgementIsAskedForAgain) {
  fill(first_, 1);
  auto consumer = create(options());
  const PopHandle handle = poll(*consumer, 1)[0].handle;
  broker_.inject(RequestCode::kAckMessage, {.kind = Fault::Kind::kDropAfter});
  EXPECT_TRUE(consumer->ack(handle).ok());
  EXPECT_EQ(in_flight(), 0U);
  broker_.expire(first_, 1);
  fill(first_, 1);
  broker_.expire(first_, 2);
  EXPECT_EQ(consumer->ack(handle).error().code, ErrorCode::kNotFound);
}

TEST_F(PopConsumerTest, HandlesOfTheHeaderAreThoseOfTheBroker) {
  fill(first_, 3);
  auto consumer = create(options());
  poll(*consumer, 3);
  fill(first_, 3);
  fill(second_, 2);
  std::set<std::string> ours;
  for (const PopHandle& each : handles(poll(*consumer, 5))) ours.insert(each.check_point);
  std::set<std::string> theirs;
  broker_.with_pops([&](PopTable& pops) {
    for (const std::string& each : pops.check_points()) theirs.insert(each);
  });
  EXPECT_EQ(theirs.size(), 8U);
  for (const std::string& each : ours) EXPECT_TRUE(theirs.contains(each)) << each;
}

TEST_F(PopConsumerTest, ABrokerMayGoAndComeBack) {
  auto consumer = create(options());
  ASSERT_TRUE(consumer->poll(0)->empty());
  ASSERT_TRUE(wait_until([&] { return parked() == 2; }));
  broker_.set_brokers_up(false);
  EXPECT_TRUE(consumer->poll(50)->empty());
  broker_.set_brokers_up(true);
  fill(first_, 2);
  const auto popped = poll(*consumer, 2);
  for (const Status& each : consumer->ack(handles(popped))) EXPECT_TRUE(each.ok());
  EXPECT_EQ(in_flight(), 0U);
}

TEST_F(PopConsumerTest, ABrokerThatComesLaterIsAskedToo) {
  broker_.set_registered("broker-b", false);
  auto consumer = create(options());
  ASSERT_TRUE(consumer->poll(0)->empty());
  ASSERT_TRUE(wait_until([&] { return parked() == 1; }));
  broker_.set_registered("broker-b", true);
  fill(other_, 1);
  EXPECT_EQ(poll(*consumer, 1)[0].handle.queue, other_);
}

TEST_F(PopConsumerTest, BusyAndEmptyBrokersAreAskedAgain) {
  for (const std::int32_t code : {209, 210, 19, 20, 21, 2, 17}) {
    broker_.inject(RequestCode::kPopMessage, {.kind = Fault::Kind::kCode, .code = code});
  }
  broker_.inject(RequestCode::kPopMessage, {.kind = Fault::Kind::kDropBefore});
  fill(first_, 1);
  auto consumer = create(options());
  poll(*consumer, 1);
}

TEST_F(PopConsumerTest, NothingMoreIsPoppedThanIsAskedFor) {
  fill(first_, 40);
  PopOptions how = options();
  how.batch_max = 10;
  auto consumer = create(how);
  EXPECT_EQ(in_flight(), 0U);
  for (std::size_t polls = 1; polls <= 3; ++polls) {
    EXPECT_EQ(poll(*consumer, 10).size(), 10U);
    EXPECT_EQ(in_flight(), 10 * polls);
  }
  // One pop that waits at each broker, whoever polls.
  EXPECT_EQ(broker_.last_field(RequestCode::kPopMessage, "queueId"), "-1");
  EXPECT_LE(parked(), 1U);
}

TEST_F(PopConsumerTest, OldBrokersAreRefusedWithTheirVersion) {
  set([](PopTable::Settings& settings) { settings.old_broker = true; });
  auto consumer = create(options());
  const Error error = failure(*consumer);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("is RocketMQ 4.9.7"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("5.0"), std::string::npos) << error.message;
  EXPECT_EQ(consumer->poll(0).error().message, error.message) << "it stays so";
}

TEST_F(PopConsumerTest, RefusalsAreFailures) {
  broker_.inject(RequestCode::kPopMessage,
                 {.kind = Fault::Kind::kCode, .code = 26, .remark = "no such group"}, 2);
  auto consumer = create(options());
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kNotFound);
  broker_.inject(RequestCode::kPopMessage, {.kind = Fault::Kind::kCode, .code = 23}, 2);
  consumer = create(options());
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kInvalidArgument);
}

TEST_F(PopConsumerTest, DamagedAnswersAreRefusedAndTheirMessagesComeAgain) {
  fill(first_, 2);
  set([](PopTable::Settings& settings) {
    settings.change = [](Command& popped) {
      FrameHeader header;
      header.code = popped.header.code;
      header.opaque = popped.header.opaque;
      header.flag = popped.header.flag;
      for (std::size_t i = 0; i < popped.header.ext.size(); ++i) {
        const std::string_view key = popped.header.ext.key(i);
        header.ext.add(key, key == "msgOffsetInfo" ? "0 0 1" : popped.header.ext.value(i));
      }
      popped.header = header;
    };
  });
  auto consumer = create(options());
  EXPECT_EQ(poll(*consumer, 1)[0].handle.offset, 1);
  const Error unlisted = failure(*consumer);
  EXPECT_EQ(unlisted.code, ErrorCode::kCorrupt);
  EXPECT_NE(unlisted.message.find("does not list offset 0"), std::string::npos) << unlisted.message;
  set([](PopTable::Settings& settings) {
    settings.change = [](Command& popped) { popped.body.resize(popped.body.size() - 1); };
  });
  advance_ms(kInvisibleMs);
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kCorrupt);
  set([](PopTable::Settings& settings) {
    settings.change = [](Command& popped) { popped.header.ext = {}; };
  });
  advance_ms(kInvisibleMs);
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kCorrupt);
  set([](PopTable::Settings& settings) { settings.change = {}; });
  advance_ms(kInvisibleMs);
  poll(*consumer, 2);
}

TEST_F(PopConsumerTest, ADamagedMessageIsOneError) {
  fill(first_, 3);
  broker_.damage_body(first_, 1);
  auto consumer = create(options());
  const auto popped = poll(*consumer, 2);
  EXPECT_EQ(popped[0].message.body, "0");
  EXPECT_EQ(popped[1].message.body, "2");
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kCorrupt);
  EXPECT_TRUE(consumer->poll(0).ok());
}

TEST_F(PopConsumerTest, TagsWithTheSameHashAreToldApart) {
  broker_.append(first_, "wanted",
                 "TAGS\x01"
                 "Aa\x02");
  broker_.append(first_, "not wanted",
                 "TAGS\x01"
                 "BB\x02");
  broker_.append(first_, "filtered by the broker",
                 "TAGS\x01"
                 "CC\x02");
  PopOptions how = options();
  how.tags = "Aa";
  auto consumer = create(how);
  EXPECT_EQ(poll(*consumer, 1)[0].message.body, "wanted");
  EXPECT_TRUE(wait_until([&] { return in_flight() == 1; })) << "the other one is acknowledged";
}

TEST_F(PopConsumerTest, ABatchIsOneDelivery) {
  for (const bool own_topic : {false, true}) {
    set([&](PopTable::Settings& settings) { settings.own_retry_topic = own_topic; });
    set_kinds({true});
    append_batch(first_, {"a", "b", "c"});
    broker_.append(first_, "d");
    append_batch(first_, {"e", "f"});
    auto consumer = create(options());
    const auto popped = poll(*consumer, 6);
    EXPECT_EQ(bodies(popped), (std::vector<std::string>{"a", "b", "c", "d", "e", "f"}));
    for (std::size_t i = 0; i < popped.size(); ++i) {
      EXPECT_EQ(popped[i].handle.queue, first_);
      EXPECT_EQ(popped[i].handle.offset, popped[i].message.queue_offset);
    }
    EXPECT_EQ(in_flight(), 3U);
    EXPECT_TRUE(consumer->ack(popped[3].handle).ok());
    EXPECT_TRUE(consumer->ack(popped[2].handle).ok());
    EXPECT_TRUE(consumer->ack(popped[0].handle).ok());
    EXPECT_EQ(in_flight(), 2U) << "the batch has one that is open";
    EXPECT_TRUE(consumer->ack(popped[1].handle).ok());
    EXPECT_EQ(in_flight(), 1U);
    EXPECT_TRUE(consumer->ack(popped[4].handle).ok());
    advance_ms(kInvisibleMs);
    const auto again = poll(*consumer, 2);
    EXPECT_EQ(bodies(again), (std::vector<std::string>{"e", "f"})) << "whole";
    EXPECT_EQ(again[1].handle.reconsume_times, 1);
    EXPECT_EQ(again[1].handle.queue.topic, "%RETRY%g_T");
    // One invisible time for all of them; the handles of all go on to count.
    ASSERT_TRUE(consumer->change_invisible(again[0].handle, 3 * kInvisibleMs).ok());
    advance_ms(2 * kInvisibleMs);
    for (const Status& each : consumer->ack(handles(again))) EXPECT_TRUE(each.ok());
    EXPECT_EQ(in_flight(), 0U);
    consumer.reset();
    client_ = testing::connect_member(broker_);
    ASSERT_TRUE(wait_until([&] { return parked() == 0; }));
  }
}

TEST_F(PopConsumerTest, ABatchIsNoDeadLetterAndIsGivenBackOnce) {
  set_kinds({true});
  append_batch(first_, {"a", "b"});
  PopOptions how = options();
  how.reconsume_times_max = 0;
  auto consumer = create(how);
  poll(*consumer, 2);
  advance_ms(kInvisibleMs);
  EXPECT_EQ(poll(*consumer, 2)[0].handle.reconsume_times, 1);
  advance_ms(kInvisibleMs);
  ASSERT_TRUE(consumer->poll(0)->empty());
  ASSERT_TRUE(wait_until([&] { return in_flight() == 1; }));
  consumer->close();
  EXPECT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kChangeInvisibleTime) == 1; }));
}

TEST_F(PopConsumerTest, ADamagedBatchIsNeverAcknowledged) {
  set_kinds({true});
  append_batch(first_, {"a", "b"});
  const std::string body = [] {
    BatchEncoder batch;
    EXPECT_TRUE(batch.add("c", "").ok() && batch.add("d", "").ok());
    return batch.take();
  }();
  broker_.append_stored(first_, {.body = std::string_view(body).substr(0, body.size() - 1),
                                 .properties = {},
                                 .sys_flag = sys_flag::kNeedUnwrap | sys_flag::kInnerBatch,
                                 .batch_count = 2});
  auto consumer = create(options());
  const auto popped = poll(*consumer, 3);
  EXPECT_EQ(bodies(popped), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(failure(*consumer).code, ErrorCode::kCorrupt);
  for (const Status& each : consumer->ack(handles(popped))) EXPECT_TRUE(each.ok());
  EXPECT_EQ(in_flight(), 1U) << "what is behind its first message was not read";
}

// Brokers 5.5.0 try to store it in the retry topic until the end of time.
TEST_F(PopConsumerTest, BatchesThatWouldNotComeAgainAreRefused) {
  broker_.set_registered("broker-b", false);
  set_kinds({true, false});
  auto consumer = create(options());
  const Error error = failure(*consumer);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  for (const char* part : {"'T'", "'broker-a'", "'%RETRY%g_T'", "'%RETRY%g+T'", "BatchCQ"})
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  EXPECT_EQ(broker_.requests_seen(RequestCode::kTopicConfig), 3U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kPopMessage), 0U);
  set_kinds({true, false, true});
  consumer = create(options());
  fill(first_, 1);
  poll(*consumer, 1);
  set_kinds({false});
  consumer = create(options());
  fill(first_, 1);
  poll(*consumer, 1);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kTopicConfig), 7U);
}

TEST_F(PopConsumerTest, WhatWasGivenOftenEnoughIsADeadLetter) {
  fill(first_, 1);
  PopOptions how = options();
  how.reconsume_times_max = 1;
  auto consumer = create(how);
  poll(*consumer, 1);
  advance_ms(kInvisibleMs);
  EXPECT_EQ(poll(*consumer, 1)[0].handle.reconsume_times, 1);
  advance_ms(kInvisibleMs);
  EXPECT_TRUE(wait_until([&] {
    EXPECT_TRUE(consumer->poll(10)->empty());
    return broker_.max_offset({"%DLQ%g", "broker-a", 0}) == 1 && in_flight() == 0;
  }));
}

TEST_F(PopConsumerTest, ClosedItGivesNothingAndAcknowledgesStill) {
  fill(first_, 1);
  auto consumer = create(options());
  const PopHandle handle = poll(*consumer, 1)[0].handle;
  std::thread closing([&] {
    EXPECT_TRUE(wait_until([&] { return parked() == 2; }));
    consumer->close();
  });
  const auto closed = consumer->poll(600'000);
  closing.join();
  EXPECT_EQ(closed.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(consumer->poll(0).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(consumer->ack(handle).ok());
  EXPECT_EQ(in_flight(), 0U);
  consumer = create(options());
  std::thread ending([&] {
    EXPECT_TRUE(wait_until([&] { return parked() == 4; })) << "with those of the closed one";
    client_->close();
  });
  EXPECT_EQ(consumer->poll(600'000).error().code, ErrorCode::kCancelled);
  ending.join();
  EXPECT_EQ(consumer->ack(handle).error().code, ErrorCode::kCancelled);
}

TEST_F(PopConsumerTest, ClosedItGivesBackWhatNobodyPolled) {
  fill(first_, 1);
  auto closed = create(options());
  ASSERT_TRUE(closed->poll(0)->empty());
  ASSERT_TRUE(wait_until([&] { return in_flight() == 1 && parked() == 1; }));
  closed->close();
  advance_ms(0);
  // Whether its answer came before or after, and what its other request still brings.
  fill(other_, 1);
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kChangeInvisibleTime) == 2; }));
  auto consumer = create(options());
  for (const PoppedMessage& each : poll(*consumer, 2)) EXPECT_EQ(each.handle.reconsume_times, 1);
}

TEST_F(PopConsumerTest, SeveralThreadsPoll) {
  auto consumer = create(options());
  std::vector<std::thread> threads;
  std::atomic<int> got{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (true) {
        const auto popped = consumer->poll(60'000);
        if (!popped.ok()) return;
        for (const Status& each : consumer->ack(handles(*popped))) EXPECT_TRUE(each.ok());
        got += static_cast<int>(popped->size());
      }
    });
  }
  for (int i = 0; i < 200; ++i) broker_.append(i % 2 == 0 ? first_ : other_, std::to_string(i));
  EXPECT_TRUE(wait_until([&] { return got == 200; })) << got;
  consumer->close();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(in_flight(), 0U);
}

TEST_F(PopConsumerTest, WrongOptionsAreRefused) {
  const auto refused = [&](const std::function<void(PopOptions&)>& change) {
    PopOptions how = options();
    change(how);
    const auto created = PopConsumer::create(*client_, how);
    return !created.ok() && created.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](PopOptions& how) { how.group = ""; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.topic = "a b"; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.batch_max = 33; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.batch_max = 0; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.poll_ms = 30'001; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.invisible_ms = 0; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.reconsume_times_max = -1; }));
  EXPECT_TRUE(refused([](PopOptions& how) { how.from = StartPosition::offset(3); }));
}

class OrderedPopTest : public PopConsumerTest {
 protected:
  void SetUp() override {
    PopConsumerTest::SetUp();
    broker_.set_registered("broker-b", false);
  }
  static PopOptions options() {
    PopOptions ordered = PopConsumerTest::options();
    ordered.ordered = true;
    ordered.batch_max = 3;
    return ordered;
  }
  std::int64_t position(const MessageQueue& queue) const {
    std::int64_t found = -1;
    broker_.with_pops([&](PopTable& pops) { found = pops.position("g", queue); });
    return found;
  }
};

TEST_F(OrderedPopTest, AQueueGoesOnWhenAllThatWasGivenIsAcknowledged) {
  fill(first_, 5);
  auto one = create(options());
  auto other = create(options());
  const auto popped = poll(*one, 3);
  EXPECT_EQ(bodies(popped), (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(broker_.last_field(RequestCode::kPopMessage, "order"), "true");
  EXPECT_TRUE(other->poll(20)->empty());
  EXPECT_TRUE(one->ack(popped[0].handle).ok());
  EXPECT_TRUE(one->ack(popped[2].handle).ok());
  EXPECT_EQ(position(first_), 1);
  EXPECT_TRUE(other->poll(20)->empty());
  fill(second_, 1);
  EXPECT_EQ(poll(*other, 1)[0].handle.queue, second_) << "other queues go on";
  EXPECT_TRUE(one->ack(popped[1].handle).ok());
  EXPECT_EQ(position(first_), 3);
  const auto rest = poll(*other, 2);
  EXPECT_EQ(bodies(rest), (std::vector<std::string>{"3", "4"}));
  for (const Status& each : other->ack(handles(rest))) EXPECT_TRUE(each.ok());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kBatchAckMessage), 1U);
  EXPECT_EQ(position(first_), 5);
}

TEST_F(OrderedPopTest, WhatADeadMemberHadComesAgainFromTheFirstThatIsOpen) {
  fill(first_, 5);
  auto dead = create(options());
  const auto popped = poll(*dead, 3);
  EXPECT_TRUE(dead->ack(popped[0].handle).ok());
  EXPECT_TRUE(dead->ack(popped[2].handle).ok());
  dead.reset();
  auto consumer = create(options());
  EXPECT_TRUE(consumer->poll(20)->empty());
  advance_ms(kInvisibleMs);
  const auto again = poll(*consumer, 3);
  EXPECT_EQ(bodies(again), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(again[0].handle.reconsume_times, 1);
  EXPECT_EQ(again[0].message.reconsume_times, 1);
  EXPECT_EQ(again[1].handle.reconsume_times, 1) << "it was acknowledged behind one that is not";
  EXPECT_EQ(again[2].handle.reconsume_times, 0);
  EXPECT_TRUE(consumer->ack(popped[1].handle).ok()) << "too late: it does nothing";
  EXPECT_EQ(position(first_), 1);
}

TEST_F(OrderedPopTest, AChangedTimeHoldsTheQueueOrLetsItGo) {
  fill(first_, 2);
  auto consumer = create(options());
  const auto popped = poll(*consumer, 2);
  const auto longer = consumer->change_invisible(popped[0].handle, 2 * kInvisibleMs);
  ASSERT_TRUE(longer.ok()) << longer.error().to_string();
  EXPECT_GE(longer->invisible_until_ms, popped[0].handle.invisible_until_ms + kInvisibleMs);
  advance_ms(kInvisibleMs);
  EXPECT_TRUE(consumer->poll(20)->empty());
  ASSERT_TRUE(consumer->change_invisible(*longer, 0).ok());
  const auto again = poll(*consumer, 2);
  EXPECT_EQ(bodies(again), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(consumer->ack(again[0].handle).ok());
  EXPECT_EQ(consumer->change_invisible(again[0].handle, 0).error().code, ErrorCode::kNotFound);
}

TEST_F(OrderedPopTest, WhatALostAnswerHadIsGivenAtOnce) {
  fill(first_, 3);
  broker_.inject(RequestCode::kPopMessage, {.kind = Fault::Kind::kDropAfter});
  auto consumer = create(options());
  const auto popped = poll(*consumer, 3);
  EXPECT_EQ(popped[0].handle.reconsume_times, 0) << "nobody had it";
  const std::string attempt = broker_.last_field(RequestCode::kPopMessage, "attemptId");
  for (const Status& each : consumer->ack(handles(popped))) EXPECT_TRUE(each.ok());
  fill(first_, 1);
  poll(*consumer, 1);
  EXPECT_NE(broker_.last_field(RequestCode::kPopMessage, "attemptId"), attempt);
}

TEST_F(OrderedPopTest, WhatNobodyPolledIsGivenBack) {
  fill(first_, 3);
  auto closed = create(options());
  ASSERT_TRUE(closed->poll(0)->empty());
  ASSERT_TRUE(wait_until([&] { return position(first_) == 0; }));
  closed->close();
  auto consumer = create(options());
  EXPECT_EQ(bodies(poll(*consumer, 3)), (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(OrderedPopTest, WhatWasGivenOftenEnoughIsADeadLetterAndTheQueueGoesOn) {
  fill(first_, 2);
  PopOptions how = options();
  how.batch_max = 1;
  how.reconsume_times_max = 0;
  auto consumer = create(how);
  EXPECT_EQ(poll(*consumer, 1)[0].message.body, "0");
  advance_ms(kInvisibleMs);
  EXPECT_EQ(poll(*consumer, 1)[0].message.body, "1");
  EXPECT_EQ(broker_.max_offset({"%DLQ%g", "broker-a", 0}), 1);
}

TEST_F(OrderedPopTest, TopicsOfBatchesAreRefused) {
  set_kinds({true});
  auto consumer = create(options());
  const Error error = failure(*consumer);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("GroupConsumer"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace slipstream::rocketmq
