// Families of values that are counted: declared once, where they are counted. The tables of the
// documentation are printed from them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "slipstream/metrics.h"

namespace slipstream {

// Names that end in _total are counters, others gauges.
struct MetricFamily {
  std::string_view name;    // behind "slipstream_"
  std::string_view labels;  // "job, task, subtask"
  std::string_view help;

  std::atomic<std::int64_t>* in(const Metrics& metrics) const { return metrics.value(name, help); }
};

inline constexpr std::string_view kTaskLabels = "job, task, subtask";

}  // namespace slipstream
