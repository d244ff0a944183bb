// mq and mq5 tables that are read, against a scripted broker.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/mq/mq_connector.h"
#include "connectors/mq/mq_options.h"
#include "connectors/mq/translate.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::mq_connector {
namespace {

using rocketmq::MessageQueue;
using rocketmq::RequestCode;
using rocketmq::testing::ScriptedBroker;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReaderHarness;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Poll = SourceReader::Poll;
using Rows = std::vector<std::string>;

constexpr const char* kProducts[] = {"mq", "mq5"};

std::unique_ptr<ConnectorFactory> factory_of(const std::string& product) {
  auto rocketmq = rocketmq_connector::make_factory();
  return product == "mq" ? make_mq_factory(std::move(rocketmq))
                         : make_mq5_factory(std::move(rocketmq));
}

// Tables of (x VARCHAR, y VARCHAR) over topic T, unless a test says otherwise.
class MqTable : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", 1); }

  // An empty value takes the option out.
  OptionMap options_of(const std::string& product, OptionMap more) {
    OptionMap options{{"endpoint", broker_.name_server()},
                      {"topic", "T"},
                      {"consumerGroup", "g"},
                      {"fieldDelimiter", "|"},
                      {"scan.bounded.mode", "latest-offset"}};
    if (product == "mq") options["pullIntervalMs"] = "1";
    if (!more.contains("startMessageOffset") && !more.contains("startTimeMs") &&
        !more.contains("startTime"))
      options["scan.startup.mode"] = "earliest";
    for (auto& [name, value] : more) options[name] = value;
    std::erase_if(options, [](const auto& option) { return option.second.empty(); });
    return options;
  }
  TableDefinition table(const std::string& product, OptionMap more) {
    TableDefinition table = testing::table_of(schema_, options_of(product, std::move(more)));
    table.metadata = metadata_;
    return table;
  }
  Result<std::unique_ptr<Source>> source(const std::string& product, OptionMap more) {
    return factory_of(product)->make_source(
        testing::source_request(table(product, std::move(more))));
  }
  std::string refusal(const std::string& product, OptionMap more) {
    const auto made = source(product, std::move(more));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  }
  // All rows; a failure as its text.
  Rows rows(const std::string& product, OptionMap more) {
    const auto made = source(product, std::move(more));
    if (!made.ok()) return {made.error().to_string()};
    ReaderHarness reader(**made);
    Status failed = reader.discover();
    EXPECT_TRUE(wait_until([&] {
      const auto polled = failed.ok() ? reader.poll() : Result<Poll>(failed.error());
      if (!polled.ok()) failed = polled.status();
      return !polled.ok() || *polled == Poll::kEnd;
    }));
    skipped_ = reader.counters["rocketmq_source_ignored_total"];
    wrong_ = reader.counters["rocketmq_source_decode_errors_total"];
    return failed.ok() ? reader.rows : Rows{failed.to_string()};
  }
  void send(const std::string& body, const std::string& properties = {},
            std::int64_t store_ms = 0) {
    broker_.append({"T", "broker-a", 0}, body, properties, store_ms);
  }

  ScriptedBroker broker_;
  Schema schema_{{{"x", Type::string()}, {"y", Type::string()}}};
  std::vector<TableDefinition::MetadataColumn> metadata_;
  std::int64_t skipped_ = 0;
  std::int64_t wrong_ = 0;
};

TEST_F(MqTable, AMessageHoldsNoneOrMoreLines) {
  send("a|1\nb|2");
  send("\n");
  send("c|3\n");
  for (const char* product : kProducts)
    EXPECT_THAT(rows(product, {}), ElementsAre("+I(a, 1)", "+I(b, 2)", "+I(c, 3)")) << product;
}

TEST_F(MqTable, DelimitersMayBeControlCharacters) {
  send(
      "a\x01"
      "1;b\x01"
      "2");
  for (const char* product : kProducts) {
    for (const char* field : {"\\u0001", "\x01", ""}) {
      EXPECT_THAT(rows(product, {{"fieldDelimiter", field}, {"lineDelimiter", ";"}}),
                  ElementsAre("+I(a, 1)", "+I(b, 2)"))
          << product;
    }
    EXPECT_THAT(rows(product, {{"fieldDelimiter", "\\t"}}), IsEmpty());
  }
}

TEST_F(MqTable, OneVarbinaryColumnIsTheWholeBody) {
  schema_ = Schema({{"mess", Type::bytes()}});
  send("a|1\nb|2");
  for (const char* product : kProducts)
    EXPECT_THAT(rows(product, {}), ElementsAre("+I(a|1\nb|2)")) << product;
}

