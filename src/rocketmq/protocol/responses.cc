#include "rocketmq/protocol/responses.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {

namespace {

Result<JsonValue> parse_object(BodyBytes body, std::string_view what) {
  Result<JsonValue> value = parse_tolerant_json(as_text(body));
  if (!value.ok()) return value.error().with_context(what);
  if (!value->is_object())
    return Error{ErrorCode::kCorrupt, std::string(what) + " is not a JSON object"};
  return value;
}

std::int32_t int32_of(const JsonValue& value, std::int32_t other) {
  const std::int64_t wide = value.integer_or(other);
  return wide < INT32_MIN || wide > INT32_MAX ? other : static_cast<std::int32_t>(wide);
}

// Queue counts come from a peer and become loops: a count no broker can have is an error.
constexpr std::int32_t kQueuesMax = 1 << 20;

BrokerData broker_of(const JsonValue& value) {
  BrokerData broker;
  broker.name = value["brokerName"].string_or("");
  broker.cluster = value["cluster"].string_or("");
  broker.acting_master = value["enableActingMaster"].bool_or(false);
  for (const JsonMember& member : value["brokerAddrs"].members) {
    BrokerAddress address;
    const char* end = member.name.data() + member.name.size();
    if (std::from_chars(member.name.data(), end, address.id).ptr != end) continue;
    address.address = member.value.string_or("");
    broker.addresses.push_back(std::move(address));
  }
  std::sort(broker.addresses.begin(), broker.addresses.end(),
            [](const BrokerAddress& a, const BrokerAddress& b) { return a.id < b.id; });
  return broker;
}

void sort_by_name(std::vector<BrokerData>& brokers) {
  std::sort(brokers.begin(), brokers.end(),
            [](const BrokerData& a, const BrokerData& b) { return a.name < b.name; });
}

TopicConfig topic_config_of(const JsonValue& value) {
  TopicConfig config;
  config.topic = value["topicName"].string_or("");
  config.read_queues = int32_of(value["readQueueNums"], 0);
  config.write_queues = int32_of(value["writeQueueNums"], 0);
  config.perm = int32_of(value["perm"], 0);
  config.order = value["order"].bool_or(false);
  config.sys_flag = int32_of(value["topicSysFlag"], 0);
  config.filter_type = value["topicFilterType"].string_or("SINGLE_TAG");
  for (const JsonMember& attribute : value["attributes"].members) {
    config.attributes.push_back(Property{attribute.name, attribute.value.string_or("")});
  }
  return config;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::string_view kLogicalPrefix = "__syslo__";

// As the Java client names them.
std::string logical_name(const std::string& scope) {
  return std::string(kLogicalPrefix) + (scope == "__global__" ? "global__" : scope);
}

// Each broker says which queues it served at its epoch: the newest word counts.
Status read_logical_queues(const JsonValue& mappings, RouteData& route) {
  struct Serving {
    std::int64_t epoch = -1;
    std::string broker;
  };
  std::map<std::pair<std::string, std::int32_t>, Serving> serving;
  std::map<std::string, std::int32_t> counts;
  for (const JsonMember& mapping : mappings.members) {
    const JsonValue& told = mapping.value;
    if (!told.is_object()) continue;
    route.static_topic = true;
    const std::string name = logical_name(told["scope"].string_or("__global__"));
    const std::string broker = told["bname"].string_or(mapping.name);
    const std::int64_t epoch = told["epoch"].integer_or(0);
    std::int32_t& count = counts[name];
    count = std::max(count, int32_of(told["totalQueues"], 0));
    for (const JsonMember& each : told["currIdMap"].members) {
      const auto id = parse_number(each.name);
      if (!id || *id < 0 || *id >= kQueuesMax) continue;
      Serving& known = serving[{name, static_cast<std::int32_t>(*id)}];
      if (epoch >= known.epoch) known = {epoch, broker};
    }
  }
  std::int64_t all = 0;
  for (const auto& [name, count] : counts) all += count;
  if (all > kQueuesMax)
    return Error{ErrorCode::kCorrupt, "route names an impossible number of logical queues"};
  for (const auto& [name, count] : counts) {
    for (std::int32_t id = 0; id < count; ++id) {
      const auto known = serving.find({name, id});
      route.logical_queues.push_back(
          {name, id, known == serving.end() ? std::string() : known->second.broker});
    }
  }
  return {};
}

std::vector<std::string> strings_of(const JsonValue& value) {
  std::vector<std::string> strings;
  for (const JsonValue& item : value.items) strings.push_back(item.string_or(""));
  return strings;
}

ClientConnection connection_of(const JsonValue& value, std::string_view address_field) {
  return {.client_id = value["clientId"].string_or(""),
          .address = value[address_field].string_or(""),
          .language = value["language"].string_or(""),
          .version = value["version"].integer_or(0)};
}

// A queue as a map key: an object, or (other JSON libraries) the text of one.
Result<MessageQueue> queue_of(const JsonMember& member, std::string_view what) {
  if (!member.key.is_object() || !member.key["topic"].is_string() ||
      !member.key["brokerName"].is_string() || !member.key["queueId"].integer()) {
    return Error{ErrorCode::kCorrupt, std::string(what) + " has an entry whose key is not a queue"};
  }
  return MessageQueue{member.key["topic"].text, member.key["brokerName"].text,
                      int32_of(member.key["queueId"], 0)};
}

Result<std::int64_t> required_number(RequestCode request, const FrameHeader& header,
                                     std::string_view field) {
  const std::optional<std::int64_t> value = header.ext.find_number(field);
  if (value) return *value;
  return Error{ErrorCode::kCorrupt, "answer to " +
                                        request_code_name(static_cast<std::int32_t>(request)) +
                                        " has no number '" + std::string(field) + "'"};
}

Result<std::map<std::string, std::string, std::less<>>> parse_java_properties(
    std::string_view text) {
  std::map<std::string, std::string, std::less<>> table;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    table[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return table;
}

}  // namespace

const std::string* BrokerData::address(std::int64_t id) const {
  for (const BrokerAddress& each : addresses) {
    if (each.id == id) return &each.address;
  }
  return nullptr;
}

const std::string* BrokerData::master() const { return address(0); }

const BrokerData* RouteData::broker(std::string_view name) const {
  for (const BrokerData& each : brokers) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

bool is_logical(const MessageQueue& queue) { return queue.broker.starts_with(kLogicalPrefix); }

const BrokerData* RouteData::serving(const MessageQueue& queue) const {
  if (!static_topic) return broker(queue.broker);
  const auto place = std::pair<std::string_view, std::int32_t>(queue.broker, queue.id);
  const auto found = std::lower_bound(logical_queues.begin(), logical_queues.end(), place,
                                      [](const LogicalQueue& each, const auto& wanted) {
                                        return std::pair<std::string_view, std::int32_t>(
                                                   each.name, each.id) < wanted;
                                      });
  const bool known = found != logical_queues.end() && found->name == queue.broker &&
                     found->id == queue.id && !found->broker.empty();
  return known ? broker(found->broker) : nullptr;
}

Result<RouteData> parse_route(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "route"));
  if (!root["brokerDatas"].is_array() || !root["queueDatas"].is_array()) {
    return Error{ErrorCode::kCorrupt, "route has no brokerDatas or no queueDatas"};
  }
  RouteData route;
  for (const JsonValue& each : root["brokerDatas"].items) route.brokers.push_back(broker_of(each));
  sort_by_name(route.brokers);
  for (const JsonValue& each : root["queueDatas"].items) {
    QueueData queues;
    queues.broker = each["brokerName"].string_or("");
    queues.read_queues = int32_of(each["readQueueNums"], 0);
    queues.write_queues = int32_of(each["writeQueueNums"], 0);
    queues.perm = int32_of(each["perm"], 0);
    if (queues.read_queues < 0 || queues.write_queues < 0 || queues.read_queues > kQueuesMax ||
        queues.write_queues > kQueuesMax) {
      return Error{ErrorCode::kCorrupt,
                   "route names an impossible number of queues for broker " + queues.broker};
    }
    route.queues.push_back(std::move(queues));
  }
  std::sort(route.queues.begin(), route.queues.end(),
            [](const QueueData& a, const QueueData& b) { return a.broker < b.broker; });
  route.order_config = root["orderTopicConf"].string_or("");
  TRY(read_logical_queues(root["topicQueueMappingByBroker"], route));
  return route;
}

Result<HostPort> parse_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  HostPort result;
  if (colon != std::string_view::npos) {
    std::string_view host = address.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    const std::string_view port = address.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
    if (!host.empty() && !port.empty() && error == std::errc() &&
        end == port.data() + port.size()) {
      result.host = host;
      return result;
    }
  }
  return Error{ErrorCode::kInvalidArgument,
               "'" + std::string(address) + "' is not an address: expected host:port"};
}

