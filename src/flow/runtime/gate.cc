#include "flow/runtime/gate.h"

#include <algorithm>
#include <utility>

namespace slipstream::flow {
namespace {

constexpr std::size_t kElementBytes = 128;  // watermarks and barriers are not free either

std::size_t bytes_of(const Element& element) {
  const Batch* rows = element.rows();
  return rows == nullptr ? kElementBytes : kElementBytes + rows->bytes_used();
}

}  // namespace

Gate::Gate(TaskPool& pool, Runnable& consumer, std::vector<Channel> channels, std::size_t bytes_max,
           MemoryBudget& budget)
    : pool_(pool),
      consumer_(consumer),
      // The bound holds for the task: many producers share it, each may always have one element.
      bytes_max_(std::max<std::size_t>(1, bytes_max / std::max<std::size_t>(1, channels.size()))),
      budget_(budget),
      queues_(channels.size()) {
  for (std::size_t i = 0; i < channels.size(); ++i) queues_[i].producer = channels[i];
}

Gate::~Gate() {
  for (const Queue& queue : queues_) budget_.release(queue.bytes.load());
}

void Gate::list(std::size_t channel) {
  Queue& queue = queues_[channel];
  if (queue.listed || queue.blocked || empty(queue)) return;
  queue.listed = true;
  ready_.push_back(channel);
}

void Gate::push(std::size_t channel, Element&& element) {
  Queue& queue = queues_[channel];
  if (Batch* rows = element.rows()) {
    *rows = compacted(std::move(*rows));
    queue.rows.fetch_add(static_cast<std::int64_t>(rows->rows()), std::memory_order_relaxed);
  }
  const std::size_t bytes = bytes_of(element);
  element.bytes = bytes;
  element.input = queue.producer.input;
  budget_.charge(bytes);
  bool wake = false;
  {
    MutexLock lock(mutex_);
    queue.bytes.fetch_add(bytes, std::memory_order_acq_rel);
    wake = empty(queue) && !queue.blocked;
    queue.items.push_back(std::move(element));
    list(channel);
  }
  if (wake) pool_.schedule(consumer_);
}

bool Gate::wait_for_room(std::size_t channel) {
  MutexLock lock(mutex_);
  Queue& queue = queues_[channel];
  if (queue.bytes.load(std::memory_order_acquire) < bytes_max_) return false;
  queue.producer_waits = true;
  return true;
}

Element Gate::take(Queue& queue) {
  Element element = std::move(queue.items[queue.head++]);
  if (empty(queue)) {
    queue.items.clear();
    queue.head = 0;
  } else if (queue.head >= 64 && queue.head * 2 > queue.items.size()) {
    queue.items.erase(queue.items.begin(),
                      queue.items.begin() + static_cast<std::ptrdiff_t>(queue.head));
    queue.head = 0;
  }
  return element;
}

std::optional<Gate::Popped> Gate::pop() {
  Runnable* wake = nullptr;
  std::optional<Popped> popped;
  {
    MutexLock lock(mutex_);
    while (ready_head_ < ready_.size()) {
      const std::size_t channel = ready_[ready_head_++];
      if (ready_head_ == ready_.size()) {
        ready_.clear();
        ready_head_ = 0;
      } else if (ready_head_ >= 1'024) {
        ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_head_));
        ready_head_ = 0;
      }
      Queue& queue = queues_[channel];
      queue.listed = false;
      if (queue.blocked || empty(queue)) continue;
      popped = Popped{channel, take(queue)};
      const std::size_t bytes = popped->element.bytes;
      budget_.release(bytes);
      const std::size_t left = queue.bytes.fetch_sub(bytes, std::memory_order_acq_rel) - bytes;
      // Half empty before the producer runs again: fewer switches.
      if (queue.producer_waits && left <= bytes_max_ / 2) {
        queue.producer_waits = false;
        wake = queue.producer.producer;
      }
      list(channel);
      break;
    }
  }
  if (wake != nullptr) pool_.schedule(*wake);
  return popped;
}

void Gate::block(std::size_t channel) {
  MutexLock lock(mutex_);
  queues_[channel].blocked = true;
}

void Gate::unblock_all() {
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    if (!queues_[i].blocked) continue;
    queues_[i].blocked = false;
    list(i);
  }
}

}  // namespace slipstream::flow
