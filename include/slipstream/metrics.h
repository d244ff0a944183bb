// Counters and gauges of a component.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

namespace slipstream {

struct Metrics {
  // A counter or gauge of this task, labelled by the engine (job, task, subtask). Lives as long as
  // the process. Thread: any.
  std::function<std::atomic<std::int64_t>*(std::string_view name, std::string_view help)> value;
};

}  // namespace slipstream
