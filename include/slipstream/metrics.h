// Counters and gauges of a component.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipstream {

// Names and values, in the order in which they are shown.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

struct Metrics {
  // A counter or gauge of this task, labelled by the engine (job, task, subtask). Lives as long as
  // the runtime of the job.
  // Thread: any.
  std::function<std::atomic<std::int64_t>*(std::string_view name, std::string_view help)> value;
  // The same with further labels. Null outside of a job.
  // Thread: any.
  std::function<Metrics(MetricLabels more)> with = {};
};

// What a family means to those who sum up a job.
enum class MetricRole : std::uint8_t {
  kNone,
  kSkipped,  // bodies, lines and fields of a source that were given up
};

// Values that are counted under one name: declared once, where they are counted; the tables of the
// documentation are printed from them. Names that end in _total are counters, others gauges.
struct MetricFamily {
  std::string_view name;    // behind "slipstream_"
  std::string_view labels;  // "job, task, subtask"
  std::string_view help;
  MetricRole role = MetricRole::kNone;

  std::atomic<std::int64_t>* in(const Metrics& metrics) const { return metrics.value(name, help); }
};

inline constexpr std::string_view kTaskLabels = "job, task, subtask";

}  // namespace slipstream
