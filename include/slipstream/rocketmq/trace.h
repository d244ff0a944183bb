// What clients report of a message to the trace topic, when their message trace is on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::rocketmq {

inline constexpr std::string_view kTraceTopic = "RMQ_SYS_TRACE_TOPIC";

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
};

struct TraceRecords {
  std::vector<TraceEvent> events{};
  std::size_t unreadable = 0;  // records of an unknown kind, or with too few fields
};

// The records in the body of a message of the trace topic, in their order, as the Java client
// writes them.
TraceRecords decode_trace(std::string_view body);

}  // namespace slipstream::rocketmq
