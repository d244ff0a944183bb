// Reading topics of librdkafka's mock of a cluster.
#include <algorithm>
#include <chrono>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/kafka/kafka_connector.h"
#include "connectors/kafka/testing/mock_cluster.h"

namespace slipstream::kafka_connector {
namespace {

using slipstream::testing::ReaderHarness;
using slipstream::testing::source_request;
using slipstream::testing::table_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MockCluster;
using ::testing::UnorderedElementsAre;

using Rows = std::vector<std::string>;

class KafkaSource : public ::testing::Test {
 protected:
  KafkaSource() { cluster_.create_topic("T", 2); }

  void write(int n, std::int32_t partition = 0, const std::string& topic = "T",
             std::int64_t time_ms = 0) {
    cluster_.write(
        topic,
        {.body = R"({"n":)" + std::to_string(n) + "}", .time_ms = time_ms, .partition = partition});
  }
  OptionMap with_basics(OptionMap options) const {
    options.insert({{"properties.bootstrap.servers", cluster_.servers()},
                    {"format", "json"},
                    {"scan.startup.mode", "earliest-offset"}});
    if (!options.contains("topic-pattern")) options.insert({"topic", "T"});
    return options;
  }
  Status open(OptionMap options, std::vector<TableDefinition::MetadataColumn> metadata = {},
              Schema schema = Schema({{"n", Type::integer()}})) {
    reader_.reset();
    TableDefinition table = table_of(std::move(schema), with_basics(std::move(options)));
    table.metadata = std::move(metadata);
    auto made = make_factory()->make_source(source_request(std::move(table)));
    if (!made.ok()) return made.status();
    source_ = std::move(*made);
    reader_ = std::make_unique<ReaderHarness>(*source_);
    return {};
  }
  // Rows of a table that ends, and why it ended early.
  Rows all_rows(OptionMap options) {
    Status status = open(std::move(options));
    if (status.ok()) status = reader_->discover();
    EXPECT_TRUE(status.ok()) << status.to_string();
    if (!status.ok()) return {};
    EXPECT_TRUE(wait_until([&] {
      const auto polled = reader_->drain();
      EXPECT_TRUE(polled.ok()) << polled.status().to_string();
      return !polled.ok() || *polled == SourceReader::Poll::kEnd;
    }));
    return reader_->rows;
  }
  // Until so many rows were read, or an error.
  Status read(std::size_t count) {
    Status status;
    EXPECT_TRUE(wait_until([&] {
      status = reader_->drain().status();
      return !status.ok() || reader_->rows.size() >= count;
    }));
    return status;
  }

  MockCluster cluster_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<ReaderHarness> reader_;
};

TEST_F(KafkaSource, ReadsToTheEndThatThereWasAtTheStart) {
  write(1);
  write(2, 1);
  EXPECT_THAT(all_rows({{"scan.bounded.mode", "latest-offset"}}),
              UnorderedElementsAre("+I(1)", "+I(2)"));
  EXPECT_TRUE(source_->bounded());
}

TEST_F(KafkaSource, ATopicWithoutMessagesEndsAtOnce) {
  EXPECT_THAT(all_rows({{"scan.bounded.mode", "latest-offset"}}), ::testing::IsEmpty());
}

TEST_F(KafkaSource, BeginsAndEndsAtOffsets) {
  for (int n = 0; n < 5; ++n) write(n);
  for (int n = 10; n < 13; ++n) write(n, 1);
  EXPECT_THAT(
      all_rows({{"scan.startup.mode", "specific-offsets"},
                {"scan.startup.specific-offsets", "partition:0,offset:2"},
                {"scan.bounded.mode", "specific-offsets"},
                {"scan.bounded.specific-offsets", "partition:0,offset:4;partition:1,offset:1"}}),
      UnorderedElementsAre("+I(2)", "+I(3)", "+I(10)"));
  EXPECT_THAT(
      all_rows({{"scan.startup.mode", "specific-offsets"},
                {"scan.startup.specific-offsets", "partition:1,offset:2"},
                {"scan.bounded.mode", "specific-offsets"},
                {"scan.bounded.specific-offsets", "partition:0,offset:2;partition:1,offset:3"}}),
      UnorderedElementsAre("+I(0)", "+I(1)", "+I(12)"));
}

TEST_F(KafkaSource, OffsetsOfPartitionsThatAreNotThereAreRefused) {
  ASSERT_TRUE(open({{"scan.startup.mode", "specific-offsets"},
                    {"scan.startup.specific-offsets", "partition:7,offset:2"}})
                  .ok());
  const Status refused = reader_->discover();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("topic 'T' has no partition 7"), HasSubstr("it has 0 to 1")));
}

