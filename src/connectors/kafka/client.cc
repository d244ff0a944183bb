#include "connectors/kafka/client.h"

#include <array>
#include <utility>

#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/try.h"

namespace slipstream::kafka_connector {
namespace {

using List = std::unique_ptr<rd_kafka_topic_partition_list_t,
                             decltype(&rd_kafka_topic_partition_list_destroy)>;
using Config = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;

struct JavaProperty {
  std::string_view name;
  std::string_view instead;
};
// What Flink's tables say to Java's client and librdkafka has under another name or not at all.
constexpr auto kJavaProperties = std::to_array<JavaProperty>({
    {"sasl.jaas.config", "'properties.sasl.username' and 'properties.sasl.password'"},
    {"ssl.truststore.location", "'properties.ssl.ca.location', a PEM file"},
    {"ssl.truststore.password", "'properties.ssl.ca.location', a PEM file without a password"},
    {"ssl.truststore.certificates", "'properties.ssl.ca.pem'"},
    {"ssl.keystore.certificate.chain", "'properties.ssl.certificate.pem'"},
    {"ssl.keystore.key", "'properties.ssl.key.pem'"},
    {"max.poll.records", "nothing: batches are cut by the engine"},
    {"key.deserializer", "'key.format'"},
    {"value.deserializer", "'format'"},
    {"key.serializer", "'key.format'"},
    {"value.serializer", "'format'"},
});

Error bad_property(const std::string& name, const std::string& reason) {
  Error error{ErrorCode::kInvalidArgument, "option 'properties." + name + "': " + reason};
  for (const JavaProperty& each : kJavaProperties) {
    if (each.name == name)
      error.message = "option 'properties." + name + "' is one of Java's client; use " +
                      std::string(each.instead);
  }
  return error;
}

Status set(rd_kafka_conf_t* config, const std::string& name, const std::string& value) {
  std::array<char, 512> reason{};
  if (rd_kafka_conf_set(config, name.c_str(), value.c_str(), reason.data(), reason.size()) ==
      RD_KAFKA_CONF_OK)
    return {};
  return bad_property(name, reason.data());
}

// Where the table says nothing.
const OptionMap& defaults_of(ClientRole role) {
  static const OptionMap kBoth = {{"client.id", "slipstream"}, {"log.connection.close", "false"}};
  static const OptionMap kConsumer = [] {
    OptionMap all = kBoth;
    all.insert({{"queued.max.messages.kbytes", "4096"}});
    return all;
  }();
  static const OptionMap kProducer = [] {
    OptionMap all = kBoth;
    all.insert({{"enable.idempotence", "true"}, {"linger.ms", "5"}});
    return all;
  }();
  return role == ClientRole::kConsumer ? kConsumer : kProducer;
}

// What the connector stands on, whatever the table says.
const OptionMap& fixed_of(ClientRole role) {
  static const OptionMap kConsumer = {{"enable.auto.commit", "false"},
                                      {"enable.auto.offset.store", "false"},
                                      {"enable.partition.eof", "true"},
                                      {"auto.offset.reset", "error"}};
  static const OptionMap kProducer;
  return role == ClientRole::kConsumer ? kConsumer : kProducer;
}

Result<Config> make_config(ClientRole role, const OptionMap& properties) {
  Config config(rd_kafka_conf_new(), rd_kafka_conf_destroy);
  for (const auto& [name, value] : defaults_of(role)) {
    if (!properties.contains(name)) TRY(set(config.get(), name, value));
  }
  for (const auto& [name, value] : properties) {
    if (fixed_of(role).contains(name)) {
      return bad_property(name,
                          "the connector decides about it: leave it out (see docs/connectors)");
    }
    TRY(set(config.get(), name, value));
  }
  for (const auto& [name, value] : fixed_of(role)) TRY(set(config.get(), name, value));
  return config;
}

void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int kSyslogWarning = 4;
  constexpr int kSyslogNotice = 5;
  const LogLevel ours = level <= kSyslogWarning  ? LogLevel::kWarn
                        : level == kSyslogNotice ? LogLevel::kInfo
                                                 : LogLevel::kDebug;
  LogLimit::of_process().log(ours, "kafka", std::string("librdkafka ") + facility,
                             std::string(facility) + ": " + text);
}

bool is_refusal(int err) {
  return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
         err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
         err == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM;
}

ErrorCode code_of(int err) {
  switch (err) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return ErrorCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return ErrorCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return ErrorCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return ErrorCode::kUnsupported;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      return ErrorCode::kTimeout;
    default:
      return is_refusal(err) ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
  }
}

