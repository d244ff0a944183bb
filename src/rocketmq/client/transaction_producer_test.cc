#include "slipstream/rocketmq/transaction_producer.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "base/testing/wait_until.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

class TransactionProducerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 1);
    auto connected =
        Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
  }
  static TransactionProducerOptions options(std::size_t checks_waiting_max = 100) {
    return {.producer = {.group = "payers"},
            .check_threads = 1,
            .checks_waiting_max = checks_waiting_max};
  }
  static TransactionProducer::LocalTransaction answer(TransactionState state) {
    return [state](const Message&, const std::string&) { return state; };
  }
  static TransactionState rollback_check(const ReceivedMessage&) {
    return TransactionState::kRollback;
  }
  // The broker knows the producer's group.
  void wait_for_membership() {
    ASSERT_TRUE(
        wait_until([&] { return broker_.last_heartbeat().find("payers") != std::string::npos; }));
  }

  ScriptedBroker broker_;
  const MessageQueue queue_{"T", "broker-a", 0};
  std::unique_ptr<Client> client_;
};

TEST_F(TransactionProducerTest, WhatIsCommittedIsSeenAndWhatIsRolledBackIsNot) {
  TransactionProducer producer(*client_, options(), rollback_check);
  std::string seen_id;
  const std::thread::id caller = std::this_thread::get_id();
  const TransactionResult committed = producer.send_and_wait(
      {.topic = "T", .body = "paid", .tags = "a"},
      [&](const Message& message, const std::string& id) {
        EXPECT_EQ(message.body, "paid");
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_EQ(broker_.max_offset(queue_), 0) << "visible before it is committed";
        seen_id = id;
        return TransactionState::kCommit;
      });
  ASSERT_TRUE(committed.sent.stored()) << committed.sent.error.to_string();
  EXPECT_TRUE(committed.ended.ok()) << committed.ended.to_string();
  EXPECT_EQ(committed.transaction_id, seen_id);
  const TransactionResult rolled_back = producer.send_and_wait({.topic = "T", .body = "refused"},
                                                               answer(TransactionState::kRollback));
  EXPECT_TRUE(rolled_back.ended.ok());
  const auto stored = broker_.messages(queue_);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].body, "paid");
  EXPECT_EQ(stored[0].message_id, seen_id);
  EXPECT_EQ(stored[0].tags, "a");
  EXPECT_EQ(broker_.half_messages_open(), 0U);
}

TEST_F(TransactionProducerTest, TheBrokerAsksAboutWhatIsUnknown) {
  std::atomic<int> asked{0};
  TransactionProducer producer(*client_, options(), [&](const ReceivedMessage& message) {
    EXPECT_EQ(message.topic, "T");
    ++asked;
    if (message.body == "later") return TransactionState::kCommit;
    return message.body == "never" ? TransactionState::kRollback : TransactionState::kUnknown;
  });
  std::set<std::string> ids;
  for (const char* body : {"later", "never", "open"}) {
    const TransactionResult result =
        producer.send_and_wait({.topic = "T", .body = body}, answer(TransactionState::kUnknown));
    EXPECT_TRUE(result.ended.ok());
    ids.insert(result.transaction_id);
  }
  EXPECT_EQ(ids.size(), 3U);
  wait_for_membership();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kEndTransaction), 0U);
  EXPECT_EQ(broker_.check_transactions(), 3U);
  ASSERT_TRUE(wait_until([&] { return asked == 3 && broker_.half_messages_open() == 1; }));
  const auto stored = broker_.messages(queue_);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].body, "later");
  EXPECT_EQ(broker_.check_transactions(), 1U);
  ASSERT_TRUE(wait_until([&] { return asked == 4; }));
}

TEST_F(TransactionProducerTest, ADecisionThatIsLostIsAskedAbout) {
  const auto client =
      Client::connect({.name_servers = broker_.name_server(), .heartbeat_interval_ms = 50});
  ASSERT_TRUE(client.ok());
  TransactionProducer producer(**client, options(),
                               [](const ReceivedMessage&) { return TransactionState::kCommit; });
  broker_.inject(RequestCode::kEndTransaction, {.kind = Fault::Kind::kDropBefore});
  const TransactionResult lost =
      producer.send_and_wait({.topic = "T", .body = "x"}, answer(TransactionState::kCommit));
  ASSERT_TRUE(lost.sent.stored());
  EXPECT_EQ(lost.state, TransactionState::kCommit);
  EXPECT_FALSE(lost.ended.ok());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kEndTransaction), 1U)
      << "a commit that may have arrived would be stored twice";
  ASSERT_TRUE(wait_until([&] { return broker_.check_transactions() == 1; }));
  EXPECT_TRUE(wait_until([&] { return broker_.max_offset(queue_) == 1; }));
}

