#include "slipstream/rocketmq/group_consumer.h"

#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/testing/no_threads.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "rocketmq/testing/group_consumer_fixture.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::GroupConsumerTest;
using testing::Seen;

TEST_F(GroupConsumerTest, AllMessagesComeAndOffsetsAreWritten) {
  fill(100);
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 400; }));
  for (int id = 0; id < 4; ++id) {
    EXPECT_TRUE(wait_until([&] {
      return broker_.group_offset("g", {"T", "broker-a", id}) == 100;
    }));
  }
  for (const char* part : {R"("consumeType":"CONSUME_PASSIVELY")", R"("topic":"%RETRY%g")",
                           R"("consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET")"})
    EXPECT_NE(broker_.last_heartbeat().find(part), std::string::npos) << part;
  // A second run begins where the first one ended.
  consumer.reset();
  broker_.append({"T", "broker-a", 1}, "new");
  Seen second;
  consumer = start(*client_, options(), [&](Delivery& delivery) {
    second.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return second.total() == 1; }));
  EXPECT_EQ(second.times("new"), 1);
}

TEST_F(GroupConsumerTest, MembersShareTheQueuesAndTakeOver) {
  Seen seen;
  const auto listener = [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  };
  const auto other_client = connect();
  auto one = start(*client_, options(), listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 4; }));
  auto two = start(*other_client, options(), listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 2 && of_topic(*two) == 2; }));
  fill(50);
  ASSERT_TRUE(wait_until([&] { return seen.distinct() == 200; }));
  EXPECT_EQ(seen.total(), 200) << "nothing came twice";
  two->close();
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 4; }));
  EXPECT_EQ(GroupConsumer::start(*client_, options(), listener).error().code,
            ErrorCode::kAlreadyExists);
}

// The place in the list decides, as for the Java client; this one's name begins with the host's.

TEST_F(GroupConsumerTest, AnotherClientsMemberGetsItsShare) {
  auto consumer = start(*client_, options(), [](Delivery&) { return ConsumeResult::kSuccess; });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  broker_.add_member("g", "!java");
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 2; }));
  EXPECT_EQ(consumer->assigned()[0].id + consumer->assigned()[1].id >= 1, true);
  std::set<std::int32_t> ids;
  for (const MessageQueue& queue : consumer->assigned()) {
    if (queue.topic == "T") ids.insert(queue.id);
  }
  EXPECT_EQ(ids, (std::set<std::int32_t>{2, 3}));
  broker_.remove_member("g", "!java");
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
}

TEST_F(GroupConsumerTest, WhatFailsComesAgainAndThenIsADeadLetter) {
  broker_.append({"T", "broker-a", 0}, "bad");
  broker_.append({"T", "broker-a", 0}, "good");
  Seen seen;
  GroupConsumerOptions how = options();
  how.reconsume_times_max = 2;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    EXPECT_EQ(delivery.messages[0].topic, "T") << "also when it comes from the retry topic";
    if (delivery.messages[0].body != "bad") return ConsumeResult::kSuccess;
    if (seen.times("bad") == 1) throw std::runtime_error("an exception means later");
    return ConsumeResult::kLater;
  });
  const MessageQueue dead{"%DLQ%g", "broker-a", 0};
  ASSERT_TRUE(wait_until([&] { return broker_.max_offset(dead) == 1; }));
  EXPECT_EQ(seen.times("bad"), 3) << "at first and twice again";
  EXPECT_EQ(seen.reconsumed("bad"), 2);
  EXPECT_EQ(seen.times("good"), 1);
  EXPECT_EQ(broker_.messages(dead)[0].body, "bad");
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 2; }));
  EXPECT_TRUE(wait_until([&] {
    return broker_.group_offset("g", {"%RETRY%g", "broker-a", 0}) == 2;
  }));
}

TEST_F(GroupConsumerTest, OnlyWhatCannotBeReadIsPassedOver) {
  for (int i = 0; i < 10; ++i) broker_.append({"T", "broker-a", 0}, std::to_string(i));
  broker_.damage_body({"T", "broker-a", 0}, 3);
  broker_.damage_body({"T", "broker-a", 0}, 7);
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 10; }));
  EXPECT_EQ(seen.total(), 8) << "nothing twice either";
  EXPECT_EQ(seen.times("3") + seen.times("7"), 0);
}

