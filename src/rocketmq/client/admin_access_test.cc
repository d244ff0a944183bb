// Users and rules of access control, as operators ask for them.
#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"

#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

class AdminAccessTest : public ::testing::Test {
 protected:
  AdminAccessTest() {
    client_ = *Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    admin_.emplace(*client_);
  }
  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  std::unique_ptr<Client> client_;
  std::optional<Admin> admin_;
};

TEST_F(AdminAccessTest, BrokersThatDoNotKnowTheRequestsAreNamed) {
  const auto users = admin_->users();
  ASSERT_FALSE(users.ok());
  EXPECT_EQ(users.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(users.error().message.find("broker 'broker-a' does not know requests about users"),
            std::string::npos)
      << users.error().message;
  EXPECT_NE(users.error().message.find("conf/plain_acl.yml"), std::string::npos);
  EXPECT_EQ(admin_->grant({.user = "ann"}).error().code, ErrorCode::kUnsupported);
}

TEST_F(AdminAccessTest, ABrokerWithoutAccessControlIsAskedAboutItsSettings) {
  broker_.inject(RequestCode::kListUsers,
                 {.kind = testing::Fault::Kind::kCode, .code = 1, .remark = "An system error"});
  const auto users = admin_->users();
  ASSERT_FALSE(users.ok());
  EXPECT_NE(users.error().message.find("broker 'broker-a'"), std::string::npos);
  EXPECT_NE(users.error().message.find("is access control configured there"), std::string::npos)
      << users.error().message;
}

TEST_F(AdminAccessTest, EveryBrokerIsAsked) {
  broker_.set_answer(RequestCode::kListUsers,
                     R"([{"username":"ann","userType":"Normal","password":"p"}])");
  broker_.set_answer(RequestCode::kCreateUser, "");
  const auto users = admin_->users();
  ASSERT_TRUE(users.ok()) << users.status().to_string();
  ASSERT_EQ(users->size(), 2U);
  EXPECT_EQ(users->back().broker, "broker-b");
  EXPECT_EQ(admin_->create_user({.name = "ann"}, "p").error().code, ErrorCode::kAlreadyExists);
  const auto had = admin_->create_user({.name = "bob"}, "p");
  ASSERT_TRUE(had.ok());
  EXPECT_TRUE(had->empty());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kCreateUser), 2U);
}

TEST_F(AdminAccessTest, BrokersThatHadTheUserAreNamed) {
  broker_.set_answers(RequestCode::kListUsers, {"[]", R"([{"username":"bob"}])"});
  broker_.set_answer(RequestCode::kCreateUser, "");
  const auto had = admin_->create_user({.name = "bob"}, "p");
  ASSERT_TRUE(had.ok()) << had.status().to_string();
  EXPECT_EQ(*had, std::vector<std::string>{"broker-b"});
  EXPECT_EQ(broker_.requests_seen(RequestCode::kCreateUser), 1U);
}

TEST_F(AdminAccessTest, AUserWhoseCreationWasNotAnsweredIsLookedForFirst) {
  broker_.set_answer(RequestCode::kCreateUser, "");
  for (const bool made : {true, false}) {
    broker_.set_answers(RequestCode::kListUsers,
                        {"[]", "[]", made ? R"([{"username":"bob"}])" : "[]"});
    const std::size_t before = broker_.requests_seen(RequestCode::kCreateUser);
    broker_.inject(RequestCode::kCreateUser, {.kind = testing::Fault::Kind::kDropAfter});
    const auto had = admin_->create_user({.name = "bob"}, "p");
    ASSERT_TRUE(had.ok()) << had.status().to_string();
    EXPECT_EQ(broker_.requests_seen(RequestCode::kCreateUser) - before, made ? 2U : 3U)
        << "one of each broker, and a second one where it was not there";
  }
}

TEST_F(AdminAccessTest, RulesOfAUserAreNotThoseOfANameThatBeginsSo) {
  broker_.set_answer(RequestCode::kListAcls,
                     R"([{"subject":"User:ann","policies":[{"policyType":"Custom","entries":[)"
                     R"({"resource":"Topic:t","actions":["Pub"],"decision":"Allow"}]}]},)"
                     R"({"subject":"User:anna","policies":[{"policyType":"Custom","entries":[)"
                     R"({"resource":"Topic:u","actions":["Pub"],"decision":"Allow"}]}]}])");
  const auto rules = admin_->access_rules("ann");
  ASSERT_TRUE(rules.ok()) << rules.status().to_string();
  ASSERT_EQ(rules->size(), 2U) << "one of each broker";
  EXPECT_EQ(rules->front().resource, "Topic:t");
  EXPECT_EQ(admin_->access_rules()->size(), 4U);
}

}  // namespace
}  // namespace slipstream::rocketmq