Result<ClusterView> parse_cluster(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "cluster view"));
  ClusterView view;
  for (const JsonMember& member : root["brokerAddrTable"].members)
    view.brokers.push_back(broker_of(member.value));
  sort_by_name(view.brokers);
  return view;
}

Result<std::vector<std::string>> parse_topic_list(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "topic list"));
  return strings_of(root["topicList"]);
}

Result<std::vector<std::string>> parse_group_list(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "list of groups"));
  return strings_of(root["groupList"]);
}

Result<TopicConfig> parse_topic_config(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "topic config"));
  if (!root["topicName"].is_string())
    return Error{ErrorCode::kCorrupt, "topic config has no topicName"};
  return topic_config_of(root);
}

Result<std::vector<TopicConfig>> parse_all_topic_configs(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "topic config table"));
  std::vector<TopicConfig> configs;
  for (const JsonMember& member : root["topicConfigTable"].members)
    configs.push_back(topic_config_of(member.value));
  return configs;
}

Result<std::vector<std::string>> parse_consumer_list(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "consumer list"));
  return strings_of(root["consumerIdList"]);
}

Result<std::vector<MessageQueue>> parse_locked_queues(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "locked queues"));
  std::vector<MessageQueue> queues;
  for (const JsonValue& each : root["lockOKMQSet"].items) {
    queues.push_back(MessageQueue{each["topic"].string_or(""), each["brokerName"].string_or(""),
                                  int32_of(each["queueId"], 0)});
  }
  return queues;
}

