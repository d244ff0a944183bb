// Counters and gauges of a component.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

namespace slipstream {

struct Metrics {
  // A counter or gauge of this task, labelled by the engine (job, task, subtask). Lives as long as
  // the process.
  // Thread: any.
  std::function<std::atomic<std::int64_t>*(std::string_view name, std::string_view help)> value;
};

// Values that are counted under one name: declared once, where they are counted; the tables of the
// documentation are printed from them. Names that end in _total are counters, others gauges.
struct MetricFamily {
  std::string_view name;    // behind "slipstream_"
  std::string_view labels;  // "job, task, subtask"
  std::string_view help;

  std::atomic<std::int64_t>* in(const Metrics& metrics) const { return metrics.value(name, help); }
};

inline constexpr std::string_view kTaskLabels = "job, task, subtask";

}  // namespace slipstream
