// What one seed stands for.
#pragma once

#include <cstdint>
#include <random>

#include "disk.h"
#include "network.h"

namespace slipstream::sim {

// Numbers that depend on nothing but the seed, apart from those of the scheduler.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  // `least` to `most`, both included.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool one_of(std::int64_t count) { return between(1, count) == 1; }

 private:
  std::mt19937_64 random_;
};

// Of so many requests one is disturbed; 0 = none. Sends, of which there are few, kSendsMore times
// as often.
struct BrokerFaults {
  static constexpr std::int64_t kSendsMore = 12;
  std::uint32_t drop_before_one_of = 0;
  std::uint32_t drop_after_one_of = 0;
  std::uint32_t refuse_one_of = 0;   // system busy, flow control
  std::uint32_t unknown_one_of = 0;  // system error, done or not
  std::uint32_t weak_one_of = 0;     // sends: stored, but with code 10, 11 or 12
  std::uint32_t silent_one_of = 0;
  std::uint32_t slow_one_of =
      0;  // done late (and the connection may be gone then), or answered late: out of order
  std::uint32_t twice_one_of = 0;
  std::int64_t slow_ms_max = 1'000;
};

constexpr std::int64_t kDiskStallMsMax = 5'000;

struct Scenario {
  std::uint64_t seed = 0;
  int brokers = 1;
  int input_queues = 1;  // of each broker
  int output_queues = 1;
  bool topics_change = false;  // they get more queues, and fewer
  std::int64_t messages = 100;
  std::int64_t message_gap_ms_max = 100;  // between two messages
  std::int64_t backlog = 0;               // messages that are there before the job first starts
  std::int32_t pull_count_max = 32;       // messages of one answer
  int parallelism_max = 4;
  // The watermark follows the input by so much, and rows come less than that out of order: windows
  // close while there is input.
  std::int64_t delay_s = 1;
  std::int64_t checkpoint_ms = 500;
  std::int64_t checkpoint_timeout_ms = 600'000;
  std::int64_t sync_ms_max = 0;     // how long the disk may take to sync
  std::int64_t weather_ms = 5'000;  // lasts so long, and until all input is there
  int losses = 0;                   // processes that are lost, or stopped
  bool two_processes = false;       // somebody starts the job a second time
  int weather_max = 2;              // how bad the network and the brokers may become
  std::int64_t dispatch_lag_ms = 0;
  unsigned cores = 2;
  std::uint32_t preempt_one_of = 0;
  std::uint32_t stall_one_of = 0;  // see scheduler::Options
  std::int64_t stall_ms_max = 0;
};

Scenario scenario_of(std::uint64_t seed);
NetworkFaults network_faults(Dice& dice, int weather);
BrokerFaults broker_faults(Dice& dice, int weather);
disk::DiskFaults disk_faults(Dice& dice, int weather);

}  // namespace slipstream::sim
