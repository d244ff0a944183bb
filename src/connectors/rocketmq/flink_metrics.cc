#include "connectors/rocketmq/flink_metrics.h"

#include <utility>

#include "connectors/rocketmq/metrics.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::int64_t kSecondMs = 1'000;

CountPerSecond count_of(const Metrics& metrics, const MetricFamily& count, const MetricFamily& rate,
                        const Clock& clock) {
  return {count.in(metrics), rate.in(metrics), clock.now_ms()};
}

}  // namespace

EverySecond::EverySecond(rocketmq::Client& client, std::function<void()> work)
    : state_(std::make_shared<State>()) {
  {
    MutexLock lock(state_->mutex);
    state_->work = std::move(work);
  }
  after_a_second(client, state_);
}

EverySecond::~EverySecond() {
  MutexLock lock(state_->mutex);
  state_->work = {};
}

// The client is there when its own thread calls.
void EverySecond::after_a_second(rocketmq::Client& client, std::shared_ptr<State> state) {
  client.run_after(kSecondMs, [&client, state = std::move(state)] {
    MutexLock lock(state->mutex);
    if (!state->work) return;
    state->work();
    after_a_second(client, state);
  });
}

void CountPerSecond::look(std::int64_t now_ms) {
  if (now_ms <= seen_ms_) return;
  const std::int64_t count = count_->load(std::memory_order_relaxed);
  rate_->store((count - seen_) * kSecondMs / (now_ms - seen_ms_), std::memory_order_relaxed);
  seen_ = count;
  seen_ms_ = now_ms;
}

FlinkSourceMetrics::FlinkSourceMetrics(const Metrics& metrics, rocketmq::Client& client)
    : clock_(client.clock()),
      rows_(count_of(metrics, kNumRecordsIn, kNumRecordsInPerSecond, clock_)),
      bytes_(count_of(metrics, kNumBytesIn, kNumBytesInPerSecond, clock_)),
      fetch_lag_(kFetchLag.in(metrics)),
      emit_lag_(kEmitLag.in(metrics)),
      idle_(kIdleTime.in(metrics)),
      given_ms_(clock_.now_ms()),
      timer_(client, [this] { look(); }) {}

void FlinkSourceMetrics::given(std::int64_t rows, std::int64_t bytes, std::int64_t born_ms,
                               std::int64_t received_ms) {
  const std::int64_t now_ms = clock_.now_ms();
  const std::int64_t lag_ms = clock_.wall_ms() - born_ms;
  rows_.add(rows);
  bytes_.add(bytes);
  emit_lag_->store(lag_ms, std::memory_order_relaxed);
  fetch_lag_->store(lag_ms - (now_ms - received_ms), std::memory_order_relaxed);
  idle_->store(0, std::memory_order_relaxed);
  given_ms_.store(now_ms, std::memory_order_relaxed);
}

void FlinkSourceMetrics::look() {
  const std::int64_t now_ms = clock_.now_ms();
  rows_.look(now_ms);
  bytes_.look(now_ms);
  idle_->store(now_ms - given_ms_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

FlinkSinkMetrics::FlinkSinkMetrics(const Metrics& metrics, rocketmq::Client& client)
    : clock_(client.clock()),
      messages_(count_of(metrics, kNumRecordsOut, kNumRecordsOutPerSecond, clock_)),
      bytes_(count_of(metrics, kNumBytesOut, kNumBytesOutPerSecond, clock_)),
      send_time_(kSendTime.in(metrics)),
      timer_(client, [this] {
        const std::int64_t now_ms = clock_.now_ms();
        messages_.look(now_ms);
        bytes_.look(now_ms);
      }) {}

void FlinkSinkMetrics::stored(std::int64_t messages, std::int64_t bytes, std::int64_t sent_ms) {
  messages_.add(messages);
  bytes_.add(bytes);
  send_time_->store(clock_.now_ms() - sent_ms, std::memory_order_relaxed);
}

}  // namespace slipstream::rocketmq_connector