TEST_F(KafkaSource, LatestBeginsBehindWhatIsThere) {
  write(1);
  EXPECT_THAT(
      all_rows({{"scan.startup.mode", "earliest-offset"}, {"scan.bounded.mode", "latest-offset"}}),
      ElementsAre("+I(1)"));
  ASSERT_TRUE(open({{"scan.startup.mode", "latest-offset"}}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  write(2);
  ASSERT_TRUE(read(1).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(2)"));
}

TEST_F(KafkaSource, CommitsTheGroupWithCheckpointsAndBeginsThere) {
  for (int n = 0; n < 3; ++n) write(n);
  write(9, 1);
  const OptionMap group = {{"properties.group.id", "g"},
                           {"scan.startup.mode", "group-offsets"},
                           {"properties.auto.offset.reset", "earliest"}};
  ASSERT_TRUE(open(group).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(4).ok());
  EXPECT_EQ(cluster_.group_offset("g", "T", 0), -1);
  ASSERT_TRUE(reader_->reader->snapshot(1).ok());
  reader_->reader->checkpoint_complete(1);
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(reader_->drain().ok());
    return reader_->counters["kafka_source_commits_total"] == 1;
  }));
  EXPECT_EQ(cluster_.group_offset("g", "T", 0), 3);
  EXPECT_EQ(cluster_.group_offset("g", "T", 1), 1);
  write(3);
  OptionMap again = group;
  again["properties.auto.offset.reset"] = "none";
  again["scan.bounded.mode"] = "latest-offset";
  EXPECT_THAT(all_rows(again), ElementsAre("+I(3)"));
  OptionMap other = group;
  other["properties.group.id"] = "other";
  other["scan.bounded.mode"] = "latest-offset";
  EXPECT_EQ(all_rows(other).size(), 5U) << "a group of its own";
}

TEST_F(KafkaSource, CommitsNothingWhereTheTableSaysSo) {
  write(1);
  const auto committed = [&](const std::string& commit) {
    EXPECT_TRUE(
        open({{"properties.group.id", "g"}, {"properties.commit.offsets.on.checkpoint", commit}})
            .ok());
    EXPECT_TRUE(reader_->discover().ok());
    EXPECT_TRUE(read(1).ok());
    EXPECT_TRUE(reader_->reader->snapshot(1).ok());
    reader_->reader->checkpoint_complete(1);
    reader_.reset();  // waits for the commit
    return cluster_.group_offset("g", "T", 0);
  };
  EXPECT_EQ(committed("false"), -1);
  EXPECT_EQ(committed("true"), 1);
}

TEST_F(KafkaSource, AGroupWithoutOffsetsFailsUnlessResetSaysWhere) {
  write(1);
  const OptionMap group = {{"properties.group.id", "fresh"},
                           {"scan.startup.mode", "group-offsets"}};
  ASSERT_TRUE(open(group).ok());
  const Status refused = reader_->discover();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("group 'fresh' has no offset"),
                                             HasSubstr("properties.auto.offset.reset")));
  OptionMap latest = group;
  latest["properties.auto.offset.reset"] = "latest";
  latest["scan.bounded.mode"] = "latest-offset";
  EXPECT_THAT(all_rows(latest), ::testing::IsEmpty());
  latest["properties.auto.offset.reset"] = "earliest";
  EXPECT_THAT(all_rows(latest), ElementsAre("+I(1)"));
}

TEST_F(KafkaSource, EndsWhereTheGroupStands) {
  write(1);
  ASSERT_TRUE(open({{"properties.group.id", "g"}}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  // both partitions have an offset when their end was seen
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(reader_->drain().ok());
    const auto progress = reader_->reader->progress();
    return progress.size() == 2 && progress[0].position == 1 && progress[1].position == 0;
  }));
  ASSERT_TRUE(reader_->reader->snapshot(1).ok());
  reader_->reader->checkpoint_complete(1);
  reader_.reset();
  write(2);
  EXPECT_THAT(all_rows({{"properties.group.id", "g"}, {"scan.bounded.mode", "group-offsets"}}),
              ElementsAre("+I(1)"));
  EXPECT_THAT(all_rows({{"properties.group.id", "g"}, {"scan.bounded.mode", "latest-offset"}}),
              ElementsAre("+I(1)", "+I(2)"));
}

