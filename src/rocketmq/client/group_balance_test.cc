// Which queues a member has, where it begins in them and what it writes.
#include <atomic>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "rocketmq/client/group_member.h"
#include "rocketmq/testing/group_consumer_fixture.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::GroupConsumerTest;
using testing::ScriptedBroker;
using testing::Seen;

TEST_F(GroupConsumerTest, AQueueThatAnotherMemberLockedIsLeftAlone) {
  fill(1);
  broker_.set_lock_holder("g", {"T", "broker-a", 2}, "another");
  Seen seen;
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.rebalance_interval_ms = 20;
  how.lock_interval_ms = 20;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 3; }));
  EXPECT_EQ(of_topic(*consumer), 3U);
  broker_.set_lock_holder("g", {"T", "broker-a", 2}, "");
  ASSERT_TRUE(wait_until([&] { return seen.total() == 4; }));
  // A lock that is lost while held: nothing is consumed until it is ours again.
  broker_.set_lock_holder("g", {"T", "broker-a", 2}, "another");
  const std::size_t asked = broker_.requests_seen(RequestCode::kLockQueues);
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kLockQueues) > asked + 2; }));
  broker_.append({"T", "broker-a", 2}, "after");
  broker_.append({"T", "broker-a", 1}, "elsewhere");
  ASSERT_TRUE(wait_until([&] { return seen.times("elsewhere") == 1; }));
  EXPECT_EQ(seen.times("after"), 0);
  broker_.set_lock_holder("g", {"T", "broker-a", 2}, "");
  EXPECT_TRUE(wait_until([&] { return seen.times("after") == 1; }));
}

TEST_F(GroupConsumerTest, ALockWhoseRenewalFailsIsHeldOn) {
  Seen seen;
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.lock_interval_ms = 20;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  broker_.disturb([](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kLockQueues) return std::nullopt;
    return Fault{
        .kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no locks now"};
  });
  const std::size_t asked = broker_.requests_seen(RequestCode::kLockQueues);
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kLockQueues) > asked + 2; }));
  fill(1);
  EXPECT_TRUE(wait_until([&] { return seen.total() == 4; }));
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, TheAgeOfALockCountsFromItsRequest) {
  fill(1);
  std::atomic<int> calls{0};
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.lock_interval_ms = 20;
  broker_.disturb([](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kLockQueues) return std::nullopt;
    return Fault{.kind = Fault::Kind::kDelay, .delay_ms = 200};
  });
  const auto member = std::make_shared<internal::GroupMember>(
      *client_, how,
      [&](Delivery&) {
        ++calls;
        return ConsumeResult::kSuccess;
      },
      150);
  ASSERT_TRUE(member->start().ok());
  ASSERT_TRUE(wait_until([&] { return member->assigned().size() >= 4; }));
  const std::size_t asked = broker_.requests_seen(RequestCode::kLockQueues);
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kLockQueues) > asked + 2; }));
  EXPECT_EQ(calls, 0) << "each confirmation was too old when it came";
  broker_.disturb({});
  EXPECT_TRUE(wait_until([&] { return calls == 4; }));
  member->close();
}

TEST_F(GroupConsumerTest, AQueueWhoseOffsetIsNotKnownIsUnlocked) {
  broker_.disturb([](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kQueryConsumerOffset) return std::nullopt;
    return Fault{.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"};
  });
  GroupConsumerOptions how = options();
  how.orderly = true;
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  EXPECT_TRUE(wait_until([&] {
    return broker_.requests_seen(RequestCode::kUnlockQueues) > 0 &&
           broker_.lock_holder("g", {"T", "broker-a", 0}).empty();
  }));
  EXPECT_TRUE(consumer->assigned().empty());
  broker_.disturb({});
  EXPECT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
}

