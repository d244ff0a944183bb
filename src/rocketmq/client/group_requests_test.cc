#include "rocketmq/client/group_requests.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/testing/wait_until.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq::internal {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

class RequestsOfMembersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 1);
    auto connected =
        Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 20'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
    requests_.emplace(core_of(*client_), "g");
  }
  Result<std::vector<std::string>> members() {
    const auto route = core_of(*client_).wait_route("T", 60'000);
    EXPECT_TRUE(route.ok());
    return requests_->members(**route);
  }
  void refuse(const std::string& broker, const std::string& remark) {
    broker_.inject(RequestCode::kConsumerListByGroup, {.kind = Fault::Kind::kCode,
                                                       .code = response_code::kSystemError,
                                                       .remark = remark,
                                                       .broker = broker});
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  const MessageQueue first_{"T", "broker-a", 0};
  const MessageQueue second_{"T", "broker-b", 0};
  std::unique_ptr<Client> client_;
  std::optional<GroupRequests> requests_;
};

TEST_F(RequestsOfMembersTest, OnlyTheBrokersOwnWordsMeanNobody) {
  const auto nobody = members();
  ASSERT_TRUE(nobody.ok()) << nobody.error().to_string();
  EXPECT_TRUE(nobody->empty());
  refuse("broker-a", "java.lang.NullPointerException");
  refuse("broker-b", "java.lang.NullPointerException");
  EXPECT_EQ(members().status().ok(), false);
}

TEST_F(RequestsOfMembersTest, TheNextBrokerIsAskedAndThenAskedFirst) {
  broker_.add_member("g", "one");
  refuse("broker-a", "busy");
  for (int i = 0; i < 2; ++i) {
    const auto listed = members();
    ASSERT_TRUE(listed.ok()) << listed.error().to_string();
    EXPECT_EQ(*listed, std::vector<std::string>{"one"});
  }
  EXPECT_EQ(broker_.requests_seen(RequestCode::kConsumerListByGroup), 3U);
}

// Brokers that a member has not reached with a heartbeat yet say the same.
TEST_F(RequestsOfMembersTest, ABrokerWithoutMembersEndsNoQuestion) {
  broker_.add_member("g", "one");
  broker_.inject(RequestCode::kConsumerListByGroup,
                 {.kind = Fault::Kind::kCode,
                  .code = response_code::kSystemError,
                  .remark = "no consumer for this group, g",
                  .broker = "broker-a"},
                 2);  // before broker-b answers, and after it was busy
  for (int i = 0; i < 2; ++i) {
    const auto listed = members();
    ASSERT_TRUE(listed.ok()) << listed.error().to_string();
    EXPECT_EQ(*listed, std::vector<std::string>{"one"});
  }
  EXPECT_EQ(broker_.requests_seen(RequestCode::kConsumerListByGroup), 3U);
  refuse("broker-b", "busy");
  EXPECT_FALSE(members().ok()) << "broker-b may know of one";
}

TEST_F(RequestsOfMembersTest, ABrokerThatIsSilentHoldsNoOtherUp) {
  broker_.inject(RequestCode::kLockQueues, {.kind = Fault::Kind::kSilence, .broker = "broker-a"});
  const SystemClock clock;
  const std::int64_t begun_ms = clock.now_ms();
  std::thread locking([&] { requests_->lock({first_, second_}); });
  EXPECT_TRUE(wait_until([&] { return !broker_.lock_holder("g", second_).empty(); }));
  EXPECT_LT(clock.now_ms() - begun_ms, 20'000) << "the call timeout";
  client_->close();
  locking.join();
}

TEST_F(RequestsOfMembersTest, WhatFailedIsLoggedByItsName) {
  std::vector<std::string> lines;
  set_log_sink(
      [&](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); });
  broker_.inject(RequestCode::kUnlockQueues, {.kind = Fault::Kind::kCode,
                                              .code = response_code::kSystemError,
                                              .remark = "not now",
                                              .broker = "broker-a"});
  // A group of its own: what is repeated is logged rarely.
  GroupRequests(core_of(*client_), "unlocks").unlock({first_});
  set_log_sink({});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("unlocking queues of broker 'broker-a' for group 'unlocks'"))
      << lines[0];
}

TEST_F(RequestsOfMembersTest, EachQueueHasAnOutcomeOfItsOwn) {
  broker_.set_lock_holder("g", second_, "another");
  EXPECT_EQ(requests_->lock({second_}).refused, std::set<MessageQueue>{second_});
  broker_.inject(RequestCode::kLockQueues, {.kind = Fault::Kind::kDropBefore, .broker = "broker-a"},
                 10);
  const auto locks = requests_->lock({first_, second_});
  EXPECT_TRUE(locks.held.empty());
  EXPECT_EQ(locks.refused, std::set<MessageQueue>{second_}) << "of the other nothing is known";
  broker_.inject(RequestCode::kUpdateConsumerOffset, {.kind = Fault::Kind::kCode,
                                                      .code = response_code::kSystemError,
                                                      .remark = "no",
                                                      .broker = "broker-a"});
  const auto written = requests_->write_offsets({{first_, 7}, {second_, 8}});
  ASSERT_EQ(written.size(), 2U);
  EXPECT_FALSE(written[0].ok());
  EXPECT_TRUE(written[1].ok());
  EXPECT_EQ(broker_.group_offset("g", second_), 8);
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
