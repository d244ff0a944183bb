// Where a process may be lost while it writes.
#pragma once

#include <cstdint>
#include <functional>

#include "scheduler.h"

namespace slipstream::sim::disk {

// After so many more steps (writes, renames, syncs) of the process, `lost` is called instead of the
// next one. It must not return. One plan at a time; 0 steps takes it back.
void lose_at(scheduler::Process process, std::uint32_t steps, std::function<void()> lost);
// Syncs take up to so long.
void set_sync_ms_max(std::int64_t ms);

// What interpose.cc calls: before each step, and instead of each sync.
void before_step();
void sync();

}  // namespace slipstream::sim::disk