TEST_F(GroupConsumerTest, WhatWasDamagedOnTheWayIsReadAgain) {
  const MessageQueue queue{"T", "broker-a", 0};
  for (int i = 0; i < 10; ++i) broker_.append(queue, std::to_string(i));
  broker_.damage_body(queue, 3);
  before_pull(3, [&](int pull) {
    if (pull == 1) broker_.damage_body(queue, 3);  // whole again
  });
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 10; }));
  EXPECT_EQ(seen.total(), 10);
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, WhatIsDamagedBehindAMessagePassedOverIsReadAgainToo) {
  const MessageQueue queue{"T", "broker-a", 0};
  for (int i = 0; i < 10; ++i) broker_.append(queue, std::to_string(i));
  broker_.damage_body(queue, 3);
  before_pull(3, [&](int pull) {
    if (pull == 2) broker_.damage_body(queue, 7);
  });
  before_pull(7, [&](int pull) {
    if (pull == 1) broker_.damage_body(queue, 7);  // whole again
  });
  Seen seen;
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 10; }));
  EXPECT_EQ(seen.total(), 9) << "nothing twice either";
  EXPECT_EQ(seen.times("3"), 0);
  EXPECT_EQ(seen.times("7"), 1);
  broker_.disturb({});
}

TEST_F(GroupConsumerTest, APartOfABatchCanBeDone) {
  for (int i = 0; i < 4; ++i) broker_.append({"T", "broker-a", 0}, std::to_string(i));
  Seen seen;
  GroupConsumerOptions how = options();
  how.batch_max = 4;
  how.threads = 1;
  std::atomic<std::size_t> first_batch{0};
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    if (first_batch == 0 && delivery.queue.topic == "T") {
      first_batch = delivery.messages.size();
      delivery.done_count = 1;
    }
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 4; }));
  ASSERT_TRUE(
      wait_until([&] { return seen.total() == 4 + static_cast<int>(first_batch.load()) - 1; }));
  EXPECT_EQ(seen.times("0"), 1);
}

TEST_F(GroupConsumerTest, WithoutTheBrokerWhatFailedStaysUncommitted) {
  const MessageQueue queue{"T", "broker-a", 0};
  const MessageQueue other{"T", "broker-a", 1};
  broker_.append(queue, "x");
  broker_.inject(RequestCode::kConsumerSendBack,
                 {.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = "no"});
  std::atomic<int> calls{0};
  std::atomic<bool> open{false};
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    if (delivery.queue != queue) return ConsumeResult::kSuccess;
    if (++calls == 1) return ConsumeResult::kLater;
    EXPECT_TRUE(wait_until([&] { return open.load(); }));
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kConsumerSendBack) == 1; }));
  // All offsets are written together: between two of the other queue this one had its turn.
  for (int i = 1; i < 4; ++i) {
    broker_.append(other, "y");
    ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", other) == i; }));
  }
  EXPECT_LE(broker_.group_offset("g", queue), 0);
  ASSERT_TRUE(wait_until([&] { return calls == 2; })) << "it came again here";
  EXPECT_LE(broker_.group_offset("g", queue), 0);
  open = true;
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue) == 1; }));
}

TEST_F(GroupConsumerTest, BelowZeroTheDelayMeansADeadLetterAtOnce) {
  broker_.append({"T", "broker-a", 0}, "bad");
  std::atomic<int> calls{0};
  auto consumer = start(*client_, options(), [&](Delivery& delivery) {
    ++calls;
    delivery.delay_level = -1;
    return ConsumeResult::kLater;
  });
  const MessageQueue dead{"%DLQ%g", "broker-a", 0};
  ASSERT_TRUE(wait_until([&] { return broker_.max_offset(dead) == 1; }));
  EXPECT_EQ(broker_.messages(dead)[0].body, "bad");
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 1; }));
  EXPECT_EQ(broker_.max_offset({"%RETRY%g", "broker-a", 0}), 0);
  EXPECT_EQ(calls, 1);
}

