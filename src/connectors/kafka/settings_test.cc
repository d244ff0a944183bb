#include "connectors/kafka/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/kafka/kafka_connector.h"
#include "connectors/kafka/split_codec.h"

namespace slipstream::kafka_connector {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

OptionMap basic(OptionMap more) {
  more.insert({{"properties.bootstrap.servers", "nowhere:9092"},
               {"format", "json"},
               {"scan.startup.mode", "earliest-offset"}});
  if (!more.contains("topic-pattern")) more.insert({"topic", "orders"});
  return more;
}

Result<SourceSettings> read(OptionMap more) {
  return read_source_settings(
      slipstream::testing::table_of(Schema({{"n", Type::integer()}}), basic(std::move(more))));
}

std::string refusal(OptionMap more) {
  const auto settings = read(std::move(more));
  return settings.ok() ? "accepted" : settings.error().message;
}

TEST(KafkaSettings, WhatFlinkCallsThemIsUnderstood) {
  const auto settings = read({{"topic", "orders;returns"},
                              {"properties.group.id", "g"},
                              {"scan.startup.mode", "group-offsets"},
                              {"properties.auto.offset.reset", "latest"},
                              {"scan.topic-partition-discovery.interval", "7 s"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->topics.names(), (std::vector<std::string>{"orders", "returns"}));
  EXPECT_EQ(settings->group, "g");
  EXPECT_EQ(settings->start, StartMode::kGroupOffsets);
  EXPECT_EQ(settings->reset, GroupReset::kLatest);
  EXPECT_EQ(settings->discovery_ms, 7'000);
  EXPECT_EQ(settings->properties.at("group.id"), "g");
  EXPECT_FALSE(settings->properties.contains("auto.offset.reset")) << "not librdkafka's affair";
}

TEST(KafkaSettings, OffsetsOfPartitions) {
  const auto settings =
      read({{"scan.startup.mode", "specific-offsets"},
            {"scan.startup.specific-offsets", "partition:0,offset:42;partition:3,offset:300"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->start_offsets, (PartitionOffsets{{{"orders", 0}, 42}, {{"orders", 3}, 300}}));
  for (const char* wrong :
       {"0:42", "partition:0", "partition:x,offset:1", "partition:0,offset:-1"}) {
    EXPECT_THAT(refusal({{"scan.startup.mode", "specific-offsets"},
                         {"scan.startup.specific-offsets", wrong}}),
                HasSubstr("is not of the form partition:0,offset:42"));
  }
}

TEST(KafkaSettings, ErrorsNamePlaceCauseAndFix) {
  EXPECT_THAT(refusal({{"scan.startup.mode", "group-offsets"}}),
              AllOf(HasSubstr("table 't'"), HasSubstr("needs 'properties.group.id'")));
  EXPECT_THAT(refusal({{"scan.startup.mode", "timestamp"}}),
              HasSubstr("missing option 'scan.startup.timestamp-millis'"));
  EXPECT_THAT(refusal({{"scan.startup.timestamp-millis", "1"}}),
              HasSubstr("has no effect without 'scan.startup.mode' = 'timestamp'"));
  EXPECT_THAT(refusal({{"topic-pattern", "a("}}), HasSubstr("option 'topic-pattern'"));
  EXPECT_THAT(refusal({{"topic-pattern", "a.*"}, {"topic", "a"}}), HasSubstr("exclude each other"));
  EXPECT_THAT(refusal({{"topic", "a b"}}), HasSubstr("cannot be a topic of Kafka"));
  EXPECT_THAT(refusal({{"topic", "a;a"}}), HasSubstr("twice"));
}

TEST(KafkaSettings, TheDeadLetterTopicIsNoneThatIsRead) {
  EXPECT_EQ(refusal({{"decode.errors", "dead-letter"}, {"dead-letter.topic", "dead"}}), "accepted");
  EXPECT_THAT(refusal({{"decode.errors", "dead-letter"}, {"dead-letter.topic", "orders"}}),
              HasSubstr("is read by the table itself"));
  EXPECT_THAT(refusal({{"decode.errors", "dead-letter"}}), HasSubstr("'dead-letter.topic'"));
  EXPECT_THAT(refusal({{"dead-letter.topic", "dead"}}), HasSubstr("has no effect without"));
}

TEST(KafkaSettings, SaslAndTlsGoToLibrdkafkaToo) {
  const std::string sasl = "properties.sasl.";
  const std::string ssl = "properties.ssl.";
  const auto settings = read({{"properties.security.protocol", "SASL_PLAINTEXT"},
                              {sasl + "mechanism", "PLAIN"},
                              {sasl + "username", "user"},
                              {sasl + "password", "word"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->properties.at("sasl.username"), "user");
  EXPECT_THAT(refusal({{sasl + "kerberos.min.time.before.relogin", "soon"}}),
              HasSubstr("Invalid value"));
  EXPECT_EQ(refusal({{ssl + "endpoint.identification.algorithm", "none"}}), "accepted");
  EXPECT_THAT(refusal({{ssl + "endpoint.identification.algorithm", "some"}}),
              HasSubstr("Invalid value"));
}

TEST(KafkaSettings, TimesToBeginAndEndAt) {
  for (const char* time : {"1000", "2000"}) {
    const auto settings = read({{"scan.startup.mode", "timestamp"},
                                {"scan.startup.timestamp-millis", time},
                                {"scan.bounded.mode", "timestamp"},
                                {"scan.bounded.timestamp-millis", time}});
    ASSERT_TRUE(settings.ok()) << settings.status().to_string();
    EXPECT_EQ(std::to_string(settings->start_ms), time);
    EXPECT_EQ(std::to_string(settings->bound_ms), time);
  }
}

TEST(KafkaSettings, PropertiesGoToLibrdkafkaWhichChecksThem) {
  const std::string any = "properties.";
  const auto settings = read({{any + "fetch.wait.max.ms", "20"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->properties.at("fetch.wait.max.ms"), "20");
  EXPECT_THAT(refusal({{any + "fetch.wait.max.ms", "soon"}}),
              AllOf(HasSubstr("table 't': option 'properties.fetch.wait.max.ms'"),
                    HasSubstr("Invalid value")));
  EXPECT_THAT(refusal({{"properties.no.such", "1"}}), HasSubstr("No such configuration property"));
  EXPECT_THAT(refusal({{"properties.sasl.jaas.config", "..."}}),
              HasSubstr("use 'properties.sasl.username' and 'properties.sasl.password'"));
  EXPECT_THAT(refusal({{"properties.enable.auto.commit", "true"}}),
              HasSubstr("the connector decides about it"));
}

TEST(KafkaSettings, AccessGoesToTheDeadLetterTableToo) {
  const auto factory = make_factory();
  const auto source =
      factory->make_source(slipstream::testing::source_request(slipstream::testing::table_of(
          Schema({{"n", Type::integer()}}), basic({{"decode.errors", "dead-letter"},
                                                   {"dead-letter.topic", "dead"},
                                                   {"properties.sasl.username", "user"}}))));
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const auto letters = (*source)->dead_letters();
  ASSERT_TRUE(letters.has_value());
  EXPECT_EQ(letters->connector, "kafka");
  EXPECT_EQ(letters->table.options.at("topic"), "dead");
  EXPECT_EQ(letters->table.options.at("properties.sasl.username"), "user");
}

TEST(KafkaSettings, WhatMayHoldASecretIsNeverPrinted) {
  const OptionTable options = kafka_options();
  for (const char* name : {"properties.sasl.password", "properties.sasl.username",
                           "properties.ssl.key.password", "properties.ssl.ca.location"})
    EXPECT_TRUE(options.find(name)->secret) << name;
  EXPECT_FALSE(options.find("properties.client.id")->secret);
}

TEST(KafkaSettings, MetadataThatIsNotThereIsRefused) {
  TableDefinition table =
      slipstream::testing::table_of(Schema({{"n", Type::integer()}}), basic({}));
  table.metadata = {{"e", "ofset", Type::bigint(), true}};
  const auto factory = make_factory();
  auto made = factory->make_source(slipstream::testing::source_request(table));
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, AllOf(HasSubstr("column 'e'"), HasSubstr("'offset'")));
  table.metadata = {{"e", "offset", Type::string(), true}};
  made = factory->make_source(slipstream::testing::source_request(table));
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("declare it BIGINT"));
}

TEST(KafkaSplits, SurviveTheCheckpoint) {
  const Split split = encode_split({{"a.b-c", 12}, 42, 100});
  EXPECT_EQ(split.id, "a.b-c/12");
  EXPECT_EQ(split.state, "1,42,100");
  const auto back = decode_split(split);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->partition, (Partition{"a.b-c", 12}));
  EXPECT_EQ(back->next, 42);
  EXPECT_EQ(back->end, 100);
  for (const Split& wrong : {Split{"t", "1,0,-1"}, Split{"t/x", "1,0,-1"}, Split{"t/0", "2,0,-1"},
                             Split{"t/0", "1,0"}, Split{"t/0", "1,0,-1,5"}})
    EXPECT_FALSE(decode_split(wrong).ok()) << wrong.id << " " << wrong.state;
  EXPECT_EQ(*decode_known_splits(encode_known_splits({"a/0", "b/1"})),
            (std::set<std::string>{"a/0", "b/1"}));
  EXPECT_FALSE(decode_known_splits("2\na/0").ok());
}

}  // namespace
}  // namespace slipstream::kafka_connector
