// Where a process may be lost while it writes, what its disk refuses or takes long for, and which
// of the machines that share the disk it runs on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "scheduler.h"

namespace slipstream::sim::disk {

// After so many more steps (writes, renames, syncs) of the process, `lost` is called instead of the
// next one. It must not return. One plan at a time; 0 steps takes it back.
void lose_at(scheduler::Process process, std::uint32_t steps, std::function<void()> lost);
// Syncs take up to so long.
void set_sync_ms_max(std::int64_t ms);

// Of so many steps one is hit; 0 = none.
struct DiskFaults {
  std::uint32_t fail_one_of = 0;   // no space, or an error of the device; half is written
  std::uint32_t stall_one_of = 0;  // of syncs
  std::int64_t stall_ms_max = 0;
};
void set_faults(const DiskFaults& faults);

// Where the processes made from here on run. 0 = the test's own machine.
using Host = std::uint32_t;
void run_on(scheduler::Process process, Host host);
std::string host_name();  // of the calling process
// The lock of the checkpoint directory holds within a machine only. It is free: who held it is
// lost, and stands still with its files open.
void forget_lock(Host host);

// What interpose.cc calls: before each step, and instead of each sync. The error that the caller
// gets in its place; 0 = it is done.
int before_step();
int sync(int fd);
// Makes of `fd`, of the only file that is locked, one that holds the lock of its machine. As
// flock().
int lock(int fd, int operation, int (*flock)(int, int));

}  // namespace slipstream::sim::disk
