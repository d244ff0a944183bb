// mq and mq5 tables that are written, against a scripted broker.
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "slipstream/rocketmq/producer.h"

#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/mq/mq_connector.h"
#include "connectors/mq/translate.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::mq_connector {
namespace {

using rocketmq::RequestCode;
using rocketmq::testing::Fault;
using rocketmq::testing::ScriptedBroker;
using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr const char* kProducts[] = {"mq", "mq5"};
constexpr std::int64_t kFarMs = 4'000'000'000'000;  // in 2096

// Tables of (x VARCHAR, y BIGINT) over topic T with two queues.
class MqOutput : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 2);
    broker_.create_topic("MQ_INST_1%T", 2);
  }

  Result<std::unique_ptr<Sink>> sink(const std::string& product, OptionMap more) {
    OptionMap options{{"endpoint", broker_.name_server()},
                      {"topic", "T"},
                      {"producerGroup", "p"},
                      {"fieldDelimiter", "|"}};
    for (auto& [name, value] : more) options[name] = value;
    std::erase_if(options, [](const auto& option) { return option.second.empty(); });
    TableDefinition table = testing::table_of(
        Schema({{"x", Type::string()}, {"y", Type::bigint()}}), std::move(options));
    table.metadata = metadata_;
    table.primary_key = primary_key_;
    SinkRequest request = testing::sink_request(std::move(table));
    request.time_columns = time_columns_;
    request.updating = updating_;
    auto rocketmq = rocketmq_connector::make_factory();
    return product == "mq" ? make_mq_factory(std::move(rocketmq))->make_sink(request)
                           : make_mq5_factory(std::move(rocketmq))->make_sink(request);
  }
  std::string refusal(const std::string& product, OptionMap more) {
    const auto made = sink(product, std::move(more));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  }
  // Rows of (x, y), and what the metadata columns hold.
  Status write(const std::string& product, OptionMap more, const testing::Texts& x,
               const testing::Texts& y, const std::vector<testing::Texts>& texts = {}) {
    TRY_ASSIGN(const auto made, sink(product, std::move(more)));
    testing::SinkHarness harness(*made);
    testing::SinkHarness::Writer writer(harness, 1, 0);
    std::vector<ColumnPtr> columns{column_of(Type::string(), x), column_of(Type::bigint(), y)};
    for (const testing::Texts& each : texts) columns.push_back(column_of(Type::string(), each));
    TRY(writer.write(batch_of(columns)));
    return writer.prepare(1).status();
  }
  std::vector<rocketmq::ReceivedMessage> stored(const std::string& topic = "T") {
    std::vector<rocketmq::ReceivedMessage> all;
    for (std::int32_t queue = 0; queue < 2; ++queue) {
      for (auto& message : broker_.messages({topic, "broker-a", queue}))
        all.push_back(std::move(message));
    }
    return all;
  }
  std::vector<std::string> tagged() {
    std::vector<std::string> all;
    for (const auto& message : stored()) all.push_back(message.tags + ": " + message.body);
    return all;
  }
  // "body": when it is delivered, "" for at once.
  std::map<std::string, std::string> deliveries() {
    std::map<std::string, std::string> all;
    for (const auto& message : stored())
      all[message.body] = std::string(message.property("TIMER_DELIVER_MS").value_or(""));
    return all;
  }

  ScriptedBroker broker_;
  std::vector<TableDefinition::MetadataColumn> metadata_;
  std::vector<std::string> primary_key_;
  std::vector<std::size_t> time_columns_;
  bool updating_ = false;
};

TEST_F(MqOutput, ARowIsAMessageOfDelimitedText) {
  for (const char* product : kProducts) ASSERT_TRUE(write(product, {}, {"a"}, {"1"}).ok());
  ASSERT_TRUE(write("mq", {{"fieldDelimiter", ""}}, {"b"}, {"2"}).ok());
  std::vector<std::string> bodies;
  for (const auto& message : stored()) bodies.push_back(message.body);
  EXPECT_THAT(bodies, UnorderedElementsAre("a|1", "a|1",
                                           "b\x01"
                                           "2"));
}

TEST_F(MqOutput, AProducerGroupIsRequired) {
  for (const char* product : kProducts) {
    EXPECT_THAT(refusal(product, {{"producerGroup", ""}}),
                HasSubstr("missing option 'producerGroup'"));
    EXPECT_THAT(refusal(product, {{"producerGroup", "no group"}}),
                HasSubstr("option 'producerGroup'"));
  }
}

TEST_F(MqOutput, BodiesAreOfTheEncoding) {
  for (const char* product : kProducts) {
    EXPECT_THAT(write(product, {{"encoding", "ISO-8859-1"}}, {"\u4f60"}, {"1"}).to_string(),
                HasSubstr("encoding"));
    ASSERT_TRUE(write(product, {{"encoding", "GBK"}}, {"\u4f60"}, {"1"}).ok());
  }
  for (const auto& message : stored()) EXPECT_EQ(message.body, "\xc4\xe3|1");
}

TEST_F(MqOutput, ARowIsWrittenOnceWithEachTag) {
  ASSERT_TRUE(write("mq", {{"tag", "red"}}, {"a"}, {"1"}).ok());
  ASSERT_TRUE(write("mq", {{"tag", "red, blue"}}, {"b"}, {"2"}).ok());
  EXPECT_THAT(tagged(), UnorderedElementsAre("red: a|1", "red: b|2", "blue: b|2"));
}

// What they are called here, not in tables of rocketmq.
TEST_F(MqOutput, ErrorsNameTheOptionsOfTheTable) {
  EXPECT_THAT(refusal("mq", {{"tag", "red,red"}}), HasSubstr("option 'tag' names tag 'red' twice"));
  EXPECT_THAT(refusal("mq", {{"tag", ","}}), HasSubstr("option 'tag': ',' names no tag"));
  EXPECT_THAT(refusal("mq", {{"tag", "red || blue"}}), HasSubstr("'a,b'"));
  for (const char* product : kProducts) {
    const std::string both =
        refusal(product, {{"accessId", "u"}, {"accessKey", "s3cret"}, {"credentials.file", "/f"}});
    EXPECT_THAT(both, HasSubstr("the options 'accessId', 'accessKey', 'securityToken' exclude"));
  }
}

TEST_F(MqOutput, ARowWithATagOfItsOwnIsWrittenOnce) {
  metadata_ = {{"tags", "tags", Type::string(), false}};
  ASSERT_TRUE(
      write("mq", {{"tag", "red,blue"}}, {"a", "b"}, {"1", "2"}, {{"green", std::nullopt}}).ok());
  EXPECT_THAT(tagged(), UnorderedElementsAre("green: a|1", "red: b|2", "blue: b|2"));
}

TEST_F(MqOutput, TagsOfMq5AreAColumn) {
  EXPECT_THAT(refusal("mq5", {{"tag", "red"}}), HasSubstr("'tags STRING METADATA'"));
  metadata_ = {{"keys", "keys", Type::string(), false}, {"tags", "tags", Type::string(), false}};
  ASSERT_TRUE(write("mq5", {}, {"a"}, {"1"}, {{"k1"}, {"red"}}).ok());
  EXPECT_THAT(tagged(), ElementsAre("red: a|1"));
  EXPECT_THAT(stored().front().keys, ElementsAre("k1"));
}

TEST_F(MqOutput, AnInstanceHasTopicsOfItsOwn) {
  ASSERT_TRUE(write("mq", {{"instanceID", "MQ_INST_1"}}, {"a"}, {"1"}).ok());
  EXPECT_THAT(stored("T"), IsEmpty());
  EXPECT_EQ(stored("MQ_INST_1%T").size(), 1U);
  metadata_ = {{"topic", "topic", Type::string(), false}};
  ASSERT_TRUE(write("mq", {{"instanceID", "MQ_INST_1"}}, {"b"}, {"2"}, {{"T"}}).ok());
  EXPECT_EQ(stored("MQ_INST_1%T").size(), 2U);
}

TEST_F(MqOutput, APartitionFieldDecidesAboutTheQueue) {
  testing::Texts x;
  testing::Texts y;
  for (int n = 0; n < 40; ++n) {
    x.emplace_back("key" + std::to_string(n % 5));
    y.emplace_back(std::to_string(n));
  }
  for (const char* product : kProducts) {
    EXPECT_THAT(refusal(product, {{"mode", "partition"}}), HasSubstr("needs 'partitionField'"));
    EXPECT_THAT(refusal(product, {{"partitionField", "x"}}), HasSubstr("no effect"));
    EXPECT_THAT(refusal(product, {{"mode", "partition"}, {"partitionField", "z"}}),
                HasSubstr("'z' is no column"));
    EXPECT_THAT(refusal(product, {{"mode", "hash"}, {"partitionField", "x"}}),
                HasSubstr("'partition'"));
  }
  ASSERT_TRUE(write("mq", {{"mode", "partition"}, {"partitionField", "x"}}, x, y).ok());
  std::map<std::string, int> last;
  for (std::int32_t queue = 0; queue < 2; ++queue) {
    for (const auto& message : broker_.messages({"T", "broker-a", queue})) {
      const std::string key = message.body.substr(0, message.body.find('|'));
      const int n = std::stoi(message.body.substr(message.body.find('|') + 1));
      EXPECT_EQ(rocketmq::Producer::queue_of_key(key, 2), static_cast<std::size_t>(queue));
      EXPECT_TRUE(!last.contains(key) || last[key] < n) << "in order";
      last[key] = n;
    }
  }
  EXPECT_EQ(last.size(), 5U);
  EXPECT_EQ(stored().size(), 40U);
}

TEST_F(MqOutput, APartitionFieldDecidesAboutTheQueueOfADelayedMessage) {
  testing::Texts x;
  testing::Texts at_ms;
  for (int n = 0; n < 40; ++n) {
    x.emplace_back("key" + std::to_string(n % 5));
    at_ms.emplace_back(std::to_string(n % 2 == 0 ? kFarMs + n : 5));
  }
  ASSERT_TRUE(write("mq",
                    {{"mode", "partition"},
                     {"partitionField", "x"},
                     {"deliveryTimestampMode", "field"},
                     {"deliveryTimestampField", "y"}},
                    x, at_ms)
                  .ok());
  EXPECT_EQ(stored().size(), 40U);
  for (std::int32_t queue = 0; queue < 2; ++queue) {
    for (const auto& message : broker_.messages({"T", "broker-a", queue})) {
      const std::string key = message.body.substr(0, message.body.find('|'));
      EXPECT_EQ(rocketmq::Producer::queue_of_key(key, 2), static_cast<std::size_t>(queue))
          << message.body;
    }
  }
}

TEST_F(MqOutput, ChangesOfARowGoToOneQueue) {
  updating_ = true;
  const OptionMap changes{{"mode", "partition"},
                          {"partitionField", "x"},
                          {"format", "debezium-json"},
                          {"fieldDelimiter", ""}};
  primary_key_ = {"y"};
  EXPECT_THAT(refusal("mq", changes), HasSubstr("not in the PRIMARY KEY"));
  primary_key_ = {"x", "y"};
  EXPECT_TRUE(sink("mq", changes).ok());
}

TEST_F(MqOutput, MessagesAreDeliveredAtAFixedTime) {
  const OptionMap fixed{{"deliveryTimestampMode", "fixed"}};
  for (const char* product : kProducts) {
    OptionMap far = fixed;
    far["deliveryTimestampValue"] = "4000000000000";
    ASSERT_TRUE(write(product, far, {"far"}, {"1"}).ok());
    OptionMap past = fixed;
    past["deliveryTimestampValue"] = "1000";
    ASSERT_TRUE(write(product, past, {"past"}, {"1"}).ok());
    EXPECT_THAT(refusal(product, fixed), HasSubstr("needs 'deliveryTimestampValue'"));
  }
  EXPECT_THAT(deliveries(), ElementsAre(::testing::Pair("far|1", std::to_string(kFarMs)),
                                        ::testing::Pair("past|1", "")));
}

TEST_F(MqOutput, MessagesAreDeliveredSomeTimeAfterwards) {
  OptionMap relative{{"deliveryTimestampMode", "relative"},
                     {"deliveryTimestampType", "processing_time"},
                     {"deliveryTimestampValue", "3600000"}};
  const std::int64_t before_ms = SystemClock().wall_ms();
  ASSERT_TRUE(write("mq", relative, {"a"}, {"1"}).ok());
  const std::int64_t at_ms = std::stoll(deliveries().at("a|1"));
  EXPECT_GE(at_ms, before_ms + 3'600'000);
  EXPECT_LE(at_ms, SystemClock().wall_ms() + 3'600'000);

  relative["deliveryTimestampType"] = "event_time";
  EXPECT_THAT(refusal("mq5", relative), HasSubstr("there is none"));
  time_columns_ = {1};  // stands for a time attribute: its values are milliseconds
  ASSERT_TRUE(write("mq5", relative, {"b", "c"}, {std::to_string(kFarMs), std::nullopt}).ok());
  EXPECT_EQ(deliveries().at("b|4000000000000"), std::to_string(kFarMs + 3'600'000));
  EXPECT_EQ(deliveries().at("c|"), "") << "a row without a time is delivered at once";
}

TEST_F(MqOutput, MessagesAreDeliveredWhenAColumnSays) {
  const OptionMap field{{"deliveryTimestampMode", "field"}, {"deliveryTimestampField", "y"}};
  for (const char* product : kProducts) {
    ASSERT_TRUE(write(product, field, {"a", "b"}, {std::to_string(kFarMs), "5"}).ok());
    OptionMap text = field;
    text["deliveryTimestampField"] = "x";
    EXPECT_THAT(refusal(product, text), HasSubstr("no BIGINT column"));
    OptionMap none = field;
    none["deliveryTimestampField"] = "";
    EXPECT_THAT(refusal(product, none), HasSubstr("needs 'deliveryTimestampField'"));
    none["deliveryTimestampMode"] = "";
    none["deliveryTimestampValue"] = "1";
    EXPECT_THAT(refusal(product, none), HasSubstr("without 'deliveryTimestampMode'"));
    OptionMap once = field;
    once["sink.delivery-guarantee"] = "exactly-once";
    EXPECT_THAT(refusal(product, once), HasSubstr("exactly-once is not possible"));
  }
  EXPECT_THAT(deliveries(),
              UnorderedElementsAre(::testing::Pair("a|4000000000000", std::to_string(kFarMs)),
                                   ::testing::Pair("b|5", "")));
}

TEST_F(MqOutput, MetricsHaveTheNamesOfThePage) {
  for (const char* product : kProducts) {
    broker_.inject(RequestCode::kSendBatchMessage, {.kind = Fault::Kind::kDelay, .delay_ms = 30});
    const auto made = sink(product, {});
    ASSERT_TRUE(made.ok());
    testing::SinkHarness harness(**made);
    testing::SinkHarness::Writer writer(harness, 1, 0);
    ASSERT_TRUE(writer
                    .write(batch_of({column_of(Type::string(), {"a", "b"}),
                                     column_of(Type::bigint(), {"1", "2"})}))
                    .ok());
    ASSERT_TRUE(writer.prepare(1).ok());
    testing::Counters& counted = harness.counters;
    EXPECT_EQ(counted["numRecordsOut"], 2);
    EXPECT_EQ(counted["numBytesOut"], counted["rocketmq_sink_bytes_total"]);
    EXPECT_GE(counted["currentSendTime"], 30);
    EXPECT_TRUE(wait_until([&] { return counted["numRecordsOutPerSecond"] > 0; }));
    EXPECT_GT(counted["numBytesOutPerSecond"], 0);
  }
}

TEST_F(MqOutput, ASendIsRepeatedSoOften) {
  const Fault busy{.kind = Fault::Kind::kCode, .code = 2, .remark = "busy"};
  for (const char* product : kProducts) {
    broker_.inject(RequestCode::kSendBatchMessage, busy, 3);
    EXPECT_FALSE(write(product, {{"retryTimes", "2"}, {"sleepTimeMs", "1"}}, {"a"}, {"1"}).ok());
    broker_.inject(RequestCode::kSendBatchMessage, busy, 3);
    EXPECT_TRUE(write(product, {{"retryTimes", "3"}, {"sleepTimeMs", "1"}}, {"b"}, {"1"}).ok());
  }
  for (const auto& message : stored()) EXPECT_EQ(message.body, "b|1");
}

TEST_F(MqOutput, NoPauseBetweenTwoSends) {
  const Fault busy{.kind = Fault::Kind::kCode, .code = 2, .remark = "busy"};
  for (const char* product : kProducts) {
    broker_.inject(RequestCode::kSendBatchMessage, busy, 3);
    EXPECT_TRUE(write(product, {{"retryTimes", "3"}, {"sleepTimeMs", "0"}}, {"a"}, {"1"}).ok());
  }
}

TEST_F(MqOutput, TheTimeOutLeavesRoomForAllRepetitions) {
  const auto timeout = [](OptionMap more) {
    OptionMap options{{"endpoint", "a:1"}, {"topic", "T"}, {"producerGroup", "p"}};
    options.merge(more);
    const TableDefinition table =
        testing::table_of(Schema({{"x", Type::string()}}), std::move(options));
    const auto factory = make_mq_factory(rocketmq_connector::make_factory());
    const auto made = to_rocketmq(table, Product::kMq, OptionScope::kSink, factory->options());
    return made.ok() ? made->options.at("sink.send-timeout") : made.error().message;
  };
  EXPECT_EQ(timeout({}), "83000 ms");
  EXPECT_EQ(timeout({{"retryTimes", "100"}, {"sleepTimeMs", "1 s"}}), "403000 ms");
  EXPECT_EQ(timeout({{"sleepTimeMs", "0"}}), "60000 ms");
  EXPECT_EQ(timeout({{"sink.send-timeout", "7 s"}}), "7000 ms");
  EXPECT_EQ(timeout({{"retryTimes", "1000000"}, {"sleepTimeMs", "9000000000000000000"}}),
            "31536000000 ms");
}

TEST_F(MqOutput, BetweenTwoSendsIsAPause) {
  const Fault busy{.kind = Fault::Kind::kCode, .code = 2, .remark = "busy"};
  broker_.inject(RequestCode::kSendBatchMessage, busy);
  const auto slow = sink("mq", {{"sleepTimeMs", "3600000"}});
  ASSERT_TRUE(slow.ok()) << slow.error().message;
  testing::Counters counters;
  const SystemClock clock;
  WriterContext context;
  context.metrics = counters.metrics();
  context.clock = &clock;
  context.wake = [] {};
  const auto writer = (*slow)->make_writer(std::move(context));
  ASSERT_TRUE(writer.ok());
  const Batch row =
      batch_of({column_of(Type::string(), {"slow"}), column_of(Type::bigint(), {"1"})});
  ASSERT_TRUE((*writer)->write(row, nullptr).ok());
  ASSERT_TRUE(
      wait_until([&] { return broker_.requests_seen(RequestCode::kSendBatchMessage) == 1; }));
  // Many pauses of the other one pass in this time.
  broker_.inject(RequestCode::kSendBatchMessage, busy, 9);
  ASSERT_TRUE(write("mq", {{"sleepTimeMs", "1"}}, {"quick"}, {"1"}).ok());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendBatchMessage), 11U);
  for (const auto& message : stored()) EXPECT_EQ(message.body, "quick|1");
}

TEST_F(MqOutput, ExactlyOnceIsPossible) {
  for (const char* product : kProducts) {
    const auto made = sink(product, {{"sink.delivery-guarantee", "exactly-once"}});
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ((*made)->guarantee(), Guarantee::kExactlyOnce);
  }
}

}  // namespace
}  // namespace slipstream::mq_connector
