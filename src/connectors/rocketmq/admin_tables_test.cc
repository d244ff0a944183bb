// Tables about a cluster, against a scripted broker.
#include "connectors/rocketmq/admin_tables.h"

#include <gmock/gmock.h>

#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "data/testing/columns.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReaderHarness;
using ::testing::UnorderedElementsAre;
using Poll = SourceReader::Poll;

const Schema kTopics({{"topic", Type::string()},
                      {"broker", Type::string()},
                      {"read_queues", Type::bigint()},
                      {"write_queues", Type::bigint()},
                      {"readable", Type::boolean()},
                      {"writable", Type::boolean()}});
const Schema kQueues({{"max_offset", Type::bigint()},
                      {"topic", Type::string()},
                      {"queue", Type::bigint()}});
const Schema kGroups({{"group_name", Type::string()},
                      {"topics", Type::array(Type::string())},
                      {"members", Type::bigint()},
                      {"consume_type", Type::string()}});
const Schema kLag({{"group_name", Type::string()},
                   {"topic", Type::string()},
                   {"queue", Type::bigint()},
                   {"group_offset", Type::bigint()},
                   {"max_offset", Type::bigint()},
                   {"behind", Type::bigint()}});

Predicate equals(const std::string& column, const std::string& text) {
  Predicate predicate;
  predicate.column = column;
  predicate.values = testing::column_of(Type::string(), {text});
  return predicate;
}

class AdminTables : public ::testing::Test {
 protected:
  AdminTables() {
    broker_.create_topic("T", 2);
    broker_.create_topic("U", 1);
    for (int n = 0; n < 3; ++n) broker_.append({"T", "broker-a", 0}, "x");
    broker_.set_group_offset("g", {"T", "broker-a", 0}, 1);
    broker_.set_group_offset("g", {"U", "broker-a", 0}, 0);
    broker_.set_answer(rocketmq::RequestCode::kGroupsOfTopic, R"({"groupList":["g"]})");
  }

  Result<std::unique_ptr<Source>> source(const std::string& table, const Schema& schema,
                                         std::vector<Predicate> predicates = {},
                                         OptionMap options = {}) {
    options.insert({{"table", table}, {"nameServerAddress", broker_.name_server()}});
    SourceRequest request = testing::source_request(testing::table_of(schema, std::move(options)));
    request.predicates = std::move(predicates);
    return make_admin_factory()->make_source(request);
  }
  std::vector<std::string> rows(const std::string& table, const Schema& schema,
                                std::vector<Predicate> predicates = {}) {
    const auto made = source(table, schema, std::move(predicates));
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    EXPECT_TRUE((*made)->bounded());
    ReaderHarness reader(**made);
    EXPECT_TRUE(reader.discover().ok());
    EXPECT_TRUE(wait_until([&] {
      const auto polled = reader.poll();
      EXPECT_TRUE(polled.ok()) << polled.status().to_string();
      return !polled.ok() || *polled == Poll::kEnd;
    }));
    EXPECT_TRUE(reader.events.back().is<SplitEnded>());
    return reader.rows;
  }

  rocketmq::testing::ScriptedBroker broker_;
};

TEST_F(AdminTables, TellOfTopicsAndQueues) {
  EXPECT_THAT(rows("topics", kTopics), UnorderedElementsAre("+I(T, broker-a, 2, 2, TRUE, TRUE)",
                                                            "+I(U, broker-a, 1, 1, TRUE, TRUE)"));
  EXPECT_THAT(rows("queues", kQueues),
              UnorderedElementsAre("+I(3, T, 0)", "+I(0, T, 1)", "+I(0, U, 0)"));
  EXPECT_THAT(rows("queues", kQueues, {equals("topic", "U")}), ElementsAre("+I(0, U, 0)"));
  EXPECT_THAT(rows("topics", kTopics, {equals("topic", "V")}), IsEmpty()) << "there is no V";
}

