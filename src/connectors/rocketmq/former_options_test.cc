// Every option of rocketmq-flink's generations: its README's (camel case), rocketmq.* and those of its
// gRPC module. A table that has one runs, or is told what to write.
#include "connectors/rocketmq/former_options.h"

#include <gmock/gmock.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "connector_kit/table_format.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/settings.h"

namespace slipstream::rocketmq_connector {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::table_of;

enum class Side : std::uint8_t { kSource, kSink };

// A table with these options, and with those that it needs unless one of these is another name of it.
Status taken(Side side, const OptionMap& given) {
  OptionMap options{{"topic", "orders"}, {"nameServerAddress", "ns:9876"}};
  if (side == Side::kSource) options.emplace("consumerGroup", "g");
  const OptionTable known = rocketmq_options();
  for (const auto& option : given) {
    if (const OptionSpec* spec = known.find(option.first)) options.erase(spec->name);
  }
  options.insert(given.begin(), given.end());
  const TableDefinition table = table_of(Schema({{"n", Type::integer()}}), std::move(options));
  return side == Side::kSource ? read_source_settings(table).status()
                               : read_sink_settings(table, "job", "uid").status();
}

struct Alias {
  const char* name;
  const char* value;
  const char* is;
  Side side = Side::kSource;
  OptionMap with = {};
};

const Alias kAliases[] = {
    // G1 and the README
    {"topic", "t", "topic"},
    {"consumerGroup", "g", "consumerGroup"},
    {"nameServerAddress", "ns:1", "nameServerAddress"},
    {"tag", "a || b", "tag"},
    {"sql", "a > 1", "scan.filter.sql"},
    {"startMessageOffset", "7", "startMessageOffset"},
    {"startTimeMs", "1", "scan.startup.timestamp-millis"},
    {"startTime", "2024-01-31 10:00:00", "startTime"},
    {"endTime", "2024-01-31 10:00:00", "endTime"},
    {"timeZone", "Asia/Shanghai", "timeZone"},
    {"scanStartupMode", "latest", "scan.startup.mode"},
    {"offsetFromTimestamp", "1", "scan.startup.timestamp-millis"},
    {"partitionDiscoveryIntervalMs", "30000", "scan.topic-partition-discovery.interval"},
    {"encoding", "GBK", "encoding"},
    {"fieldDelimiter", "|", "fieldDelimiter"},
    {"lineDelimiter", ";", "lineDelimiter"},
    {"columnErrorDebug", "true", "columnErrorDebug"},
    {"lengthCheck", "PAD", "lengthCheck"},
    {"accessKey", "a", "accessKey", Side::kSource, {{"secretKey", "s"}}},
    {"secretKey", "s", "secretKey", Side::kSource, {{"accessKey", "a"}}},
    {"topic", "t", "topic", Side::kSink},
    {"producerGroup", "p", "produceGroup", Side::kSink},
    {"produceGroup", "p", "produceGroup", Side::kSink},
    {"tag", "a", "tag", Side::kSink},
    {"encoding", "UTF-8", "encoding", Side::kSink},
    {"fieldDelimiter", "|", "fieldDelimiter", Side::kSink},
    {"retryTimes", "10", "retryTimes", Side::kSink},
    {"sleepTimeMs", "5000", "sleepTimeMs", Side::kSink},
    // G2 and G3
    {"rocketmq.client.endpoints", "ns:1", "nameServerAddress"},
    {"rocketmq.client.endpoints", "ns:1", "nameServerAddress", Side::kSink},
    {"rocketmq.client.namespace", "one", "namespace"},
    {"rocketmq.client.partition.discovery.interval.ms", "10000",
     "scan.topic-partition-discovery.interval"},
    {"rocketmq.client.heartbeat.interval.ms", "30000", "heartbeat.interval"},
    {"rocketmq.client.unitName", "u", "unit.name"},
    {"rocketmq.client.tls.enable", "true", "tls.enabled"},
    {"rocketmq.client.timeZone", "UTC", "timeZone"},
    {"rocketmq.client.message.encoding", "UTF-8", "encoding"},
    {"rocketmq.client.message.encoding", "UTF-8", "encoding", Side::kSink},
    {"rocketmq.client.message.field.delimiter", "|", "fieldDelimiter"},
    {"rocketmq.client.message.field.delimiter", "|", "fieldDelimiter", Side::kSink},
    {"rocketmq.client.message.line.delimiter", ";", "lineDelimiter"},
    {"rocketmq.client.message.length.check", "SKIP", "lengthCheck"},
    {"rocketmq.client.accessKey", "a", "accessKey", Side::kSource, {{"secretKey", "s"}}},
    {"rocketmq.client.secretKey", "s", "secretKey", Side::kSource, {{"accessKey", "a"}}},
    {"rocketmq.source.group", "g", "consumerGroup"},
    {"rocketmq.source.topic", "a;b", "topic"},
    {"rocketmq.source.filter.tag", "*", "tag"},
    {"rocketmq.source.filter.sql", "a > 1", "scan.filter.sql"},
    {"rocketmq.source.startup.scan.mode", "latest", "scan.startup.mode"},
    {"rocketmq.source.startup.offset.specific", "-1", "startMessageOffset"},
    {"rocketmq.source.startup.offset.strategy", "earliest", "scan.startup.group-offsets.reset"},
    {"rocketmq.source.startup.offset.date", "2024-01-31 10:00:00", "startTime"},
    {"rocketmq.source.startup.offset.timestamp", "1", "scan.startup.timestamp-millis"},
    {"rocketmq.source.stop.offset.timestamp", "2024-01-31 10:00:00", "endTime"},
    {"rocketmq.source.column.error.debug", "false", "columnErrorDebug"},
    {"rocketmq.source.pull.batch.size", "32", "pullBatchSize"},
    {"rocketmq.source.pull.suspend.timeout", "30000", "scan.pull.wait"},
    {"rocketmq.sink.group", "p", "produceGroup", Side::kSink},
    {"rocketmq.sink.topic", "t", "topic", Side::kSink},
    {"rocketmq.sink.tag", "a", "tag", Side::kSink},
    {"rocketmq.sink.delivery.guarantee", "EXACTLY_ONCE", "sink.delivery-guarantee", Side::kSink},
    {"rocketmq.sink.delivery.guarantee", "AT_LEAST_ONCE", "sink.delivery-guarantee", Side::kSink},
    {"rocketmq.sink.delivery.guarantee", "NONE", "sink.delivery-guarantee", Side::kSink},
    {"rocketmq.sink.send.retry.times", "3", "retryTimes", Side::kSink},
    {"rocketmq.sink.retry.times", "3", "retryTimes", Side::kSink},
    {"rocketmq.sink.retry.sleep.ms", "5000", "sleepTimeMs", Side::kSink},
    // The gRPC module of G3
    {"rocketmq.client.access-key", "a", "accessKey", Side::kSource, {{"secretKey", "s"}}},
    {"rocketmq.client.secret-key", "s", "secretKey", Side::kSource, {{"accessKey", "a"}}},
    {"rocketmq.client.tls-enabled", "true", "tls.enabled"},
    {"rocketmq.source.filter-expression", "a || b", "tag"},
    {"rocketmq.source.consumer-group", "g", "consumerGroup"},
    {"rocketmq.source.fetch-concurrency", "1", "scan.pull.concurrency"},
    {"rocketmq.source.await-duration", "20s", "scan.pull.wait"},
    {"rocketmq.source.max-message-num", "32", "pullBatchSize"},
    // RocketMQConfig
    {"unit.name", "u", "unit.name"},
    {"access.key", "a", "accessKey", Side::kSource, {{"secret.key", "s"}}},
    {"secret.key", "s", "secretKey", Side::kSource, {{"access.key", "a"}}},
};

TEST(FormerOptions, OnesThatTablesHaveUnderAnotherName) {
  const OptionTable known = connector_kit::with_format_options(rocketmq_options(), {});
  for (const Alias& alias : kAliases) {
    const OptionSpec* spec = known.find(alias.name);
    ASSERT_NE(spec, nullptr) << alias.name;
    EXPECT_EQ(spec->name, alias.is) << alias.name;
    OptionMap options = alias.with;
    options[alias.name] = alias.value;
    EXPECT_TRUE(taken(alias.side, options).ok())
        << alias.name << ": " << taken(alias.side, options).to_string();
  }
}

struct Former {
  const char* name;
  const char* value;
  const char* instead = "";  // empty: it is taken
  Side side = Side::kSource;
};

const Former kFormer[] = {
    // G1 and the README
    {"consumer.timeout", "3000"},
    {"useNewApi", "true"},
    {"useNewApi", "false"},
    {"isDynamicTag", "false", "", Side::kSink},
    {"isDynamicTag", "true", "tags STRING METADATA", Side::kSink},
    {"dynamicTagColumn", "n", "tags STRING METADATA", Side::kSink},
    {"dynamicTagColumnWriteIncluded", "true", "", Side::kSink},
    {"keyColumns", "n", "'key.fields'", Side::kSink},
    {"writeKeysToBody", "false", "", Side::kSink},
    {"writeKeysToBody", "true", "'value.fields-include'", Side::kSink},
    // G2 and G3
    {"rocketmq.client.debug", "false"},
    {"rocketmq.client.channel", "CLOUD"},
    {"rocketmq.client.callback.threads", "4"},
    {"rocketmq.client.unitMode", "false"},
    {"rocketmq.client.unitMode", "true", "'unit.name'"},
    {"rocketmq.client.channel.vip.enable", "true"},
    {"rocketmq.client.network.timeout.ms", "30000"},
    {"rocketmq.client.language", "JAVA"},
    {"commit.offsets.on.checkpoint", "true"},
    {"commit.offsets.on.checkpoint", "false", "'consumerGroup'"},
    {"poll.timeout", "10"},
    {"rocketmq.client.poll.timeout", "10"},
    {"rocketmq.source.api.new.enable", "true"},
    {"rocketmq.source.allocate.strategy", "hash"},
    {"rocketmq.source.allocate.strategy", "consistent-hash"},
    {"rocketmq.source.allocate.strategy", "average"},
    {"rocketmq.source.allocate.strategy", "broadcast", "'consumerGroup'"},
    {"rocketmq.source.pull.threads.num", "20"},
    {"rocketmq.source.pull.threshold.queue", "1000"},
    {"rocketmq.source.pull.threshold.all", "10000"},
    {"rocketmq.source.pull.rpc.timeout", "20000"},
    {"rocketmq.source.pull.rpc.exception.delay", "3000"},
    {"rocketmq.source.offset.commit.auto", "true"},
    {"rocketmq.source.offset.commit.interval", "5000"},
    {"rocketmq.source.offset.commit.checkpoint", "true"},
    {"rocketmq.source.offset.commit.checkpoint", "false", "'consumerGroup'"},
    {"rocketmq.source.trace.enable", "true"},
    {"rocketmq.source.trace.topic", "RMQ_SYS_TRACE_TOPIC"},
    {"rocketmq.sink.serialize.format", "json", "'format'", Side::kSink},
    {"rocketmq.sink.transaction.timeout", "900", "", Side::kSink},
    {"rocketmq.sink.send.pending.max", "1000", "", Side::kSink},
    {"rocketmq.sink.send.timeout", "5000", "'sink.send-timeout'", Side::kSink},
    {"rocketmq.sink.executor.num", "4", "", Side::kSink},
    {"rocketmq.sink.key", "k", "'keys STRING METADATA'", Side::kSink},
    {"rocketmq.sink.tag.dynamic.enable", "true", "tags STRING METADATA", Side::kSink},
    {"rocketmq.sink.tag.dynamic.enable", "false", "", Side::kSink},
    {"rocketmq.sink.tag.dynamic.column", "n", "tags STRING METADATA", Side::kSink},
    {"rocketmq.sink.tag.dynamic.column.write.included", "true", "", Side::kSink},
    {"rocketmq.sink.key.columns", "n", "'key.fields'", Side::kSink},
    {"rocketmq.sink.key.write.to.body", "false", "", Side::kSink},
    {"rocketmq.sink.key.write.to.body", "true", "'value.fields-include'", Side::kSink},
    // The gRPC module of G3
    {"rocketmq.client.credentials-resolver-class", "a.b.C", "'credentials.file'"},
    {"rocketmq.client.request-timeout", "3s"},
    {"rocketmq.source.mode", "SIMPLE"},
    {"rocketmq.source.mode", "LITE", "'topic-pattern'"},
    {"rocketmq.source.main-topic", "t", "'topic-pattern'"},
    {"rocketmq.source.filter-type", "TAG"},
    {"rocketmq.source.filter-type", "SQL92", "'scan.filter.sql'"},
    {"rocketmq.source.invisible-duration", "60s"},
    {"rocketmq.source.renewal-policy-class", "a.b.C"},
    {"rocketmq.source.renewal-ahead-time", "5s"},
    {"rocketmq.sink.lite-topic", "t", "'topic'", Side::kSink},
    {"rocketmq.sink.max-attempts", "3", "'retryTimes', one less", Side::kSink},
    // RocketMQConfig
    {"nameserver.address", "ns:1", "'nameServerAddress'"},
    {"nameserver.poll.interval", "30000", "'scan.topic-partition-discovery.interval'"},
    {"brokerserver.heartbeat.interval", "30000", "'heartbeat.interval'"},
    {"access.channel", "LOCAL"},
    {"consumer.group", "g", "'consumerGroup'"},
    {"consumer.topic", "t", "'topic'"},
    {"consumer.tag", "*", "'tag'"},
    {"consumer.sql", "a > 1", "'scan.filter.sql'"},
    {"consumer.offset.persist.interval", "5000"},
    {"consumer.batch.size", "32", "'pullBatchSize'"},
    {"consumer.delay.when.message.not.found", "10", "'scan.pull.pause-when-empty'"},
    {"consumer.pull.thread.pool.size", "20", "'scan.pull.concurrency'"},
    {"consumer.offset.reset.to", "latest", "'scan.startup.mode'"},
    {"consumer.offset.from.timestamp", "1", "'scan.startup.timestamp-millis'"},
    {"consumer.start.message.offset", "-1", "'startMessageOffset'"},
    {"producer.topic", "t", "'topic'", Side::kSink},
    {"producer.group", "p", "'produceGroup'", Side::kSink},
    {"producer.retry.times", "3", "'retryTimes'", Side::kSink},
    {"producer.timeout", "3000", "'sink.send-timeout'", Side::kSink},
    {"msg.delay.level", "3", "'delay-level'", Side::kSink},
};

TEST(FormerOptions, OthersAreTakenWhereTheyDecideNothingOrNameWhatToWrite) {
  const OptionTable known = connector_kit::with_format_options(rocketmq_options(), {});
  for (const Former& former : kFormer) {
    const OptionSpec* spec = known.find(former.name);
    ASSERT_NE(spec, nullptr) << former.name << ": CREATE TABLE refuses it";
    EXPECT_THAT(spec->name, AnyOf("useNewApi", "isDynamicTag")) << former.name;
    const Status status = taken(former.side, {{former.name, former.value}});
    const std::string text = status.ok() ? "" : status.error().message;
    EXPECT_EQ(status.ok(), former.instead[0] == '\0') << former.name << ": " << text;
    if (status.ok()) continue;
    EXPECT_THAT(text,
                AllOf(HasSubstr("table 't'"), HasSubstr(former.name), HasSubstr(former.instead)));
    const Side other = former.side == Side::kSource ? Side::kSink : Side::kSource;
    if (former.side == Side::kSink) {
      EXPECT_TRUE(taken(other, {{former.name, former.value}}).ok()) << former.name;
    }
  }
}

TEST(FormerOptions, OneThatDecidesNothingIsLogged) {
  std::vector<std::string> lines;
  set_log_sink(
      [&](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); });
  EXPECT_TRUE(taken(Side::kSource, {}).ok());
  EXPECT_TRUE(lines.empty());
  // Lines are limited by table and option.
  LogLimit::of_process().forget("table t option 'useNewApi'");
  EXPECT_TRUE(taken(Side::kSource, {{"useNewApi", "true"}}).ok());
  set_log_sink({});
  EXPECT_THAT(lines, ElementsAre(AllOf(HasSubstr("table 't'"), HasSubstr("'useNewApi'"),
                                       HasSubstr("there is one source"))));
}

TEST(FormerOptions, OneThatIsReplacedIsRefusedUnlessItAsksForWhatHappens) {
  EXPECT_TRUE(taken(Side::kSink, {{"isDynamicTag", "false"}}).ok());
  const Status status = taken(Side::kSink, {{"isDynamicTag", "true"}});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("a column 'tags STRING METADATA'"));
}

TEST(FormerOptions, AllThatAreRefusedAreNamedAtOnce) {
  const Status status = taken(
      Side::kSink, {{"isDynamicTag", "true"}, {"dynamicTagColumn", "n"}, {"keyColumns", "n"}});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message,
              AllOf(HasSubstr("'isDynamicTag'"), HasSubstr("'dynamicTagColumn'"),
                    HasSubstr("'keyColumns'")));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
