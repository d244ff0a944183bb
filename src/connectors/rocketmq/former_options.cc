#include "connectors/rocketmq/former_options.h"

#include <string>
#include <string_view>

#include "base/log_limit.h"

namespace slipstream::rocketmq_connector {
namespace {

struct FormerOption {
  std::string_view name;
  OptionScope scope = OptionScope::kBoth;
  // Values that mean what happens here anyway, between '|'; kAny: whatever it says.
  std::string_view fitting;
  // kAny: why it decides nothing; else what to write in its place.
  std::string_view instead;
};

constexpr std::string_view kAny = "*";
constexpr auto kBoth = OptionScope::kBoth;
constexpr auto kSource = OptionScope::kSource;
constexpr auto kSink = OptionScope::kSink;

constexpr std::string_view kOneSource = "there is one source";
constexpr std::string_view kCallTimes = "calls have time-outs of the client's own";
constexpr std::string_view kPollTimes = "a pull waits at the broker for 'scan.pull.wait'";
constexpr std::string_view kCommits = "the group gets the offsets of each completed checkpoint";
constexpr std::string_view kOwnGroup =
    "the group gets the offsets of each completed checkpoint: a 'consumerGroup' of its own";
constexpr std::string_view kNoTrace = "tables report no message traces";
constexpr std::string_view kInFlight = "sends under way are bounded by their bytes";
constexpr std::string_view kReceived = "'slipstream.memory' bounds what is received ahead";
constexpr std::string_view kByOffset = "queues are read by offset, nothing becomes visible again";
constexpr std::string_view kLiteTopics = "'topic' or 'topic-pattern': there are no lite topics";
constexpr std::string_view kTagColumn = "a column 'tags STRING METADATA'";
constexpr std::string_view kTagOnly = "it means something with a dynamic tag only";
constexpr std::string_view kKeyColumns =
    "'key.format' = 'raw' and 'key.fields' = 'column', or a column 'keys STRING METADATA'";
constexpr std::string_view kKeysInBody = "'value.fields-include' = 'ALL' beside 'key.fields'";
constexpr std::string_view kWholeTimeout = "'sink.send-timeout', for all attempts of a send";

constexpr FormerOption kFormerOptions[] = {
    {"rocketmq.client.debug", kBoth, kAny, "messages are not logged"},
    {"rocketmq.client.channel", kBoth, kAny, kNoTrace},
    {"rocketmq.client.callback.threads", kBoth, kAny, "the client has a thread of its own"},
    {"rocketmq.client.unitMode", kBoth, "false", "'unit.name', a part of the client id"},
    {"rocketmq.client.channel.vip.enable", kBoth, kAny, "brokers are reached as they register"},
    {"rocketmq.client.network.timeout.ms", kBoth, kAny, kCallTimes},
    {"rocketmq.client.request-timeout", kBoth, kAny, kCallTimes},
    {"rocketmq.client.language", kBoth, kAny, "it is a word for brokers"},
    {"rocketmq.client.credentials-resolver-class", kBoth, "",
     "'credentials.file', which is read again when it changes"},
    // Source
    {"useNewApi", kSource, kAny, kOneSource},
    {"rocketmq.source.api.new.enable", kSource, kAny, kOneSource},
    {"consumer.timeout", kSource, kAny, kPollTimes},
    {"poll.timeout", kSource, kAny, kPollTimes},
    {"rocketmq.client.poll.timeout", kSource, kAny, kPollTimes},
    {"commit.offsets.on.checkpoint", kSource, "true", kOwnGroup},
    {"rocketmq.source.offset.commit.checkpoint", kSource, "true", kOwnGroup},
    {"rocketmq.source.offset.commit.auto", kSource, kAny, kCommits},
    {"rocketmq.source.offset.commit.interval", kSource, kAny, kCommits},
    {"rocketmq.source.allocate.strategy", kSource, "hash|consistent-hash|average",
     "one table with a 'consumerGroup' of its own for each reader of all queues"},
    {"rocketmq.source.pull.threads.num", kSource, kAny, "'scan.pull.concurrency' bounds pulls"},
    {"rocketmq.source.pull.threshold.queue", kSource, kAny, kReceived},
    {"rocketmq.source.pull.threshold.all", kSource, kAny, kReceived},
    {"rocketmq.source.pull.rpc.timeout", kSource, kAny, kCallTimes},
    {"rocketmq.source.pull.rpc.exception.delay", kSource, kAny,
     "a pull that failed is made again after a growing pause"},
    {"rocketmq.source.trace.enable", kSource, kAny, kNoTrace},
    {"rocketmq.source.trace.topic", kSource, kAny, kNoTrace},
    {"rocketmq.source.mode", kSource, "SIMPLE", kLiteTopics},
    {"rocketmq.source.main-topic", kSource, "", kLiteTopics},
    {"rocketmq.source.filter-type", kSource, "TAG", "'scan.filter.sql' with the expression"},
    {"rocketmq.source.invisible-duration", kSource, kAny, kByOffset},
    {"rocketmq.source.renewal-policy-class", kSource, kAny, kByOffset},
    {"rocketmq.source.renewal-ahead-time", kSource, kAny, kByOffset},
    // Sink
    {"isDynamicTag", kSink, "false", kTagColumn},
    {"rocketmq.sink.tag.dynamic.enable", kSink, "false", kTagColumn},
    {"dynamicTagColumn", kSink, "", kTagColumn},
    {"rocketmq.sink.tag.dynamic.column", kSink, "", kTagColumn},
    {"dynamicTagColumnWriteIncluded", kSink, kAny, kTagOnly},
    {"rocketmq.sink.tag.dynamic.column.write.included", kSink, kAny, kTagOnly},
    {"keyColumns", kSink, "", kKeyColumns},
    {"rocketmq.sink.key.columns", kSink, "", kKeyColumns},
    {"rocketmq.sink.key", kSink, "", kKeyColumns},
    {"writeKeysToBody", kSink, "false", kKeysInBody},
    {"rocketmq.sink.key.write.to.body", kSink, "false", kKeysInBody},
    {"rocketmq.sink.serialize.format", kSink, "", "'format'"},
    {"rocketmq.sink.transaction.timeout", kSink, kAny, "exactly-once needs no half messages"},
    {"rocketmq.sink.send.pending.max", kSink, kAny, kInFlight},
    {"rocketmq.sink.executor.num", kSink, kAny, kInFlight},
    {"rocketmq.sink.send.timeout", kSink, "", kWholeTimeout},
    {"rocketmq.sink.max-attempts", kSink, "", "'retryTimes', one less"},
    {"rocketmq.sink.lite-topic", kSink, "", kLiteTopics},
    // Keys of RocketMQConfig, which jobs in Java and C++ have
    {"nameserver.address", kBoth, "", "'nameServerAddress'"},
    {"nameserver.poll.interval", kBoth, "", "'scan.topic-partition-discovery.interval'"},
    {"brokerserver.heartbeat.interval", kBoth, "", "'heartbeat.interval'"},
    {"access.channel", kBoth, kAny, kNoTrace},
    {"consumer.group", kSource, "", "'consumerGroup'"},
    {"consumer.topic", kSource, "", "'topic'"},
    {"consumer.tag", kSource, "", "'tag'"},
    {"consumer.sql", kSource, "", "'scan.filter.sql'"},
    {"consumer.offset.persist.interval", kSource, kAny, kCommits},
    {"consumer.batch.size", kSource, "", "'pullBatchSize'"},
    {"consumer.delay.when.message.not.found", kSource, "", "'scan.pull.pause-when-empty'"},
    {"consumer.pull.thread.pool.size", kSource, "", "'scan.pull.concurrency'"},
    {"consumer.offset.reset.to", kSource, "", "'scan.startup.mode'"},
    {"consumer.offset.from.timestamp", kSource, "", "'scan.startup.timestamp-millis'"},
    {"consumer.start.message.offset", kSource, "", "'startMessageOffset'"},
    {"producer.topic", kSink, "", "'topic'"},
    {"producer.group", kSink, "", "'produceGroup'"},
    {"producer.retry.times", kSink, "", "'retryTimes'"},
    {"producer.timeout", kSink, "", kWholeTimeout},
    {"msg.delay.level", kSink, "", "a column of type INT, METADATA FROM 'delay-level'"},
};

bool same_word(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (one.size() != other.size()) return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (lower(one[i]) != lower(other[i])) return false;
  }
  return true;
}

bool fits(const FormerOption& former, std::string_view value) {
  std::string_view rest = former.fitting;
  while (!rest.empty()) {
    const std::size_t end = rest.find('|');
    if (same_word(rest.substr(0, end), value)) return true;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return false;
}

}  // namespace

std::vector<OptionSpec> former_options() {
  OptionSpec ignored;
  ignored.name = "useNewApi";
  ignored.description = "Options of rocketmq-flink that decide nothing here: the log says why.";
  OptionSpec replaced;
  replaced.name = "isDynamicTag";
  replaced.description =
      "Options of rocketmq-flink that are refused where they would change what is read or "
      "written: the error says what to write.";
  for (const FormerOption& former : kFormerOptions) {
    OptionSpec& spec = former.fitting == kAny ? ignored : replaced;
    if (spec.name != former.name) spec.aliases.emplace_back(former.name);
  }
  return {ignored, replaced};
}

Result<TableDefinition> without_former_options(TableDefinition table, OptionScope side) {
  std::string refused;
  for (const FormerOption& former : kFormerOptions) {
    const auto given = table.options.find(former.name);
    if (given == table.options.end()) continue;
    const std::string value = std::move(given->second);
    table.options.erase(given);
    if (former.scope != kBoth && former.scope != side) continue;
    const std::string name = "option '" + std::string(former.name) + "'";
    const std::string instead(former.instead);
    if (former.fitting == kAny) {
      LogLimit::of_process().log(
          LogLevel::kWarn, "rocketmq", "table " + table.name + " " + name,
          "table '" + table.name + "': " + name + " decides nothing here: " + instead);
    } else if (!fits(former, value)) {
      refused +=
          (refused.empty() ? "" : "; ") + name + " is not one of this connector: write " + instead;
    }
  }
  if (refused.empty()) return table;
  return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': " + refused};
}

}  // namespace slipstream::rocketmq_connector
