// A first-in first-out queue between threads, bounded in items and in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace slipstream {

struct QueueBounds {
  std::size_t count_max = 1'024;
  std::size_t bytes_max = std::size_t{64} << 20;
};

// Thread:  any.
// Bounds:  count and bytes; an item larger than bytes_max is taken when the queue is empty, so that
//          nothing waits forever.
// Full:    push() blocks, try_push() answers false and leaves the item with the caller.
// Close:   pushes are refused from then on; what is inside can still be popped.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(QueueBounds bounds) : bounds_(bounds) {}

  // False when closed; the item is then untouched.
  bool push(T&& item, std::size_t bytes) {
    MutexLock lock(mutex_);
    while (!closed_ && !has_room(bytes)) room_.wait(mutex_);
    return put(std::move(item), bytes);
  }

  bool try_push(T&& item, std::size_t bytes) {
    MutexLock lock(mutex_);
    if (!has_room(bytes)) return false;
    return put(std::move(item), bytes);
  }

  // Blocks until there is an item; empty when closed and drained.
  std::optional<T> pop() {
    MutexLock lock(mutex_);
    while (!closed_ && items_.empty()) items_ready_.wait(mutex_);
    return take();
  }

  std::optional<T> pop_for_ms(std::int64_t timeout_ms) {
    MutexLock lock(mutex_);
    while (!closed_ && items_.empty()) {
      if (!items_ready_.wait_for_ms(mutex_, timeout_ms)) break;
    }
    return take();
  }

  std::optional<T> try_pop() {
    MutexLock lock(mutex_);
    return take();
  }

  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
    room_.notify_all();
    items_ready_.notify_all();
  }

  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }
  std::size_t count() const {
    MutexLock lock(mutex_);
    return items_.size();
  }
  std::size_t bytes() const {
    MutexLock lock(mutex_);
    return bytes_;
  }

 private:
  struct Item {
    T value;
    std::size_t bytes;
  };

  bool has_room(std::size_t bytes) const SLIPSTREAM_REQUIRES(mutex_) {
    if (items_.empty()) return true;
    return items_.size() < bounds_.count_max && bytes_ + bytes <= bounds_.bytes_max;
  }

  bool put(T&& item, std::size_t bytes) SLIPSTREAM_REQUIRES(mutex_) {
    if (closed_) return false;
    items_.push_back(Item{std::move(item), bytes});
    bytes_ += bytes;
    items_ready_.notify_one();
    return true;
  }

  std::optional<T> take() SLIPSTREAM_REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front().value));
    bytes_ -= items_.front().bytes;
    items_.pop_front();
    // All of them: a waiting producer of a large item must not swallow the wake-up of a small one.
    room_.notify_all();
    return value;
  }

  const QueueBounds bounds_;
  mutable Mutex mutex_;
  Condition room_;
  Condition items_ready_;
  std::deque<Item> items_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t bytes_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
};

}  // namespace slipstream