TEST_F(AdminTables, TellOfGroupsAndTheirLag) {
  EXPECT_THAT(rows("groups", kGroups), ElementsAre("+I(g, [T, U], 0, NULL)"));
  EXPECT_THAT(rows("groups", kGroups, {equals("group_name", "h")}), IsEmpty());
  broker_.set_answer(
      rocketmq::RequestCode::kConsumerConnections,
      R"({"connectionSet":[{"clientAddr":"10.0.0.5:4711","clientId":"c1","language":"JAVA",)"
      R"("version":513}],"consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",)"
      R"("subscriptionTable":{}})");
  EXPECT_THAT(rows("groups", kGroups), ElementsAre("+I(g, [T, U], 1, CONSUME_PASSIVELY)"));
  EXPECT_THAT(rows("lag", kLag),
              UnorderedElementsAre("+I(g, T, 0, 1, 3, 2)", "+I(g, T, 1, NULL, 0, NULL)",
                                   "+I(g, U, 0, 0, 0, 0)"));
  EXPECT_THAT(rows("lag", kLag, {equals("group_name", "g"), equals("topic", "U")}),
              ElementsAre("+I(g, U, 0, 0, 0, 0)"));
  EXPECT_THAT(rows("lag", kLag, {equals("group_name", "h")}), IsEmpty());
  broker_.create_topic("%RETRY%g", 1);
  broker_.append({"%RETRY%g", "broker-a", 0}, "x");
  EXPECT_THAT(rows("lag", kLag, {equals("topic", "%RETRY%g")}),
              ElementsAre("+I(g, %RETRY%g, 0, NULL, 1, 1)"))
      << "members begin at its first message";
  broker_.create_topic("%RETRY%g_T", 1);
  broker_.append({"%RETRY%g_T", "broker-a", 0}, "x");
  EXPECT_THAT(rows("lag", kLag, {equals("topic", "%RETRY%g_T")}),
              ElementsAre("+I(g, %RETRY%g_T, 0, NULL, 1, 1)"))
      << "of what is popped";
}

TEST_F(AdminTables, ACheckpointKnowsWhetherItWasRead) {
  const auto made = source("topics", kTopics);
  ASSERT_TRUE(made.ok());
  ReaderHarness reader(**made);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(wait_until([&] {
    const auto polled = reader.poll();
    return polled.ok() && *polled == Poll::kEnd;
  }));
  const auto splits = reader.reader->snapshot(1);
  ASSERT_TRUE(splits.ok());
  ReaderHarness again(**made);
  ASSERT_TRUE(again.add(*splits).ok());
  ASSERT_TRUE(again.drain().ok());
  EXPECT_THAT(again.rows, IsEmpty());
}

TEST_F(AdminTables, WhatTheyAreNotIsRefused) {
  const auto refused = [&](const std::string& table, const Schema& schema) {
    const auto made = source(table, schema);
    return made.ok() ? std::string("taken") : made.error().message;
  };
  EXPECT_THAT(refused("topic", kTopics), HasSubstr("'table'"));
  EXPECT_THAT(refused("topics", kLag), HasSubstr("there is no column 'group_name'"));
  EXPECT_THAT(refused("lag", Schema({{"behind", Type::string()}})),
              HasSubstr("column 'behind' cannot be STRING; declare it BIGINT"));
  EXPECT_FALSE(make_admin_factory()->make_sink(testing::sink_request({})).ok());
  const OptionTable options = make_admin_factory()->options();
  EXPECT_EQ(options.find("namespace"), nullptr);
}

TEST_F(AdminTables, RequestsHaveTheAccessOptionsOfRocketmq) {
  broker_.require(rocketmq::Credentials{.access_key = "user", .secret_key = "word"});
  for (const bool right : {true, false}) {
    const auto made = source("queues", kQueues, {},
                             {{"accessKey", "user"}, {"secretKey", right ? "word" : "other"}});
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    ReaderHarness reader(**made);
    ASSERT_TRUE(reader.discover().ok());
    Status status;
    ASSERT_TRUE(wait_until([&] {
      const auto polled = reader.poll();
      status = polled.status();
      return !polled.ok() || *polled == Poll::kEnd;
    }));
    EXPECT_EQ(status.ok(), right) << status.to_string();
    EXPECT_EQ(reader.rows.size(), right ? 3U : 0U);
  }
}

TEST_F(AdminTables, AnErrorOfTheClusterIsOneOfTheTable) {
  const auto made = source("groups", kGroups);
  ASSERT_TRUE(made.ok());
  EXPECT_THAT((*made)->explain(), ElementsAre("table=groups"));
  broker_.inject(rocketmq::RequestCode::kGroupsOfTopic,
                 {.kind = rocketmq::testing::Fault::Kind::kCode, .code = 1, .remark = "too old"},
                 100);
  ReaderHarness reader(**made);
  ASSERT_TRUE(reader.discover().ok());
  Status status;
  ASSERT_TRUE(wait_until([&] {
    const auto polled = reader.poll();
    if (!polled.ok()) status = polled.status();
    return !polled.ok() || *polled == Poll::kEnd;
  }));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("too old"));
  EXPECT_THAT(reader.rows, IsEmpty());
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
