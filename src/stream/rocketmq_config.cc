#include "stream/rocketmq_config.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <optional>

#include "slipstream/rocketmq/consumer.h"

#include "base/try.h"
#include "rocketmq/message/properties.h"

namespace slipstream::stream {
namespace {

using erased::SourceStart;
using Config = RocketMQConfig;

constexpr const char* kSource = "RocketMQSourceFunction";
constexpr const char* kSink = "RocketMQSink";

using Text = Option<std::string>;
using Number = Option<std::int64_t>;

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
constexpr OptionLimits<std::int64_t> kNotNegative{{.min = 0, .max = kMost}};
constexpr OptionLimits<std::int64_t> kPositive{{.min = 1, .max = kMost}};

// --- client ---

constexpr Text kNameServers{.name = Config::kNameServerAddress,
                            .description = "Name servers: host:port;host:port. Required."};
constexpr Number kDiscoveryMs{
    .name = Config::kNameServerPollInterval,
    .default_value = "30000",
    .description = "Source: milliseconds between looks for new queues; 0 = never.",
    .limits = kNotNegative};
constexpr Number kHeartbeatMs{
    .name = Config::kBrokerHeartbeatInterval,
    .default_value = "30000",
    .description = "Milliseconds between heartbeats, which keep connections open.",
    .limits = kPositive};
constexpr Text kAccessKey{
    .name = Config::kAccessKey, .description = "ACL: access key or user name.", .secret = true};
constexpr Text kSecretKey{
    .name = Config::kSecretKey, .description = "ACL: secret key or password.", .secret = true};
enum class AccessChannel : std::uint8_t { kLocal, kCloud };
constexpr auto kAccessChannels = std::to_array<OptionWord<AccessChannel>>(
    {{"LOCAL", AccessChannel::kLocal}, {"CLOUD", AccessChannel::kCloud}});
constexpr Option<AccessChannel> kAccessChannel{
    .name = Config::kAccessChannel,
    .default_value = "LOCAL",
    .description = "Names the topic of message traces; none are sent, so both do nothing.",
    .limits = {kAccessChannels}};
constexpr Text kUnitName{.name = Config::kUnitName,
                         .description = "A part of the client id that brokers see."};

// --- source ---

constexpr Text kConsumerGroup{.name = Config::kConsumerGroup,
                              .description = "Source: consumer group. Required."};
constexpr Text kConsumerTopic{.name = Config::kConsumerTopic,
                              .description = "Source: topic, or several: a;b. Required."};
constexpr Text kConsumerTag{.name = Config::kConsumerTag,
                            .default_value = "*",
                            .description = "Source: tags to read, 'a || b'; * = all."};
constexpr Text kConsumerSql{
    .name = Config::kConsumerSql,
    .description =
        "Source: SQL92 expression over properties that brokers filter by, where "
        "enablePropertyFilter is on; not together with consumer.tag."};
constexpr Number kPullWaitMs{
    .name = Config::kConsumerTimeout,
    .default_value = "3000",
    .description = "Source: milliseconds that a pull waits at the broker for a message.",
    .limits = kPositive};
constexpr Number kPersistMs{
    .name = Config::kConsumerOffsetPersistInterval,
    .default_value = "5000",
    .description =
        "Source: milliseconds between commits of the group's offsets in a job without "
        "checkpoints; 0 = never.",
    .limits = kNotNegative};
constexpr Number kPullMessages{.name = Config::kConsumerBatchSize,
                               .default_value = "32",
                               .description = "Source: most messages of one pull.",
                               .limits = {{.min = 1, .max = 1'024}}};
constexpr Number kPauseWhenEmptyMs{
    .name = Config::kConsumerDelayWhenMessageNotFound,
    .default_value = "10",
    .description = "Source: milliseconds between an empty pull and the next.",
    .limits = kNotNegative};
constexpr Number kPulls{.name = Config::kConsumerPullThreadPoolSize,
                        .default_value = "20",
                        .description = "Source: most pulls under way for one queue; no threads.",
                        .limits = {{.min = 1, .max = 64}}};
constexpr auto kResets = std::to_array<OptionWord<SourceStart::Mode>>({
    {"latest", SourceStart::Mode::kLatest},
    {"earliest", SourceStart::Mode::kEarliest},
    {"timestamp", SourceStart::Mode::kTimestamp},
});
constexpr Option<SourceStart::Mode> kReset{
    .name = Config::kConsumerOffsetResetTo,
    .description = "Source: where to begin when no setter said so.",
    .limits = {kResets}};
constexpr Number kStartMillis{
    .name = Config::kConsumerOffsetFromTimestamp,
    .description =
        "Source: the time for consumer.offset.reset.to = timestamp, milliseconds since 1970.",
    .limits = {{.min = 0}}};
constexpr Number kStartOffset{
    .name = Config::kConsumerStartMessageOffset,
    .default_value = "-1",
    .description =
        "Source: one offset to begin at in every queue, when no setter said so; -1 = off.",
    .limits = {{.min = -1}}};

// --- sink ---

constexpr Text kProducerTopic{.name = Config::kProducerTopic,
                              .description = "Sink: topic of messages that have none."};
constexpr Text kProducerGroup{.name = Config::kProducerGroup,
                              .description = "Sink: producer group; one per job when not given."};
constexpr Number kRetries{.name = Config::kProducerRetryTimes,
                          .default_value = "3",
                          .description = "Sink: sends after a failed one.",
                          .limits = {{.min = 0, .max = 1'000}}};
constexpr Number kSendTimeoutMs{.name = Config::kProducerTimeout,
                                .default_value = "3000",
                                .description = "Sink: milliseconds that one send may take.",
                                .limits = kPositive};
constexpr Number kDelayLevel{
    .name = Config::kMsgDelayLevel,
    .default_value = "0",
    .description = "Sink: delay level of messages without a delay of their own; 0 = none.",
    .limits = {{.min = 0, .max = 18}}};

// --- beyond the original connector's: named and meant as the options of the connector 'rocketmq' ---

constexpr Text kCredentialsFile{
    .name = "credentials.file",
    .description =
        "File with lines accessKey=, secretKey=, instead of the keys; read again when it changes."};
constexpr Option<bool> kTlsEnabled{
    .name = "tls.enabled",
    .description = "Encrypt all connections; $SLIPSTREAM_TLS when not given."};
constexpr Text kTlsCaFile{
    .name = "tls.ca-file",
    .description = "Trusted authorities, PEM; those of the system when not given."};
constexpr Text kTlsCertFile{.name = "tls.cert-file",
                            .description = "The client's certificate with its chain, PEM."};
constexpr Text kTlsKeyFile{.name = "tls.key-file",
                           .description = "Its private key, PEM; in tls.cert-file when not given."};
constexpr Text kTlsKeyPassword{
    .name = "tls.key-password", .description = "Password of the private key.", .secret = true};
constexpr auto kTlsVerifyWords = std::to_array<OptionWord<rocketmq::TlsVerify>>({
    {"full", rocketmq::TlsVerify::kFull},
    {"ca", rocketmq::TlsVerify::kCa},
    {"none", rocketmq::TlsVerify::kNone},
});
constexpr Option<rocketmq::TlsVerify> kTlsVerify{
    .name = "tls.verify",
    .description = "What a server's certificate must prove; $SLIPSTREAM_TLS_VERIFY, else full.",
    .limits = {kTlsVerifyWords}};
constexpr Text kTlsServerName{
    .name = "tls.server-name",
    .description = "Name that certificates are for, when it is not the host."};
constexpr auto kOutOfRangeWords = std::to_array<OptionWord<rocketmq::OffsetOutOfRange>>({
    {"fail", rocketmq::OffsetOutOfRange::kFail},
    {"earliest", rocketmq::OffsetOutOfRange::kEarliest},
    {"latest", rocketmq::OffsetOutOfRange::kLatest},
    {"nearest", rocketmq::OffsetOutOfRange::kNearest},
});
constexpr Option<rocketmq::OffsetOutOfRange> kOutOfRange{
    .name = "scan.offset-out-of-range",
    .description =
        "Source: what to do when the wanted offset does not exist any more; fail when "
        "not given.",
    .limits = {kOutOfRangeWords}};

std::vector<OptionSpec> further_options() {
  return option_specs(kCredentialsFile, kTlsEnabled, kTlsCaFile, kTlsCertFile, kTlsKeyFile,
                      kTlsKeyPassword, kTlsVerify, kTlsServerName, kOutOfRange);
}

template <typename T>
Error bad(const char* what, const Option<T>& option, const std::string& why) {
  return Error{ErrorCode::kInvalidArgument,
               std::string(what) + ": property '" + std::string(option.name) + "': " + why};
}

// The checked properties of one source or sink.
class Reader {
 public:
  static Result<Reader> make(const char* what, const Properties& properties) {
    TRY_ASSIGN(Options options, rocketmq_config().parse(properties, what));
    Reader reader(what, std::move(options));
    TRY(reader.check_client());
    return reader;
  }

  template <typename T>
  decltype(auto) operator[](const Option<T>& option) const {
    return options_[option];
  }
  template <typename T>
  bool given(const Option<T>& option) const {
    return given(option.name);
  }
  bool given(std::string_view name) const { return !text(name).empty() && options_.has(name); }
  const std::string& text(std::string_view name) const { return options_.text(name); }
  Result<std::string> required(const Text& option) const {
    if (options_[option].empty()) return bad(what_, option, "is required and must not be empty");
    return options_[option];
  }

 private:
  Reader(const char* what, Options options) : what_(what), options_(std::move(options)) {}
  Status check_client() const {
    TRY(required(kNameServers).status());
    if (options_[kAccessKey].empty() != options_[kSecretKey].empty()) {
      return bad(what_, options_[kAccessKey].empty() ? kAccessKey : kSecretKey,
                 "is missing: credentials are 'access.key' and 'secret.key' together");
    }
    if (given(kAccessKey) && given(kCredentialsFile))
      return bad(what_, kCredentialsFile, "excludes 'access.key' and 'secret.key'");
    return {};
  }

  const char* what_;
  Options options_;
};

std::string milliseconds(std::int64_t value) { return std::to_string(value) + " ms"; }

Result<SourceStart> start_by_keys(const Reader& reader) {
  SourceStart start;
  start.mode =
      reader.given(kReset) ? SourceStart::Mode(reader[kReset]) : SourceStart::Mode::kGroupOffsets;
  if (start.mode != SourceStart::Mode::kTimestamp) return start;
  if (!reader.given(kStartMillis))
    return bad(kSource, kStartMillis, "is required by consumer.offset.reset.to = timestamp");
  start.timestamp_ms = reader[kStartMillis];
  return start;
}

Result<std::string> offsets_text(const QueueOffsets& offsets, const std::string& topic) {
  const std::vector<std::string> topics = rocketmq::parse_topic_list(topic);
  std::string text;
  for (const auto& [queue, offset] : offsets) {
    if (std::find(topics.begin(), topics.end(), queue.topic) == topics.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   std::string(kSource) + ": a specific offset is of queue " + queue.to_string() +
                       ", which is not of the topic '" + topic + "'"};
    }
    if (offset < 0) {
      return Error{ErrorCode::kInvalidArgument, std::string(kSource) + ": specific offset " +
                                                    std::to_string(offset) + " of queue " +
                                                    queue.to_string() + " is below 0"};
    }
    text += (text.empty() ? "" : ";") + (topics.size() > 1 ? queue.topic + ":" : std::string()) +
            queue.broker + ":" + std::to_string(queue.id) + ":" + std::to_string(offset);
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

Status add_stop(std::optional<std::int64_t> stop_ms, SourceConfig& config) {
  if (!stop_ms) return {};
  if (*stop_ms < 0) {
    return Error{ErrorCode::kInvalidArgument, std::string(kSource) + ": the stop time " +
                                                  std::to_string(*stop_ms) + " is before 1970"};
  }
  config.options["scan.bounded.mode"] = "timestamp";
  config.options["scan.bounded.timestamp-millis"] = std::to_string(*stop_ms);
  return {};
}

void add_reading(const Reader& reader, SourceConfig& config) {
  config.persist_interval_ms = reader[kPersistMs];
  OptionMap& options = config.options;
  options["scan.topic-partition-discovery.interval"] = milliseconds(reader[kDiscoveryMs]);
  options["scan.pull.wait"] = milliseconds(reader[kPullWaitMs]);
  options["scan.pull.pause-when-empty"] = milliseconds(reader[kPauseWhenEmptyMs]);
  options["scan.pull.concurrency"] = std::to_string(reader[kPulls]);
  options["pullBatchSize"] = std::to_string(reader[kPullMessages]);
  config.list_messages_max = static_cast<std::size_t>(reader[kPullMessages]);
}

// As the connector reads its options of the same names.
Result<rocketmq::Security> security_of(const Reader& reader) {
  rocketmq::Security security;
  security.credentials.access_key = reader[kAccessKey];
  security.credentials.secret_key = reader[kSecretKey];
  security.credentials_file = reader[kCredentialsFile];
  rocketmq::TlsOptions& tls = security.tls;
  if (reader.given(kTlsEnabled)) {
    tls.enabled = reader[kTlsEnabled];
  } else {
    TRY_ASSIGN(const std::optional<bool> enabled, rocketmq::tls_enabled_by_environment());
    tls.enabled = enabled.value_or(false);
  }
  tls.ca_file = reader[kTlsCaFile];
  tls.cert_file = reader[kTlsCertFile];
  tls.key_file = reader[kTlsKeyFile];
  tls.key_password = reader[kTlsKeyPassword];
  tls.server_name = reader[kTlsServerName];
  const char* verify = std::getenv("SLIPSTREAM_TLS_VERIFY");
  if (reader.given(kTlsVerify)) {
    tls.verify = reader[kTlsVerify];
  } else if (verify != nullptr && *verify != '\0') {
    auto parsed = rocketmq::parse_tls_verify(verify);
    if (!parsed.ok()) return bad(kSink, kTlsVerify, parsed.error().message);
    tls.verify = *parsed;
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
  std::vector<OptionSpec> all = option_specs(kNameServers, kDiscoveryMs, kHeartbeatMs, kAccessKey,
                                             kSecretKey, kAccessChannel, kUnitName);
  for (const auto& part :
       {option_specs(kConsumerGroup, kConsumerTopic, kConsumerTag, kConsumerSql, kPullWaitMs,
                     kPersistMs, kPullMessages, kPauseWhenEmptyMs, kPulls, kReset, kStartMillis,
                     kStartOffset),
        option_specs(kProducerTopic, kProducerGroup, kRetries, kSendTimeoutMs, kDelayLevel),
        further_options()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return OptionTable(std::move(all));
}

Result<SourceConfig> read_source_config(const Properties& properties, const SourceStart& start,
                                        std::optional<std::int64_t> stop_ms) {
  TRY_ASSIGN(const Reader reader, Reader::make(kSource, properties));
  SourceConfig config;
  TRY_ASSIGN(config.topic, reader.required(kConsumerTopic));
  TRY_ASSIGN(const std::string group, reader.required(kConsumerGroup));
  if (reader.given(kConsumerSql) && reader[kConsumerTag] != "*") {
    return bad(
        kSource, kConsumerSql,
        "is not possible together with 'consumer.tag'; TAGS can be a part of the expression");
  }
  config.options = {{"nameServerAddress", reader[kNameServers]},
                    {"topic", config.topic},
                    {"consumerGroup", group},
                    {"tag", reader[kConsumerTag]},
                    {"heartbeat.interval", milliseconds(reader[kHeartbeatMs])}};
  if (reader.given(kUnitName)) config.options["unit.name"] = reader[kUnitName];
  if (reader.given(kConsumerSql)) config.options["scan.filter.sql"] = reader[kConsumerSql];
  if (reader.given(kAccessKey)) {
    config.options["accessKey"] = reader[kAccessKey];
    config.options["secretKey"] = reader[kSecretKey];
  }
  for (const OptionSpec& spec : further_options()) {
    if (reader.given(spec.name)) config.options[spec.name] = reader.text(spec.name);
  }
  add_reading(reader, config);
  TRY(add_stop(stop_ms, config));
  if (start.mode != SourceStart::Mode::kByKeys) {
    TRY(add_start(start, config));
  } else if (reader[kStartOffset] >= 0) {
    config.options["startMessageOffset"] = std::to_string(reader[kStartOffset]);
  } else {
    TRY_ASSIGN(const SourceStart by_keys, start_by_keys(reader));
    TRY(add_start(by_keys, config));
  }
  return config;
}

Result<SinkConfig> read_sink_config(const Properties& properties, const std::string& job) {
  TRY_ASSIGN(const Reader reader, Reader::make(kSink, properties));
  SinkConfig config;
  config.client.name_servers = reader[kNameServers];
  TRY_ASSIGN(config.client.security, security_of(reader));
  config.client.heartbeat_interval_ms = reader[kHeartbeatMs];
  config.client.unit_name = reader[kUnitName];
  config.topic = reader[kProducerTopic];
  config.producer.group = reader.given(kProducerGroup) ? reader[kProducerGroup] : group_of_job(job);
  TRY(rocketmq::validate_group(config.producer.group)
          .with_context(std::string(kSink) + ": property 'producer.group'"));
  const std::int64_t retries = reader[kRetries];
  config.producer.attempt_timeout_ms = reader[kSendTimeoutMs];
  // Room for the pauses between attempts.
  config.producer.attempts_max = static_cast<int>(retries) + 1;
  config.producer.total_timeout_ms = (retries + 1) * (config.producer.attempt_timeout_ms + 1'000);
  config.delay_level = static_cast<std::int32_t>(reader[kDelayLevel]);
  return config;
}

}  // namespace slipstream::stream