TEST_F(MqTable, LinesOfAnotherLengthAreTreatedAsLengthCheckSays) {
  send("a|1\nshort\nb|2|long");
  for (const char* product : kProducts) {
    for (const char* none : {"NONE", ""}) {
      EXPECT_THAT(rows(product, {{"lengthCheck", none}}), ElementsAre("+I(a, 1)", "+I(b, 2)"));
      EXPECT_EQ(skipped_, 1);
    }
    EXPECT_THAT(rows(product, {{"lengthCheck", "SKIP"}}), ElementsAre("+I(a, 1)"));
    EXPECT_EQ(skipped_, 2);
    EXPECT_THAT(rows(product, {{"lengthCheck", "PAD"}}),
                ElementsAre("+I(a, 1)", "+I(short, NULL)", "+I(b, 2)"));
    EXPECT_THAT(rows(product, {{"lengthCheck", "EXCEPTION"}}),
                ElementsAre(HasSubstr("1 fields instead of 2")));
  }
}

TEST_F(MqTable, ValuesThatAreNoneAreSkippedUnlessLengthCheckIsStrict) {
  schema_ = Schema({{"x", Type::string()}, {"y", Type::integer()}});
  send("a|1\nb|two\nc|3");
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {}), ElementsAre("+I(a, 1)", "+I(c, 3)"));
    EXPECT_EQ(wrong_, 1);
    EXPECT_THAT(rows(product, {{"lengthCheck", "EXCEPTION"}}), ElementsAre(HasSubstr("two")));
    EXPECT_THAT(rows(product, {{"decode.errors", "fail"}}), ElementsAre(HasSubstr("two")));
    EXPECT_THAT(rows(product, {{"lengthCheck", "EXCEPTION"}, {"decode.errors", "skip"}}),
                ElementsAre("+I(a, 1)", "+I(c, 3)"));
  }
}

TEST_F(MqTable, ColumnErrorDebugLogsWhatIsSkipped) {
  schema_ = Schema({{"x", Type::string()}, {"y", Type::integer()}});
  send("a|1\nb|two\nshort\nc|3|long");
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view component, std::string_view text) {
    if (component == "connector") lines.emplace_back(text);
  });
  for (const char* product : kProducts) {
    lines.clear();
    EXPECT_THAT(rows(product, {{"columnErrorDebug", "false"}}), SizeIs(2));
    EXPECT_THAT(lines, IsEmpty());
    EXPECT_THAT(rows(product, {{"columnErrorDebug", "true"}}), ElementsAre("+I(a, 1)", "+I(c, 3)"));
    EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("offset 0 of topic 'T'"), HasSubstr("two")),
                                   HasSubstr("short")));
    lines.clear();
    EXPECT_THAT(rows(product, {{"columnErrorDebug", "true"}, {"lengthCheck", "SKIP"}}),
                ElementsAre("+I(a, 1)"));
    EXPECT_THAT(lines, SizeIs(3));
  }
  set_log_sink({});
}

TEST_F(MqTable, BodiesAreOfTheEncoding) {
  send("\xc4\xe3\xba\xc3|1");  // in GBK
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"encoding", "GBK"}}), ElementsAre("+I(\u4f60\u597d, 1)"));
    EXPECT_THAT(rows(product, {{"encoding", "UTF-8"}}), IsEmpty()) << "skipped: no text in it";
    EXPECT_EQ(wrong_, 1);
    EXPECT_THAT(refusal(product, {{"encoding", "EBCDIC-9"}}), HasSubstr("EBCDIC-9"));
  }
}

TEST_F(MqTable, ReadingBeginsAtATime) {
  send("a|1", "", 1'700'000'000'000);  // 2023-11-14 22:13:20 UTC
  send("b|2", "", 1'700'000'001'000);
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"startTimeMs", "1700000000500"}}), ElementsAre("+I(b, 2)"));
    EXPECT_THAT(rows(product, {{"startTimeMs", "1700000000000"}}), SizeIs(2));
    EXPECT_THAT(rows(product, {{"startTimeMs", "-1"}, {"scan.startup.mode", "earliest"}}),
                SizeIs(2));
    for (const auto& [zone, count] :
         std::map<std::string, std::size_t>{{"UTC", 1}, {"Asia/Shanghai", 2}}) {
      // Eight hours earlier in Shanghai.
      EXPECT_THAT(rows(product, {{"startTime", "2023-11-14 22:13:21"}, {"timeZone", zone}}),
                  SizeIs(count));
    }
  }
}

TEST_F(MqTable, TheModeOfATimeTakesBothNamesOfIt) {
  send("a|1", "", 1'700'000'000'000);
  send("b|2", "", 1'700'000'001'000);
  for (const char* product : kProducts) {
    for (const char* name : {"startTimeMs", "scan.startup.timestamp-millis"}) {
      EXPECT_THAT(rows(product, {{"scan.startup.mode", "timestamp"}, {name, "1700000000500"}}),
                  ElementsAre("+I(b, 2)"));
    }
    EXPECT_THAT(refusal(product, {{"scan.startup.mode", "timestamp"}}),
                HasSubstr("option 'startTimeMs' is missing"));
  }
}

TEST_F(MqTable, NewQueuesMayNeverBeLookedFor) {
  send("a|1");
  for (const char* product : kProducts) {
    for (const char* never : {"-1", "0"})
      EXPECT_THAT(rows(product, {{"partitionDiscoveryIntervalMs", never}}), SizeIs(1));
    EXPECT_THAT(refusal(product, {{"partitionDiscoveryIntervalMs", "-2"}}),
                HasSubstr("at least -1 ms"));
  }
}

TEST_F(MqTable, AnOffsetWinsOverATime) {
  for (int n = 0; n < 3; ++n) send("a|" + std::to_string(n), "", 1'700'000'000'000 + n);
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"startMessageOffset", "2"}, {"startTimeMs", "0"}}),
                ElementsAre("+I(a, 2)"));
    EXPECT_THAT(rows(product, {{"startMessageOffset", "-1"}, {"startTimeMs", "1700000000001"}}),
                ElementsAre("+I(a, 1)", "+I(a, 2)"));
  }
}

TEST_F(MqTable, PullIntervalIsOfMqOnly) {
  EXPECT_THAT(refusal("mq", {{"pullIntervalMs", ""}}),
              HasSubstr("missing option 'pullIntervalMs'"));
  EXPECT_THAT(refusal("mq5", {{"pullIntervalMs", "1000"}}),
              HasSubstr("unknown option 'pullIntervalMs'"));
}

TEST_F(MqTable, PullIntervalIsThePauseAfterAnEmptyPull) {
  ScriptedBroker other;
  other.create_topic("T", 1);
  const OptionMap always{{"scan.bounded.mode", "unbounded"}, {"scan.pull.wait", "1 ms"}};
  OptionMap slow = always;
  slow.insert({{"pullIntervalMs", "3600000"}, {"endpoint", other.name_server()}});
  OptionMap quick = always;
  quick.insert({{"pullIntervalMs", "1"}});
  const auto slow_source = source("mq", slow);
  const auto quick_source = source("mq", quick);
  ASSERT_TRUE(slow_source.ok() && quick_source.ok());
  ReaderHarness slow_reader(**slow_source);
  ASSERT_TRUE(slow_reader.discover().ok());
  ASSERT_TRUE(wait_until([&] { return other.requests_seen(RequestCode::kPullMessage) > 0; }));
  ReaderHarness quick_reader(**quick_source);
  ASSERT_TRUE(quick_reader.discover().ok());
  EXPECT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kPullMessage) > 20; }));
  EXPECT_EQ(other.requests_seen(RequestCode::kPullMessage), 1U);
}

TEST_F(MqTable, PullBatchSizeIsTheMostOfOnePull) {
  for (int n = 0; n < 20; ++n) send("a|b");
  for (const char* product : kProducts) {
    const std::size_t before = broker_.requests_seen(RequestCode::kPullMessage);
    EXPECT_THAT(rows(product, {{"pullBatchSize", "1"}}), SizeIs(20));
    const std::size_t between = broker_.requests_seen(RequestCode::kPullMessage);
    EXPECT_GE(between - before, 20U);
    EXPECT_THAT(rows(product, {{"pullBatchSize", "32"}}), SizeIs(20));
    EXPECT_LT(broker_.requests_seen(RequestCode::kPullMessage) - between, 20U);
    const OptionTable known = factory_of(product)->options();
    EXPECT_EQ(known.find("pullBatchSize")->default_value, "64");
  }
}

TEST_F(MqTable, AnInstanceHasTopicsAndGroupsOfItsOwn) {
  broker_.create_topic("MQ_INST_1%T", 1);
  const MessageQueue queue{"MQ_INST_1%T", "broker-a", 0};
  for (const char* body : {"a|1", "b|2"}) broker_.append(queue, body);
  broker_.set_group_offset("MQ_INST_1%g", queue, 1);
  metadata_ = {{"topic", "topic", Type::string(), true}};
  EXPECT_THAT(rows("mq", {{"instanceID", "MQ_INST_1"}}), ElementsAre("+I(a, 1, T)", "+I(b, 2, T)"));
  EXPECT_THAT(rows("mq", {{"instanceID", "MQ_INST_1"}, {"scan.startup.mode", "group-offsets"}}),
              ElementsAre("+I(b, 2, T)"));
  EXPECT_THAT(rows("mq", {{"instanceID", ""}}), IsEmpty());
  EXPECT_THAT(refusal("mq5", {{"instanceID", "MQ_INST_1"}}),
              HasSubstr("unknown option 'instanceID'"));
}

TEST_F(MqTable, TheAccessKeyIsTheSecret) {
  send("a|1");
  broker_.require(rocketmq::Credentials{"user", "secret", ""});
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"accessId", "user"}, {"accessKey", "secret"}}),
                ElementsAre("+I(a, 1)"));
    const Rows wrong = rows(product, {{"accessId", "user"}, {"accessKey", "no_secret"}});
    EXPECT_THAT(wrong, ElementsAre(::testing::Not(HasSubstr("no_secret"))));
    EXPECT_THAT(refusal(product, {{"accessId", "user"}}), HasSubstr("'accessKey' is missing"));
    EXPECT_THAT(refusal(product, {{"accessKey", "secret"}}),
                AllOf(HasSubstr("'accessId' is missing"), ::testing::Not(HasSubstr("'secret'"))));
  }
}

TEST_F(MqTable, ATableIsReadWithOneTag) {
  const std::string tags = "TAGS\x01";
  send("a|1", tags + "red\x02");
  send("b|2", tags + "blue\x02");
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"tag", "red"}}), ElementsAre("+I(a, 1)"));
    EXPECT_THAT(rows(product, {{"tag", "blue"}}), ElementsAre("+I(b, 2)"));
    EXPECT_THAT(rows(product, {{"tag", "*"}}), SizeIs(2));
    for (const char* several : {"red,blue", "red || blue"})
      EXPECT_THAT(refusal(product, {{"tag", several}}), HasSubstr("with one tag"));
  }
}

TEST_F(MqTable, TheEndpointHasTwoSpellings) {
  send("a|1");
  for (const char* product : kProducts) {
    for (const char* name : {"endPoint", "endpoint"}) {
      EXPECT_THAT(rows(product, {{"endpoint", ""}, {name, broker_.name_server()}}), SizeIs(1));
    }
    EXPECT_THAT(refusal(product, {{"endpoint", ""}}), HasSubstr("endPoint"));
    EXPECT_THAT(refusal(product, {{"topic", ""}}), HasSubstr("topic"));
    EXPECT_THAT(refusal(product, {{"consumerGroup", ""}}), HasSubstr("consumerGroup"));
  }
}

TEST_F(MqTable, MetadataIsThatOfThePage) {
  metadata_ = {{"topic", "topic", Type::string(), true},
               {"queue-id", "queue-id", Type::integer(), true},
               {"queue-offset", "queue-offset", Type::bigint(), true},
               {"msg-id", "msg-id", Type::string(), true},
               {"store-timestamp", "store-timestamp", Type::timestamp(3), true},
               {"keys", "keys", Type::string(), true},
               {"tags", "tags", Type::string(), true},
               {"born-timestamp", "born-timestamp", Type::timestamp(3), true}};
  send("a|1", "KEYS\x01k1 k2\x02TAGS\x01red\x02UNIQ_KEY\x01id-1\x02", 1'700'000'000'000);
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {}),
                ElementsAre(HasSubstr("+I(a, 1, T, 0, 0, id-1, 2023-11-14 22:13:20.000, k1 k2, "
                                      "red, ")));
  }
}

TEST_F(MqTable, MetricsHaveTheNamesOfThePage) {
  const std::int64_t born_ms = SystemClock().wall_ms() - 3'600'000;
  for (const char* body : {"a|1\nb|2", "c|3"}) send(body, "", born_ms);
  for (const char* product : kProducts) {
    const auto made = source(product, {{"scan.bounded.mode", "unbounded"}});
    ASSERT_TRUE(made.ok());
    ReaderHarness reader(**made);
    ASSERT_TRUE(reader.discover().ok());
    ASSERT_TRUE(wait_until([&] { return reader.poll().ok() && reader.rows.size() == 3; }));
    testing::Counters& counted = reader.counters;
    EXPECT_EQ(counted["numRecordsIn"], 3);
    EXPECT_EQ(counted["numBytesIn"], 10);
    EXPECT_GE(counted["currentFetchEventTimeLag"], 3'599'000);
    EXPECT_GE(counted["currentEmitEventTimeLag"], counted["currentFetchEventTimeLag"]);
    EXPECT_TRUE(wait_until([&] { return counted["numRecordsInPerSecond"] > 0; }));
    EXPECT_GT(counted["numBytesInPerSecond"], 0);
    EXPECT_TRUE(wait_until([&] { return counted["sourceIdleTime"] > 0; }));
    EXPECT_TRUE(wait_until([&] { return counted["numRecordsInPerSecond"] == 0; }));
  }
}

TEST_F(MqTable, AnyFormatCanBeRead) {
  send(R"({"x":"a","y":"1"})");
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, {{"format", "json"}, {"fieldDelimiter", ""}}),
                ElementsAre("+I(a, 1)"));
    EXPECT_THAT(refusal(product, {{"format", "json"}}), HasSubstr("fieldDelimiter"));
  }
  send("no JSON");
  EXPECT_THAT(rows("mq5", {{"format", "json"}, {"fieldDelimiter", ""}}),
              ElementsAre(HasSubstr("offset 1")))
      << "fails the job, as in rocketmq tables";
}

TEST_F(MqTable, KeysHoldColumns) {
  const OptionMap keyed{{"value.fields-include", "EXCEPT_KEY"}};
  const auto with = [&](const std::string& format, const std::string& field) {
    OptionMap options = keyed;
    options.insert({{"key.format", format}, {"key.fields", field}});
    return options;
  };
  send("body", "KEYS\x01{\"x\":\"key\"}\x02");
  for (const char* product : kProducts) {
    EXPECT_THAT(rows(product, with("json", "x")), ElementsAre("+I(key, body)"));
    EXPECT_THAT(rows(product, with("raw", "x")), ElementsAre("+I({\"x\":\"key\"}, body)"));
    EXPECT_THAT(rows(product, with("raw", "y")), ElementsAre("+I(body, {\"x\":\"key\"})"));
  }
}

// Each as it is written, under rocketmq's own name of it.
TEST_F(MqTable, OptionsOfRocketmqAreHandedOn) {
  const OptionTable theirs = rocketmq_connector::make_factory()->options();
  // Of those that take only some values, and what an option needs beside it.
  const std::map<std::string, std::string> values{
      {"format", "json"}, {"key.format", "json"}, {"key.fields", "x"}};
  const std::map<std::string, OptionMap> beside{{"format", {{"fieldDelimiter", ""}}},
                                                {"key.format", {{"key.fields", "x"}}},
                                                {"key.fields", {{"key.format", "json"}}},
                                                {"partitionField", {{"mode", "partition"}}}};
  for (const Product product : {Product::kMq, Product::kMq5}) {
    const OptionTable ours = mq_connector::options_of(product, theirs);
    for (const OptionSpec& spec : ours.specs()) {
      const OptionSpec* same = theirs.find(spec.name);
      if (same == nullptr || same->name != spec.name || same->description != spec.description)
        continue;
      const OptionScope side =
          spec.scope == OptionScope::kSink ? OptionScope::kSink : OptionScope::kSource;
      std::string value = "5";
      if (spec.type == OptionType::kEnum) value = spec.values.back();
      if (spec.type == OptionType::kBool) value = "true";
      if (const auto found = values.find(spec.name); found != values.end()) value = found->second;
      OptionMap more{{spec.name, value}, {"producerGroup", "p"}};
      if (const auto found = beside.find(spec.name); found != beside.end())
        more.insert(found->second.begin(), found->second.end());
      const OptionMap given = options_of(std::string(name_of(product)), more);
      const auto translated = to_rocketmq(testing::table_of(schema_, given), product, side, ours);
      ASSERT_TRUE(translated.ok()) << spec.name << ": " << translated.error().message;
      const auto found = translated->options.find(spec.name);
      ASSERT_NE(found, translated->options.end()) << spec.name;
      EXPECT_EQ(found->second, value) << spec.name;
    }
  }
}

}  // namespace
}  // namespace slipstream::mq_connector
