// Counters and gauges of one process, printed in Prometheus' text form.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace slipstream {

class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Owner:   the process (one wiring place); outlives every counter and gauge user.
// Thread:  any. Look a metric up once and keep the reference: look-ups take a lock.
// Bounds:  at most label_sets_max label sets per name; further ones share the set
// {overflow="true"}.
class MetricRegistry {
 public:
  explicit MetricRegistry(std::size_t label_sets_max = 1'000) : label_sets_max_(label_sets_max) {}
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // `name` as Prometheus wants it: [a-z_][a-z0-9_]*. A name is either a counter or a gauge: asking
  // for the other kind is a bug of ours and stops the process.
  Counter& counter(std::string_view name, std::string_view description,
                   const MetricLabels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view description,
               const MetricLabels& labels = {});

  std::string prometheus_text() const;

 private:
  struct Series {
    Counter counter;
    Gauge gauge;
  };
  struct Family {
    bool is_counter = true;
    std::string description;
    std::map<std::string, std::unique_ptr<Series>> series;  // by rendered labels
  };

  Series& series(std::string_view name, std::string_view description, const MetricLabels& labels,
                 bool is_counter);

  const std::size_t label_sets_max_;
  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream
