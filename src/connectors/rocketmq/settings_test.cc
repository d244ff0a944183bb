// What a table may say, and what is said about what it may not.
#include "connectors/rocketmq/settings.h"

#include <gmock/gmock.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream::rocketmq_connector {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::table_of;

TableDefinition table_with(OptionMap more) {
  OptionMap options{{"topic", "orders"}, {"nameServerAddress", "ns:9876"}};
  for (auto& [name, value] : more) {
    if (value.empty())
      options.erase(name);
    else
      options[name] = value;
  }
  return table_of(Schema({{"n", Type::integer()}}), std::move(options));
}

Result<SourceSettings> source_with(OptionMap more) {
  more.try_emplace("consumerGroup", "g");
  return read_source_settings(table_with(std::move(more)));
}

Result<SinkSettings> sink_with(OptionMap more) {
  return read_sink_settings(table_with(std::move(more)), "my job", "uid-1");
}

std::string refusal(const Status& status) {
  EXPECT_FALSE(status.ok());
  return status.ok() ? "" : status.error().message;
}

TEST(SourceSettings, FourNamesAreEnough) {
  const auto settings = source_with({});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_THAT(settings->topics.names(), ElementsAre("orders"));
  EXPECT_FALSE(settings->topics.several());
  EXPECT_EQ(settings->group, "g");
  EXPECT_EQ(settings->format.format->name, "delimited");
  EXPECT_EQ(settings->start, StartMode::kGroupOffsets);
  EXPECT_FALSE(settings->reset_to_earliest);
  EXPECT_EQ(settings->bound, BoundMode::kUnbounded);
  EXPECT_EQ(settings->discovery_ms, 5'000);
  EXPECT_EQ(settings->out_of_range, rocketmq::OffsetOutOfRange::kFail);
  EXPECT_EQ(settings->decode_errors, DecodeErrors::kFail);
}

// Finding 24.
TEST(SourceSettings, ADiscoveryIntervalBelowZeroIsOff) {
  for (const char* name :
       {"partitionDiscoveryIntervalMs", "scan.topic-partition-discovery.interval",
        "rocketmq.client.partition.discovery.interval.ms"}) {
    const auto settings = source_with({{name, "-1"}});
    ASSERT_TRUE(settings.ok()) << settings.status().to_string();
    EXPECT_EQ(settings->discovery_ms, 0);
  }
  EXPECT_FALSE(source_with({{"scan.pull.wait", "-1"}}).ok());
}

TEST(SourceSettings, OtherSpellingsMeanTheSame) {
  for (const char* name : {"consumer-group", "rocketmq.source.group"}) {
    const auto settings = source_with({{"consumerGroup", ""}, {name, "other"}});
    ASSERT_TRUE(settings.ok()) << name << settings.status().to_string();
    EXPECT_EQ(settings->group, "other");
  }
  for (const char* name : {"name-server-address", "endPoint", "rocketmq.client.endpoints"}) {
    const auto settings = source_with({{"nameServerAddress", ""}, {name, "b:1"}});
    ASSERT_TRUE(settings.ok()) << name << settings.status().to_string();
    EXPECT_EQ(settings->client.name_servers, "b:1");
  }
  EXPECT_EQ(source_with({{"scanStartupMode", "latest"}})->start, StartMode::kLatest);
  EXPECT_EQ(source_with({{"partitionDiscoveryIntervalMs", "30000"}})->discovery_ms, 30'000);
}

TEST(SourceSettings, StartModes) {
  EXPECT_EQ(source_with({{"scan.startup.mode", "earliest-offset"}})->start, StartMode::kEarliest);
  EXPECT_EQ(source_with({{"scan.startup.mode", "latest"}})->start, StartMode::kLatest);
  const auto reset = source_with({{"scan.startup.group-offsets.reset", "earliest"}});
  EXPECT_EQ(reset->start, StartMode::kGroupOffsets);
  EXPECT_TRUE(reset->reset_to_earliest);
  const auto time =
      source_with({{"scan.startup.mode", "timestamp"}, {"scan.startup.timestamp-millis", "1234"}});
  EXPECT_EQ(time->start, StartMode::kTimestamp);
  EXPECT_EQ(time->start_ms, 1'234);
  const auto text =
      source_with({{"startTime", "1970-01-02 08:00:00"}, {"timeZone", "Asia/Shanghai"}});
  EXPECT_EQ(text->start, StartMode::kTimestamp) << "a time without a mode is the mode";
  EXPECT_EQ(text->start_ms, 86'400'000);
  const auto offset = source_with({{"startMessageOffset", "7"}, {"startTimeMs", "5"}});
  EXPECT_EQ(offset->start, StartMode::kOneOffset) << "an offset wins over a time";
  EXPECT_EQ(offset->start_offset, 7);
  EXPECT_EQ(source_with({{"scanStartupMode", "specific"}, {"startMessageOffset", "7"}})->start,
            StartMode::kOneOffset);
  EXPECT_EQ(source_with({{"scanStartupMode", "latest"}, {"startMessageOffset", "-1"}})->start,
            StartMode::kLatest)
      << "-1 is none";
  const auto named =
      source_with({{"scan.startup.mode", "specific-offsets"},
                   {"scan.startup.specific-offsets", "broker-a:1:201;\n\tb:0:3;\n"}});
  EXPECT_EQ(named->start_offsets,
            (QueueOffsets{{{"orders", "broker-a", 1}, 201}, {{"orders", "b", 0}, 3}}));
}

TEST(SourceSettings, WhatWouldBeIgnoredBesideAnotherOptionIsRefused) {
  const std::pair<std::string, std::string> offset{"startMessageOffset", "7"};
  const std::pair<std::string, std::string> offsets{"scan.startup.specific-offsets", "b:0:1"};
  const std::pair<std::string, std::string> bounds{"scan.bounded.specific-offsets", "b:0:1"};
  const std::pair<std::string, std::string> text{"startTime", "1970-01-02 08:00:00"};
  const std::pair<std::string, std::string> end{"endTime", "1970-01-02 08:00:00"};
  const auto pairs = std::to_array<std::array<std::pair<std::string, std::string>, 2>>({
      {{{"scan.startup.mode", "earliest"}, offset}},
      {{{"scan.startup.mode", "timestamp"}, offset}},
      {{offsets, offset}},
      {{{"scan.startup.timestamp-millis", "5000"}, text}},
      {{offsets, text}},
      {{{"scan.bounded.timestamp-millis", "5000"}, end}},
      {{bounds, end}},
  });
  for (const auto& [one, other] : pairs) {
    EXPECT_THAT(
        refusal(source_with({one, other}).status()),
        HasSubstr("options '" + one.first + "' and '" + other.first + "' exclude each other"));
  }
}

// The default of rocketmq-flink, which DDL may spell out.
TEST(SourceSettings, ATimeBelowZeroIsNone) {
  for (const char* name : {"startTimeMs", "rocketmq.source.startup.offset.timestamp"}) {
    EXPECT_EQ(source_with({{name, "-1"}})->start, StartMode::kGroupOffsets);
    EXPECT_EQ(source_with({{name, "-1"}, {"scanStartupMode", "latest"}})->start,
              StartMode::kLatest);
    const auto text = source_with({{name, "-1"}, {"startTime", "1970-01-01 00:00:01"}});
    ASSERT_TRUE(text.ok()) << text.status().to_string();
    EXPECT_EQ(text->start_ms, 1'000);
    EXPECT_THAT(refusal(source_with({{name, "-1"}, {"scan.startup.mode", "timestamp"}}).status()),
                HasSubstr("the mode 'timestamp' needs it"));
  }
}

TEST(SourceSettings, BadStartsAreRefused) {
  EXPECT_THAT(refusal(source_with({{"scan.startup.mode", "timestamp"}}).status()),
              AllOf(HasSubstr("table 't'"), HasSubstr("scan.startup.timestamp-millis")));
  EXPECT_THAT(refusal(source_with({{"startTime", "soon"}}).status()),
              HasSubstr("'soon' is no time"));
  for (const char* text : {"broker-a:1", "broker-a:x:1", "broker-a:1:-2", ":1:2", "broker-a"}) {
    EXPECT_THAT(refusal(source_with({{"scan.startup.specific-offsets", text}}).status()),
                HasSubstr("broker:queue:offset"))
        << text;
  }
  EXPECT_THAT(refusal(source_with({{"scan.startup.specific-offsets", "a:1:2;a:1:3"}}).status()),
              HasSubstr("a:1 twice"));
  EXPECT_THAT(refusal(source_with({{"scan.startup.mode", "ealiest"}}).status()),
              AllOf(HasSubstr("ealiest"), HasSubstr("earliest")));
}

TEST(SourceSettings, Bounds) {
  EXPECT_EQ(source_with({{"scan.bounded.mode", "latest"}})->bound, BoundMode::kLatest);
  EXPECT_EQ(source_with({{"scan.bounded.mode", "latest-offset"}})->bound, BoundMode::kLatest);
  const auto time = source_with({{"endTime", "1970-01-01 00:00:01"}});
  EXPECT_EQ(time->bound, BoundMode::kTimestamp);
  EXPECT_EQ(time->bound_ms, 1'000);
  EXPECT_EQ(source_with({{"scan.bounded.timestamp-millis", "1000"}})->bound, BoundMode::kTimestamp)
      << "an end without a mode is the mode";
  EXPECT_EQ(source_with({{"scan.bounded.specific-offsets", "broker-a:1:201"}})->bound,
            BoundMode::kSpecificOffsets);
  const auto named = source_with({{"scan.bounded.mode", "specific-offsets"},
                                  {"scan.bounded.specific-offsets", "broker-a:1:201"}});
  EXPECT_EQ(named->bound_offsets, (QueueOffsets{{{"orders", "broker-a", 1}, 201}}));
  EXPECT_THAT(
      refusal(source_with({{"startTimeMs", "5000"}, {"endTime", "1970-01-01 00:00:01"}}).status()),
      HasSubstr("before the start"));
}

TEST(SourceSettings, WhatIsMissingOrUnknownIsNamed) {
  EXPECT_THAT(refusal(read_source_settings(table_with({})).status()),
              AllOf(HasSubstr("consumerGroup"), HasSubstr("table 't'")));
  EXPECT_THAT(refusal(source_with({{"topic", ""}}).status()), HasSubstr("topic"));
  EXPECT_THAT(refusal(source_with({{"scan.startup.mod", "latest"}}).status()),
              HasSubstr("did you mean 'scan.startup.mode'"));
  EXPECT_THAT(refusal(source_with({{"topic", "no/topic"}}).status()), HasSubstr("option 'topic'"));
  EXPECT_THAT(refusal(source_with({{"format", "jsn"}}).status()), HasSubstr("json"));
  EXPECT_THAT(refusal(source_with({{"pullBatchSize", "2000"}}).status()),
              HasSubstr("option 'pullBatchSize': '2000' must be from 1 to 1024"));
  EXPECT_THAT(refusal(source_with({{"scan.pull.concurrency", "129"}}).status()),
              HasSubstr("0 to 128"));
  EXPECT_THAT(refusal(source_with({{"scan.filter.sql", "a > 1"}, {"tag", "x"}}).status()),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refusal(source_with({{"scan.pull.wait", "0 s"}}).status()),
              HasSubstr("at least 1 ms"));
}

TEST(SourceSettings, Pulls) {
  const auto plain = source_with({});
  EXPECT_EQ(plain->pulls_per_queue_max, 0);
  EXPECT_EQ(plain->pull_wait_ms, 15'000);
  EXPECT_EQ(plain->pause_when_empty_ms, 0);
  const auto asked = source_with({{"scan.pull.concurrency", "20"},
                                  {"scan.pull.wait", "3 s"},
                                  {"scan.pull.pause-when-empty", "10 ms"}});
  EXPECT_EQ(asked->pulls_per_queue_max, 20);
  EXPECT_EQ(asked->pull_wait_ms, 3'000);
  EXPECT_EQ(asked->pause_when_empty_ms, 10);
}

TEST(SourceSettings, DeadLetters) {
  const auto dead = source_with({{"decode.errors", "dead-letter"}, {"dead-letter.topic", "dlq"}});
  EXPECT_EQ(dead->decode_errors, DecodeErrors::kDeadLetter);
  EXPECT_EQ(dead->dead_letter_topic, "dlq");
  EXPECT_THAT(refusal(source_with({{"decode.errors", "dead-letter"}}).status()),
              HasSubstr("'dead-letter.topic'"));
  EXPECT_THAT(
      refusal(source_with({{"decode.errors", "dead-letter"}, {"dead-letter.topic", "orders"}})
                  .status()),
      HasSubstr("name another one"));
  EXPECT_THAT(refusal(source_with({{"dead-letter.topic", "dlq"}}).status()),
              HasSubstr("has no effect"));
}

TEST(SourceSettings, SeveralTopics) {
  for (const char* text : {"orders;returns", "orders, returns;"}) {
    const auto settings = source_with({{"topic", text}});
    ASSERT_TRUE(settings.ok()) << settings.status().to_string();
    EXPECT_THAT(settings->topics.names(), ElementsAre("orders", "returns"));
    EXPECT_TRUE(settings->topics.several());
    EXPECT_EQ(settings->topics.explain(), "topic=orders;returns");
    EXPECT_TRUE(*settings->topics.selects("returns"));
    EXPECT_FALSE(*settings->topics.selects("order"));
  }
  EXPECT_THAT(refusal(source_with({{"topic", "a;b;a"}}).status()),
              AllOf(HasSubstr("table 't'"), HasSubstr("option 'topic' names 'a' twice")));
  EXPECT_THAT(refusal(source_with({{"topic", "a;b/c"}}).status()),
              AllOf(HasSubstr("option 'topic'"), HasSubstr("'b/c'")));
  EXPECT_THAT(refusal(source_with({{"topic", ";"}}).status()),
              AllOf(HasSubstr("missing option 'topic'"), HasSubstr("'topic-pattern'")));
  EXPECT_THAT(refusal(source_with({{"topic", "a;dead"},
                                   {"decode.errors", "dead-letter"},
                                   {"dead-letter.topic", "dead"}})
                          .status()),
              HasSubstr("one of the topics that are read"));
}

Result<SourceSettings> source_like(const std::string& pattern, OptionMap more = {}) {
  more["topic"] = "";
  more["topic-pattern"] = pattern;
  return source_with(std::move(more));
}

TEST(SourceSettings, APatternSelectsWholeNames) {
  const auto settings = source_like("orders_(eu|us)");
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  const TopicSelection& topics = settings->topics;
  EXPECT_TRUE(topics.several());
  EXPECT_THAT(topics.names(), ElementsAre());
  EXPECT_EQ(topics.explain(), "topic-pattern=orders_(eu|us)");
  EXPECT_TRUE(*topics.selects("orders_eu"));
  EXPECT_FALSE(*topics.selects("orders_eu_2"));
  EXPECT_FALSE(*topics.selects("my_orders_eu"));
}

TEST(SourceSettings, APatternNeverSelectsTopicsOfRocketMqItself) {
  const auto all = source_like(".*");
  for (const char* topic : {"%RETRY%g", "%DLQ%g", "RMQ_SYS_TRACE_TOPIC", "rmq_sys_x", "TBW102",
                            "DefaultCluster_REPLY_TOPIC", "SCHEDULE_TOPIC_XXXX"})
    EXPECT_FALSE(*all->topics.selects(topic)) << topic;
  EXPECT_TRUE(*all->topics.selects("orders"));
  EXPECT_TRUE(*source_with({{"topic", "%DLQ%g"}})->topics.selects("%DLQ%g")) << "named it is read";
}

TEST(SourceSettings, APatternIsOfTheNamespace) {
  const auto settings = source_like("o.*", {{"namespace", "one"}});
  EXPECT_TRUE(*settings->topics.selects("one%orders"));
  EXPECT_FALSE(*settings->topics.selects("orders"));
  EXPECT_FALSE(*settings->topics.selects("other%orders"));
}

TEST(SourceSettings, AWrongPatternIsNamed) {
  EXPECT_THAT(refusal(source_like("orders_(").status()),
              AllOf(HasSubstr("table 't'"), HasSubstr("option 'topic-pattern'"),
                    HasSubstr("'orders_(' is wrong")));
  EXPECT_THAT(refusal(source_with({{"topic-pattern", "o.*"}}).status()),
              HasSubstr("'topic' and 'topic-pattern' exclude each other"));
  EXPECT_THAT(
      refusal(source_like("o.*", {{"decode.errors", "dead-letter"}, {"dead-letter.topic", "old"}})
                  .status()),
      HasSubstr("one of the topics that are read"));
}

TEST(SourceSettings, OffsetsOfSeveralTopicsNameTheTopic) {
  const auto with = [](const std::string& topics, const std::string& offsets) {
    return source_with({{"topic", topics},
                        {"scan.startup.mode", "specific-offsets"},
                        {"scan.startup.specific-offsets", offsets}});
  };
  const auto settings = with("orders;returns", "orders:broker-a:1:201;returns:broker-a:1:3");
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->start_offsets,
            (QueueOffsets{{{"orders", "broker-a", 1}, 201}, {{"returns", "broker-a", 1}, 3}}));
  EXPECT_EQ(with("orders", "orders:broker-a:1:201")->start_offsets,
            (QueueOffsets{{{"orders", "broker-a", 1}, 201}}))
      << "one topic may be named";
  for (const char* text : {"broker-a:1:201", ":broker-a:1:2", "orders::1:2", "orders:b:x:2"}) {
    EXPECT_THAT(refusal(with("orders;returns", text).status()),
                HasSubstr("is not topic:broker:queue:offset"))
        << text;
  }
  EXPECT_THAT(refusal(with("orders;returns", "bills:b:0:1").status()),
              HasSubstr("topic 'bills', which the table does not read"));
  const OptionMap start{{"scan.startup.mode", "specific-offsets"},
                        {"scan.startup.specific-offsets", "orders:b:0:1"}};
  EXPECT_EQ(source_like("o.*", start)->start_offsets, (QueueOffsets{{{"orders", "b", 0}, 1}}));
  EXPECT_THAT(refusal(source_like("x.*", start).status()), HasSubstr("does not read"));
}

TEST(SinkSettings, OneTopicIsWritten) {
  EXPECT_THAT(refusal(sink_with({{"topic", "a;b"}}).status()),
              AllOf(HasSubstr("table 't'"), HasSubstr("'a;b' are several"),
                    HasSubstr("topic STRING METADATA")));
  EXPECT_THAT(refusal(sink_with({{"topic", ""}, {"topic-pattern", "a.*"}}).status()),
              AllOf(HasSubstr("missing option 'topic'"), HasSubstr("for reading only")));
}

TEST(SinkSettings, DefaultsAndGuarantees) {
  const auto plain = sink_with({});
  ASSERT_TRUE(plain.ok()) << plain.status().to_string();
  EXPECT_EQ(plain->guarantee, Guarantee::kAtLeastOnce);
  EXPECT_EQ(plain->group, "slipstream_my_job") << "one stable group per job";
  EXPECT_EQ(sink_with({{"sink.delivery-guarantee", "exactly-once"}})->guarantee,
            Guarantee::kExactlyOnce);
  EXPECT_EQ(sink_with({{"sink.delivery-guarantee", "none"}})->guarantee, Guarantee::kNone);
  for (const char* name : {"produceGroup", "producerGroup", "produce-group", "rocketmq.sink.group"})
    EXPECT_EQ(sink_with({{name, "mine"}})->group, "mine");
  EXPECT_THAT(sink_with({{"tag", "red"}})->tags, ElementsAre("red"));
  EXPECT_THAT(refusal(sink_with({{"tag", "a || b"}}).status()), HasSubstr("one tag"));
  EXPECT_EQ(sink_with({{"sink.fence-wait", "3 s"}})->fence_wait_ms, 3'000);
}

TEST(Endpoints, OneForEachNameServer) {
  EXPECT_THAT(topic_endpoints("a:1;b:2", "t"), ElementsAre("topic 't' at a:1", "topic 't' at b:2"));
  EXPECT_THAT(topic_endpoints("a:1, b:2;", "t"),
              ElementsAre("topic 't' at a:1", "topic 't' at b:2"));
}

TableDefinition with_metadata(std::string key, Type type, bool is_virtual) {
  TableDefinition table = table_with({{"consumerGroup", "g"}});
  table.metadata.push_back({"m", std::move(key), std::move(type), is_virtual});
  return table;
}

Result<ReadColumn> read_column(const char* key, Type type) {
  const TableDefinition table = with_metadata(key, std::move(type), true);
  return resolve_read_column(table, table.metadata[0]);
}

TEST(Metadata, EveryReadableKeyIsReadInItsType) {
  for (const MetadataSpec& spec : rocketmq_metadata()) {
    EXPECT_EQ(read_column(spec.key.c_str(), spec.type).ok(), spec.readable) << spec.key;
  }
  EXPECT_EQ(read_column("__queue_id__", Type::integer())->key, MetadataKey::kQueueId);
  EXPECT_EQ(read_column("message_id", Type::string())->key, MetadataKey::kMessageId);
  EXPECT_EQ(read_column("store-timestamp", Type::bigint())->key, MetadataKey::kStoreTime);
}

TEST(Metadata, WrongKeysAndTypesAreRefused) {
  EXPECT_THAT(refusal(read_column("tgas", Type::string()).status()),
              AllOf(HasSubstr("'tgas'"), HasSubstr("did you mean 'tags'")));
  EXPECT_THAT(refusal(read_column("queue-offset", Type::string()).status()), HasSubstr("BIGINT"));
  EXPECT_THAT(refusal(read_column("delivery-time", Type::timestamp(3)).status()),
              HasSubstr("only be written"));
}

TEST(Metadata, OnlyWritableKeysAreWritten) {
  for (const MetadataSpec& spec : rocketmq_metadata()) {
    const auto columns = resolve_write_columns(with_metadata(spec.key, spec.type, false));
    EXPECT_EQ(columns.ok(), spec.writable) << spec.key;
    if (!columns.ok()) {
      EXPECT_THAT(refusal(columns.status()), HasSubstr("METADATA VIRTUAL"));
    }
    EXPECT_TRUE(resolve_write_columns(with_metadata(spec.key, spec.type, true))->empty());
  }
  TableDefinition twice = with_metadata("tags", Type::string(), false);
  twice.metadata.push_back({"other", "tag", Type::string(), false});
  EXPECT_THAT(refusal(resolve_write_columns(twice).status()), HasSubstr("both write"));
}

TEST(Sink, WhatCannotBeHeldIsRefused) {
  const auto connector = make_factory();
  TableDefinition table = with_metadata("delivery-time", Type::timestamp(3), false);
  table.options["sink.delivery-guarantee"] = "exactly-once";
  EXPECT_THAT(refusal(connector->make_sink(testing::sink_request(table)).status()),
              AllOf(HasSubstr("delivery time"), HasSubstr("at-least-once")));
  SinkRequest updating = testing::sink_request(table_with({}));
  updating.updating = true;
  EXPECT_THAT(refusal(connector->make_sink(updating).status()),
              AllOf(HasSubstr("debezium-json"), HasSubstr("TUMBLE")));
}

TEST(SinkSettings, KeysAreWrittenByTheKeyFormatOrByAColumn) {
  TableDefinition table = table_with({{"key.format", "json"}, {"key.fields", "n"}});
  table.metadata = {{"k", "keys", Type::string(), false}};
  EXPECT_THAT(refusal(make_factory()->make_sink(testing::sink_request(table)).status()),
              AllOf(HasSubstr("column 'k'"), HasSubstr("both write the keys")));
  table.metadata[0].is_virtual = true;
  EXPECT_TRUE(make_factory()->make_sink(testing::sink_request(table)).ok());
  table.options["key.format"] = "raw";
  EXPECT_THAT(refusal(make_factory()->make_sink(testing::sink_request(table)).status()),
              AllOf(HasSubstr("column 'n' is INT"), HasSubstr("use 'json'")));
}

TEST(AccessSettings, OptionsUnderAllTheirNames) {
  for (const auto& [key, secret, token] :
       {std::tuple{"accessKey", "secretKey", "securityToken"},
        {"access-key", "secret-key", "security-token"},
        {"rocketmq.client.accessKey", "rocketmq.client.secretKey",
         "rocketmq.client.securityToken"}}) {
    const auto settings = sink_with({{key, "user"}, {secret, "hush"}, {token, "t"}});
    ASSERT_TRUE(settings.ok()) << settings.status().to_string();
    EXPECT_EQ(
        settings->client.security.credentials,
        (rocketmq::Credentials{.access_key = "user", .secret_key = "hush", .security_token = "t"}));
  }
}

TEST(AccessSettings, HeartbeatsAndUnitReachTheClient) {
  const auto defaults = source_with({});
  ASSERT_TRUE(defaults.ok()) << defaults.status().to_string();
  EXPECT_EQ(defaults->client.heartbeat_interval_ms, 30'000);
  const auto settings = source_with({{"heartbeat.interval", "7 s"}, {"unitName", "u"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->client.heartbeat_interval_ms, 7'000);
  EXPECT_EQ(settings->client.unit_name, "u");
  EXPECT_THAT(refusal(source_with({{"heartbeat.interval", "0 s"}}).status()),
              HasSubstr("at least 1 ms"));
}

TEST(AccessSettings, TlsIsReadWhole) {
  const auto settings = source_with({{"tls.enabled", "true"},
                                     {"tls.ca-file", "/ca"},
                                     {"tls.cert-file", "/cert"},
                                     {"tls.key-file", "/key"},
                                     {"tls.key-password", "hush"},
                                     {"tls.verify", "ca"},
                                     {"tls.server-name", "broker.example"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->client.security.tls, (rocketmq::TlsOptions{.enabled = true,
                                                                 .ca_file = "/ca",
                                                                 .cert_file = "/cert",
                                                                 .key_file = "/key",
                                                                 .key_password = "hush",
                                                                 .verify = rocketmq::TlsVerify::kCa,
                                                                 .server_name = "broker.example"}));
}

TEST(AccessSettings, AWrongEnvironmentIsRefusedUnlessTheOptionIsGiven) {
  ASSERT_EQ(::setenv("SLIPSTREAM_TLS", "perhaps", 1), 0);
  EXPECT_THAT(refusal(source_with({}).status()),
              AllOf(HasSubstr("table 't'"), HasSubstr("SLIPSTREAM_TLS is 'perhaps'")));
  EXPECT_TRUE(source_with({{"tls.enabled", "false"}}).ok());
  ASSERT_EQ(::setenv("SLIPSTREAM_TLS", "1", 1), 0);
  EXPECT_TRUE(source_with({})->client.security.tls.enabled);
  ASSERT_EQ(::unsetenv("SLIPSTREAM_TLS"), 0);
}

TEST(AccessSettings, HalfAndDoubleCredentialsAreRefusedWithoutTheirValues) {
  const std::string half = refusal(sink_with({{"accessKey", "hushed-user"}}).status());
  EXPECT_THAT(half, AllOf(HasSubstr("table 't'"), HasSubstr("'secretKey' is missing")));
  const std::string both =
      refusal(source_with({{"accessKey", "u"}, {"secretKey", "hush"}, {"credentials.file", "/f"}})
                  .status());
  EXPECT_THAT(both, HasSubstr("exclude each other"));
  const std::string twice =
      refusal(sink_with({{"secretKey", "hush-1"}, {"secret-key", "hush-2"}}).status());
  EXPECT_THAT(twice, HasSubstr("given twice"));
  for (const std::string& text : {half, both, twice})
    EXPECT_THAT(text, ::testing::Not(HasSubstr("hush")));
  EXPECT_THAT(refusal(sink_with({{"tls.ca-file", "/ca"}}).status()),
              HasSubstr("no effect without 'tls.enabled' = 'true'"));
}

TEST(AccessSettings, EverySecretIsDeclaredAsOne) {
  for (const char* name : {"accessKey", "secretKey", "securityToken", "tls.key-password"}) {
    const OptionTable options = rocketmq_options();
    const OptionSpec* spec = options.find(name);
    ASSERT_NE(spec, nullptr) << name;
    EXPECT_TRUE(spec->secret) << name;
    EXPECT_TRUE(spec->default_value.empty()) << name;
  }
}

TEST(AccessSettings, TheDeadLetterTopicIsWrittenWithTheSameAccess) {
  OptionMap options{{"topic", "orders"},        {"nameServerAddress", "ns:9876"},
                    {"consumerGroup", "g"},     {"decode.errors", "dead-letter"},
                    {"dead-letter.topic", "d"}, {"access-key", "user"},
                    {"secret-key", "hush"},     {"tls.enabled", "true"}};
  SourceRequest request;
  request.table = table_of(Schema({{"n", Type::integer()}}), std::move(options));
  request.physical = {0};
  const auto source = make_factory()->make_source(request);
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const auto letters = (*source)->dead_letters();
  ASSERT_TRUE(letters);
  EXPECT_EQ(letters->connector, "rocketmq");
  const auto sink = read_sink_settings(letters->table, "job", "uid");
  ASSERT_TRUE(sink.ok()) << sink.status().to_string();
  EXPECT_EQ(sink->client.security.credentials.access_key, "user");
  EXPECT_EQ(sink->client.security.credentials.secret_key, "hush");
  EXPECT_TRUE(sink->client.security.tls.enabled);
  for (const std::string& line : (*source)->explain())
    EXPECT_THAT(line, ::testing::Not(HasSubstr("hush")));
}

TEST(SinkSettings, SeveralTagsAreAList) {
  EXPECT_THAT(sink_with({{"sink.tags", "a, b,"}})->tags, ElementsAre("a", "b"));
  EXPECT_THAT(sink_with({{"sink.tags", "a"}})->tags, ElementsAre("a"));
  EXPECT_THAT(refusal(sink_with({{"sink.tags", " ,"}}).status()), HasSubstr("names no tag"));
  EXPECT_THAT(refusal(sink_with({{"sink.tags", "a,b,a"}}).status()), HasSubstr("'a' twice"));
  EXPECT_THAT(refusal(sink_with({{"sink.tags", "a,b"}, {"tag", "c"}}).status()),
              HasSubstr("exclude each other"));
}

TEST(Settings, ANamespaceStandsInFrontOfNames) {
  const auto source = source_with({{"namespace", "one"}});
  EXPECT_EQ(source->topics.text(), "one%orders");
  EXPECT_EQ(source->group, "one%g");
  const auto topic = [](OptionMap options) { return source_with(options)->topics.text(); };
  EXPECT_EQ(topic({{"namespace", "other"}}), "other%orders");
  EXPECT_EQ(topic({{"namespace", "one"}, {"topic", "one%orders"}}), "one%orders");
  EXPECT_EQ(topic({{"namespace", "one"}, {"topic", "%RETRY%g;a"}}), "%RETRY%one%g;one%a");
  const auto sink = sink_with({{"namespace", "one"}});
  EXPECT_EQ(sink->topic, "one%orders");
  EXPECT_EQ(sink->group, "one%slipstream_my_job");
  EXPECT_EQ(sink->scan_group, "one%slipstream_scan");
  EXPECT_EQ(without_namespace("one", "one%orders"), "orders");
  EXPECT_EQ(without_namespace("one", "one"), "one");
  EXPECT_EQ(without_namespace("", "one%orders"), "one%orders");
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