TEST_F(KafkaSource, TopicsOfAPatternAreFoundLater) {
  cluster_.create_topic("orders_1", 1);
  write(1, 0, "orders_1");
  ASSERT_TRUE(open({{"topic-pattern", "orders_.*"}}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  EXPECT_FALSE(reader_->complete);
  EXPECT_THAT(reader_->split_ids, ElementsAre("orders_1/0"));
  ASSERT_TRUE(read(1).ok());
  cluster_.create_topic("orders_2", 1);
  write(2, 0, "orders_2");
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(reader_->look().ok());
    return reader_->split_ids.size() == 2;
  }));
  ASSERT_TRUE(read(2).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(1)", "+I(2)")) << "from its first message";
}

TEST_F(KafkaSource, TheTopicsNamedAreRead) {
  cluster_.create_topic("U", 1);
  write(1);
  write(2, 0, "U");
  EXPECT_THAT(all_rows({{"topic", "T"}, {"scan.bounded.mode", "latest-offset"}}),
              ElementsAre("+I(1)"));
  EXPECT_THAT(all_rows({{"topic", "T;U"}, {"scan.bounded.mode", "latest-offset"}}),
              UnorderedElementsAre("+I(1)", "+I(2)"));
}

TEST_F(KafkaSource, APatternSelectsTopics) {
  cluster_.create_topic("orders_1", 1);
  cluster_.create_topic("returns_1", 1);
  write(1, 0, "orders_1");
  write(2, 0, "returns_1");
  EXPECT_THAT(all_rows({{"topic-pattern", "orders_.*"}, {"scan.bounded.mode", "latest-offset"}}),
              ElementsAre("+I(1)"));
  EXPECT_THAT(all_rows({{"topic-pattern", "returns_.*"}, {"scan.bounded.mode", "latest-offset"}}),
              ElementsAre("+I(2)"));
}

TEST_F(KafkaSource, TheFormatOfBodies) {
  write(1);
  const Schema text({{"n", Type::string()}});
  ASSERT_TRUE(open({{"format", "json"}}, {}, text).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(1)"));
  ASSERT_TRUE(open({{"format", "raw"}}, {}, text).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  EXPECT_THAT(reader_->rows, ElementsAre(R"(+I({"n":1}))"));
}

TEST_F(KafkaSource, PartitionsAreLookedForSoOften) {
  ASSERT_TRUE(open({{"scan.topic-partition-discovery.interval", "7 s"}}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  EXPECT_EQ(reader_->enumerator->discovery_interval(), std::chrono::seconds(7));
  EXPECT_FALSE(reader_->complete);
  ASSERT_TRUE(open({{"scan.topic-partition-discovery.interval", "0 s"}}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  EXPECT_TRUE(reader_->complete);
}

TEST_F(KafkaSource, EveryBadBodyIsLoggedOnRequest) {
  cluster_.write("T", {.body = "no json"});
  write(1);
  std::vector<std::string> lines;
  set_log_sink(
      [&](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); });
  for (const char* debug : {"true", "false"}) {
    lines.clear();
    EXPECT_THAT(all_rows({{"decode.errors", "skip"},
                          {"columnErrorDebug", debug},
                          {"scan.bounded.mode", "latest-offset"}}),
                ElementsAre("+I(1)"));
    const bool logged = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("offset 0 of topic 'T', partition 0") != std::string::npos;
    });
    EXPECT_EQ(logged, debug == std::string("true"));
  }
  set_log_sink({});
}

TEST_F(KafkaSource, MetadataColumns) {
  cluster_.write("T", {.body = R"({"n":1})",
                       .key = "k",
                       .headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}},
                       .time_ms = 1'700'000'000'123,
                       .partition = 1});
  ASSERT_TRUE(open({}, {{"topic", "topic", Type::string(), true},
                        {"p", "partition", Type::integer(), true},
                        {"o", "offset", Type::bigint(), true},
                        {"t", "timestamp", Type::bigint(), true},
                        {"tt", "timestamp-type", Type::string(), true},
                        {"h", "headers", Type::map(Type::string(), Type::string()), true}})
                  .ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(1, T, 1, 0, 1700000000123, CreateTime, {a=3, b=2})"));
}

TEST_F(KafkaSource, KeysAreDecoded) {
  cluster_.write("T", {.body = R"({"id":"1","n":"2"})", .key = R"({"id":"7"})"});
  const auto row_with = [&](OptionMap options) {
    options.insert({{"key.format", "json"}, {"key.fields", "id"}});
    options.insert({"value.fields-include", "EXCEPT_KEY"});
    options.insert({"scan.bounded.mode", "latest-offset"});
    const Status opened =
        open(options, {}, Schema({{"id", Type::string()}, {"n", Type::string()}}));
    EXPECT_TRUE(opened.ok()) << opened.to_string();
    EXPECT_TRUE(reader_->discover().ok());
    EXPECT_TRUE(read(1).ok());
    return reader_->rows.front();
  };
  EXPECT_EQ(row_with({{"key.format", "json"}}), "+I(7, 2)");
  EXPECT_EQ(row_with({{"key.format", "raw"}}), R"(+I({"id":"7"}, 2))");
  EXPECT_EQ(row_with({{"key.fields", "id"}}), "+I(7, 2)");
  EXPECT_EQ(row_with({{"key.fields", "id;n"}, {"value.fields-include", "ALL"}}), "+I(1, 2)");
  EXPECT_EQ(row_with({{"value.fields-include", "ALL"}}), "+I(1, 2)");
  EXPECT_EQ(row_with({{"value.fields-include", "EXCEPT_KEY"}}), "+I(7, 2)");
}

TEST_F(KafkaSource, AnOffsetThatIsGoneFailsOrIsPassedOver) {
  write(1);
  write(2);
  const OptionMap lost = {{"scan.startup.mode", "specific-offsets"},
                          {"scan.startup.specific-offsets", "partition:0,offset:100"}};
  ASSERT_TRUE(open(lost).ok());
  ASSERT_TRUE(reader_->discover().ok());
  const Status failed = read(1);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kOutOfRange);
  EXPECT_THAT(failed.error().message,
              AllOf(HasSubstr("topic 'T', partition 0: offset 100 does not exist any more"),
                    HasSubstr("scan.offset-out-of-range")));
  OptionMap on = lost;
  on["scan.offset-out-of-range"] = "latest";
  ASSERT_TRUE(open(on).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(reader_->drain().ok());
    return reader_->reader->progress()[0].position == 2;
  }));
  EXPECT_THAT(reader_->rows, ::testing::IsEmpty());
  on["scan.offset-out-of-range"] = "earliest";
  ASSERT_TRUE(open(on).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(2).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(1)", "+I(2)"));
  EXPECT_EQ(reader_->counters["kafka_source_offset_out_of_range_total"], 1);
}