Result<std::map<MessageQueue, std::int64_t>> parse_offset_reset(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "reset of offsets"));
  std::map<MessageQueue, std::int64_t> offsets;
  const JsonValue& table = root["offsetTable"];
  for (const JsonValue& each : table.items) {
    offsets[MessageQueue{each["topic"].string_or(""), each["brokerName"].string_or(""),
                         int32_of(each["queueId"], 0)}] = each["offset"].integer_or(0);
  }
  for (const JsonMember& each : table.members) {
    TRY_ASSIGN(MessageQueue queue, queue_of(each, "a reset of offsets"));
    offsets[std::move(queue)] = each.value.integer_or(0);
  }
  return offsets;
}

Result<TransactionCheck> parse_transaction_check(const FrameHeader& header) {
  TransactionCheck check;
  TRY_ASSIGN(check.half_queue_offset,
             required_number(RequestCode::kCheckTransactionState, header, "tranStateTableOffset"));
  TRY_ASSIGN(check.physical_offset,
             required_number(RequestCode::kCheckTransactionState, header, "commitLogOffset"));
  check.message_id = header.ext.find("msgId").value_or("");
  check.transaction_id = header.ext.find("transactionId").value_or("");
  check.broker = header.ext.find("bname").value_or("");
  return check;
}

Result<std::map<std::string, std::vector<ClientConnection>>> parse_all_producers(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "producers"));
  std::map<std::string, std::vector<ClientConnection>> groups;
  for (const JsonMember& group : root["data"].members) {
    for (const JsonValue& each : group.value.items)
      groups[group.name].push_back(connection_of(each, "remoteIP"));
  }
  return groups;
}

Result<std::vector<std::string>> parse_group_configs(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "group configurations"));
  std::vector<std::string> names;
  for (const JsonMember& group : root["subscriptionGroupTable"].members)
    names.push_back(group.name);
  std::sort(names.begin(), names.end());
  return names;
}

