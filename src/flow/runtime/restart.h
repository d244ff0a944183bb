// Whether a failed job starts again, and when. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "flow/job.h"

namespace slipstream::flow {

struct RestartFacts {
  Error cause;
  bool checkpointing = true;   // without it there is nothing to restart from
  bool ever_ran = false;       // this process opened all tasks and sources at least once
  std::uint32_t failures = 1;  // in a row without a completed checkpoint between, this one included
};

// The wait before the next attempt; nullopt = the job has failed.
std::optional<std::chrono::milliseconds> restart_delay(const RestartFacts& facts,
                                                       const JobOptions& options);

}  // namespace slipstream::flow
