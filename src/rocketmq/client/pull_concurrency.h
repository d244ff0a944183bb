// How many pulls one queue should have under way: a pure decision.
//
// As long as pulls do not wait for each other, each takes about as long as the fastest one did: the
// distance to the broker is what limits the queue, and twice as many pulls bring twice as much. When
// broker, line or this process is busy all the time, more pulls take longer and bring nothing more.
//   1. A round is as many answers as pulls are allowed, of pulls that were sent in it. After one in
//   which more pulls were wanted, and which took at most half longer than the fastest pull, twice as
//   many are allowed.
//   2. After a round that took more than twice as long as the fastest pull, half as many are.
//   3. At the end of the queue, or after a failure, it begins anew with the first number.
#pragma once

#include <cstdint>

namespace slipstream::rocketmq::internal {

struct PullConcurrencyLimits {
  int first = 8;
  int most = 128;  // as `first`: always so many

  static PullConcurrencyLimits fixed(int pulls) { return {pulls, pulls}; }
};

// Thread: one.
// Bounds: `first` to `most` pulls.
class PullConcurrency {
 public:
  explicit PullConcurrency(PullConcurrencyLimits limits)
      : limits_(limits), allowed_(limits.first) {}

  int allowed() const { return allowed_; }
  // To be kept with a pull that is sent, and given with its answer.
  std::uint64_t round() const { return round_; }

  // A pull was held back because as many as are allowed were under way.
  void wanted_more() { wanted_more_ = true; }
  void answered(std::uint64_t round, std::int64_t took_ns);
  // Much less came than was asked for: what was asked for behind it rested on a wrong guess.
  void answered_short(std::uint64_t round);
  void begin_anew();
  // Another broker answers from now on.
  void forget_distance();

 private:
  void allow(int pulls);

  const PullConcurrencyLimits limits_;
  int allowed_;
  std::uint64_t round_ = 1;
  bool wanted_more_ = false;  // in this round, as what follows
  int answers_ = 0;
  std::int64_t took_ns_ = 0;
  std::int64_t fastest_ns_ = 0;  // 0: not known
};

}  // namespace slipstream::rocketmq::internal