TEST_F(GroupConsumerTest, OrderlyAFailedMessageWaits) {
  for (const char* body : {"one", "two"}) broker_.append({"T", "broker-a", 0}, body);
  const SystemClock clock;
  std::map<std::string, std::vector<std::int64_t>> called_ms;
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.threads = 1;
  how.suspend_ms = 150;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    const std::string& body = delivery.messages[0].body;
    called_ms[body].push_back(clock.now_ms());
    if (body == "two") delivery.suspend_ms = 300;
    return called_ms[body].size() == 1 ? ConsumeResult::kLater : ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", {"T", "broker-a", 0}) == 2; }));
  consumer->close();
  ASSERT_EQ(called_ms["one"].size(), 2U);
  ASSERT_EQ(called_ms["two"].size(), 2U);
  EXPECT_GE(called_ms["one"][1] - called_ms["one"][0], 150) << "as the options say";
  EXPECT_GE(called_ms["two"][1] - called_ms["two"][0], 300) << "as the listener said";
}

TEST_F(GroupConsumerTest, OrderlyKeepsTheOrderOfEachQueueAlsoAfterFailures) {
  fill(50);
  Seen seen;
  Mutex mutex;
  std::map<MessageQueue, int> running;
  std::map<std::string, int> failures;
  GroupConsumerOptions how = options();
  how.orderly = true;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    {
      MutexLock lock(mutex);
      EXPECT_EQ(++running[delivery.queue], 1) << "one at a time";
    }
    const std::string& body = delivery.messages[0].body;
    bool fail = false;
    {
      MutexLock lock(mutex);
      fail = body.ends_with("-10") && ++failures[body] <= 2;
      --running[delivery.queue];
    }
    if (fail) return ConsumeResult::kLater;
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.total() == 200; }));
  for (int id = 0; id < 4; ++id) {
    const auto offsets = seen.offsets({"T", "broker-a", id});
    EXPECT_TRUE(std::is_sorted(offsets.begin(), offsets.end())) << id;
    EXPECT_FALSE(broker_.lock_holder("g", {"T", "broker-a", id}).empty());
  }
  EXPECT_EQ(broker_.requests_seen(RequestCode::kConsumerSendBack), 0U);
  consumer->close();
  for (int id = 0; id < 4; ++id) {
    EXPECT_EQ(broker_.lock_holder("g", {"T", "broker-a", id}), "") << "given up at close";
    EXPECT_EQ(broker_.group_offset("g", {"T", "broker-a", id}), 50);
  }
}

TEST_F(GroupConsumerTest, OrderlyBuriesAfterTheLastTry) {
  for (const char* body : {"bad", "good"}) broker_.append({"T", "broker-a", 0}, body);
  Seen seen;
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.reconsume_times_max = 1;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return delivery.messages[0].body == "bad" ? ConsumeResult::kLater : ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return seen.times("good") == 1; }));
  EXPECT_EQ(seen.times("bad"), 2);
  EXPECT_EQ(broker_.max_offset({"%DLQ%g", "broker-a", 0}), 1);
}

TEST_F(GroupConsumerTest, EveryBroadcastingMemberGetsAllAndKeepsItsOffsets) {
  TemporaryFolder folder;
  fill(10);
  Seen seen[2];
  const auto other_client = connect();
  std::unique_ptr<GroupConsumer> members[2];
  for (int i = 0; i < 2; ++i) {
    GroupConsumerOptions how = options();
    how.broadcasting = true;
    how.offset_file = folder.path() + "/offsets-" + std::to_string(i);
    members[i] = start(i == 0 ? *client_ : *other_client, how, [&seen, i](Delivery& delivery) {
      seen[i].add(delivery);
      return delivery.messages[0].body == "0-3" ? ConsumeResult::kLater : ConsumeResult::kSuccess;
    });
  }
  ASSERT_TRUE(wait_until([&] { return seen[0].total() == 40 && seen[1].total() == 40; }));
  EXPECT_EQ(broker_.requests_seen(RequestCode::kConsumerSendBack), 0U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kUpdateConsumerOffset), 0U);
  members[0]->close();
  fill(1);
  GroupConsumerOptions how = options();
  how.broadcasting = true;
  how.offset_file = folder.path() + "/offsets-0";
  members[0].reset();
  Seen again;
  members[0] = start(*client_, how, [&](Delivery& delivery) {
    again.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return again.total() == 4; }));
  how.offset_file = folder.path() + "/broken";
  how.group = "h";
  for (const char* broken :
       {R"({"offsets":[{"topic":1}]})",
        R"({"offsets":[{"topic":"T","brokerName":"b","queueId":4294967296,"offset":1}]})"}) {
    std::ofstream(how.offset_file) << broken;
    EXPECT_EQ(GroupConsumer::start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; })
                  .error()
                  .code,
              ErrorCode::kCorrupt)
        << broken;
  }
}

