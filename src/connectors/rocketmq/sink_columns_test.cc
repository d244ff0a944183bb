// Metadata columns that say where a message goes and when it is seen, against scripted brokers.
#include <map>

#include <gmock/gmock.h>

#include "slipstream/rocketmq/producer.h"

#include "base/try.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::testing::ScriptedBroker;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Texts;
using MetadataColumn = TableDefinition::MetadataColumn;

const MetadataColumn kShardingColumn{"g", "sharding-key", Type::string(), false};
const MetadataColumn kQueueColumn{"q", "queue-id", Type::integer(), false};
const MetadataColumn kBrokerColumn{"b", "broker", Type::string(), false};
const MetadataColumn kDelayColumn{"d", "delay-level", Type::integer(), false};

// Tables of (n INT) and metadata columns over topic T, which has three queues at each broker.
class SinkColumns : public ::testing::Test {
 protected:
  explicit SinkColumns(std::vector<std::string> brokers = {"broker-a"})
      : names_(brokers), broker_({.brokers = std::move(brokers)}) {
    broker_.create_topic("T", 3);
  }

  Result<std::unique_ptr<Sink>> sink(OptionMap more, std::vector<MetadataColumn> metadata) {
    OptionMap options{
        {"topic", "T"}, {"nameServerAddress", broker_.name_server()}, {"format", "json"}};
    more.merge(options);
    TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}), std::move(more));
    table.metadata = std::move(metadata);
    SinkRequest request = testing::sink_request(std::move(table));
    request.updating = updating_;
    return make_factory()->make_sink(request);
  }
  std::string refusal(OptionMap more, std::vector<MetadataColumn> metadata) {
    const auto made = sink(std::move(more), std::move(metadata));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  }
  // Rows 0, 1, ... with these values of the metadata columns; published when it returns.
  Status write(OptionMap more, const std::vector<MetadataColumn>& metadata,
               const std::vector<Texts>& values) {
    TRY_ASSIGN(const auto made, sink(std::move(more), metadata));
    testing::SinkHarness harness(*made);
    testing::SinkHarness::Writer writer(harness, 1, 0);
    Texts numbers;
    for (std::size_t n = 0; n < values[0].size(); ++n) numbers.emplace_back(std::to_string(n));
    std::vector<ColumnPtr> columns{column_of(Type::integer(), numbers)};
    for (std::size_t i = 0; i < metadata.size(); ++i)
      columns.push_back(column_of(metadata[i].type, values[i]));
    TRY(writer.write(batch_of(columns)));
    TRY_ASSIGN(const Committable epoch, writer.prepare(1));
    if (made->guarantee() != Guarantee::kExactlyOnce) return {};
    return harness.commit({epoch});
  }
  // "broker-a/1: 0 4" for queues that hold something, in order.
  std::vector<std::string> placed() {
    std::vector<std::string> all;
    for (const std::string& name : names_) {
      for (std::int32_t id = 0; id < 3; ++id) {
        std::string queue;
        for (const auto& message : broker_.messages({"T", name, id}))
          queue += " " + message.body.substr(5, message.body.size() - 6);
        if (!queue.empty()) all.push_back(name + "/" + std::to_string(id) + ":" + queue);
      }
    }
    return all;
  }
  std::vector<rocketmq::ReceivedMessage> stored() {
    std::vector<rocketmq::ReceivedMessage> all;
    for (const std::string& name : names_) {
      for (std::int32_t id = 0; id < 3; ++id) {
        for (auto& message : broker_.messages({"T", name, id})) all.push_back(std::move(message));
      }
    }
    return all;
  }

  const std::vector<std::string> names_;
  ScriptedBroker broker_;
  bool updating_ = false;
};

class SinkColumnsOfTwoBrokers : public SinkColumns {
 protected:
  SinkColumnsOfTwoBrokers() : SinkColumns({"broker-a", "broker-b"}) {}
};

constexpr const char* kGuarantees[] = {"at-least-once", "exactly-once"};

