#include "connectors/rocketmq/batch_sender.h"

#include "base/log.h"
#include "base/try.h"
#include "connectors/rocketmq/metrics.h"

namespace slipstream::rocketmq_connector {
namespace {
constexpr std::size_t kBytesMax = std::size_t{16} << 20;
constexpr std::int64_t kLogPauseMs = 10'000;
}  // namespace

BatchSender::BatchSender(rocketmq::Client& client, rocketmq::ProducerOptions producer,
                         Options options)
    : options_(std::move(options)), metrics_(options_.metrics, client) {
  messages_ = kSinkMessages.in(options_.metrics);
  sent_bytes_ = kSinkBytes.in(options_.metrics);
  retries_ = kSinkRetries.in(options_.metrics);
  failures_ = kSinkFailures.in(options_.metrics);
  producer_ = std::make_unique<rocketmq::Producer>(client, std::move(producer));
}

BatchSender::~BatchSender() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  producer_.reset();  // no completion runs behind this
}

void BatchSender::add(const rocketmq::MessageQueue& queue, rocketmq::BatchEncoder& batch) {
  if (batch.empty()) return;
  MutexLock lock(mutex_);
  Lane& lane = lanes_[queue];
  if (lane.queue.topic.empty()) lane.queue = queue;
  if (!lane.pending.fits_all(batch)) send(lane);
  bytes_ += batch.bytes();
  lane.pending.append(batch);
  if (lane.pending.bytes() >= kBatchBytes && lane.under_way < options_.sends_per_queue) send(lane);
}

// May be called with as many sends under way as there may be: a batch that takes no more must
// leave.
void BatchSender::send(Lane& lane) {
  if (closing_ || lane.pending.empty()) return;
  const std::size_t messages = lane.pending.count();
  auto body = std::make_shared<const std::string>(lane.pending.take());
  const std::size_t bytes = body->size();
  ++lane.under_way;
  ++under_way_;
  const Status accepted = producer_->send_encoded(
      rocketmq::EncodedBatch{lane.queue, std::move(body), messages}, rocketmq::SendRetry::kRetry,
      [this, &lane, sent = Sent{bytes, messages, metrics_.now_ms()}](
          const rocketmq::SendResult& result) { done(&lane, sent, result); });
  if (accepted.ok()) return;
  --lane.under_way;
  --under_way_;
  bytes_ -= bytes;
  failures_->fetch_add(static_cast<std::int64_t>(messages), std::memory_order_relaxed);
  note_failure(accepted.error());
}

Status BatchSender::send_single(rocketmq::Message message) {
  MutexLock lock(mutex_);
  const std::size_t bytes = message.body.size();
  const Status accepted = producer_->send(
      std::move(message), [this, sent = Sent{bytes, 1, metrics_.now_ms()}](
                              const rocketmq::SendResult& result) { done(nullptr, sent, result); });
  TRY(accepted);
  bytes_ += bytes;
  ++under_way_;
  return {};
}

void BatchSender::note_failure(const Error& error) {
  const Error told = error.with_context("table '" + options_.table + "': writing");
  if (!options_.lossy) {
    if (failure_.ok()) failure_ = told;
    return;
  }
  const std::int64_t now = options_.clock->now_ms();
  if (logged_ms_ != 0 && now - logged_ms_ < kLogPauseMs) return;
  logged_ms_ = now;
  log(LogLevel::kWarn, "rocketmq",
      "messages were dropped ('sink.delivery-guarantee' = 'none'): " + told.to_string());
}

void BatchSender::done(Lane* lane, const Sent& sent, const rocketmq::SendResult& result) {
  const auto bytes = static_cast<std::int64_t>(sent.bytes);
  const auto messages = static_cast<std::int64_t>(sent.messages);
  bool wake = false;
  {
    MutexLock lock(mutex_);
    bytes_ -= sent.bytes;
    --under_way_;
    if (result.attempts > 1) retries_->fetch_add(result.attempts - 1, std::memory_order_relaxed);
    if (result.stored()) {
      messages_->fetch_add(messages, std::memory_order_relaxed);
      sent_bytes_->fetch_add(bytes, std::memory_order_relaxed);
      metrics_.stored(messages, bytes, sent.sent_ms);
    } else {
      failures_->fetch_add(messages, std::memory_order_relaxed);
      if (!closing_) note_failure(result.error);
    }
    if (lane != nullptr) {
      --lane->under_way;
      if (failure_.ok()) send(*lane);
    }
    if (!closing_ && wake_wanted_ &&
        (bytes_ < kBytesMax / 2 || under_way_ == 0 || !failure_.ok())) {
      wake = true;
      wake_wanted_ = false;
    }
  }
  if (wake) options_.wake();
}

void BatchSender::flush() {
  MutexLock lock(mutex_);
  for (auto& [queue, lane] : lanes_) {
    if (lane.under_way == 0) send(lane);
  }
}

bool BatchSender::idle() {
  MutexLock lock(mutex_);
  for (auto& [queue, lane] : lanes_) {
    if (lane.under_way < options_.sends_per_queue) send(lane);
  }
  if (under_way_ == 0) return true;
  wake_wanted_ = true;
  return false;
}

bool BatchSender::full() {
  MutexLock lock(mutex_);
  if (bytes_ < kBytesMax) return false;
  wake_wanted_ = true;
  return true;
}

Status BatchSender::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

}  // namespace slipstream::rocketmq_connector
