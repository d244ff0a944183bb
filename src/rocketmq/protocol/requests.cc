#include "rocketmq/protocol/requests.h"

#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::string_view kDefaultTopic = "TBW102";
constexpr std::int32_t kSuspendBit = 2;
constexpr std::int32_t kSubscriptionBit = 4;

Command make(RequestCode code) {
  Command command;
  command.header.code = static_cast<std::int32_t>(code);
  return command;
}

// A zero-length value decodes to null on servers: an absent field says the same and is legal in
// both headers.
void add_if(ExtFields& ext, std::string_view key, std::string_view value) {
  if (!value.empty()) ext.add(key, value);
}

Command make_for_topic(RequestCode code, std::string_view topic) {
  Command command = make(code);
  command.header.ext.add("topic", topic);
  return command;
}

Command make_for_queue(RequestCode code, const MessageQueue& queue) {
  Command command = make_for_topic(code, queue.topic);
  command.header.ext.add_number("queueId", queue.id);
  add_if(command.header.ext, "bname", queue.broker);
  return command;
}

void write_subscription(const Subscription& subscription, JsonWriter& json) {
  json.begin_object();
  json.key("classFilterMode").boolean(false);
  json.key("topic").string(subscription.topic);
  json.key("subString").string(subscription.expression);
  const std::vector<std::string> tags = subscription.sql92
                                            ? std::vector<std::string>()
                                            : parse_tag_expression(subscription.expression);
  json.key("tagsSet").begin_array();
  for (const std::string& tag : tags) json.string(tag);
  json.end_array();
  json.key("codeSet").begin_array();
  for (const std::string& tag : tags) json.integer(java_hash(tag));
  json.end_array();
  json.key("subVersion").integer(subscription.version_ms);
  json.key("expressionType").string(subscription.sql92 ? "SQL92" : "TAG");
  json.end_object();
}

Command make_send(RequestCode code, const SendRequest& request, bool batch, std::string body) {
  Command command = make(code);
  ExtFields& ext = command.header.ext;
  ext.add("a", request.producer_group);
  ext.add("b", request.topic);
  ext.add("c", kDefaultTopic);
  ext.add_number("d", request.default_queues);
  ext.add_number("e", request.queue_id);
  ext.add_number("f", request.sys_flag);
  ext.add_number("g", request.born_ms);
  ext.add_number("h", request.flag);
  add_if(ext, "i", request.properties);
  ext.add_number("j", 0);
  ext.add_flag("k", false);
  ext.add_flag("m", batch);
  add_if(ext, "n", request.broker);
  command.body = std::move(body);
  return command;
}

Command make_lock(RequestCode code, const QueueLock& lock) {
  Command command = make(code);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("consumerGroup").string(lock.group);
  json.key("clientId").string(lock.client_id);
  json.key("onlyThisBroker").boolean(false);
  json.key("mqSet").begin_array();
  for (const MessageQueue& queue : lock.queues) {
    json.begin_object();
    json.key("topic").string(queue.topic);
    json.key("brokerName").string(queue.broker);
    json.key("queueId").integer(queue.id);
    json.end_object();
  }
  json.end_array().end_object();
  return command;
}

}  // namespace

Command encode_plain(RequestCode code) { return make(code); }

Command encode_route(std::string_view topic) {
  Command command = make_for_topic(RequestCode::kRouteByTopic, topic);
  command.header.ext.add_flag("acceptStandardJsonOnly", true);
  return command;
}

Command encode_delete_topic_in_name_server(std::string_view topic, std::string_view cluster) {
  Command command = make_for_topic(RequestCode::kDeleteTopicInNameServer, topic);
  add_if(command.header.ext, "clusterName", cluster);
  return command;
}

Command encode_update_topic(const TopicConfig& config) {
  Command command = make_for_topic(RequestCode::kUpdateTopic, config.topic);
  ExtFields& ext = command.header.ext;
  ext.add("defaultTopic", kDefaultTopic);
  ext.add_number("readQueueNums", config.read_queues);
  ext.add_number("writeQueueNums", config.write_queues);
  ext.add_number("perm", config.perm);
  ext.add("topicFilterType", config.filter_type);
  ext.add_number("topicSysFlag", config.sys_flag);
  ext.add_flag("order", config.order);
  std::string attributes;
  for (const Property& attribute : config.attributes) {
    if (!attributes.empty()) attributes.push_back(',');
    attributes.append("+").append(attribute.name).append("=").append(attribute.value);
  }
  add_if(ext, "attributes", attributes);
  return command;
}

Command encode_topic_config(std::string_view topic) {
  return make_for_topic(RequestCode::kTopicConfig, topic);
}

Command encode_delete_topic_in_broker(std::string_view topic) {
  return make_for_topic(RequestCode::kDeleteTopicInBroker, topic);
}

