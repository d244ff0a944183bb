// The inputs of one task: a queue per upstream task, bounded in bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "flow/runtime/element.h"
#include "flow/runtime/memory_budget.h"
#include "flow/runtime/task_pool.h"

namespace slipstream::flow {

// Owner: the attempt. Dies after the pool was stopped.
// Thread: push(), has_room(), wait_for_room(): the producer of that channel; pop(), block(),
// unblock_all(): the consumer.
// Order: per channel as pushed; channels take turns.
// Bounds: per channel bytes_max. A producer asks has_room() first and may pass the bound by what
// one call emits.
class Gate {
 public:
  struct Channel {
    Runnable* producer = nullptr;
    std::uint32_t input = 0;  // of the consuming operator
    // All producers of the input read the same upstream tasks: see ChannelWatermarks.
    bool same_upstream = false;
  };
  Gate(TaskPool& pool, Runnable& consumer, std::vector<Channel> channels, std::size_t bytes_max,
       MemoryBudget& budget);
  ~Gate();

  std::size_t channels() const { return queues_.size(); }
  std::uint32_t input_of(std::size_t channel) const { return queues_[channel].producer.input; }
  bool same_upstream(std::size_t channel) const { return queues_[channel].producer.same_upstream; }
  // Thread: any.
  std::int64_t rows(std::size_t channel) const {
    return queues_[channel].rows.load(std::memory_order_relaxed);
  }
  std::size_t queued_bytes(std::size_t channel) const {
    return queues_[channel].bytes.load(std::memory_order_relaxed);
  }
  std::size_t queued_bytes_max() const { return bytes_max_ * queues_.size(); }

  void push(std::size_t channel, Element&& element);
  bool has_room(std::size_t channel) const {
    return queues_[channel].bytes.load(std::memory_order_acquire) < bytes_max_;
  }
  // The producer is about to park. True: there is still no room, and it will be scheduled when
  // there is.
  bool wait_for_room(std::size_t channel);

  struct Popped {
    std::size_t channel;
    Element element;
  };
  std::optional<Popped> pop();
  // Nothing is popped from this channel until unblock_all().
  void block(std::size_t channel);
  void unblock_all();

 private:
  struct Queue {
    Channel producer;
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::int64_t> rows{0};  // of all time
    std::vector<Element> items;         // [head, size) wait
    std::size_t head = 0;
    bool blocked = false;
    bool listed = false;  // in ready_
    bool producer_waits = false;
  };
  bool empty(const Queue& queue) const { return queue.head == queue.items.size(); }
  void list(std::size_t channel) SLIPSTREAM_REQUIRES(mutex_);
  Element take(Queue& queue) SLIPSTREAM_REQUIRES(mutex_);

  TaskPool& pool_;
  Runnable& consumer_;
  const std::size_t bytes_max_;
  MemoryBudget& budget_;
  Mutex mutex_;
  std::vector<Queue> queues_;
  std::vector<std::size_t> ready_
      SLIPSTREAM_GUARDED_BY(mutex_);  // ring of channels that have something
  std::size_t ready_head_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

}  // namespace slipstream::flow