Result<ConsumerConnections> parse_consumer_connections(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "consumer connections"));
  ConsumerConnections result;
  for (const JsonValue& each : root["connectionSet"].items)
    result.connections.push_back(connection_of(each, "clientAddr"));
  for (const JsonMember& member : root["subscriptionTable"].members) {
    Subscription subscription;
    subscription.topic = member.value["topic"].string_or(member.name);
    subscription.expression = member.value["subString"].string_or("*");
    subscription.sql92 = member.value["expressionType"].string_or("TAG") == "SQL92";
    subscription.version_ms = member.value["subVersion"].integer_or(0);
    result.subscriptions.push_back(std::move(subscription));
  }
  result.consume_type = root["consumeType"].string_or("");
  result.message_model = root["messageModel"].string_or("");
  return result;
}

Result<std::vector<QueueStats>> parse_topic_stats(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "topic stats"));
  std::vector<QueueStats> result;
  for (const JsonMember& member : root["offsetTable"].members) {
    QueueStats stats;
    TRY_ASSIGN(stats.queue, queue_of(member, "topic stats"));
    stats.min_offset = member.value["minOffset"].integer_or(0);
    stats.max_offset = member.value["maxOffset"].integer_or(0);
    stats.last_update_ms = member.value["lastUpdateTimestamp"].integer_or(0);
    result.push_back(std::move(stats));
  }
  std::sort(result.begin(), result.end(),
            [](const QueueStats& a, const QueueStats& b) { return a.queue < b.queue; });
  return result;
}

Result<ConsumeStats> parse_consume_stats(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "consume stats"));
  ConsumeStats result;
  result.consume_tps = root["consumeTps"].number_or(0);
  for (const JsonMember& member : root["offsetTable"].members) {
    ConsumeQueueStats stats;
    TRY_ASSIGN(stats.queue, queue_of(member, "consume stats"));
    stats.broker_offset = member.value["brokerOffset"].integer_or(0);
    stats.consumer_offset = member.value["consumerOffset"].integer_or(0);
    stats.last_timestamp_ms = member.value["lastTimestamp"].integer_or(0);
    result.queues.push_back(std::move(stats));
  }
  std::sort(
      result.queues.begin(), result.queues.end(),
      [](const ConsumeQueueStats& a, const ConsumeQueueStats& b) { return a.queue < b.queue; });
  return result;
}

std::string BrokerRuntime::text(std::string_view name) const {
  const auto found = table.find(name);
  return found == table.end() ? std::string() : found->second;
}

std::optional<std::int64_t> BrokerRuntime::boot_ms() const {
  return parse_number(text("bootTimestamp"));
}

std::optional<std::int64_t> BrokerRuntime::log_end() const {
  return parse_number(text("commitLogMaxOffset"));
}

std::optional<std::int64_t> BrokerRuntime::dispatch_behind_bytes() const {
  return parse_number(text("dispatchBehindBytes"));
}

std::optional<double> BrokerRuntime::rate(std::string_view name) const {
  const std::string all = text(name);
  double value = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

Result<BrokerRuntime> parse_broker_runtime(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "broker runtime"));
  if (!root["table"].is_object()) return Error{ErrorCode::kCorrupt, "broker runtime has no table"};
  BrokerRuntime runtime;
  for (const JsonMember& member : root["table"].members) {
    runtime.table[member.name] = member.value.string_or(member.value.bool_or(false) ? "true" : "");
  }
  return runtime;
}

Result<std::map<std::string, std::string, std::less<>>> parse_broker_config(BodyBytes body) {
  return parse_java_properties(as_text(body));
}

Result<std::int64_t> parse_offset(RequestCode request, const FrameHeader& header) {
  if (header.code != response_code::kSuccess)
    return answer_error(request, header.code, header.remark);
  return required_number(request, header,
                         request == RequestCode::kEarliestStoreTime ? "timestamp" : "offset");
}

Result<std::optional<std::int64_t>> parse_consumer_offset(const FrameHeader& header) {
  if (header.code == response_code::kQueryNotFound) return std::optional<std::int64_t>();
  TRY_ASSIGN(const std::int64_t offset, parse_offset(RequestCode::kQueryConsumerOffset, header));
  return std::optional<std::int64_t>(offset);
}