List list_of(std::span<const Partition> partitions, std::int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())),
            rd_kafka_topic_partition_list_destroy);
  for (const Partition& each : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.id)->offset = offset;
  }
  return list;
}

std::span<const rd_kafka_topic_partition_t> items(const List& list) {
  return {list->elems, static_cast<std::size_t>(list->cnt)};
}

}  // namespace

Status check_properties(ClientRole role, const OptionMap& properties) {
  return make_config(role, properties).status();
}

Error error_of(int err, const std::string& text) {
  const ErrorCode code = code_of(err);
  Error error{code, text + ": " + rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(err))};
  error.retryable = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
  return error;
}

Result<std::shared_ptr<Client>> Client::make(ClientRole role, Endpoint endpoint,
                                             const OptionMap& properties) {
  const std::string table = "table '" + endpoint.table + "'";
  auto config = make_config(role, properties);
  if (!config.ok()) return config.error().with_context(table);
  std::shared_ptr<Client> made(new Client(std::move(endpoint)));
  rd_kafka_conf_set_opaque(config->get(), made.get());
  rd_kafka_conf_set_error_cb(config->get(), on_error);
  rd_kafka_conf_set_log_cb(config->get(), on_log);
  if (role == ClientRole::kConsumer) {
    rd_kafka_conf_set_offset_commit_cb(
        config->get(),
        [](rd_kafka_t* handle, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t* offsets,
           void* self) { on_commit(handle, err, offsets, self); });
  }
  std::array<char, 512> reason{};
  made->handle_ =
      rd_kafka_new(role == ClientRole::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                   config->get(), reason.data(), reason.size());
  if (made->handle_ == nullptr)
    return Error{ErrorCode::kInvalidArgument, table + ": " + reason.data()};
  config->release();  // NOLINT(bugprone-unused-return-value): the client owns it now
  return made;
}

Client::~Client() {
  if (handle_ != nullptr) rd_kafka_destroy(handle_);
}

void Client::serve() const { rd_kafka_poll(handle_, 0); }

void Client::on_error(rd_kafka_s* handle, int err, const char* reason, void* self) {
  auto& client = *static_cast<Client*>(self);
  std::array<char, 512> fatal{};
  if (err == RD_KAFKA_RESP_ERR__FATAL) {
    err = rd_kafka_fatal_error(handle, fatal.data(), fatal.size());
    reason = fatal.data();
  }
  MutexLock lock(client.mutex_);
  // "all brokers are down" comes behind what says why.
  if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || client.last_complaint_.empty())
    client.last_complaint_ = reason;
  if (!is_refusal(err)) return;
  client.refused_ = Error{ErrorCode::kPermissionDenied,
                          "table '" + client.endpoint_.table + "': " + client.endpoint_.servers +
                              " refuses the connection: " + reason +
                              "; correct the options 'properties.security.protocol', "
                              "'properties.sasl.*' and 'properties.ssl.*'"};
}

void Client::on_commit(rd_kafka_s*, int err, rd_kafka_topic_partition_list_s* offsets, void* self) {
  auto& client = *static_cast<Client*>(self);
  --client.commits_.under_way;
  for (int i = 0; offsets != nullptr && err == RD_KAFKA_RESP_ERR_NO_ERROR && i < offsets->cnt; ++i)
    err = offsets->elems[i].err;
  if (err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR__NO_OFFSET) {
    ++client.commits_.succeeded;
    return;
  }
  ++client.commits_.failed;
  LogLimit::of_process().log(LogLevel::kWarn, "kafka", "commits of " + client.endpoint_.table,
                             "table '" + client.endpoint_.table +
                                 "': group offsets were not committed: " +
                                 rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(err)) +
                                 "; reading goes on, the next checkpoint commits again");
}

