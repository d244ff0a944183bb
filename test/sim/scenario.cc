#include "scenario.h"

#include <algorithm>

namespace slipstream::sim {
namespace {

constexpr std::int64_t kSyncsMax = 40;  // of one checkpoint

// Rarely, sometimes or often, as the weather says; often not at all.
std::uint32_t rate(Dice& dice, int weather) {
  if (weather == 0 || dice.one_of(3)) return 0;
  const std::int64_t most = weather == 1 ? 120 : 30;
  return static_cast<std::uint32_t>(dice.between(8, most));
}

}  // namespace

Scenario scenario_of(std::uint64_t seed) {
  Dice dice(seed * 0x9E3779B97F4A7C15U + 1);
  Scenario scenario;
  scenario.seed = seed;
  scenario.brokers = static_cast<int>(dice.between(1, 2));
  scenario.input_queues = static_cast<int>(dice.between(1, 3));
  scenario.output_queues = static_cast<int>(dice.between(1, 3));
  scenario.messages = dice.between(60, 250);
  scenario.message_gap_ms_max = dice.one_of(4) ? 10 : dice.between(20, 200);
  scenario.weather_ms = dice.between(4, 20) * 1'000;
  scenario.delay_s = dice.between(1, 2);
  scenario.checkpoint_ms = dice.between(1, 10) * 100;
  const bool short_timeout = !dice.one_of(3);
  scenario.sync_ms_max = dice.one_of(3) ? 0 : dice.between(1, 100);
  // Enough for all syncs of a checkpoint while the disk is well, too little when it stalls.
  if (short_timeout)
    scenario.checkpoint_timeout_ms = kSyncsMax * scenario.sync_ms_max + dice.between(200, 2'000);
  scenario.losses = static_cast<int>(dice.between(0, 6));
  scenario.weather_max = static_cast<int>(dice.one_of(6) ? 0 : dice.between(1, 2));
  // More than any wait for what may still arrive, rarely.
  if (dice.one_of(2)) scenario.dispatch_lag_ms = dice.between(1, 400);
  if (dice.one_of(6)) scenario.dispatch_lag_ms = dice.between(8'000, 12'000);
  scenario.cores = static_cast<unsigned>(dice.between(1, 4));
  const std::int64_t preemption = dice.between(0, 2);
  scenario.preempt_one_of = preemption == 0 ? 0 : preemption == 1 ? 200 : 20;
  constexpr std::int32_t kPullCounts[] = {4, 32, 1'024};
  scenario.pull_count_max = kPullCounts[dice.between(0, 2)];
  if (dice.one_of(3)) {
    scenario.stall_one_of = static_cast<std::uint32_t>(dice.between(50, 500));
    scenario.stall_ms_max = dice.between(1, 40);
  }
  scenario.topics_change = dice.one_of(4);
  if (scenario.topics_change) scenario.message_gap_ms_max = 200;  // new queues are found meanwhile
  // Read so slowly that checkpoints begin, and processes are lost, in the middle of answers.
  if (dice.one_of(3)) {
    scenario.backlog = dice.between(300, 1'200);
    scenario.pull_count_max = std::max(scenario.pull_count_max, 32);
    scenario.stall_one_of = static_cast<std::uint32_t>(dice.between(20, 80));
    scenario.stall_ms_max = dice.between(10, 60);
    scenario.checkpoint_ms = dice.between(1, 3) * 100;
    scenario.losses = static_cast<int>(dice.between(2, 6));
  }
  // Not with topics that change: which queues get messages follows what one process has read.
  scenario.two_processes = dice.one_of(2) && !scenario.topics_change;
  if (scenario.two_processes) {  // leases end while there is input
    scenario.message_gap_ms_max = 200;
    scenario.weather_ms = dice.between(15, 30) * 1'000;
  }
  return scenario;
}

NetworkFaults network_faults(Dice& dice, int weather) {
  NetworkFaults faults;
  faults.latency_us_max = dice.one_of(3) ? 30'000 : 1'000;
  faults.cut_one_of = rate(dice, weather);
  faults.stall_one_of = rate(dice, weather);
  faults.stall_ms_max = dice.one_of(2) ? 4'000 : 20'000;
  faults.refuse_one_of = rate(dice, weather);
  return faults;
}

BrokerFaults broker_faults(Dice& dice, int weather) {
  BrokerFaults faults;
  faults.drop_before_one_of = rate(dice, weather);
  faults.drop_after_one_of = rate(dice, weather);
  faults.refuse_one_of = rate(dice, weather);
  faults.unknown_one_of = rate(dice, weather);
  faults.weak_one_of = rate(dice, weather);
  faults.silent_one_of = rate(dice, weather);
  faults.slow_one_of = rate(dice, weather);
  faults.twice_one_of = rate(dice, weather);
  // Below sink.fence-wait: what takes longer is not promised to be harmless.
  faults.slow_ms_max = dice.between(10, 1'900);
  return faults;
}

disk::DiskFaults disk_faults(Dice& dice, int weather) {
  disk::DiskFaults faults;
  if (weather == 0) return faults;
  if (dice.one_of(2)) faults.fail_one_of = static_cast<std::uint32_t>(dice.between(10, 150));
  if (!dice.one_of(3)) faults.stall_one_of = static_cast<std::uint32_t>(dice.between(3, 30));
  faults.stall_ms_max = dice.between(500, kDiskStallMsMax);
  return faults;
}

}  // namespace slipstream::sim
