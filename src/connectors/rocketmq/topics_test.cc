// Sources over several topics, against a scripted broker.
#include <gmock/gmock.h>

#include "slipstream/rocketmq/admin.h"

#include "base/log.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::testing::ScriptedBroker;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReaderHarness;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Poll = SourceReader::Poll;

// Tables of (n INT, topic) over topics A and B of two queues each, and C that is made later.
class TopicsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("A", 2);
    broker_.create_topic("B", 2);
  }

  Result<std::unique_ptr<Source>> source(OptionMap options) {
    options.insert({{"nameServerAddress", broker_.name_server()},
                    {"consumerGroup", "g"},
                    {"format", "json"},
                    {"scan.startup.mode", "earliest"}});
    TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}), std::move(options));
    table.metadata.push_back({"topic", "topic", Type::string(), true});
    return make_factory()->make_source(testing::source_request(std::move(table)));
  }
  void send(const std::string& topic, std::int32_t queue, int n, std::int64_t store_ms = 0) {
    broker_.append({topic, "broker-a", queue}, "{\"n\":" + std::to_string(n) + "}", {}, store_ms);
  }
  void send_to_both() {
    send("A", 0, 1);
    send("A", 1, 2);
    send("B", 0, 3);
  }
  static bool reads(ReaderHarness& bench, std::size_t rows) {
    return wait_until([&] {
      const auto polled = bench.poll();
      return !polled.ok() || bench.rows.size() >= rows;
    });
  }
  // All rows of a table that ends; or its error.
  std::vector<std::string> rows(OptionMap options) {
    options.insert({"scan.bounded.mode", "latest-offset"});
    const auto table = source(std::move(options));
    if (!table.ok()) return {table.status().to_string()};
    ReaderHarness bench(**table);
    Status failed = bench.discover();
    EXPECT_TRUE(wait_until([&] {
      const auto polled = failed.ok() ? bench.poll() : Result<Poll>(failed.error());
      if (!polled.ok()) failed = polled.status();
      return !polled.ok() || *polled == Poll::kEnd;
    }));
    return failed.ok() ? bench.rows : std::vector<std::string>{failed.to_string()};
  }

  ScriptedBroker broker_;
};

TEST_F(TopicsTest, EachRowTellsItsTopic) {
  send_to_both();
  for (const OptionMap& options :
       {OptionMap{{"topic", "A;B"}}, OptionMap{{"topic-pattern", "[AB]"}}}) {
    EXPECT_THAT(rows(options), UnorderedElementsAre("+I(1, A)", "+I(2, A)", "+I(3, B)"));
  }
  EXPECT_THAT(rows({{"topic-pattern", "B"}}), ElementsAre("+I(3, B)"));
}

TEST_F(TopicsTest, StartsAndEndsCountForEachTopic) {
  for (const char* topic : {"A", "B"}) {
    for (int n = 1; n <= 3; ++n) send(topic, 0, n, 1'000 * n);
  }
  EXPECT_THAT(rows({{"topic", "A;B"},
                    {"scan.startup.mode", "timestamp"},
                    {"scan.startup.timestamp-millis", "3000"}}),
              UnorderedElementsAre("+I(3, A)", "+I(3, B)"));
  EXPECT_THAT(rows({{"topic", "A;B"},
                    {"scan.bounded.mode", "timestamp"},
                    {"scan.bounded.timestamp-millis", "2000"}}),
              UnorderedElementsAre("+I(1, A)", "+I(1, B)"));
  EXPECT_THAT(rows({{"topic", "A;B"}, {"scan.startup.mode", "latest"}}), IsEmpty());
  broker_.set_group_offset("g", {"B", "broker-a", 0}, 2);
  EXPECT_THAT(rows({{"topic", "A;B"}, {"scan.startup.mode", "group-offsets"}}),
              ElementsAre("+I(3, B)"));
  EXPECT_THAT(rows({{"topic-pattern", "A|B"},
                    {"scan.startup.mode", "specific-offsets"},
                    {"scan.startup.specific-offsets", "A:broker-a:0:1;B:broker-a:0:0"},
                    {"scan.bounded.mode", "specific-offsets"},
                    {"scan.bounded.specific-offsets", "A:broker-a:0:2;B:broker-a:0:1"}}),
              UnorderedElementsAre("+I(2, A)", "+I(1, B)"));
  EXPECT_THAT(rows({{"topic", "A;B"},
                    {"scan.startup.mode", "specific-offsets"},
                    {"scan.startup.specific-offsets", "B:broker-a:9:0"}}),
              ElementsAre(HasSubstr("topic 'B' has no queue broker-a:9 as named in the specific "
                                    "offsets; it has broker-a:0, broker-a:1")));
}

TEST_F(TopicsTest, ATopicThatIsFoundLaterIsReadFromItsFirstMessage) {
  send_to_both();
  const auto table = source({{"topic-pattern", "[ABC]"}, {"scan.startup.mode", "latest"}});
  ASSERT_TRUE(table.ok()) << table.status().to_string();
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_THAT(bench.split_ids, SizeIs(4));
  broker_.create_topic("C", 1);
  broker_.create_topic("CC", 1);
  send("C", 0, 7);
  send("A", 0, 8);
  ASSERT_TRUE(bench.look().ok());
  EXPECT_THAT(bench.split_ids, AllOf(SizeIs(5), Contains("C/broker-a/0")));
  ASSERT_TRUE(reads(bench, 2));
  EXPECT_THAT(bench.rows, UnorderedElementsAre("+I(7, C)", "+I(8, A)"));
}

TEST_F(TopicsTest, AfterARestoreATopicThatWasNotThereIsNew) {
  send_to_both();
  const auto table = source({{"topic-pattern", "."}, {"scan.startup.mode", "latest"}});
  ReaderHarness first(**table);
  ASSERT_TRUE(first.discover().ok());
  const std::string state = first.enumerator->snapshot();
  EXPECT_EQ(state, "1\nA/broker-a/0\nA/broker-a/1\nB/broker-a/0\nB/broker-a/1");
  broker_.create_topic("C", 1);
  send("C", 0, 7);
  ReaderHarness second(**table);
  ASSERT_TRUE(second.discover(state, true).ok());
  ASSERT_TRUE(reads(second, 1));
  EXPECT_THAT(second.rows, ElementsAre("+I(7, C)"));
}

TEST_F(TopicsTest, APatternMayMatchNothingYet) {
  const auto table = source({{"topic-pattern", "C"}, {"scan.startup.mode", "latest"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_FALSE(bench.complete);
  const std::string state = bench.enumerator->snapshot();
  broker_.create_topic("C", 1);
  send("C", 0, 7);
  ASSERT_TRUE(bench.look().ok());
  ASSERT_TRUE(reads(bench, 1));
  EXPECT_THAT(bench.rows, ElementsAre("+I(7, C)"));
  ReaderHarness restored(**table);
  ASSERT_TRUE(restored.discover(state, true).ok());
  EXPECT_THAT(restored.split_ids, ElementsAre("C/broker-a/0"));
  // Where nothing can come any more that is a mistake.
  EXPECT_THAT(rows({{"topic-pattern", "D"}}),
              ElementsAre(AllOf(HasSubstr("there are no topics like 'D'"),
                                HasSubstr("option 'topic-pattern'"))));
  const auto once = source({{"topic-pattern", "D"}, {"partitionDiscoveryIntervalMs", "0"}});
  EXPECT_FALSE(ReaderHarness(**once).discover().ok());
}

TEST_F(TopicsTest, TopicsOfAListMustBeThereAtTheStartOnly) {
  EXPECT_THAT(rows({{"topic", "A;C"}}),
              ElementsAre(HasSubstr("table 't': topic 'C' does not exist; create it or correct the "
                                    "option 'topic'")));
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view text) {
    if (text.find("is passed over") != std::string_view::npos) lines.emplace_back(text);
  });
  const auto table = source({{"topic", "A;B"}});
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  auto client = rocketmq::Client::connect({.name_servers = broker_.name_server()});
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(rocketmq::Admin(**client).delete_topic("A").ok());
  broker_.create_topic("B", 3);
  ASSERT_TRUE(bench.look().ok()) << "a queue is found all the same";
  EXPECT_THAT(bench.split_ids, Contains("B/broker-a/2"));
  ASSERT_TRUE(bench.look().ok());
  set_log_sink({});
  EXPECT_THAT(lines, ElementsAre(HasSubstr("topic 'A' does not exist")));
  ASSERT_TRUE(rocketmq::Admin(**client).delete_topic("B").ok());
  const Status none = bench.look();
  EXPECT_TRUE(!none.ok() && none.error().retryable) << none.to_string();
}

// As 4.x and 5.x name them; a group that has none of them is an ordinary missing topic.
TEST_F(TopicsTest, RetryAndDeadLetterTopicsAreReadWhenTheyAreNamed) {
  broker_.create_topic("%RETRY%billing", 1);
  broker_.create_topic("%DLQ%billing", 1);
  send("%RETRY%billing", 0, 1);
  send("%DLQ%billing", 0, 2);
  EXPECT_THAT(rows({{"topic", "%RETRY%billing;%DLQ%billing"}}),
              UnorderedElementsAre("+I(1, %RETRY%billing)", "+I(2, %DLQ%billing)"));
  EXPECT_THAT(rows({{"topic-pattern", ".*"}}), IsEmpty()) << "a pattern leaves them alone";
}

TEST_F(TopicsTest, ExplainAndEndpointsNameAllTopics) {
  const auto list = source({{"topic", "A;B"}});
  EXPECT_THAT((*list)->explain(), Contains("topic=A;B"));
  const std::string at = " at " + broker_.name_server();
  EXPECT_THAT((*list)->endpoints(), ElementsAre("topic 'A'" + at, "topic 'B'" + at));
  const auto pattern = source({{"topic-pattern", "[AB]"}});
  EXPECT_THAT((*pattern)->explain(), Contains("topic-pattern=[AB]"));
  EXPECT_THAT((*pattern)->endpoints(), ElementsAre("topics like '[AB]'" + at));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
