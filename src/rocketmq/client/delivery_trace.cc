#include "rocketmq/client/delivery_trace.h"

#include <algorithm>
#include <utility>

#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq::internal {
namespace {

// The Java client's consumeTimeout: what takes longer is called so, however it ends.
constexpr std::int64_t kTimeOutMs = 15 * 60 * 1'000;

}  // namespace

DeliveryTrace::DeliveryTrace(TraceSender& sender, const Clock& clock, const std::string& group,
                             std::span<const ReceivedMessage> messages)
    : sender_(sender), clock_(clock), messages_(messages.size()) {
  std::string request_id;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const ReceivedMessage& message = messages[i];
    if (!sender.covers(message.topic) || message.property(property::kTraceOn) == "false") continue;
    if (request_id.empty()) request_id = sender.new_request_id();
    TraceEvent event;
    event.kind = TraceEvent::Kind::kDelivered;
    event.time_ms = clock.wall_ms();
    event.region = message.property(property::kRegion).value_or(kDefaultRegion);
    event.group = group;
    event.request_id = request_id;
    event.message_id = message.message_id;
    event.retries = message.reconsume_times;
    event.keys = message.property(property::kKeys).value_or("");
    sender.add(event);
    traced_.push_back({i, std::move(event)});
  }
  begin_ms_ = clock.now_ms();
}

void DeliveryTrace::returned(const Delivery& delivery, ConsumeResult result) {
  const bool success = result == ConsumeResult::kSuccess;
  const std::size_t done = success ? std::min(delivery.done_count, messages_) : 0;
  report(done, "failed");
}

void DeliveryTrace::threw() { report(0, "exception"); }

void DeliveryTrace::report(std::size_t done, const char* outcome) {
  const std::int64_t took_ms = elapsed_ms();
  for (Traced& each : traced_) {
    TraceEvent& event = each.event;
    event.kind = TraceEvent::Kind::kConsumed;
    event.time_ms = clock_.wall_ms();
    event.took_ms = took_ms / static_cast<std::int64_t>(messages_);
    event.success = each.index < done;
    event.consume_outcome = *event.success ? "success" : outcome;
    if (took_ms >= kTimeOutMs) event.consume_outcome = "time out";
    sender_.add(std::move(event));
  }
}

}  // namespace slipstream::rocketmq::internal
