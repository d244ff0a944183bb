// What tests of the RocketMQ source and sink share: elements that a job has put out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "slipstream/stream/sink.h"

namespace slipstream::stream {

// Thread: any.
template <typename T>
class Arrived {
 public:
  void add(const T& value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(value);
    changed_.notify_all();
  }
  std::vector<T> values() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }
  // False when so many have not come before the deadline.
  bool wait_for(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(120),
                             [&] { return values_.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<T> values_;
};

template <typename T>
class ToArrived final : public SinkFunction<T> {
 public:
  explicit ToArrived(std::shared_ptr<Arrived<T>> arrived) : arrived_(std::move(arrived)) {}
  void invoke(const T& element, typename SinkFunction<T>::Context&) override {
    arrived_->add(element);
  }

 private:
  std::shared_ptr<Arrived<T>> arrived_;
};

}  // namespace slipstream::stream
