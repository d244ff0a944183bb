// What the server counts beside its jobs.
#pragma once

#include <array>

#include "flow/metrics.h"

namespace slipstream::server {

inline constexpr MetricFamily kMemoryUsed{"server_memory_used_bytes", "",
                                          "`serve`: memory that jobs and queries hold"};
inline constexpr MetricFamily kMemoryLimit{"server_memory_limit_bytes", "",
                                           "`serve`: the budget that they share"};
inline constexpr std::array kServerMetrics{kMemoryUsed, kMemoryLimit};

}  // namespace slipstream::server