TEST_F(SinkColumns, RowsOfOneShardingKeyStayInOrderInTheQueueOfJavasSelector) {
  for (const char* guarantee : kGuarantees) {
    Texts keys;
    for (int n = 0; n < 60; ++n) keys.emplace_back("key" + std::to_string(n % 7));
    const Status written =
        write({{"sink.delivery-guarantee", guarantee}}, {kShardingColumn}, {keys});
    ASSERT_TRUE(written.ok()) << written.to_string();
  }
  std::map<std::string, std::vector<int>> numbers;
  for (const auto& message : stored()) {
    EXPECT_EQ(static_cast<std::size_t>(message.queue_id),
              rocketmq::Producer::queue_of_key(message.sharding_key, 3));
    EXPECT_EQ(message.property("__SHARDINGKEY"), message.sharding_key);
    numbers[message.sharding_key].push_back(std::stoi(message.body.substr(5)));
  }
  ASSERT_EQ(numbers.size(), 7U);
  for (const auto& [key, all] : numbers) {
    const auto half = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    EXPECT_TRUE(std::is_sorted(all.begin(), half) && std::is_sorted(half, all.end())) << key;
  }
}

TEST_F(SinkColumns, ARowWithoutAShardingKeyGoesAnywhere) {
  ASSERT_TRUE(write({}, {kShardingColumn}, {{std::nullopt, ""}}).ok());
  ASSERT_EQ(stored().size(), 2U);
  for (const auto& message : stored()) EXPECT_FALSE(message.property("__SHARDINGKEY"));
  EXPECT_THAT(write({}, {kShardingColumn}, {{"a\x01"}}).to_string(),
              AllOf(HasSubstr("column 'g'"), HasSubstr("a sharding key cannot hold")));
}

TEST_F(SinkColumns, AShardingKeyIsRead) {
  ASSERT_TRUE(write({}, {kShardingColumn}, {{"blue"}}).ok());
  TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}),
                                            {{"topic", "T"},
                                             {"nameServerAddress", broker_.name_server()},
                                             {"format", "json"},
                                             {"consumerGroup", "g"},
                                             {"scan.startup.mode", "earliest"},
                                             {"scan.bounded.mode", "latest-offset"}});
  table.metadata = {{"g", "message_group", Type::string(), true}};
  const auto source = make_factory()->make_source(testing::source_request(std::move(table)));
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  testing::ReaderHarness reader(**source);
  ASSERT_TRUE(reader.discover().ok());
  ASSERT_TRUE(wait_until([&] { return *reader.poll() == SourceReader::Poll::kEnd; }));
  EXPECT_THAT(reader.rows, ElementsAre("+I(0, blue)"));
}

TEST_F(SinkColumns, ARowNamesItsQueue) {
  for (const char* guarantee : kGuarantees) {
    const Status written = write({{"sink.delivery-guarantee", guarantee}}, {kQueueColumn},
                                 {{"2", "0", "2", "2", "0"}});
    ASSERT_TRUE(written.ok()) << written.to_string();
  }
  EXPECT_THAT(placed(), ElementsAre("broker-a/0: 1 4 1 4", "broker-a/2: 0 2 3 0 2 3"));
  ASSERT_TRUE(write({}, {kQueueColumn}, {{std::nullopt}}).ok());
  EXPECT_EQ(stored().size(), 11U);
}

TEST_F(SinkColumns, AQueueWinsOverAShardingKey) {
  const std::size_t hashed = rocketmq::Producer::queue_of_key("blue", 3);
  const std::string other = std::to_string((hashed + 1) % 3);
  ASSERT_TRUE(
      write({}, {kQueueColumn, kShardingColumn}, {{other, std::nullopt}, {"blue", "blue"}}).ok());
  for (const auto& message : stored()) {
    EXPECT_EQ(message.sharding_key, "blue");
    EXPECT_EQ(std::to_string(message.queue_id),
              message.body == R"({"n":0})" ? other : std::to_string(hashed));
  }
  EXPECT_EQ(stored().size(), 2U);
}

