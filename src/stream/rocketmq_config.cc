#include "stream/rocketmq_config.h"

#include <cstdlib>
#include <limits>
#include <optional>

#include "base/try.h"
#include "rocketmq/message/properties.h"

namespace slipstream::stream {
namespace {

using erased::SourceStart;
using Config = RocketMQConfig;

constexpr const char* kSource = "RocketMQSourceFunction";
constexpr const char* kSink = "RocketMQSink";

OptionSpec text(const char* name, std::string description) {
  OptionSpec spec;
  spec.name = name;
  spec.description = std::move(description);
  return spec;
}
OptionSpec number(const char* name, std::string default_value, std::string description) {
  OptionSpec spec = text(name, std::move(description));
  spec.type = OptionType::kInt;
  spec.default_value = std::move(default_value);
  return spec;
}
OptionSpec choice(const char* name, std::string default_value, std::vector<std::string> values,
                  std::string description) {
  OptionSpec spec = text(name, std::move(description));
  spec.type = OptionType::kEnum;
  spec.default_value = std::move(default_value);
  spec.values = std::move(values);
  return spec;
}

std::vector<OptionSpec> client_keys() {
  std::vector<OptionSpec> keys{
      text(Config::kNameServerAddress, "Name servers: host:port;host:port. Required."),
      number(Config::kNameServerPollInterval, "30000",
             "Source: milliseconds between looks for new queues; 0 = never."),
      number(Config::kBrokerHeartbeatInterval, "30000",
             "Milliseconds between heartbeats, which keep connections open."),
      text(Config::kAccessKey, "ACL: access key or user name."),
      text(Config::kSecretKey, "ACL: secret key or password."),
      choice(Config::kAccessChannel, "LOCAL", {"LOCAL", "CLOUD"},
             "Names the topic of message traces; none are sent, so both do nothing."),
      text(Config::kUnitName, "A part of the client id that brokers see."),
  };
  keys[3].secret = true;
  keys[4].secret = true;
  return keys;
}

std::vector<OptionSpec> consumer_keys() {
  return {
      text(Config::kConsumerGroup, "Source: consumer group. Required."),
      text(Config::kConsumerTopic, "Source: topic. Required."),
      [] {
        OptionSpec spec = text(Config::kConsumerTag, "Source: tags to read, 'a || b'; * = all.");
        spec.default_value = "*";
        return spec;
      }(),
      text(Config::kConsumerSql,
           "Source: SQL92 expression over properties that brokers filter by, where "
           "enablePropertyFilter is on; not together with consumer.tag."),
      number(Config::kConsumerTimeout, "3000",
             "Source: milliseconds that a pull waits at the broker for a message."),
      number(Config::kConsumerOffsetPersistInterval, "5000",
             "Source: milliseconds between commits of the group's offsets in a job without "
             "checkpoints; 0 = never."),
      number(Config::kConsumerBatchSize, "32", "Source: most messages of one pull, 1 to 1024."),
      number(Config::kConsumerDelayWhenMessageNotFound, "10",
             "Source: milliseconds between an empty pull and the next."),
      number(Config::kConsumerPullThreadPoolSize, "20",
             "Source: most pulls under way for one queue, 1 to 64; no threads."),
      choice(Config::kConsumerOffsetResetTo, "", {"latest", "earliest", "timestamp"},
             "Source: where to begin when no setter said so."),
      number(Config::kConsumerOffsetFromTimestamp, "",
             "Source: the time for consumer.offset.reset.to = timestamp, milliseconds since 1970."),
      number(Config::kConsumerStartMessageOffset, "-1",
             "Source: one offset to begin at in every queue, when no setter said so; -1 = off."),
  };
}

std::vector<OptionSpec> producer_keys() {
  return {
      text(Config::kProducerTopic, "Sink: topic of messages that have none."),
      text(Config::kProducerGroup, "Sink: producer group; one per job when not given."),
      number(Config::kProducerRetryTimes, "3", "Sink: sends after a failed one."),
      number(Config::kProducerTimeout, "3000", "Sink: milliseconds that one send may take."),
      number(Config::kMsgDelayLevel, "0",
             "Sink: delay level, 1 to 18, of messages without a delay of their own; 0 = none."),
  };
}

// Beyond the original connector's: named and meant as the options of the connector 'rocketmq'.
std::vector<OptionSpec> further_keys() {
  std::vector<OptionSpec> keys{
      text("credentials.file",
           "File with lines accessKey=, secretKey=, instead of the keys; read again when it "
           "changes."),
      choice("tls.enabled", "", {"true", "false"},
             "Encrypt all connections; $SLIPSTREAM_TLS when not given."),
      text("tls.ca-file", "Trusted authorities, PEM; those of the system when not given."),
      text("tls.cert-file", "The client's certificate with its chain, PEM."),
      text("tls.key-file", "Its private key, PEM; in tls.cert-file when not given."),
      text("tls.key-password", "Password of the private key."),
      choice("tls.verify", "", {"full", "ca", "none"},
             "What a server's certificate must prove; $SLIPSTREAM_TLS_VERIFY, else full."),
      text("tls.server-name", "Name that certificates are for, when it is not the host."),
      choice("scan.offset-out-of-range", "", {"fail", "earliest", "latest", "nearest"},
             "Source: what to do when the wanted offset does not exist any more; fail when not "
             "given."),
  };
  keys[5].secret = true;
  return keys;
}

Error bad(const char* what, const char* key, const std::string& why) {
  return Error{ErrorCode::kInvalidArgument, std::string(what) + ": property '" + key + "': " + why};
}

// The checked properties of one source or sink.
class Reader {
 public:
  static Result<Reader> make(const char* what, const Properties& properties) {
    TRY_ASSIGN(Options options, rocketmq_config().parse(properties, what));
    return Reader(what, std::move(options));
  }

