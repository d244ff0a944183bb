// Tables over static topics, whose queues move from broker to broker.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "base/testing/wait_until.h"
#include "base/try.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq_connector {
namespace {

using rocketmq::MessageQueue;
using rocketmq::testing::ScriptedBroker;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::ReaderHarness;
using testing::Texts;

constexpr std::int64_t kMovedTo = 10'000;

class StaticTopicTables : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_static_topic("S", 1);
    broker_.create_topic("T", 1);
  }
  OptionMap options(OptionMap more) const {
    more.insert({{"topic", "S"}, {"nameServerAddress", broker_.name_server()}, {"format", "json"}});
    return more;
  }
  Result<std::unique_ptr<Source>> source(OptionMap more = {}) {
    more.insert({{"consumerGroup", "g"}, {"scan.startup.mode", "earliest"}});
    return make_factory()->make_source(testing::source_request(
        testing::table_of(Schema({{"n", Type::integer()}}), options(std::move(more)))));
  }
  Result<std::unique_ptr<Sink>> sink(OptionMap more, bool topic_of_rows = false) {
    TableDefinition table =
        testing::table_of(Schema({{"n", Type::integer()}}), options(std::move(more)));
    if (topic_of_rows) table.metadata.push_back({"topic", "topic", Type::string(), false});
    return make_factory()->make_sink(testing::sink_request(std::move(table)));
  }
  static Status write(Sink& sink, const Texts& numbers, const Texts& topics = {}) {
    testing::SinkHarness harness(sink);
    testing::SinkHarness::Writer writer(harness, 1, 0);
    std::vector<ColumnPtr> columns{column_of(Type::integer(), numbers)};
    if (!topics.empty()) columns.push_back(column_of(Type::string(), topics));
    TRY(writer.write(batch_of(columns)));
    return writer.prepare(1).status();
  }
  void send(int first, int last) {
    for (int n = first; n < last; ++n)
      broker_.append(broker_.part_of(queue_), "{\"n\":" + std::to_string(n) + "}");
  }
  static bool reads(ReaderHarness& bench, std::size_t rows) {
    return wait_until([&] {
      const auto polled = bench.poll();
      EXPECT_TRUE(polled.ok()) << polled.status().to_string();
      return !polled.ok() || bench.rows.size() >= rows;
    });
  }
  static std::vector<std::string> rows(int first, int last) {
    std::vector<std::string> rows;
    for (int n = first; n < last; ++n) rows.push_back("+I(" + std::to_string(n) + ")");
    return rows;
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  const MessageQueue queue_{"S", "__syslo__global__", 0};
};

TEST_F(StaticTopicTables, AreReadOnWhereTheQueueHasMovedTo) {
  send(0, 100);
  const auto table = source();
  ASSERT_TRUE(table.ok()) << table.status().to_string();
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_THAT(bench.split_ids, ElementsAre("S/__syslo__global__/0"));
  ASSERT_TRUE(reads(bench, 100));
  broker_.move_queue(queue_, "broker-b", kMovedTo);
  send(100, 200);
  ASSERT_TRUE(reads(bench, 200));
  EXPECT_THAT(bench.rows, ElementsAreArray(rows(0, 200)));
}

TEST_F(StaticTopicTables, AnEndBehindAMoveIsReached) {
  send(0, 10);
  broker_.move_queue(queue_, "broker-b", kMovedTo);
  send(10, 20);
  const auto table = source({{"scan.bounded.mode", "latest-offset"}});
  ASSERT_TRUE(table.ok());
  ReaderHarness bench(**table);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_TRUE(wait_until([&] {
    const auto polled = bench.poll();
    return !polled.ok() || *polled == SourceReader::Poll::kEnd;
  }));
  EXPECT_THAT(bench.rows, ElementsAreArray(rows(0, 20)));
}

TEST_F(StaticTopicTables, AreWrittenAtLeastOnce) {
  const auto table = sink({{"sink.delivery-guarantee", "at-least-once"}});
  ASSERT_TRUE(table.ok()) << table.status().to_string();
  ASSERT_TRUE((*table)->check_before_start().ok());
  ASSERT_TRUE(write(**table, {"0", "1"}).ok());
  const MessageQueue former = broker_.part_of(queue_);
  broker_.move_queue(queue_, "broker-b", kMovedTo);
  ASSERT_TRUE(write(**table, {"2"}).ok());
  EXPECT_EQ(broker_.max_offset(former), 2);
  EXPECT_EQ(broker_.max_offset(broker_.part_of(queue_)), 1);
}

TEST_F(StaticTopicTables, AreNotWrittenExactlyOnce) {
  const auto refusal = AllOf(HasSubstr("topic 'S' is a static topic"),
                             HasSubstr("'sink.delivery-guarantee' = 'at-least-once'"));
  const auto table = sink({{"sink.delivery-guarantee", "exactly-once"}});
  ASSERT_TRUE(table.ok());
  EXPECT_THAT((*table)->check_before_start().error().message, refusal);
  const auto by_row =
      sink({{"topic", "T"}, {"sink.delivery-guarantee", "exactly-once"}}, /*topic_of_rows=*/true);
  ASSERT_TRUE(by_row.ok());
  const Status written = write(**by_row, {"0"}, {"S"});
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, refusal);
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