void Client::commit(const PartitionOffsets& offsets) {
  if (offsets.empty()) return;
  const List list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())),
                  rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.id)->offset =
        offset;
  ++commits_.under_way;
  const auto err = rd_kafka_commit(handle_, list.get(), 1);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) on_commit(handle_, err, nullptr, this);
}

std::optional<Error> Client::refused() const {
  MutexLock lock(mutex_);
  return refused_;
}

Error Client::unreachable(const std::string& what) const {
  serve();
  if (const auto why = refused()) return *why;
  MutexLock lock(mutex_);
  return Error::retry(ErrorCode::kUnavailable,
                      "table '" + endpoint_.table + "': " + what + ": no broker of '" +
                          endpoint_.servers + "' answers" +
                          (last_complaint_.empty() ? "" : ": " + last_complaint_) +
                          "; start it, or correct the option 'properties.bootstrap.servers'");
}

Error Client::failure(int err, const std::string& what) const {
  if (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__TIMED_OUT ||
      err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || err == RD_KAFKA_RESP_ERR__RESOLVE)
    return unreachable(what);
  return error_of(err, "table '" + endpoint_.table + "': " + what);
}

Result<std::int32_t> Client::partitions_of(const std::string& topic) const {
  const std::string what = "asking for topic '" + topic + "'";
  const std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> asked(
      rd_kafka_topic_new(handle_, topic.c_str(), nullptr), rd_kafka_topic_destroy);
  if (asked == nullptr) return failure(rd_kafka_last_error(), what);
  const rd_kafka_metadata_t* found = nullptr;
  const auto err = rd_kafka_metadata(handle_, 0, asked.get(), &found, kWaitMs);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure(err, what);
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> owner(
      found, rd_kafka_metadata_destroy);
  for (int i = 0; i < found->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& each = found->topics[i];
    if (topic != each.topic) continue;
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure(each.err, what);
    return each.partition_cnt;
  }
  return failure(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, what);
}

Result<std::map<std::string, std::int32_t>> Client::all_topics() const {
  const rd_kafka_metadata_t* found = nullptr;
  const auto err = rd_kafka_metadata(handle_, 1, nullptr, &found, kWaitMs);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure(err, "asking for all topics");
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> owner(
      found, rd_kafka_metadata_destroy);
  std::map<std::string, std::int32_t> topics;
  for (int i = 0; i < found->topic_cnt; ++i) {
    if (found->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
      topics.emplace(found->topics[i].topic, found->topics[i].partition_cnt);
  }
  return topics;
}

Result<PartitionOffsets> Client::offsets_at(std::span<const Partition> partitions,
                                            std::int64_t time_ms, int wait_ms) const {
  PartitionOffsets offsets;
  if (partitions.empty()) return offsets;
  const List list = list_of(partitions, time_ms);
  const auto err = rd_kafka_offsets_for_times(handle_, list.get(), wait_ms);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure(err, "asking for offsets");
  for (const rd_kafka_topic_partition_t& each : items(list)) {
    const Partition partition{each.topic, each.partition};
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failure(each.err, "asking for offsets of " + partition.to_string());
    offsets.emplace(partition, each.offset);
  }
  return offsets;
}

Result<PartitionOffsets> Client::group_offsets(std::span<const Partition> partitions) const {
  PartitionOffsets offsets;
  if (partitions.empty()) return offsets;
  const List list = list_of(partitions, RD_KAFKA_OFFSET_INVALID);
  const auto err = rd_kafka_committed(handle_, list.get(), kWaitMs);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure(err, "asking for offsets of the group");
  for (const rd_kafka_topic_partition_t& each : items(list)) {
    const Partition partition{each.topic, each.partition};
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failure(each.err, "asking for the group's offset of " + partition.to_string());
    if (each.offset >= 0) offsets.emplace(partition, each.offset);
  }
  return offsets;
}

}  // namespace slipstream::kafka_connector