TEST_F(GroupConsumerTest, BeginsWhereItIsTold) {
  broker_.append({"T", "broker-a", 0}, "old", {}, 1'000);
  broker_.append({"T", "broker-a", 0}, "newer", {}, 2'000);
  const auto first_body = [&](const std::string& group, StartPosition from) {
    Seen seen;
    GroupConsumerOptions how = options();
    how.group = group;
    how.from = from;
    auto consumer = start(*client_, how, [&](Delivery& delivery) {
      seen.add(delivery);
      return ConsumeResult::kSuccess;
    });
    EXPECT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
    const std::string last = "last for " + group;
    broker_.append({"T", "broker-a", 0}, last);
    EXPECT_TRUE(wait_until([&] { return seen.times(last) == 1; }));
    return std::pair(seen.times("old"), seen.times("newer"));
  };
  EXPECT_EQ(first_body("latest", StartPosition::latest()), std::pair(0, 0));
  EXPECT_EQ(first_body("time", StartPosition::timestamp(1'500)), std::pair(0, 1));
  EXPECT_EQ(first_body("earliest", StartPosition::earliest()), std::pair(1, 1));
}

TEST_F(GroupConsumerTest, LatestIsWrittenBeforeAnythingIsRead) {
  fill(3);
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  how.commit_interval_ms = 3'600'000;
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  for (int id = 0; id < 4; ++id) EXPECT_EQ(broker_.group_offset("g", {"T", "broker-a", id}), 3);
}

TEST_F(GroupConsumerTest, AQueueWhoseFirstOffsetIsNotWrittenIsNotRead) {
  fill(1);
  std::atomic<bool> refuse{true};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kUpdateConsumerOffset || !refuse) return std::nullopt;
    return Fault{.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"};
  });
  Seen seen;
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until(
      [&] { return broker_.last_field(RequestCode::kUpdateConsumerOffset, "topic") == "T"; }));
  EXPECT_EQ(of_topic(*consumer), 0U);
  fill(1);
  refuse = false;
  ASSERT_TRUE(wait_until([&] { return seen.total() == 4; })) << "what came since the beginning";
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, WhatComesIntoANewQueueIsRead) {
  fill(3);
  Seen seen;
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  how.rebalance_interval_ms = 20;
  const auto listener = [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  };
  auto client = Client::connect({.name_servers = broker_.name_server(),
                                 .connect_timeout_ms = 500,
                                 .call_timeout_ms = 500,
                                 .route_refresh_ms = 100});
  ASSERT_TRUE(client.ok());
  auto consumer = start(**client, how, listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  broker_.create_topic("T", 5);
  broker_.append({"T", "broker-a", 4}, "while it runs");
  EXPECT_TRUE(wait_until([&] { return seen.times("while it runs") == 1; }));
  consumer.reset();
  broker_.create_topic("T", 6);
  broker_.append({"T", "broker-a", 5}, "while nobody does");
  consumer = start(**client, how, listener);
  EXPECT_TRUE(wait_until([&] { return seen.times("while nobody does") == 1; }));
  EXPECT_EQ(seen.total(), 2);
}

TEST_F(GroupConsumerTest, LatestOfOneTopicOutlastsAnotherTopic) {
  broker_.create_topic("U", 1);
  fill(1);
  std::atomic<bool> refuse{true};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kUpdateConsumerOffset || !refuse ||
        broker_.last_field(code, "topic") != "T")
      return std::nullopt;
    return Fault{.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"};
  });
  Seen seen;
  GroupConsumerOptions how = options();
  how.subscriptions.push_back({.topic = "U"});
  how.from = StartPosition::latest();
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", {"U", "broker-a", 0}) == 0; }));
  EXPECT_EQ(of_topic(*consumer), 0U);
  fill(1);
  refuse = false;
  ASSERT_TRUE(wait_until([&] { return seen.total() == 4; })) << "what came since the beginning";
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, LatestIsWrittenForOtherMembersToo) {
  fill(3);
  broker_.add_member("g", "!java");  // has the first two
  std::atomic<bool> refuse{true};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kUpdateConsumerOffset || !refuse ||
        broker_.last_field(code, "topic") != "T" || broker_.last_field(code, "queueId") != "0")
      return std::nullopt;
    return Fault{.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"};
  });
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  how.rebalance_interval_ms = 20;
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 2; }));
  refuse = false;
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 3; }));
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, WhatAnotherMemberWroteMeanwhileStays) {
  fill(3);
  const MessageQueue queue{"T", "broker-a", 0};
  std::atomic<bool> write{true};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code == RequestCode::kMaxOffset && write.exchange(false))
      broker_.set_group_offset("g", queue, 2);
    return std::nullopt;
  });
  Seen seen;
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  EXPECT_TRUE(wait_until([&] { return seen.times("0-2") == 1; }));
  EXPECT_EQ(seen.total(), 1);
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, AMemberThatBeginsHasTimeToWriteLatest) {
  fill(3);
  broker_.set_group_offset("g", {"T", "broker-a", 0}, 3);
  Seen seen;
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  how.rebalance_interval_ms = 20;
  const SystemClock clock;
  const std::int64_t begun_ms = clock.now_ms();
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 1; }));
  ASSERT_TRUE(wait_until([&] { return clock.now_ms() - begun_ms > 1'500; }));
  for (int id = 1; id < 4; ++id) broker_.set_group_offset("g", {"T", "broker-a", id}, 3);
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  fill(1);
  ASSERT_TRUE(wait_until([&] { return seen.distinct() == 4; }));
  EXPECT_EQ(seen.total(), 4);
}

TEST_F(GroupConsumerTest, ASilentBrokerIsAskedOnceInARoundWhereReadingBegins) {
  Mutex mutex;
  std::vector<std::string> asked;
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kMinOffset || broker_.last_field(code, "topic") != "T")
      return std::nullopt;
    MutexLock lock(mutex);
    asked.push_back(broker_.last_field(code, "queueId"));
    return Fault{.kind = Fault::Kind::kSilence};
  });
  auto client = Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 300});
  ASSERT_TRUE(client.ok());
  auto consumer = start(**client, options(), [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] {
    MutexLock lock(mutex);
    return asked.size() >= 2;
  }));
  consumer->close();
  broker_.disturb({});
  EXPECT_EQ(asked[0], "0");
  EXPECT_EQ(asked[1], "0") << "in the next round";
}

