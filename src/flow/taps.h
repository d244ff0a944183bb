// A look at what the operators of a running job emit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "slipstream/batch.h"

#include "base/mutex.h"
#include "flow/graph.h"

namespace slipstream::flow {

// The output of one operator, of all its tasks.
//
// Owner:  Taps.
// Thread: any.
// Bounds: batches that tasks emit while a consumer is busy pass it by: no task waits for another
//         one or for a consumer.
class TapPoint {
 public:
  // Called on the threads of tasks, one at a time; what it does the task does not do meanwhile. The
  // batch is the task's: it is read before the call returns.
  using Consumer = std::function<void(const Batch& batch)>;

  // For each batch that a task emits. Without a consumer it costs one relaxed load.
  void offer(const Batch& batch) {
    if (attached_.load(std::memory_order_relaxed)) give(batch);
  }

  std::uint64_t attach(Consumer consumer);
  // It is not called any more when this returns.
  void detach(std::uint64_t consumer);

 private:
  void give(const Batch& batch);

  std::atomic<bool> attached_{false};
  std::atomic<bool> busy_{false};  // a task is in give(), or about to be
  Mutex mutex_;
  std::map<std::uint64_t, Consumer> consumers_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::uint64_t next_ SLIPSTREAM_GUARDED_BY(mutex_) = 1;
};

// All operators of a job, over its restarts. Shared with those who look, who may outlive the job.
// Thread: any.
class Taps {
 public:
  struct Tapped {
    std::string name;
    Schema output;
    bool is_sink = false;             // emits nothing
    std::vector<std::size_t> inputs;  // of the operators here
  };
  explicit Taps(const Graph& graph);

  // In the order of the graph.
  const std::vector<Tapped>& operators() const { return operators_; }
  TapPoint& point(std::size_t index) { return points_[index]; }
  // REQUIRES: a node of the graph
  TapPoint& point_of(const Node& node) { return points_[numbers_.at(node.uid)]; }

  // The job has ended: nothing comes any more.
  void close() { closed_.store(true, std::memory_order_release); }
  bool is_closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  std::vector<Tapped> operators_;
  std::map<std::string, std::size_t> numbers_;  // by uid
  std::deque<TapPoint> points_;
  std::atomic<bool> closed_{false};
};

}  // namespace slipstream::flow
