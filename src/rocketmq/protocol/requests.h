// The requests that Slipstream sends, as plain structs, and their encoding.
//
// `broker` fields become the ext field bname (n in sends): brokers ignore it, proxies and static
// topics need it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"

#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

// A command without ext fields and body: 106 cluster, 206 topic list, 21 all topic configs, 26
// broker config, 28 broker runtime state.
Command encode_plain(RequestCode code);

// --- name server ---
Command encode_route(std::string_view topic);
Command encode_delete_topic_in_name_server(std::string_view topic, std::string_view cluster = {});

// --- topics and groups, at each master ---
inline constexpr std::int32_t kPermWrite = 2;
inline constexpr std::int32_t kPermRead = 4;

struct TopicConfig {
  std::string topic;
  std::int32_t read_queues = 4;
  std::int32_t write_queues = 4;
  std::int32_t perm = kPermRead | kPermWrite;
  bool order = false;
  std::int32_t sys_flag = 0;
  std::string filter_type = "SINGLE_TAG";
  std::vector<Property> attributes;  // brokers 5.x: "message.type", "cleanup.policy", ...
};
Command encode_update_topic(const TopicConfig& config);
Command encode_topic_config(std::string_view topic);  // 351, brokers 5.x
Command encode_delete_topic_in_broker(std::string_view topic);
Command encode_topic_stats(std::string_view topic);
Command encode_all_consumer_offsets();                   // 43
Command encode_groups_of_topic(std::string_view topic);  // 300: online ones and those with offsets

struct SubscriptionGroup {
  std::string name;
  bool consume_enabled = true;
  bool consume_broadcast = true;
  std::int32_t retry_queues = 1;
  std::int32_t retry_max = 16;
};
Command encode_update_group(const SubscriptionGroup& group);
Command encode_delete_group(std::string_view group, bool clean_offsets);
Command encode_consumer_list(std::string_view group);         // 38
Command encode_consumer_connections(std::string_view group);  // 203
Command encode_consume_stats(std::string_view group, std::string_view topic = {});

// 25: Java properties text. The broker rewrites its configuration file with it.
Command encode_update_broker_config(const std::vector<Property>& settings);

// --- clients ---
struct Subscription {
  std::string topic;
  std::string expression = "*";
  bool sql92 = false;
  std::int64_t version_ms = 0;
};
struct ConsumerData {
  std::string group;
  std::vector<Subscription> subscriptions;
  bool pushed = false;  // a consumer that is called with messages
  bool broadcasting = false;
  std::string from_where = "CONSUME_FROM_FIRST_OFFSET";  // for display only
};
struct Heartbeat {
  std::string client_id;
  std::vector<std::string> producer_groups;
  std::vector<ConsumerData> consumers;
};
Command encode_heartbeat(const Heartbeat& heartbeat);

struct Unregister {
  std::string client_id;
  std::string producer_group;  // one of the two
  std::string consumer_group;
};
Command encode_unregister(const Unregister& request);

// 41 and 42: the queues of one broker, held by one member of a group for 60 s.
struct QueueLock {
  std::string group;
  std::string client_id;
  std::vector<MessageQueue> queues;
};
Command encode_lock_queues(const QueueLock& lock);
Command encode_unlock_queues(const QueueLock& lock);

// 36: the broker stores a copy of the message in the group's retry topic, to be given again later;
// in its dead-letter topic when it was given often enough.
struct SendBack {
  std::string group;
  std::int64_t physical_offset = 0;
  std::int32_t delay_level = 0;  // 0: grows with each time; below 0: dead letter at once
  std::string message_id;
  std::string topic;
  std::int32_t reconsume_times_max = 16;
  std::string broker;
};
Command encode_send_back(const SendBack& request);

// 37: what becomes of a half message.
struct EndTransaction {
  std::string producer_group;
  std::string topic;
  std::string broker;
  std::string message_id;      // the unique key
  std::string transaction_id;  // the same, where the producer gave no other
  std::int64_t half_queue_offset = 0;
  std::int64_t physical_offset = 0;
  bool commit = false;  // else rolled back
  bool from_check = false;
};
Command encode_end_transaction(const EndTransaction& request);

// --- offsets ---
struct ConsumerOffset {
  std::string group;
  MessageQueue queue;
};
// Asks for a clean "none" (code 22) where the broker can tell (5.x).
Command encode_query_consumer_offset(const ConsumerOffset& request);
Command encode_update_consumer_offset(const ConsumerOffset& request, std::int64_t offset);
// The next offset that a pull can see: it trails an acknowledged send by the time the broker needs
// to dispatch it to the queue. `committed` = false is meant to include such messages, but brokers
// up to 5.5.0 ignore the field: who must see every acknowledged message first waits until
// dispatch_behind_bytes() of the runtime state (28) is 0.
Command encode_max_offset(const MessageQueue& queue, bool committed = true);
Command encode_min_offset(const MessageQueue& queue);
Command encode_earliest_store_time(const MessageQueue& queue);

enum class Boundary : std::uint8_t { kLower, kUpper };
Command encode_search_offset(const MessageQueue& queue, std::int64_t timestamp_ms,
                             Boundary boundary = Boundary::kLower);

// --- pull ---
// A pull whose SQL92 expression does not parse is answered with all messages, unfiltered (4.9.7
// and 5.5.0): ask encode_check_filter() before the first pull.
struct PullRequest {
  std::string group;
  MessageQueue queue;
  std::int64_t offset = 0;
  std::int32_t messages_max = 32;
  std::int32_t suspend_ms = 0;   // > 0: long poll, the broker parks the request for up to this long
  std::string expression = "*";  // travels in the request: no heartbeat is needed
  bool sql92 = false;
  std::int64_t subscription_version = 0;
};
Command encode_pull(const PullRequest& request);

// 46: lets the broker parse a filter; code 23 when it cannot, 1 when SQL92 filters are switched
// off.
Command encode_check_filter(std::string_view client_id, std::string_view group,
                            const Subscription& subscription);

// --- send ---
struct SendRequest {
  std::string producer_group;
  std::string topic;
  std::string broker;
  std::int32_t queue_id = 0;
  std::int32_t sys_flag = 0;
  std::int64_t born_ms = 0;
  std::int32_t flag = 0;
  std::string properties;  // encoded
  std::int32_t default_queues = 4;
  bool reply = false;  // to a request: for whoever sent that
};
// 310, a reply 325: `body` is one message's, compressed when sys_flag says so.
Command encode_send(const SendRequest& request, std::string body);
// 320: `body` is from BatchEncoder.
Command encode_send_batch(const SendRequest& request, std::string body);

// --- single messages ---
struct KeyQuery {
  std::string topic;
  std::string key;
  std::int32_t messages_max = 32;
  std::int64_t begin_ms = 0;  // by store time
  std::int64_t end_ms = 0;
  bool unique_key = false;  // search UNIQ_KEY instead of KEYS
};
Command encode_query_by_key(const KeyQuery& query);
Command encode_view_by_offset(std::string_view topic, std::int64_t physical_offset);  // 33

}  // namespace slipstream::rocketmq