// It may be slow: its write may take as long as a call.

// A pull brings one message of 100 bytes.

class FullQueueTest : public GroupConsumerTest {
 protected:
  void expect_few_pulls(GroupConsumerOptions how) {
    how.messages_per_pull_max = 1;
    for (int i = 0; i < 2'000; ++i)
      broker_.append({"T", "broker-a", 0}, std::to_string(i) + std::string(100, '.'));
    std::atomic<bool> open{false};
    std::atomic<int> calls{0};
    auto consumer = start(*client_, how, [&](Delivery&) {
      ++calls;
      EXPECT_TRUE(wait_until([&] { return open.load(); }));
      return ConsumeResult::kSuccess;
    });
    EXPECT_TRUE(wait_until([&] { return calls == 4; }));
    // So long that a queue that is pulled on would have come far.
    for (int id = 1; id < 4; ++id) {
      for (int i = 1; i <= 60; ++i) {
        broker_.append({"T", "broker-a", id}, "x");
        EXPECT_TRUE(wait_until([&] { return broker_.parked_pulls(i) >= 1; }));
      }
    }
    const SystemClock clock;
    std::size_t pulls = 0;
    std::int64_t since_ms = clock.now_ms();
    EXPECT_TRUE(wait_until([&] {
      const std::size_t now = broker_.requests_seen(RequestCode::kPullMessage);
      if (std::exchange(pulls, now) != now) since_ms = clock.now_ms();
      return clock.now_ms() - since_ms > 100;
    }));
    EXPECT_LT(pulls, 1'000U);
    open = true;
    EXPECT_TRUE(wait_until([&] { return calls == 2'180; }));
  }
};

TEST_F(FullQueueTest, ByMessagesItIsNotPulled) {
  GroupConsumerOptions how = options();
  how.cached_messages_max = 100;
  expect_few_pulls(how);
}

TEST_F(FullQueueTest, ByBytesItIsNotPulled) {
  GroupConsumerOptions how = options();
  how.cached_messages_max = 10'000;
  how.cached_bytes_max = 10'000;
  expect_few_pulls(how);
}

TEST_F(GroupConsumerTest, ClosingWaitsForTheListenerAndLeavesTheRest) {
  fill(20);
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  GroupConsumerOptions how = options();
  how.threads = 2;
  auto consumer = start(*client_, how, [&](Delivery&) {
    ++begun;
    EXPECT_TRUE(wait_until([&] { return begun >= 2; }));
    ++ended;
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return begun >= 2; }));
  consumer->close();
  EXPECT_EQ(begun, ended);
  std::int64_t committed = 0;
  for (int id = 0; id < 4; ++id)
    committed += std::max<std::int64_t>(broker_.group_offset("g", {"T", "broker-a", id}), 0);
  EXPECT_LE(committed, ended);
  EXPECT_TRUE(wait_until([&] { return broker_.members("g").empty(); }));
  Seen rest;
  consumer = start(*client_, options(), [&](Delivery& delivery) {
    rest.add(delivery);
    return ConsumeResult::kSuccess;
  });
  EXPECT_TRUE(wait_until([&] { return rest.total() == 80 - committed; })) << "nothing is lost";
}

TEST_F(GroupConsumerTest, TheListenerMayCloseItsConsumer) {
  broker_.append({"T", "broker-a", 0}, "x");
  std::atomic<GroupConsumer*> self{nullptr};
  std::atomic<bool> closed{false};
  const auto consumer = start(*client_, options(), [&](Delivery&) {
    EXPECT_TRUE(wait_until([&] { return self != nullptr; }));
    self.load()->close();
    closed = true;
    return ConsumeResult::kSuccess;
  });
  self = consumer.get();
  ASSERT_TRUE(wait_until([&] { return closed.load(); }));
  EXPECT_TRUE(wait_until([&] { return broker_.members("g").empty(); }));
  EXPECT_EQ(broker_.group_offset("g", {"T", "broker-a", 0}), 1);
  consumer->close();
}

TEST_F(GroupConsumerTest, TheListenerMayDestroyItsConsumer) {
  broker_.append({"T", "broker-a", 0}, "x");
  const auto alive = std::make_shared<bool>();  // with the listener
  Mutex mutex;
  std::unique_ptr<GroupConsumer> consumer;
  {
    MutexLock lock(mutex);
    consumer = start(*client_, options(), [&, alive](Delivery&) {
      MutexLock hold(mutex);
      consumer.reset();
      return ConsumeResult::kSuccess;
    });
  }
  EXPECT_TRUE(wait_until([&] { return alive.use_count() == 1; }));
  EXPECT_TRUE(wait_until([&] { return broker_.members("g").empty(); }));
  EXPECT_EQ(broker_.group_offset("g", {"T", "broker-a", 0}), 1);
}

TEST_F(GroupConsumerTest, AnAllocationThatThrowsIsAskedAgain) {
  std::atomic<int> asked{0};
  GroupConsumerOptions how = options();
  how.rebalance_interval_ms = 20;
  how.allocation = [&](const std::string& self, const auto& queues, const auto& members) {
    if (++asked <= 3) throw std::runtime_error("not now");
    return allocate_averagely()(self, queues, members);
  };
  auto consumer = start(*client_, how, [](Delivery&) { return ConsumeResult::kSuccess; });
  EXPECT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  EXPECT_GT(asked, 3);
}

TEST_F(GroupConsumerTest, WithoutThreadsItDoesNotBegin) {
  const auto listener = [](Delivery&) { return ConsumeResult::kSuccess; };
  {
    const NoThreads none;
    const auto refused = GroupConsumer::start(*client_, options(), listener);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  }
  EXPECT_TRUE(wait_until([&] { return broker_.members("g").empty(); }));
  auto consumer = start(*client_, options(), listener);
  EXPECT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
}

TEST_F(GroupConsumerTest, SuspendedNothingIsGiven) {
  std::atomic<int> calls{0};
  auto consumer = start(*client_, options(), [&](Delivery&) {
    ++calls;
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(wait_until([&] { return of_topic(*consumer) == 4; }));
  consumer->suspend();
  // A pull that is parked behind a message shows that the message is here.
  for (const std::int64_t end : {5, 10}) {
    fill(5);
    ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls(end) >= 4; }));
  }
  EXPECT_EQ(calls, 0);
  consumer->resume();
  EXPECT_TRUE(wait_until([&] { return calls == 40; }));
}

TEST_F(GroupConsumerTest, WrongOptionsAreRefused) {
  const auto listener = [](Delivery&) { return ConsumeResult::kSuccess; };
  const auto refused = [&](const std::function<void(GroupConsumerOptions&)>& spoil) {
    GroupConsumerOptions how = options();
    spoil(how);
    const auto started = GroupConsumer::start(*client_, how, listener);
    return !started.ok() && started.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& how) { how.group = ""; }));
  EXPECT_TRUE(refused([](auto& how) { how.subscriptions.clear(); }));
  EXPECT_TRUE(refused([](auto& how) { how.subscriptions.push_back({.topic = "T"}); }));
  EXPECT_TRUE(refused([](auto& how) { how.from = StartPosition::offset(1); }));
  EXPECT_TRUE(refused([](auto& how) { how.broadcasting = true; }));
  EXPECT_TRUE(refused([](auto& how) { how.threads = 0; }));
  EXPECT_TRUE(refused([](auto& how) { how.lock_interval_ms = 30'000; }));
  EXPECT_TRUE(refused([](auto& how) { how.cached_messages_max = 0; }));
  EXPECT_TRUE(refused([](auto& how) { how.cached_bytes_max = 0; }));
}

}  // namespace
}  // namespace slipstream::rocketmq