TEST_F(SinkColumns, AQueueThatIsNotThereEndsTheJob) {
  for (const char* guarantee : kGuarantees) {
    for (const char* id : {"3", "-1"}) {
      const Status refused =
          write({{"sink.delivery-guarantee", guarantee}}, {kQueueColumn}, {{id}});
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code, ErrorCode::kDataError);
      EXPECT_THAT(refused.error().message,
                  AllOf(HasSubstr("column 'q': topic 'T' has no queue " + std::string(id)),
                        HasSubstr("it has broker-a 0 to 2"), HasSubstr("NULL for any")));
    }
  }
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(SinkColumnsOfTwoBrokers, AQueueIsOneOfABroker) {
  EXPECT_THAT(write({}, {kQueueColumn}, {{"1"}}).to_string(),
              AllOf(HasSubstr("queue 1 of topic 'T' is there at several brokers"),
                    HasSubstr("broker-a 0 to 2, broker-b 0 to 2"), HasSubstr("'broker'")));
  const Status written = write({}, {kQueueColumn, kBrokerColumn},
                               {{"1", "1", "0"}, {"broker-b", "broker-a", "broker-b"}});
  ASSERT_TRUE(written.ok()) << written.to_string();
  EXPECT_THAT(placed(), ElementsAre("broker-a/1: 1", "broker-b/0: 2", "broker-b/1: 0"));
  EXPECT_THAT(write({}, {kQueueColumn, kBrokerColumn}, {{"1"}, {"broker-c"}}).to_string(),
              HasSubstr("has no queue 1 at broker 'broker-c'"));
  EXPECT_THAT(refusal({}, {kBrokerColumn}), HasSubstr("metadata 'queue-id'"));
}

TEST_F(SinkColumns, ADelayLevelIsAProperty) {
  ASSERT_TRUE(write({}, {kDelayColumn}, {{"3", std::nullopt, "0", "18"}}).ok());
  std::map<std::string, std::string> levels;
  for (const auto& message : stored())
    levels[message.body] = std::string(message.property("DELAY").value_or("none"));
  EXPECT_THAT(levels, ElementsAre(std::pair(R"({"n":0})", "3"), std::pair(R"({"n":1})", "none"),
                                  std::pair(R"({"n":2})", "none"), std::pair(R"({"n":3})", "18")));
  EXPECT_THAT(write({}, {kDelayColumn}, {{"19"}}).to_string(),
              AllOf(HasSubstr("column 'd': 19 is no delay level"), HasSubstr("1 to 18")));
}

TEST_F(SinkColumns, ADelayedMessageHasItsShardingKeyAndQueue) {
  ASSERT_TRUE(write({}, {kShardingColumn, kDelayColumn}, {{"blue", "green"}, {"2", "2"}}).ok());
  ASSERT_EQ(stored().size(), 2U);
  for (const auto& message : stored()) {
    EXPECT_EQ(message.sharding_key, message.body == R"({"n":0})" ? "blue" : "green");
    EXPECT_EQ(static_cast<std::size_t>(message.queue_id),
              rocketmq::Producer::queue_of_key(message.sharding_key, 3));
  }
}

TEST_F(SinkColumns, WhatExcludesEachOtherIsRefused) {
  for (const MetadataColumn& column : {kQueueColumn, kShardingColumn}) {
    EXPECT_THAT(refusal({{"partitionField", "n"}}, {column}),
                AllOf(HasSubstr("column '" + column.name + "'"), HasSubstr("'partitionField'"),
                      HasSubstr("both decide about the queue")));
  }
  EXPECT_THAT(refusal({}, {kDelayColumn, {"t", "delivery-time", Type::bigint(), false}}),
              HasSubstr("columns 't' and 'd' both say when"));
  EXPECT_THAT(refusal({{"deliveryTimestampMode", "relative"}, {"deliveryTimestampValue", "5"}},
                      {kDelayColumn}),
              HasSubstr("column 'd' and 'deliveryTimestampMode' both say when"));
  EXPECT_THAT(refusal({{"sink.delivery-guarantee", "exactly-once"}}, {kDelayColumn}),
              AllOf(HasSubstr("column 'd' sets a delay level"), HasSubstr("at-least-once")));
  updating_ = true;
  for (const MetadataColumn& column : {kQueueColumn, kShardingColumn}) {
    EXPECT_THAT(
        refusal({{"format", "debezium-json"}}, {column}),
        AllOf(HasSubstr("column '" + column.name + "'"), HasSubstr("messages change rows")));
  }
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