TEST_F(KafkaSource, ATopicThatIsNotThereIsNamed) {
  constexpr int kUnknownTopic = 3;
  cluster_.create_topic("nowhere", 1);
  cluster_.fail_topic("nowhere", kUnknownTopic);
  ASSERT_TRUE(open({{"topic", "nowhere"}}).ok());
  const Status refused = reader_->discover();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("table 't': topic 'nowhere' does not exist"),
                                             HasSubstr("create it or correct the option 'topic'")));
}

TEST_F(KafkaSource, EmptyPartitionsAreProvenEmpty) {
  write(1);
  ASSERT_TRUE(open({}).ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  std::set<std::uint32_t> idle;
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(reader_->drain().ok());
    for (const SplitEvent& event : reader_->events) {
      if (event.is<SplitIdle>()) idle.insert(event.split);
    }
    return idle.size() == 2;
  }));
}

TEST_F(KafkaSource, ABrokerThatComesBackIsReadOn) {
  write(1);
  ASSERT_TRUE(open({{"properties.reconnect.backoff.ms", "10"},
                    {"properties.reconnect.backoff.max.ms", "50"}})
                  .ok());
  ASSERT_TRUE(reader_->discover().ok());
  ASSERT_TRUE(read(1).ok());
  cluster_.set_down(true);
  EXPECT_TRUE(reader_->drain().ok());
  cluster_.set_down(false);
  write(2);
  ASSERT_TRUE(read(2).ok());
  EXPECT_THAT(reader_->rows, ElementsAre("+I(1)", "+I(2)"));
}

TEST(KafkaSourceWithoutServer, SaysWhoDoesNotAnswer) {
  const auto nobody = make_factory()->make_source(source_request(
      table_of(Schema({{"n", Type::integer()}}), {{"topic", "T"}, {"format", "json"}})));
  ASSERT_FALSE(nobody.ok());
  EXPECT_THAT(nobody.error().message, HasSubstr("properties.bootstrap.servers"));
  const auto source = make_factory()->make_source(source_request(
      table_of(Schema({{"n", Type::integer()}}), {{"topic", "T"},
                                                  {"properties.bootstrap.servers", "127.0.0.1:1"},
                                                  {"format", "json"},
                                                  {"scan.startup.mode", "earliest-offset"}})));
  ASSERT_TRUE(source.ok()) << "a table is declared without its server";
  ReaderHarness reader(**source);
  const Status refused = reader.discover();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("table 't'"), HasSubstr("'127.0.0.1:1'"),
                    HasSubstr("Connection refused"), HasSubstr("properties.bootstrap.servers")));
}

}  // namespace
}  // namespace slipstream::kafka_connector
