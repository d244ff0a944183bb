// The keys of RocketMQSourceFunction and RocketMQSink.
#include "stream/rocketmq_config.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipstream::stream {
namespace {

using erased::SourceStart;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using Config = RocketMQConfig;

Properties with(Properties more = {}) {
  more.insert({{Config::kNameServerAddress, "h:9876"},
               {Config::kConsumerGroup, "g"},
               {Config::kConsumerTopic, "T"}});
  return more;
}
std::string refused(const Properties& properties, SourceStart start = {},
                    std::optional<std::int64_t> stop_ms = std::nullopt) {
  const auto config = read_source_config(properties, start, stop_ms);
  return config.ok() ? "" : config.status().to_string();
}

TEST(RocketMQConfigTest, DefaultsAreThoseOfTheOriginal) {
  const auto source = read_source_config(with(), {});
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  EXPECT_EQ(source->options, (OptionMap{{"nameServerAddress", "h:9876"},
                                        {"topic", "T"},
                                        {"consumerGroup", "g"},
                                        {"tag", "*"},
                                        {"scan.topic-partition-discovery.interval", "30000 ms"},
                                        {"scan.pull.wait", "3000 ms"},
                                        {"scan.pull.pause-when-empty", "10 ms"},
                                        {"scan.pull.concurrency", "20"},
                                        {"pullBatchSize", "32"},
                                        {"heartbeat.interval", "30000 ms"},
                                        {"scan.startup.group-offsets.reset", "latest"}}));
  EXPECT_EQ(source->persist_interval_ms, 5'000);
  EXPECT_EQ(source->list_messages_max, 32U);

  const auto sink = read_sink_config({{Config::kNameServerAddress, "h:9876"}}, "my job");
  ASSERT_TRUE(sink.ok()) << sink.status().to_string();
  EXPECT_EQ(sink->client.name_servers, "h:9876");
  EXPECT_EQ(sink->producer.group, "slipstream_my_job");
  EXPECT_EQ(sink->producer.attempts_max, 4);
  EXPECT_EQ(sink->producer.attempt_timeout_ms, 3'000);
  EXPECT_EQ(sink->delay_level, 0);
  EXPECT_EQ(sink->topic, "");
}

TEST(RocketMQConfigTest, KeysReachTheConnectorAndTheProducer) {
  const auto source = read_source_config(with({{Config::kNameServerPollInterval, "0"},
                                               {Config::kConsumerTimeout, "7"},
                                               {Config::kConsumerDelayWhenMessageNotFound, "8"},
                                               {Config::kConsumerPullThreadPoolSize, "9"},
                                               {Config::kAccessKey, "me"},
                                               {Config::kSecretKey, "secret"},
                                               {Config::kConsumerSql, "a > 1"},
                                               {Config::kConsumerBatchSize, "11"},
                                               {Config::kBrokerHeartbeatInterval, "12"},
                                               {Config::kUnitName, "u"}}),
                                         {});
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  EXPECT_THAT(
      source->options,
      IsSupersetOf({Pair("scan.topic-partition-discovery.interval", "0 ms"),
                    Pair("scan.pull.wait", "7 ms"), Pair("scan.pull.pause-when-empty", "8 ms"),
                    Pair("scan.pull.concurrency", "9"), Pair("pullBatchSize", "11"),
                    Pair("scan.filter.sql", "a > 1"), Pair("accessKey", "me"),
                    Pair("secretKey", "secret"), Pair("heartbeat.interval", "12 ms"),
                    Pair("unit.name", "u")}));
  const auto sink = read_sink_config({{Config::kNameServerAddress, "h:9876"},
                                      {Config::kProducerGroup, "pg"},
                                      {Config::kProducerTopic, "out"},
                                      {Config::kProducerRetryTimes, "0"},
                                      {Config::kProducerTimeout, "50"},
                                      {Config::kMsgDelayLevel, "18"},
                                      {Config::kBrokerHeartbeatInterval, "12"},
                                      {Config::kUnitName, "u"}},
                                     "job");
  ASSERT_TRUE(sink.ok()) << sink.status().to_string();
  EXPECT_EQ(sink->producer.group, "pg");
  EXPECT_EQ(sink->topic, "out");
  EXPECT_EQ(sink->producer.attempts_max, 1);
  EXPECT_EQ(sink->producer.attempt_timeout_ms, 50);
  EXPECT_EQ(sink->delay_level, 18);
}

TEST(RocketMQConfigTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(refused(with({{"consumer.batchsize", "3"}})), HasSubstr("consumer.batch.size"));
  EXPECT_THAT(refused({{Config::kNameServerAddress, "h:9876"}, {Config::kConsumerGroup, "g"}}),
              HasSubstr("'consumer.topic': is required"));
  EXPECT_THAT(refused({{Config::kConsumerTopic, "T"}, {Config::kConsumerGroup, "g"}}),
              HasSubstr("'nameserver.address': is required"));
  EXPECT_THAT(refused(with({{Config::kConsumerBatchSize, "1025"}})), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(refused(with({{Config::kConsumerTimeout, "soon"}})), HasSubstr("consumer.timeout"));
  EXPECT_THAT(refused(with({{Config::kConsumerSql, "a > 1"}, {Config::kConsumerTag, "red"}})),
              HasSubstr("together with 'consumer.tag'"));
  EXPECT_THAT(refused(with({{Config::kBrokerHeartbeatInterval, "0"}})),
              HasSubstr("brokerserver.heartbeat.interval"));
  EXPECT_THAT(refused(with({{Config::kAccessKey, "me"}})), HasSubstr("'secret.key'"));
  EXPECT_THAT(refused(with({{Config::kConsumerOffsetResetTo, "timestamp"}})),
              HasSubstr("consumer.offset.from.timestamp"));
  const auto sink = read_sink_config(
      {{Config::kNameServerAddress, "h:9876"}, {Config::kMsgDelayLevel, "19"}}, "job");
  EXPECT_THAT(sink.status().to_string(), HasSubstr("from 0 to 18"));
}

TEST(RocketMQConfigTest, TheAccessChannelIsOneOfTwoAndChangesNothing) {
  const auto local = read_source_config(with({}), {});
  const auto cloud = read_source_config(with({{Config::kAccessChannel, "CLOUD"}}), {});
  ASSERT_TRUE(local.ok() && cloud.ok());
  EXPECT_EQ(cloud->options, local->options);
  EXPECT_THAT(refused(with({{Config::kAccessChannel, "VIP"}})), HasSubstr("access.channel"));
}

TEST(RocketMQConfigTest, FilesAndTlsAsInTheConnector) {
  const Properties properties = with({{"credentials.file", "/c"},
                                      {"tls.enabled", "true"},
                                      {"tls.ca-file", "/ca.pem"},
                                      {"tls.verify", "ca"},
                                      {"scan.offset-out-of-range", "nearest"}});
  const auto source = read_source_config(properties, {});
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  EXPECT_THAT(source->options,
              IsSupersetOf({Pair("credentials.file", "/c"), Pair("tls.enabled", "true"),
                            Pair("tls.ca-file", "/ca.pem"), Pair("tls.verify", "ca"),
                            Pair("scan.offset-out-of-range", "nearest")}));
  const auto sink = read_sink_config(properties, "job");
  ASSERT_TRUE(sink.ok()) << sink.status().to_string();
  EXPECT_EQ(sink->client.security.credentials_file, "/c");
  EXPECT_TRUE(sink->client.security.tls.enabled);
  EXPECT_EQ(sink->client.security.tls.ca_file, "/ca.pem");
  EXPECT_EQ(sink->client.security.tls.verify, rocketmq::TlsVerify::kCa);
  EXPECT_THAT(refused(with({{"credentials.file", "/c"},
                            {Config::kAccessKey, "me"},
                            {Config::kSecretKey, "secret"}})),
              HasSubstr("excludes"));
}

TEST(RocketMQConfigTest, SpecificOffsetsAreOfTheTopic) {
  const auto config =
      read_source_config(with(), {.mode = SourceStart::Mode::kSpecificOffsets,
                                  .offsets = {{{"T", "broker-a", 1}, 201}, {{"T", "b", 3}, 123}}});
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->options,
              IsSupersetOf({Pair("scan.startup.specific-offsets", "b:3:123;broker-a:1:201")}));
  EXPECT_THAT(refused(with(), {.mode = SourceStart::Mode::kSpecificOffsets,
                               .offsets = {{{"U", "broker-a", 1}, 201}}}),
              HasSubstr("not of the topic 'T'"));
}

TEST(RocketMQConfigTest, AStopTimeBoundsTheRead) {
  const auto config = read_source_config(with(), {}, 5'000);
  ASSERT_TRUE(config.ok()) << config.status().to_string();
  EXPECT_THAT(config->options, IsSupersetOf({Pair("scan.bounded.mode", "timestamp"),
                                             Pair("scan.bounded.timestamp-millis", "5000")}));
  EXPECT_THAT(refused(with(), {}, -1), HasSubstr("stop time -1"));
}

TEST(RocketMQConfigTest, SpecificOffsetsOfSeveralTopicsNameThem) {
  const auto config =
      read_source_config(with({{Config::kConsumerTopic, "T;U"}}),
                         {.mode = SourceStart::Mode::kSpecificOffsets,
                          .offsets = {{{"T", "broker-a", 1}, 201}, {{"U", "broker-a", 1}, 123}}});
  ASSERT_TRUE(config.ok()) << config.status().to_string();
  EXPECT_THAT(config->options,
              IsSupersetOf({Pair("topic", "T;U"), Pair("scan.startup.specific-offsets",
                                                       "T:broker-a:1:201;U:broker-a:1:123")}));
}

TEST(RocketMQConfigTest, TheGuideHasTheTable) {
  std::ifstream page(SLIPSTREAM_DOCS_DIR "/datastream-rocketmq.md");
  std::stringstream text;
  text << page.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(rocketmq_config().to_markdown()));
}

TEST(RocketMQConfigTest, MistakesAreToldByExecute) {
  Environment env;
  env.add_source(RocketMQSourceFunction(SimpleStringDeserializationSchema(), with({{"nmae", ""}})))
      .add_sink(RocketMQSink(SimpleStringSerializationSchema(), {{"producer.grup", "x"}}));
  const Status status = env.execute();
  EXPECT_THAT(status.to_string(), HasSubstr("nmae"));
  EXPECT_THAT(status.to_string(), HasSubstr("producer.group"));
}

}  // namespace
}  // namespace slipstream::stream
