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

TEST_F(AdminBrokersTest, BrokersAndTheirStates) {
  const auto nodes = admin_->brokers();
  ASSERT_TRUE(nodes.ok()) << nodes.status().to_string();
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ(nodes->front().name, "broker-a");
  EXPECT_EQ(nodes->front().cluster, "ScriptedCluster");
  const auto state = admin_->broker_state_at(nodes->front().address);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->version, "V5_5_0");
  broker_.set_brokers_up(false);
  const auto away = admin_->broker_state_at(nodes->front().address);
  ASSERT_FALSE(away.ok());
  EXPECT_NE(away.error().message.find(nodes->front().address), std::string::npos);
}

TEST_F(AdminBrokersTest, SettingsAreReadAndWritten) {
  const std::string address = admin_->brokers()->front().address;
  EXPECT_EQ(admin_->broker_config(address)->at("flushDiskType"), "ASYNC_FLUSH");
  ASSERT_TRUE(
      admin_->set_broker_config(address, {{"flushDiskType", " a\\b=c"}, {"no.such", "1"}}).ok());
  const auto after = admin_->broker_config(address);
  EXPECT_EQ(after->at("flushDiskType"), " a\\b=c") << "escaped as Java's properties are";
  EXPECT_EQ(after->at("fileReservedTime"), "72");
  EXPECT_FALSE(after->contains("no.such"));
  EXPECT_EQ(admin_->broker_config(admin_->brokers()->back().address)->at("flushDiskType"),
            "ASYNC_FLUSH")
      << "the other broker keeps its own";
  for (const Property& bad : {Property{"a b", "1"}, Property{"", "1"}, Property{"a", "1\nb=2"}}) {
    EXPECT_EQ(admin_->set_broker_config(address, {bad}).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(AdminBrokersTest, ClientsOfABroker) {
  broker_.set_answer(RequestCode::kAllProducers,
                     R"({"data":{"P":[{"clientId":"p1","language":"JAVA","lastUpdateTimestamp":1,)"
                     R"("remoteIP":"10.0.0.5:4711","version":479}]}})");
  broker_.set_answer(RequestCode::kAllSubscriptionGroups,
                     R"({"dataVersion":{},"subscriptionGroupTable":{"G":{"groupName":"G"}}})");
  broker_.set_answer(
      RequestCode::kConsumerConnections,
      R"({"connectionSet":[{"clientAddr":"10.0.0.6:4711","clientId":"c1","language":"CPP",)"
      R"("version":399}],"subscriptionTable":{}})");
  const auto clients = admin_->broker_clients(admin_->brokers()->front().address);
  ASSERT_TRUE(clients.ok()) << clients.status().to_string();
  ASSERT_EQ(clients->size(), 2U);
  EXPECT_TRUE(clients->front().producer);
  EXPECT_EQ(clients->front().group, "P");
  EXPECT_EQ(clients->front().address, "10.0.0.5:4711");
  EXPECT_EQ(clients->front().version, "5.3.3");
  EXPECT_EQ(clients->back().group, "G");
  EXPECT_EQ(clients->back().client_id, "c1");
}

}  // namespace
}  // namespace slipstream::rocketmq