Command encode_all_consumer_offsets() { return make(RequestCode::kAllConsumerOffsets); }

Command encode_groups_of_topic(std::string_view topic) {
  return make_for_topic(RequestCode::kGroupsOfTopic, topic);
}

Command encode_topic_stats(std::string_view topic) {
  return make_for_topic(RequestCode::kTopicStats, topic);
}

Command encode_update_group(const SubscriptionGroup& group) {
  Command command = make(RequestCode::kUpdateSubscriptionGroup);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("groupName").string(group.name);
  json.key("consumeEnable").boolean(group.consume_enabled);
  json.key("consumeFromMinEnable").boolean(true);
  json.key("consumeBroadcastEnable").boolean(group.consume_broadcast);
  json.key("consumeMessageOrderly").boolean(false);
  json.key("retryQueueNums").integer(group.retry_queues);
  json.key("retryMaxTimes").integer(group.retry_max);
  json.key("brokerId").integer(0);
  json.key("whichBrokerWhenConsumeSlowly").integer(1);
  json.key("notifyConsumerIdsChangedEnable").boolean(true);
  json.key("groupSysFlag").integer(0);
  json.key("consumeTimeoutMinute").integer(15);
  json.key("attributes").begin_object().end_object();
  json.end_object();
  return command;
}

Command encode_delete_group(std::string_view group, bool clean_offsets) {
  Command command = make(RequestCode::kDeleteSubscriptionGroup);
  command.header.ext.add("groupName", group);
  command.header.ext.add_flag("cleanOffset", clean_offsets);
  return command;
}

Command encode_consumer_list(std::string_view group) {
  Command command = make(RequestCode::kConsumerListByGroup);
  command.header.ext.add("consumerGroup", group);
  return command;
}

Command encode_consumer_connections(std::string_view group) {
  Command command = make(RequestCode::kConsumerConnections);
  command.header.ext.add("consumerGroup", group);
  return command;
}

Command encode_consume_stats(std::string_view group, std::string_view topic) {
  Command command = make(RequestCode::kConsumeStats);
  command.header.ext.add("consumerGroup", group);
  add_if(command.header.ext, "topic", topic);
  return command;
}

Command encode_update_broker_config(const std::vector<Property>& settings) {
  Command command = make(RequestCode::kUpdateBrokerConfig);
  for (const Property& setting : settings) {
    command.body.append(setting.name).append("=").append(setting.value).append("\n");
  }
  return command;
}

Command encode_heartbeat(const Heartbeat& heartbeat) {
  Command command = make(RequestCode::kHeartbeat);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("clientID").string(heartbeat.client_id);
  json.key("producerDataSet").begin_array();
  for (const std::string& group : heartbeat.producer_groups) {
    json.begin_object().key("groupName").string(group).end_object();
  }
  json.end_array();
  json.key("consumerDataSet").begin_array();
  for (const ConsumerData& consumer : heartbeat.consumers) {
    json.begin_object();
    json.key("groupName").string(consumer.group);
    json.key("consumeType").string(consumer.pushed ? "CONSUME_PASSIVELY" : "CONSUME_ACTIVELY");
    json.key("messageModel").string(consumer.broadcasting ? "BROADCASTING" : "CLUSTERING");
    json.key("consumeFromWhere").string(consumer.from_where);
    json.key("subscriptionDataSet").begin_array();
    for (const Subscription& subscription : consumer.subscriptions)
      write_subscription(subscription, json);
    json.end_array();
    json.key("unitMode").boolean(false);
    json.end_object();
  }
  json.end_array();
  json.key("heartbeatFingerprint").integer(0);
  json.key("withoutSub").boolean(false);
  json.end_object();
  return command;
}

Command encode_unregister(const Unregister& request) {
  Command command = make(RequestCode::kUnregisterClient);
  command.header.ext.add("clientID", request.client_id);
  add_if(command.header.ext, "producerGroup", request.producer_group);
  add_if(command.header.ext, "consumerGroup", request.consumer_group);
  return command;
}

Command encode_lock_queues(const QueueLock& lock) {
  return make_lock(RequestCode::kLockQueues, lock);
}

Command encode_unlock_queues(const QueueLock& lock) {
  return make_lock(RequestCode::kUnlockQueues, lock);
}

Command encode_send_back(const SendBack& request) {
  Command command = make(RequestCode::kConsumerSendBack);
  ExtFields& ext = command.header.ext;
  ext.add_number("offset", request.physical_offset);
  ext.add("group", request.group);
  ext.add_number("delayLevel", request.delay_level);
  add_if(ext, "originMsgId", request.message_id);
  add_if(ext, "originTopic", request.topic);
  ext.add_flag("unitMode", false);
  ext.add_number("maxReconsumeTimes", request.reconsume_times_max);
  add_if(ext, "bname", request.broker);
  return command;
}