TEST_F(GroupConsumerTest, ABroadcastingMembersLatestIsKeptAtOnce) {
  TemporaryFolder folder;
  fill(3);
  GroupConsumerOptions how = options();
  how.from = StartPosition::latest();
  how.broadcasting = true;
  how.offset_file = folder.path() + "/offsets";
  how.commit_interval_ms = 3'600'000;
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  const auto kept = internal::read_offset_file(how.offset_file);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->size(), 4U);
  for (const auto& [queue, offset] : *kept) EXPECT_EQ(offset, 3) << queue.to_string();
}

TEST_F(GroupConsumerTest, AnOperatorsResetIsFollowed) {
  fill(10);
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 40; }));
  broker_.reset_members("g", {"T", "broker-a", 1}, 4);
  ASSERT_TRUE(wait_until([&] { return seen.total() == 46; }));
  EXPECT_EQ(seen.times("1-4"), 2);
  EXPECT_EQ(seen.times("1-3"), 1);
}

TEST_F(GroupConsumerTest, AResetWaitsForTheListener) {
  fill(10);
  Seen seen;
  const MessageQueue queue{"T", "broker-a", 1};
  std::atomic<int> running{0};
  std::atomic<int> running_max{0};
  std::atomic<bool> open{false};
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    if (delivery.messages[0].body != "1-5") return ConsumeResult::kSuccess;
    running_max = std::max(running_max.load(), ++running);
    EXPECT_TRUE(wait_until([&] { return open.load(); }));
    --running;
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 40; }));
  broker_.reset_members("g", queue, 4);
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 3; }));
  // Offsets are written again and again meanwhile.
  for (int i = 11; i < 14; ++i) {
    broker_.append({"T", "broker-a", 2}, "more-" + std::to_string(i));
    ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 2}) == i; }));
  }
  open = true;
  ASSERT_TRUE(wait_until([&] { return seen.total() == 49; }));
  EXPECT_EQ(running_max, 1);
  EXPECT_EQ(seen.times("1-5"), 2);
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 10; }));
}

