// A network without sockets, in the place of io/tcp.cc and io/event_loop.cc: the same classes,
// other definitions.
#pragma once

#include <cstdint>

#include "scheduler.h"

namespace slipstream::sim {

// What happens to bytes under way. "One of": of so many pieces one is hit; 0 = none.
struct NetworkFaults {
  std::int64_t latency_us_max = 1'000;
  std::uint32_t cut_one_of =
      0;  // the connection breaks; the piece arrives whole, in part or not at all
  std::uint32_t stall_one_of = 0;  // the piece, and all behind it, comes late
  std::int64_t stall_ms_max = 0;
  std::uint32_t refuse_one_of = 0;  // connections that are refused, or never answered
};

// Bytes of one direction of a connection arrive in order, or not at all. A piece that was under way
// when its connection broke may arrive up to kLateMs afterwards. Pieces that stay longer than the
// connection's user time-out never arrive: the connection fails, as with TCP.
//
// Thread: any simulated one.
namespace network {
constexpr std::int64_t kLateMs = 4'000;

void set_faults(const NetworkFaults& faults);
// All its connections break; what it sent is under way still.
void lose_process(scheduler::Process process);
}  // namespace network

}  // namespace slipstream::sim
