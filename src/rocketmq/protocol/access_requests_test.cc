#include "rocketmq/protocol/access_requests.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace slipstream::rocketmq {
namespace {

TEST(AccessRequestsTest, UsersAreMadeAndRead) {
  const Command create = encode_create_user({.name = "ann", .super = true}, "pass word");
  EXPECT_EQ(create.header.code, 3001);
  EXPECT_EQ(create.header.ext.find("username"), "ann");
  EXPECT_EQ(
      create.body,
      R"({"username":"ann","password":"pass word","userType":"Super","userStatus":"enable"})");
  EXPECT_EQ(encode_delete_user("ann").header.code, 3003);
  EXPECT_EQ(encode_list_users().header.code, 3005);
  const auto users = parse_users(
      as_bytes(R"([{"password":"p","userStatus":"enable","userType":"Super","username":"ann"},)"
               R"({"password":"p","userStatus":"disable","userType":"Normal","username":"bob"}])"));
  ASSERT_TRUE(users.ok());
  ASSERT_EQ(users->size(), 2U);
  EXPECT_TRUE(users->front().super);
  EXPECT_TRUE(users->front().enabled);
  EXPECT_EQ(users->back().name, "bob");
  EXPECT_FALSE(users->back().enabled);
  EXPECT_TRUE(parse_users({})->empty());
  EXPECT_FALSE(parse_users(as_bytes("{}")).ok());
}

TEST(AccessRequestsTest, RulesAreMadeAndRead) {
  const AccessRule rule{
      .user = "ann", .resource = "Topic:orders*", .actions = {"Pub", "Sub"}, .source_ips = {}};
  const Command grant = encode_create_rule(rule);
  EXPECT_EQ(grant.header.code, 3006);
  EXPECT_EQ(grant.header.ext.find("subject"), "User:ann");
  EXPECT_EQ(grant.body,
            R"({"subject":"User:ann","policies":[{"policyType":"Custom","entries":[)"
            R"({"resource":"Topic:orders*","actions":["Pub","Sub"],"decision":"Allow"}]}]})");
  const Command revoke = encode_delete_rule("ann", "Topic:orders*");
  EXPECT_EQ(revoke.header.code, 3008);
  EXPECT_EQ(revoke.header.ext.find("resource"), "Topic:orders*");
  EXPECT_EQ(encode_list_rules("ann").header.ext.find("subjectFilter"), "User:ann");
  EXPECT_FALSE(encode_list_rules("").header.ext.find("subjectFilter").has_value());
  const auto rules = parse_rules(as_bytes(
      R"([{"subject":"User:ann","policies":[{"policyType":"Custom","entries":[)"
      R"({"resource":"Group:g","actions":["Sub"],"sourceIps":["10.0.0.0/8"],"decision":"Deny"},)"
      R"({"resource":"Topic:t","actions":["All"],"decision":"Allow"}]}]}])"));
  ASSERT_TRUE(rules.ok());
  ASSERT_EQ(rules->size(), 2U);
  EXPECT_EQ(rules->front().user, "ann");
  EXPECT_TRUE(rules->front().deny);
  EXPECT_EQ(rules->front().source_ips, (std::vector<std::string>{"10.0.0.0/8"}));
  EXPECT_EQ(rules->back().actions, (std::vector<std::string>{"All"}));
}

}  // namespace
}  // namespace slipstream::rocketmq
