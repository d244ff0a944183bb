// Brokers, their clients and their settings, as operators ask for them.
#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"

#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

class AdminBrokersTest : public ::testing::Test {
 protected:
  AdminBrokersTest() {
    client_ = *Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    admin_.emplace(*client_);
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  std::unique_ptr<Client> client_;
  std::optional<Admin> admin_;
};

TEST_F(AdminBrokersTest, WhoIsOnlineInAGroup) {
  const auto nobody = admin_->group_connections("G");
  ASSERT_TRUE(nobody.ok()) << nobody.status().to_string();
  EXPECT_TRUE(nobody->members.empty());
  broker_.set_answer(
      RequestCode::kConsumerConnections,
      R"({"connectionSet":[{"clientAddr":"10.0.0.5:4711","clientId":"c2","language":"JAVA","version":513},)"
      R"({"clientAddr":"10.0.0.6:4711","clientId":"c1","language":"CPP","version":399}],)"
      R"("consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{)"
      R"("T":{"expressionType":"TAG","subString":"a || b","topic":"T"},)"
      R"("S":{"expressionType":"SQL92","subString":"x > 1","topic":"S"}}})");
  const auto group = admin_->group_connections("G");
  ASSERT_TRUE(group.ok());
  ASSERT_EQ(group->members.size(), 2U) << "the same of both brokers";
  EXPECT_EQ(group->members[0].client_id, "c1");
  EXPECT_EQ(group->members[0].version, "4.9.3");
  EXPECT_EQ(group->members[1].language, "JAVA");
  EXPECT_EQ(group->members[1].version, "5.5.0");
  ASSERT_EQ(group->subscriptions.size(), 2U);
  EXPECT_EQ(group->subscriptions[0].filter, "x > 1");
  EXPECT_TRUE(group->subscriptions[0].sql92);
  EXPECT_EQ(group->subscriptions[1].filter, "a || b");
  EXPECT_EQ(group->message_model, "CLUSTERING");
}

}  // namespace
}  // namespace slipstream::rocketmq