  const std::string& text(const char* key) const { return options_.text(key); }
  bool given(const char* key) const { return !options_.text(key).empty() && options_.has(key); }
  Result<std::string> required(const char* key) const {
    if (options_.text(key).empty()) return bad(what_, key, "is required and must not be empty");
    return options_.text(key);
  }
  Result<std::int64_t> number(const char* key, std::int64_t least, std::int64_t most) const {
    const std::int64_t value = options_.integer(key);
    if (value >= least && value <= most) return value;
    return bad(what_, key,
               std::to_string(value) + " is not from " + std::to_string(least) + " to " +
                   std::to_string(most));
  }
  Status check_client() const {
    TRY(required(Config::kNameServerAddress).status());
    TRY(number(Config::kBrokerHeartbeatInterval, 1, kMost).status());
    if (text(Config::kAccessKey).empty() != text(Config::kSecretKey).empty()) {
      return bad(what_, text(Config::kAccessKey).empty() ? Config::kAccessKey : Config::kSecretKey,
                 "is missing: credentials are 'access.key' and 'secret.key' together");
    }
    if (given(Config::kAccessKey) && given("credentials.file")) {
      return bad(what_, "credentials.file", "excludes 'access.key' and 'secret.key'");
    }
    return {};
  }

  static constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

 private:
  Reader(const char* what, Options options) : what_(what), options_(std::move(options)) {}
  const char* what_;
  Options options_;
};

std::string milliseconds(std::int64_t value) { return std::to_string(value) + " ms"; }

Result<SourceStart> start_by_keys(const Reader& reader) {
  SourceStart start;
  start.mode = SourceStart::Mode::kGroupOffsets;
  const std::string& reset = reader.text(Config::kConsumerOffsetResetTo);
  if (reset == "latest") start.mode = SourceStart::Mode::kLatest;
  if (reset == "earliest") start.mode = SourceStart::Mode::kEarliest;
  if (reset == "timestamp") {
    if (!reader.given(Config::kConsumerOffsetFromTimestamp)) {
      return bad(kSource, Config::kConsumerOffsetFromTimestamp,
                 "is required by consumer.offset.reset.to = timestamp");
    }
    start.mode = SourceStart::Mode::kTimestamp;
    TRY_ASSIGN(start.timestamp_ms, reader.number(Config::kConsumerOffsetFromTimestamp, 0,
                                                 std::numeric_limits<std::int64_t>::max()));
  }
  return start;
}

Result<std::string> offsets_text(const QueueOffsets& offsets, const std::string& topic) {
  std::string text;
  for (const auto& [queue, offset] : offsets) {
    if (queue.topic != topic) {
      return Error{ErrorCode::kInvalidArgument,
                   std::string(kSource) + ": a specific offset is of queue " + queue.to_string() +
                       ", which is not of the topic '" + topic + "'"};
    }
    if (offset < 0) {
      return Error{ErrorCode::kInvalidArgument, std::string(kSource) + ": specific offset " +
                                                    std::to_string(offset) + " of queue " +
                                                    queue.to_string() + " is below 0"};
    }
    text += (text.empty() ? "" : ";") + queue.broker + ":" + std::to_string(queue.id) + ":" +
            std::to_string(offset);
  }
  return text;
}

Status add_start(const SourceStart& start, SourceConfig& config) {
  OptionMap& options = config.options;
  options["scan.startup.group-offsets.reset"] =
      start.reset == OffsetResetStrategy::kEarliest ? "earliest" : "latest";
  switch (start.mode) {
    case SourceStart::Mode::kEarliest:
      options["scan.startup.mode"] = "earliest";
      break;
    case SourceStart::Mode::kLatest:
      options["scan.startup.mode"] = "latest";
      break;
    case SourceStart::Mode::kTimestamp:
      if (start.timestamp_ms < 0) {
        return Error{ErrorCode::kInvalidArgument, std::string(kSource) + ": the start time " +
                                                      std::to_string(start.timestamp_ms) +
                                                      " is before 1970"};
      }
      options["scan.startup.mode"] = "timestamp";
      options["scan.startup.timestamp-millis"] = std::to_string(start.timestamp_ms);
      break;
    case SourceStart::Mode::kSpecificOffsets: {
      if (start.offsets.empty()) break;
      TRY_ASSIGN(std::string offsets, offsets_text(start.offsets, config.topic));
      options["scan.startup.mode"] = "specific-offsets";
      options["scan.startup.specific-offsets"] = std::move(offsets);
      break;
    }
    case SourceStart::Mode::kByKeys:
    case SourceStart::Mode::kGroupOffsets:
      break;
  }
  return {};
}

Status add_reading(const Reader& reader, SourceConfig& config) {
  constexpr std::int64_t kMost = Reader::kMost;
  OptionMap& options = config.options;
  TRY_ASSIGN(const auto poll, reader.number(Config::kNameServerPollInterval, 0, kMost));
  TRY_ASSIGN(const auto wait, reader.number(Config::kConsumerTimeout, 1, kMost));
  TRY_ASSIGN(const auto pause, reader.number(Config::kConsumerDelayWhenMessageNotFound, 0, kMost));
  TRY_ASSIGN(const auto messages, reader.number(Config::kConsumerBatchSize, 1, 1'024));
  TRY_ASSIGN(const auto pulls, reader.number(Config::kConsumerPullThreadPoolSize, 1, 64));
  TRY_ASSIGN(config.persist_interval_ms,
             reader.number(Config::kConsumerOffsetPersistInterval, 0, kMost));
  options["scan.topic-partition-discovery.interval"] = milliseconds(poll);
  options["scan.pull.wait"] = milliseconds(wait);
  options["scan.pull.pause-when-empty"] = milliseconds(pause);
  options["scan.pull.concurrency"] = std::to_string(pulls);
  options["pullBatchSize"] = std::to_string(messages);
  return {};
}

// As the connector reads its options of the same names.
Result<rocketmq::Security> security_of(const Reader& reader) {
  const auto given_or = [&](const char* key, const char* variable) {
    const char* value = std::getenv(variable);
    return reader.given(key) || value == nullptr ? reader.text(key) : std::string(value);
  };
  rocketmq::Security security;
  security.credentials.access_key = reader.text(Config::kAccessKey);
  security.credentials.secret_key = reader.text(Config::kSecretKey);
  security.credentials_file = reader.text("credentials.file");
  security.tls.enabled = reader.text("tls.enabled") == "true";
  if (!reader.given("tls.enabled")) {
    TRY_ASSIGN(const std::optional<bool> enabled, rocketmq::tls_enabled_by_environment());
    security.tls.enabled = enabled.value_or(false);
  }
  security.tls.ca_file = reader.text("tls.ca-file");
  security.tls.cert_file = reader.text("tls.cert-file");
  security.tls.key_file = reader.text("tls.key-file");
  security.tls.key_password = reader.text("tls.key-password");
  security.tls.server_name = reader.text("tls.server-name");
  if (const std::string verify = given_or("tls.verify", "SLIPSTREAM_TLS_VERIFY"); !verify.empty()) {
    auto parsed = rocketmq::parse_tls_verify(verify);
    if (!parsed.ok()) return bad(kSink, "tls.verify", parsed.error().message);
    security.tls.verify = *parsed;
  }
  return rocketmq::completed_from_environment(std::move(security));
}

std::string group_of_job(const std::string& job) {
  std::string group = "slipstream_";
  for (const char c : std::string_view(job).substr(0, 80)) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
    group.push_back(fine ? c : '_');
  }
  return group;
}

}  // namespace

OptionTable rocketmq_config() {
  std::vector<OptionSpec> all = client_keys();
  for (auto&& part : {consumer_keys(), producer_keys(), further_keys()})
    all.insert(all.end(), part.begin(), part.end());
  return OptionTable(std::move(all));
}

Result<SourceConfig> read_source_config(const Properties& properties, const SourceStart& start) {
  TRY_ASSIGN(const Reader reader, Reader::make(kSource, properties));
  TRY(reader.check_client());
  SourceConfig config;
  TRY_ASSIGN(config.topic, reader.required(Config::kConsumerTopic));
  TRY_ASSIGN(const std::string group, reader.required(Config::kConsumerGroup));
  if (reader.given(Config::kConsumerSql) && reader.text(Config::kConsumerTag) != "*") {
    return bad(
        kSource, Config::kConsumerSql,
        "is not possible together with 'consumer.tag'; TAGS can be a part of the expression");
  }
  config.options = {{"nameServerAddress", reader.text(Config::kNameServerAddress)},
                    {"topic", config.topic},
                    {"consumerGroup", group},
                    {"tag", reader.text(Config::kConsumerTag)}};
  TRY_ASSIGN(const auto heartbeat,
             reader.number(Config::kBrokerHeartbeatInterval, 1, Reader::kMost));
  config.options["heartbeat.interval"] = milliseconds(heartbeat);
  if (reader.given(Config::kUnitName)) config.options["unit.name"] = reader.text(Config::kUnitName);
  if (reader.given(Config::kConsumerSql))
    config.options["scan.filter.sql"] = reader.text(Config::kConsumerSql);
  if (reader.given(Config::kAccessKey)) {
    config.options["accessKey"] = reader.text(Config::kAccessKey);
    config.options["secretKey"] = reader.text(Config::kSecretKey);
  }
  for (const OptionSpec& spec : further_keys()) {
    if (reader.given(spec.name.c_str())) config.options[spec.name] = reader.text(spec.name.c_str());
  }
  TRY(add_reading(reader, config));
  TRY_ASSIGN(const std::int64_t one_offset,
             reader.number(Config::kConsumerStartMessageOffset, -1,
                           std::numeric_limits<std::int64_t>::max()));
  if (start.mode != SourceStart::Mode::kByKeys) {
    TRY(add_start(start, config));
  } else if (one_offset >= 0) {
    config.options["startMessageOffset"] = std::to_string(one_offset);
  } else {
    TRY_ASSIGN(const SourceStart by_keys, start_by_keys(reader));
    TRY(add_start(by_keys, config));
  }
  return config;
}

Result<SinkConfig> read_sink_config(const Properties& properties, const std::string& job) {
  TRY_ASSIGN(const Reader reader, Reader::make(kSink, properties));
  TRY(reader.check_client());
  SinkConfig config;
  config.client.name_servers = reader.text(Config::kNameServerAddress);
  TRY_ASSIGN(config.client.security, security_of(reader));
  TRY_ASSIGN(config.client.heartbeat_interval_ms,
             reader.number(Config::kBrokerHeartbeatInterval, 1, Reader::kMost));
  config.client.unit_name = reader.text(Config::kUnitName);
  config.topic = reader.text(Config::kProducerTopic);
  config.producer.group = reader.given(Config::kProducerGroup) ? reader.text(Config::kProducerGroup)
                                                               : group_of_job(job);
  TRY(rocketmq::validate_group(config.producer.group)
          .with_context(std::string(kSink) + ": property 'producer.group'"));
  TRY_ASSIGN(const std::int64_t retries, reader.number(Config::kProducerRetryTimes, 0, 1'000));
  TRY_ASSIGN(config.producer.attempt_timeout_ms,
             reader.number(Config::kProducerTimeout, 1, Reader::kMost));
  // Room for the pauses between attempts.
  config.producer.attempts_max = static_cast<int>(retries) + 1;
  config.producer.total_timeout_ms = (retries + 1) * (config.producer.attempt_timeout_ms + 1'000);
  TRY_ASSIGN(const std::int64_t level, reader.number(Config::kMsgDelayLevel, 0, 18));
  config.delay_level = static_cast<std::int32_t>(level);
  return config;
}

}  // namespace slipstream::stream
