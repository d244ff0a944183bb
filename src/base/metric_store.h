// Counters and gauges of tasks.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/metrics.h"

#include "base/mutex.h"

namespace slipstream {

// Owner:  what outlives all who count: a value stays where it is.
// Thread: any.
// Bounds: values_max values; further ones of a name share one with the label overflow="true".
class MetricStore {
 public:
  explicit MetricStore(std::size_t values_max = 50'000) : values_max_(values_max) {}

  Metrics metrics(MetricLabels labels);
  // Prometheus' text form, families together, names behind "slipstream_". Those that end in _total
  // are counters.
  std::string prometheus_text() const;
  struct Sample {
    std::map<std::string, std::string> labels;
    std::int64_t value = 0;
  };
  // The values of one family.
  std::vector<Sample> samples(std::string_view name) const;
  // Sum over all labels; 0 when nobody counts it.
  std::int64_t total(std::string_view name) const;

 private:
  std::atomic<std::int64_t>* value(std::string_view name, std::string_view help,
                                   const MetricLabels& labels);

  struct Family {
    std::string help;
    std::map<MetricLabels, std::unique_ptr<std::atomic<std::int64_t>>> values;
  };
  const std::size_t values_max_;
  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t count_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

// A label's value in quotes, as Prometheus reads it.
std::string quoted_label(std::string_view text);

}  // namespace slipstream