TEST_F(GroupConsumerTest, AResetThatCannotBeWrittenIsTriedAgain) {
  fill(10);
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  const MessageQueue queue{"T", "broker-a", 1};
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 10; }));
  broker_.inject(RequestCode::kUpdateConsumerOffset,
                 {.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"},
                 20);
  broker_.reset_members("g", queue, 4);
  ASSERT_TRUE(wait_until([&] { return seen.total() == 46; }));
}

TEST_F(GroupConsumerTest, AResetThatWasAnsweredIsKeptWhenClosing) {
  fill(10);
  const MessageQueue queue{"T", "broker-a", 1};
  GroupConsumerOptions how = options();
  how.rebalance_interval_ms = 20;
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 10; }));
  consumer->suspend();
  // Who balances is held up meanwhile.
  std::atomic<int> held{0};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kConsumerListByGroup) return std::nullopt;
    ++held;
    return Fault{.kind = Fault::Kind::kDelay, .delay_ms = 300};
  });
  ASSERT_TRUE(wait_until([&] { return held > 0; }));
  broker_.reset_members("g", queue, 4);  // told before the list is answered
  consumer->close();
  EXPECT_EQ(broker_.group_offset("g", queue), 4);
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, AQueueThatBecomesFreeWhileOthersAreGivenUpIsTakenOver) {
  broker_.create_topic("U", 4);
  const MessageQueue queue{"T", "broker-a", 3};
  std::atomic<bool> open{false};
  std::atomic<int> calls{0};
  GroupConsumerOptions how = options();
  how.subscriptions.push_back({.topic = "U"});
  how.rebalance_interval_ms = 3'600'000;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    if (delivery.queue != queue) return ConsumeResult::kSuccess;
    ++calls;
    EXPECT_TRUE(wait_until([&] { return open.load(); }));
    return ConsumeResult::kSuccess;
  });
  // With those of the other topic and of the retry topic.
  ASSERT_TRUE(wait_until([&] { return consumer->assigned().size() == 9; }));
  broker_.append(queue, "x");
  ASSERT_TRUE(wait_until([&] { return calls == 1; }));
  broker_.reset_members("g", queue, 0);
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 3; })) << "it waits for the listener";
  // The last topic's turn begins.
  std::atomic<int> asked{0};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kConsumerListByGroup || ++asked != 3) return std::nullopt;
    return Fault{.kind = Fault::Kind::kDelay, .delay_ms = 300};
  });
  broker_.add_member("g", "!java");  // gets the first half
  ASSERT_TRUE(wait_until([&] { return asked == 3; }));
  open = true;
  EXPECT_TRUE(wait_until([&] { return calls == 2; }));
  EXPECT_EQ(of_topic(*consumer), 2U);
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, WritesOfOneQueueKeepTheirOrder) {
  const MessageQueue queue{"T", "broker-a", 0};
  auto consumer = start(*client_, options(), [](Delivery&) { return ConsumeResult::kSuccess; });
  broker_.append(queue, "1");
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 1; }));
  const SystemClock clock;
  std::atomic<std::int64_t> late_ms{0};
  broker_.disturb([&](RequestCode code) -> std::optional<Fault> {
    if (code != RequestCode::kUpdateConsumerOffset || late_ms != 0 ||
        broker_.last_field(code, "commitOffset") != "2")
      return std::nullopt;
    late_ms = clock.now_ms() + 300;
    return Fault{.kind = Fault::Kind::kLate, .delay_ms = 300};
  });
  broker_.append(queue, "2");
  ASSERT_TRUE(wait_until([&] { return late_ms != 0; }));
  broker_.append(queue, "3");
  ASSERT_TRUE(wait_until([&] { return clock.now_ms() > late_ms + 100; }));
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 3; }));
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, ALockIsRenewedWhileTheListenerFinishes) {
  const MessageQueue queue{"T", "broker-a", 0};
  broker_.append(queue, "x");
  std::atomic<bool> called{false};
  std::atomic<bool> open{false};
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.lock_interval_ms = 20;
  auto consumer = start(*client_, how, [&](Delivery&) {
    called = true;
    EXPECT_TRUE(wait_until([&] { return open.load(); }));
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return called.load(); }));
  broker_.add_member("g", "!java");
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 2; }));
  broker_.set_lock_holder("g", queue, "");  // as when the broker forgets it after a minute
  EXPECT_TRUE(wait_until([&] { return !broker_.lock_holder("g", queue).empty(); }));
  open = true;
  EXPECT_TRUE(wait_until([&] { return broker_.lock_holder("g", queue).empty(); }));
  EXPECT_EQ(broker_.group_offset("g", queue), 1);
}

TEST_F(GroupConsumerTest, ABroadcastingMembersResetStaysHere) {
  TemporaryFolder folder;
  fill(10);
  Seen seen;
  GroupConsumerOptions how = options();
  how.broadcasting = true;
  how.offset_file = folder.path() + "/offsets";
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 40; }));
  broker_.reset_members("g", {"T", "broker-a", 1}, 4);
  ASSERT_TRUE(wait_until([&] { return seen.total() == 46; }));
  EXPECT_EQ(broker_.requests_seen(RequestCode::kUpdateConsumerOffset), 0U);
}

TEST_F(GroupConsumerTest, ClosingWritesWhereBrokersTakeIt) {
  ScriptedBroker brokers({.brokers = {"broker-a", "broker-b"}});
  brokers.create_topic("T", 2);
  auto connected = Client::connect({.name_servers = brokers.name_server()});
  ASSERT_TRUE(connected.ok());
  brokers.inject(RequestCode::kUpdateConsumerOffset,
                 {.kind = Fault::Kind::kCode,
                  .code = response_code::kSystemError,
                  .remark = "no",
                  .broker = "broker-a"},
                 100);
  std::atomic<int> calls{0};
  GroupConsumerOptions how = options();
  how.commit_interval_ms = 3'600'000;
  auto consumer = start(**connected, how, [&](Delivery&) {
    ++calls;
    return ConsumeResult::kSuccess;
  });
  for (const char* broker : {"broker-a", "broker-b"}) {
    for (int id = 0; id < 2; ++id) brokers.append({"T", broker, id}, "x");
  }
  ASSERT_TRUE(wait_until([&] { return calls == 4; }));
  consumer->close();
  for (int id = 0; id < 2; ++id) {
    EXPECT_EQ(brokers.group_offset("g", {"T", "broker-a", id}), -1);
    EXPECT_EQ(brokers.group_offset("g", {"T", "broker-b", id}), 1);
  }
}

TEST_F(GroupConsumerTest, ATopicThatFailedIsTakenOverSoon) {
  Seen seen;
  GroupConsumerOptions how = options();
  how.rebalance_interval_ms = 3'600'000;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  // With the retry topic's.
  ASSERT_TRUE(
      wait_until([&] { return consumer->assigned().size() == 5 && broker_.parked_pulls() >= 5; }));
  broker_.inject(RequestCode::kPullMessage, {.kind = Fault::Kind::kCode,
                                             .code = response_code::kSubscriptionParseFailed,
                                             .remark = "no"});
  const std::size_t asked = broker_.requests_seen(RequestCode::kQueryConsumerOffset);
  broker_.append({"T", "broker-a", 0}, "0");
  // Taking over begins with the question where the group stands.
  ASSERT_TRUE(wait_until(
      [&] { return broker_.requests_seen(RequestCode::kQueryConsumerOffset) >= asked + 4; }));
  EXPECT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  for (int i = 1; i < 4; ++i) broker_.append({"T", "broker-a", i}, std::to_string(i));
  EXPECT_TRUE(wait_until([&] { return seen.distinct() == 4; }));
}

}  // namespace
}  // namespace slipstream::rocketmq
