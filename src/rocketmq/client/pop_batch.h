// The messages of a batch record that was popped: one delivery.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace slipstream::rocketmq {

// Owner:  the handles of its messages.
// Thread: any.
class PopBatch {
 public:
  explicit PopBatch(std::string check_point) : check_point_(std::move(check_point)) {}

  void add(std::int64_t offset) {
    MutexLock lock(mutex_);
    open_.insert(offset);
  }
  // Some of its messages cannot be read: it is never complete, and comes again.
  void keep_open() {
    MutexLock lock(mutex_);
    unreadable_ = true;
  }
  // Whether the whole batch is acknowledged now.
  bool acknowledge(std::int64_t offset) {
    MutexLock lock(mutex_);
    open_.erase(offset);
    return open_.empty() && !unreadable_;
  }
  std::string check_point() const {
    MutexLock lock(mutex_);
    return check_point_;
  }
  void set_check_point(std::string check_point) {
    MutexLock lock(mutex_);
    check_point_ = std::move(check_point);
  }

 private:
  mutable Mutex mutex_;
  std::set<std::int64_t> open_ SLIPSTREAM_GUARDED_BY(mutex_);  // offsets of messages
  bool unreadable_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::string check_point_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::rocketmq