Result<GroupOffsets> parse_all_consumer_offsets(BodyBytes body, std::string_view group) {
  TRY_ASSIGN(const JsonValue root, parse_object(body, "consumer offsets"));
  const JsonValue& table = root["offsetTable"];
  if (!table.is_object()) return Error{ErrorCode::kCorrupt, "consumer offsets have no offsetTable"};
  const std::string end = "@" + std::string(group);
  GroupOffsets offsets;
  for (const JsonMember& member : table.members) {
    if (!member.name.ends_with(end)) continue;
    const std::string topic = member.name.substr(0, member.name.size() - end.size());
    for (const JsonMember& queue : member.value.members) {
      const auto id = parse_number(queue.name);
      const auto offset = queue.value.integer();
      if (id && offset) offsets[{topic, *id}] = *offset;
    }
  }
  return offsets;
}

Result<PullAnswer> parse_pull(const FrameHeader& header) {
  PullAnswer answer;
  switch (header.code) {
    case response_code::kSuccess:
      answer.status = PullStatus::kFound;
      break;
    case response_code::kPullNotFound:
      answer.status = PullStatus::kNotFound;
      break;
    case response_code::kPullRetryImmediately:
      answer.status = PullStatus::kRetryImmediately;
      break;
    case response_code::kPullOffsetMoved:
      answer.status = PullStatus::kOffsetMoved;
      break;
    default:
      return answer_error(RequestCode::kPullMessage, header.code, header.remark);
  }
  constexpr RequestCode kPull = RequestCode::kPullMessage;
  TRY_ASSIGN(answer.next_offset, required_number(kPull, header, "nextBeginOffset"));
  TRY_ASSIGN(answer.min_offset, required_number(kPull, header, "minOffset"));
  TRY_ASSIGN(answer.max_offset, required_number(kPull, header, "maxOffset"));
  answer.suggested_broker = header.ext.find_number("suggestWhichBrokerId").value_or(0);
  answer.offset_delta = header.ext.find_number("offsetDelta").value_or(0);
  return answer;
}

Result<ReceivedMessage> parse_reply(const FrameHeader& header, BodyBytes body) {
  static constexpr std::uint8_t kNoAddress[4] = {};
  const auto text = [&](std::string_view name) { return header.ext.find(name).value_or(""); };
  const auto number = [&](std::string_view name) {
    return header.ext.find_number(name).value_or(0);
  };
  RecordView record;
  record.topic = text("topic");
  record.properties = text("properties");
  record.body = body;
  record.queue_id = static_cast<std::int32_t>(number("queueId"));
  record.sys_flags = static_cast<std::int32_t>(number("sysFlag"));
  record.flag = static_cast<std::int32_t>(number("flag"));
  record.reconsume_times = static_cast<std::int32_t>(number("reconsumeTimes"));
  record.born_ms = number("bornTimestamp");
  record.store_ms = number("storeTimestamp");
  record.born_host.ip = record.store_host.ip = kNoAddress;
  TRY_ASSIGN(ReceivedMessage message, to_received_message(record, text("bname")));
  message.offset_message_id.clear();
  message.message_id = message.property(property::kUniqueKey).value_or("");
  message.born_host = text("bornHost");
  message.store_host = text("storeHost");
  return message;
}

Result<SendAnswer> parse_send(RequestCode request, const FrameHeader& header) {
  const Verdict verdict = classify(CallKind::kSend, header.code, header.remark);
  if (verdict != Verdict::kSuccess && verdict != Verdict::kStored) {
    return answer_error(request, header.code, header.remark);
  }
  SendAnswer answer;
  answer.code = header.code;
  TRY_ASSIGN(const std::int64_t queue_id, required_number(request, header, "queueId"));
  if (queue_id < 0 || queue_id > kQueuesMax) {
    return Error{ErrorCode::kCorrupt, "answer to a send names queue " + std::to_string(queue_id)};
  }
  answer.queue_id = static_cast<std::int32_t>(queue_id);
  TRY_ASSIGN(answer.queue_offset, required_number(request, header, "queueOffset"));
  answer.message_ids = header.ext.find("msgId").value_or("");
  return answer;
}

}  // namespace slipstream::rocketmq
