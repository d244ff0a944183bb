#include "rocketmq/client/trace_sender.h"

#include <utility>
#include <vector>

#include "base/log_limit.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::size_t kEventsMax = 20;  // of one message, as the Java client
constexpr std::size_t kBodyBytesMax = 128'000;
constexpr std::size_t kKeysBytesMax = 16'000;
constexpr std::int64_t kGatherMs = 1'000;
constexpr std::int64_t kCloseWaitMs = 3'000;

ProducerOptions sender_options(const std::string& group, std::string_view side) {
  return {.group = "_INNER_TRACE_PRODUCER-" + group + "-" + std::string(side),
          .total_timeout_ms = 5'000,
          .retry_unknown = false,
          .in_flight_count_max = 128,
          .in_flight_bytes_max = std::size_t{8} << 20};
}

}  // namespace

std::shared_ptr<TraceSender> TraceSender::make(Client& client, const std::string& group,
                                               std::string_view side, const TraceOptions& options) {
  if (!options.enabled) return nullptr;
  return std::shared_ptr<TraceSender>(new TraceSender(client, group, side, options));
}

TraceSender::TraceSender(Client& client, const std::string& group, std::string_view side,
                         TraceOptions options)
    : client_(client),
      group_(group),
      options_(std::move(options)),
      producer_(client, sender_options(group, side)) {}

bool TraceSender::covers(std::string_view topic) const {
  return !topic.starts_with(options_.topic) && !topic.starts_with(kCloudTraceTopicPrefix);
}

std::string TraceSender::topic_of(const TraceEvent& event) const {
  if (options_.access_channel == AccessChannel::kLocal) return options_.topic;
  return std::string(kCloudTraceTopicPrefix) + event.region;
}

void TraceSender::add(TraceEvent event) {
  if (event.region.empty()) event.region = kDefaultRegion;
  std::string topic = topic_of(event);
  std::vector<std::string> keys = split_keys(event.keys);
  // Keys that no message could have: the id is enough to find it.
  if (event.keys.size() > kKeysBytesMax) keys.clear();
  const std::size_t keys_bytes = event.message_id.size() + event.keys.size() + 2;
  std::vector<Batch> full;
  {
    MutexLock lock(mutex_);
    if (closed_) {
      ++dropped_;
      return;
    }
    if (waiting_.events > 0 &&
        (waiting_.topic != topic || waiting_.keys_bytes + keys_bytes > kKeysBytesMax))
      full.push_back(std::exchange(waiting_, {}));
    waiting_.topic = std::move(topic);
    encode_trace(event, options_.access_channel, waiting_.body);
    waiting_.keys.insert(std::move(event.message_id));
    waiting_.keys.insert(keys.begin(), keys.end());
    waiting_.keys.erase("");
    waiting_.keys_bytes += keys_bytes;
    ++waiting_.events;
    if (waiting_.events >= kEventsMax || waiting_.body.size() >= kBodyBytesMax)
      full.push_back(std::exchange(waiting_, {}));
    else
      send_later();
  }
  for (Batch& batch : full) send(std::move(batch));
}

void TraceSender::send_later() {
  if (std::exchange(timer_is_set_, true)) return;
  client_.run_after(kGatherMs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->send_waiting();
  });
}

void TraceSender::send_waiting() {
  Batch batch;
  {
    MutexLock lock(mutex_);
    timer_is_set_ = false;
    batch = std::exchange(waiting_, {});
  }
  if (batch.events > 0) send(std::move(batch));
}

void TraceSender::send(Batch batch) {
  Message message;
  message.topic = std::move(batch.topic);
  message.body = std::move(batch.body);
  message.keys.assign(batch.keys.begin(), batch.keys.end());
  const Status taken = producer_.send_to_system_topic(
      std::move(message), [this, events = batch.events](const SendResult& result) {
        if (!result.stored()) drop(events, result.error);
      });
  if (!taken.ok()) drop(batch.events, taken.error());
}

void TraceSender::drop(std::size_t events, const Error& why) {
  dropped_ += events;
  LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "message traces of " + group_,
                             std::to_string(events) + " message traces of group '" + group_ +
                                 "' were dropped: " + why.message);
}

void TraceSender::close() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(closed_, true)) return;
  }
  send_waiting();
  if (core_of(client_).loop().in_loop()) return;
  // What is left is dropped, and counted, when the producer goes.
  static_cast<void>(producer_.flush(kCloseWaitMs));
}

}  // namespace slipstream::rocketmq::internal
