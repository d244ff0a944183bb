// Message traces: what clients report of messages to a topic of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::rocketmq {

inline constexpr std::string_view kTraceTopic = "RMQ_SYS_TRACE_TOPIC";
// With the region behind it, on the access channel of managed services.
inline constexpr std::string_view kCloudTraceTopicPrefix = "rmq_sys_TRACE_DATA_";

// As the Java client's option of that name.
enum class AccessChannel : std::uint8_t {
  kLocal,
  kCloud,  // a managed service: traces go to its topic for the message's region
};

// Whether a producer or consumer reports. Brokers switch it off for all with traceOn=false.
struct TraceOptions {
  bool enabled = false;
  std::string topic{kTraceTopic};  // kLocal
  AccessChannel access_channel = AccessChannel::kLocal;
};

struct TraceEvent {
  enum class Kind : std::uint8_t {
    kSent,              // Pub
    kDelivered,         // SubBefore: a consumer was given it
    kConsumed,          // SubAfter: it has answered
    kTransactionEnded,  // EndTransaction
    kRecalled,          // Recall, of clients 5.3.2 and later
  };
  Kind kind = Kind::kSent;
  std::int64_t time_ms = 0;  // the client's clock; 0: it does not say
  std::string region{};
  std::string group{};
  std::string topic{};  // kDelivered and kConsumed do not say it
  std::string message_id{};
  std::string offset_message_id{};
  std::string tags{};
  std::string keys{};  // with spaces between
  std::string store_host{};
  std::string client_host{};  // where the report came from
  std::string request_id{};   // joins kDelivered and kConsumed
  std::int64_t body_bytes = 0;
  std::int64_t took_ms = 0;  // kSent, kConsumed
  std::int64_t retries = 0;  // kDelivered: how often it was given before
  std::optional<bool> success{};
  std::string message_type{};       // "normal", "half", "commit", "delay", "order"
  std::string consume_outcome{};    // "success", "time out", "exception", "null", "failed"
  std::string transaction_id{};     // kTransactionEnded
  std::string transaction_state{};  // "COMMIT_MESSAGE", "ROLLBACK_MESSAGE", "UNKNOW"
  bool from_check = false;          // kTransactionEnded: the broker had asked
};

struct TraceRecords {
  std::vector<TraceEvent> events{};
  std::size_t unreadable = 0;  // records of an unknown kind, or with too few fields
};

// The records in the body of a message of the trace topic, in their order, as the Java client
// writes them.
TraceRecords decode_trace(std::string_view body);
// Appends the event's record, as the Java client writes it: what the kind does not say is left out.
void encode_trace(const TraceEvent& event, AccessChannel channel, std::string& body);

}  // namespace slipstream::rocketmq
