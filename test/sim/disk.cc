#include "disk.h"

#include <utility>

namespace slipstream::sim::disk {
namespace {

scheduler::Process victim = 0;
std::uint32_t steps_left = 0;
std::function<void()> when_lost;
std::int64_t sync_ms = 0;

}  // namespace

void lose_at(scheduler::Process process, std::uint32_t steps, std::function<void()> lost) {
  victim = process;
  steps_left = steps;
  when_lost = std::move(lost);
}

void set_sync_ms_max(std::int64_t ms) { sync_ms = ms; }

void sync() {
  before_step();
  if (sync_ms == 0 || scheduler::process() == 0) return;
  const std::uint64_t most_us = static_cast<std::uint64_t>(sync_ms) * 1'000;
  scheduler::sleep_ns(static_cast<std::int64_t>(scheduler::random() % most_us) * 1'000);
}

void before_step() {
  if (steps_left == 0 || scheduler::process() != victim) return;
  if (--steps_left == 0) when_lost();
}

}  // namespace slipstream::sim::disk
