// What servers answer, parsed. Functions of a header take codes that are an ordinary outcome;
// everything else is the error of answer_error().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {

using BodyBytes = std::span<const std::uint8_t>;

// --- route ---
struct BrokerAddress {
  std::int64_t id = 0;  // 0 = master
  std::string address;  // "ip:port"; split at the last colon
};
struct BrokerData {
  std::string name;
  std::string cluster;
  std::vector<BrokerAddress> addresses;  // by id
  bool acting_master = false;  // a slave may stand under id 0: it serves reads, refuses writes

  const std::string* master() const;  // address with id 0
  const std::string* address(std::int64_t id) const;
};
struct QueueData {
  std::string broker;
  std::int32_t read_queues = 0;
  std::int32_t write_queues = 0;
  std::int32_t perm = 0;

  bool readable() const { return (perm & kPermRead) != 0; }
  bool writable() const { return (perm & kPermWrite) != 0; }
};
// Of a static topic (5.x): a broker serves it for now, and "__syslo__global__" stands in place of its
// name.
bool is_logical(const MessageQueue& queue);
// Who serves it changes when the topic is remapped.
struct LogicalQueue {
  std::string name;  // in place of a broker's: MessageQueue::broker
  std::int32_t id = 0;
  std::string broker;  // empty: nobody serves it now
};
struct RouteData {
  std::vector<BrokerData> brokers;           // by name
  std::vector<QueueData> queues;             // by broker name
  std::string order_config;                  // "broker-a:4;broker-b:4" or empty
  bool static_topic = false;                 // 5.x: what counts are the logical queues
  std::vector<LogicalQueue> logical_queues;  // by name and id

  const BrokerData* broker(std::string_view name) const;
  // The broker that requests for the queue go to; null when the route shows none.
  const BrokerData* serving(const MessageQueue& queue) const;
};
Result<RouteData> parse_route(BodyBytes body);

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
// Splits at the last colon; "[::1]:10911" and "::1:10911" are both understood.
// Failure: kInvalidArgument.
Result<HostPort> parse_address(std::string_view address);

// --- cluster, topics, groups ---
struct ClusterView {
  std::vector<BrokerData> brokers;
};
Result<ClusterView> parse_cluster(BodyBytes body);
Result<std::vector<std::string>> parse_topic_list(
    BodyBytes body);  // 206, 224; system topics included
Result<std::vector<std::string>> parse_group_list(BodyBytes body);         // 300
Result<TopicConfig> parse_topic_config(BodyBytes body);                    // 351
Result<std::vector<TopicConfig>> parse_all_topic_configs(BodyBytes body);  // 21
Result<std::vector<std::string>> parse_consumer_list(BodyBytes body);      // 38
Result<std::vector<MessageQueue>> parse_locked_queues(BodyBytes body);  // 41: those that are held

struct ClientConnection {
  std::string client_id;
  std::string address;
  std::string language;
  std::int64_t version = 0;
};
struct ConsumerConnections {
  std::vector<ClientConnection> connections;
  std::vector<Subscription> subscriptions;
  std::string consume_type;
  std::string message_model;
};
Result<ConsumerConnections> parse_consumer_connections(BodyBytes body);  // 203
// 328: by group.
Result<std::map<std::string, std::vector<ClientConnection>>> parse_all_producers(BodyBytes body);
Result<std::vector<std::string>> parse_group_configs(BodyBytes body);  // 201: names, sorted

// --- statistics ---
struct QueueStats {
  MessageQueue queue;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::int64_t last_update_ms = 0;
};
Result<std::vector<QueueStats>> parse_topic_stats(BodyBytes body);  // 202

struct ConsumeQueueStats {
  MessageQueue queue;
  std::int64_t broker_offset = 0;
  std::int64_t consumer_offset = 0;
  std::int64_t last_timestamp_ms = 0;
};
struct ConsumeStats {
  std::vector<ConsumeQueueStats> queues;
  double consume_tps = 0;
};
Result<ConsumeStats> parse_consume_stats(BodyBytes body);  // 208

// 28: counters and settings as text. Known members have accessors.
struct BrokerRuntime {
  std::map<std::string, std::string, std::less<>> table;

  std::string text(std::string_view name) const;  // empty when absent
  std::string version() const { return text("brokerVersionDesc"); }
  std::optional<std::int64_t> boot_ms() const;
  std::optional<std::int64_t> log_end() const;
  std::optional<std::int64_t> dispatch_behind_bytes() const;
  // First number of "10.0 9.5 9.1".
  std::optional<double> rate(std::string_view name) const;
};
Result<BrokerRuntime> parse_broker_runtime(BodyBytes body);
// 26: Java properties text.
Result<std::map<std::string, std::string, std::less<>>> parse_broker_config(BodyBytes body);

// --- offsets: 14, 29, 30, 31, 32 (32: `timestamp`) ---
Result<std::int64_t> parse_offset(RequestCode request, const FrameHeader& header);
// 14: nothing when the group has no offset (22).
Result<std::optional<std::int64_t>> parse_consumer_offset(const FrameHeader& header);
// 43: those of one group, by topic and queue.
using GroupOffsets = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;
Result<GroupOffsets> parse_all_consumer_offsets(BodyBytes body, std::string_view group);

// --- pull ---
enum class PullStatus : std::uint8_t {
  kFound,             // 0: records in the body
  kNotFound,          // 19: nothing at this offset yet
  kRetryImmediately,  // 20: go on at next_offset; pause when that is the offset asked for
  kOffsetMoved,       // 21: the offset is outside [min, max], or an operator reset it
};
struct PullAnswer {
  PullStatus status = PullStatus::kNotFound;
  std::int64_t next_offset = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::int64_t suggested_broker = 0;
  std::int64_t offset_delta = 0;  // static topics
};
Result<PullAnswer> parse_pull(const FrameHeader& header);

// --- requests of a broker ---
// 39: a half message whose fate the broker does not know. The body is its record.
struct TransactionCheck {
  std::int64_t half_queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::string message_id;
  std::string transaction_id;
  std::string broker;  // brokers 5.x
};
Result<TransactionCheck> parse_transaction_check(const FrameHeader& header);
// 220: where a group shall go on. The form that brokers send to clients in C++, and the other one.
Result<std::map<MessageQueue, std::int64_t>> parse_offset_reset(BodyBytes body);
// 326: what answers a request of this client, without ids and offsets, which it has not.
Result<ReceivedMessage> parse_reply(const FrameHeader& header, BodyBytes body);

// --- send ---
struct SendAnswer {
  std::int32_t code = 0;  // 0, 10, 11 or 12: stored in all four cases
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;  // of the first message
  std::string message_ids;        // offset message ids, one per message, with commas between
  std::string first_message_id() const { return message_ids.substr(0, message_ids.find(',')); }
};
Result<SendAnswer> parse_send(RequestCode request, const FrameHeader& header);

}  // namespace slipstream::rocketmq
