// What sources and sinks count under the names of Flink's connectors, for dashboards that know them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "slipstream/clock.h"
#include "slipstream/metrics.h"
#include "slipstream/rocketmq/client.h"

#include "base/mutex.h"

namespace slipstream::rocketmq_connector {

// Calls a function every second.
//
// Thread: made and destroyed by one that is not the client's; calls come from the client's, none
//         behind the destructor.
class EverySecond {
 public:
  EverySecond(rocketmq::Client& client, std::function<void()> work);
  ~EverySecond();
  EverySecond(const EverySecond&) = delete;
  EverySecond& operator=(const EverySecond&) = delete;

 private:
  struct State {
    Mutex mutex;
    std::function<void()> work SLIPSTREAM_GUARDED_BY(mutex);
  };
  static void after_a_second(rocketmq::Client& client, std::shared_ptr<State> state);

  const std::shared_ptr<State> state_;
};

// A counter, and what it grew by in a second, looked at about once a second.
// Thread: add() any; look() one.
class CountPerSecond {
 public:
  CountPerSecond(std::atomic<std::int64_t>* count, std::atomic<std::int64_t>* rate,
                 std::int64_t now_ms)
      : count_(count), rate_(rate), seen_(count->load()), seen_ms_(now_ms) {}
  void add(std::int64_t more) { count_->fetch_add(more, std::memory_order_relaxed); }
  void look(std::int64_t now_ms);

 private:
  std::atomic<std::int64_t>* const count_;
  std::atomic<std::int64_t>* const rate_;
  std::int64_t seen_;
  std::int64_t seen_ms_;
};

// Owner:  a reader.
// Thread: the reader's, which is not the client's.
class FlinkSourceMetrics {
 public:
  FlinkSourceMetrics(const Metrics& metrics, rocketmq::Client& client);

  // Rows were given on, of bodies of so many bytes. `born_ms`: of the last message of them, since
  // 1970; `received_ms`: when it came, by the client's clock.
  void given(std::int64_t rows, std::int64_t bytes, std::int64_t born_ms, std::int64_t received_ms);

 private:
  void look();

  const Clock& clock_;
  CountPerSecond rows_;
  CountPerSecond bytes_;
  std::atomic<std::int64_t>* const fetch_lag_;
  std::atomic<std::int64_t>* const emit_lag_;
  std::atomic<std::int64_t>* const idle_;
  std::atomic<std::int64_t> given_ms_;
  const EverySecond timer_;
};

// Owner:  a writer or committer.
// Thread: stored() any; made and destroyed by one that is not the client's.
class FlinkSinkMetrics {
 public:
  FlinkSinkMetrics(const Metrics& metrics, rocketmq::Client& client);

  std::int64_t now_ms() const { return clock_.now_ms(); }
  // A send that began at `sent_ms`, by now_ms(), is stored.
  void stored(std::int64_t messages, std::int64_t bytes, std::int64_t sent_ms);

 private:
  const Clock& clock_;
  CountPerSecond messages_;
  CountPerSecond bytes_;
  std::atomic<std::int64_t>* const send_time_;
  const EverySecond timer_;
};

}  // namespace slipstream::rocketmq_connector