TEST_F(TransactionProducerTest, ABusyBrokerIsAskedToEndAgain) {
  TransactionProducer producer(*client_, options(), rollback_check);
  broker_.inject(
      RequestCode::kEndTransaction,
      {.kind = Fault::Kind::kCode, .code = response_code::kSystemBusy, .remark = "busy"});
  EXPECT_TRUE(producer.send_and_wait({.topic = "T", .body = "x"}, answer(TransactionState::kCommit))
                  .ended.ok());
  EXPECT_EQ(broker_.max_offset(queue_), 1);
}

TEST_F(TransactionProducerTest, NothingRunsWhenTheHalfMessageIsNotStored) {
  TransactionProducer producer(*client_, options(), rollback_check);
  bool ran = false;
  const auto note = [&](const Message&, const std::string&) {
    ran = true;
    return TransactionState::kCommit;
  };
  broker_.inject(RequestCode::kSendMessageV2, {.kind = Fault::Kind::kDropAfter});
  const TransactionResult unknown = producer.send_and_wait({.topic = "T", .body = "x"}, note);
  EXPECT_EQ(unknown.sent.outcome, SendOutcome::kUnknown);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 1U) << "it is not sent again";
  const TransactionResult delayed =
      producer.send_and_wait({.topic = "T", .body = "x", .delay_level = 3}, note);
  EXPECT_EQ(delayed.sent.error.code, ErrorCode::kUnsupported);
  EXPECT_FALSE(ran);
}

TEST_F(TransactionProducerTest, AnExceptionMeansUnknown) {
  std::atomic<int> asked{0};
  TransactionProducer producer(*client_, options(), [&](const ReceivedMessage&) {
    if (++asked == 1) throw std::runtime_error("check");
    return TransactionState::kCommit;
  });
  const TransactionResult result = producer.send_and_wait(
      {.topic = "T", .body = "x"}, [](const Message&, const std::string&) -> TransactionState {
        throw std::runtime_error("local");
      });
  EXPECT_EQ(result.state, TransactionState::kUnknown);
  wait_for_membership();
  EXPECT_EQ(broker_.check_transactions(), 1U);
  ASSERT_TRUE(wait_until([&] { return asked == 1; }));
  EXPECT_EQ(broker_.check_transactions(), 1U) << "it is open";
  EXPECT_TRUE(wait_until([&] { return broker_.half_messages_open() == 0; }));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kEndTransaction), 1U) << "that of the second answer";
}

TEST_F(TransactionProducerTest, ChecksRunOffTheClientsThreadAndAreBounded) {
  Mutex mutex;
  Condition changed;
  bool open = false;
  std::atomic<int> asked{0};
  TransactionProducer producer(*client_, options(1), [&](const ReceivedMessage&) {
    ++asked;
    MutexLock lock(mutex);
    while (!open) changed.wait(mutex);
    return TransactionState::kCommit;
  });
  for (int i = 0; i < 5; ++i)
    producer.send_and_wait({.topic = "T", .body = "x"}, answer(TransactionState::kUnknown));
  wait_for_membership();
  EXPECT_EQ(broker_.check_transactions(), 5U);
  ASSERT_TRUE(wait_until([&] { return asked == 1; }));
  // The client's thread is free while a check blocks.
  EXPECT_TRUE(producer.send_and_wait({.topic = "T", .body = "y"}, answer(TransactionState::kCommit))
                  .ended.ok());
  EXPECT_EQ(asked, 1);
  {
    MutexLock lock(mutex);
    open = true;
    changed.notify_all();
  }
  ASSERT_TRUE(wait_until(
      [&] { return broker_.half_messages_open() + static_cast<std::size_t>(asked.load()) == 5; }));
  EXPECT_LE(asked, 2) << "one ran, at most one waited, the others were dropped";
  EXPECT_TRUE(wait_until([&] {
    broker_.check_transactions();
    return broker_.half_messages_open() == 0;
  })) << "and are asked about again";
}

TEST_F(TransactionProducerTest, AProgramThatWasStartedAgainAnswers) {
  {
    TransactionProducer first(*client_, options(), rollback_check);
    first.send_and_wait({.topic = "T", .body = "x"}, answer(TransactionState::kUnknown));
    wait_for_membership();
  }
  EXPECT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kUnregisterClient) == 1; }));
  EXPECT_EQ(broker_.check_transactions(), 0U) << "nobody is there";
  TransactionProducer second(*client_, options(),
                             [](const ReceivedMessage&) { return TransactionState::kCommit; });
  ASSERT_TRUE(second.answer_checks("T").ok());
  ASSERT_TRUE(wait_until([&] { return broker_.check_transactions() == 1; }));
  EXPECT_TRUE(wait_until([&] { return broker_.max_offset(queue_) == 1; }));
}

}  // namespace
}  // namespace slipstream::rocketmq