Command encode_end_transaction(const EndTransaction& request) {
  constexpr std::int32_t kCommit = 8;
  constexpr std::int32_t kRollback = 12;
  Command command = make(RequestCode::kEndTransaction);
  ExtFields& ext = command.header.ext;
  ext.add("producerGroup", request.producer_group);
  ext.add_number("tranStateTableOffset", request.half_queue_offset);
  ext.add_number("commitLogOffset", request.physical_offset);
  ext.add_number("commitOrRollback", request.commit ? kCommit : kRollback);
  ext.add_flag("fromTransactionCheck", request.from_check);
  add_if(ext, "msgId", request.message_id);
  add_if(ext, "transactionId", request.transaction_id);
  add_if(ext, "topic", request.topic);
  add_if(ext, "bname", request.broker);
  return command;
}

Command encode_query_consumer_offset(const ConsumerOffset& request) {
  Command command = make_for_queue(RequestCode::kQueryConsumerOffset, request.queue);
  command.header.ext.add("consumerGroup", request.group);
  command.header.ext.add_flag("setZeroIfNotFound", false);
  return command;
}

Command encode_update_consumer_offset(const ConsumerOffset& request, std::int64_t offset) {
  Command command = make_for_queue(RequestCode::kUpdateConsumerOffset, request.queue);
  command.header.ext.add("consumerGroup", request.group);
  command.header.ext.add_number("commitOffset", offset);
  return command;
}

Command encode_max_offset(const MessageQueue& queue, bool committed) {
  Command command = make_for_queue(RequestCode::kMaxOffset, queue);
  command.header.ext.add_flag("committed", committed);
  return command;
}

Command encode_min_offset(const MessageQueue& queue) {
  return make_for_queue(RequestCode::kMinOffset, queue);
}

Command encode_earliest_store_time(const MessageQueue& queue) {
  return make_for_queue(RequestCode::kEarliestStoreTime, queue);
}

Command encode_search_offset(const MessageQueue& queue, std::int64_t timestamp_ms,
                             Boundary boundary) {
  Command command = make_for_queue(RequestCode::kSearchOffsetByTimestamp, queue);
  command.header.ext.add_number("timestamp", timestamp_ms);
  command.header.ext.add("boundaryType", boundary == Boundary::kLower ? "lower" : "upper");
  return command;
}

Command encode_pull(const PullRequest& request) {
  Command command = make_for_queue(RequestCode::kPullMessage, request.queue);
  ExtFields& ext = command.header.ext;
  ext.add("consumerGroup", request.group);
  ext.add_number("queueOffset", request.offset);
  ext.add_number("maxMsgNums", request.messages_max);
  ext.add_number("sysFlag", kSubscriptionBit | (request.suspend_ms > 0 ? kSuspendBit : 0));
  ext.add_number("commitOffset", 0);
  ext.add_number("suspendTimeoutMillis", request.suspend_ms);
  ext.add("subscription", request.expression.empty() ? std::string_view("*") : request.expression);
  ext.add_number("subVersion", request.subscription_version);
  ext.add("expressionType", request.sql92 ? "SQL92" : "TAG");
  return command;
}

Command encode_check_filter(std::string_view client_id, std::string_view group,
                            const Subscription& subscription) {
  Command command = make(RequestCode::kCheckClientConfig);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("clientId").string(client_id);
  json.key("group").string(group);
  json.key("namespace").string("");
  json.key("subscriptionData");
  write_subscription(subscription, json);
  json.end_object();
  return command;
}

Command encode_send(const SendRequest& request, std::string body) {
  const RequestCode code = request.reply ? RequestCode::kSendReplyV2 : RequestCode::kSendMessageV2;
  return make_send(code, request, false, std::move(body));
}

Command encode_send_batch(const SendRequest& request, std::string body) {
  return make_send(RequestCode::kSendBatchMessage, request, true, std::move(body));
}

Command encode_query_by_key(const KeyQuery& query) {
  Command command = make_for_topic(RequestCode::kQueryMessage, query.topic);
  ExtFields& ext = command.header.ext;
  ext.add("key", query.key);
  ext.add_number("maxNum", query.messages_max);
  ext.add_number("beginTimestamp", query.begin_ms);
  ext.add_number("endTimestamp", query.end_ms);
  if (query.unique_key) ext.add("_UNIQUE_KEY_QUERY", "true");
  return command;
}

Command encode_view_by_offset(std::string_view topic, std::int64_t physical_offset) {
  Command command = make(RequestCode::kViewMessageById);
  command.header.ext.add_number("offset", physical_offset);
  add_if(command.header.ext, "topic", topic);
  return command;
}

}  // namespace slipstream::rocketmq
