// Knows what was sent, and judges what came out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/message.h"

namespace slipstream::sim {

// One message that was put into the input topic.
struct Sent {
  std::int64_t id = 0;
  std::string key;
  std::int64_t time_ms = 0;
  rocketmq::MessageQueue queue;
};

// Checks, by the ids of messages:
//   kept    every row that passes the filter, once, and those of one input queue in one output
//   queue in their order totals  every window of a second and key, once, with the right count and
//   sum of ids
class Oracle {
 public:
  using Topic = std::vector<std::vector<rocketmq::ReceivedMessage>>;  // by queue, in order

  static bool passes(std::int64_t id) { return id % 10 != 0; }
  void sent(const Sent& message);
  std::size_t rows_kept() const { return rows_kept_; }
  std::size_t windows() const { return windows_.size(); }
  // What is wrong, one line each; empty = nothing. At most 20 lines.
  std::vector<std::string> judge(const Topic& kept, const Topic& totals) const;

 private:
  struct Window {
    std::int64_t count = 0;
    std::int64_t sum = 0;
  };
  void judge_kept(const Topic& kept, std::vector<std::string>& wrong) const;
  void judge_totals(const Topic& totals, std::vector<std::string>& wrong) const;

  std::map<std::int64_t, Sent> sent_;
  std::size_t rows_kept_ = 0;
  std::map<std::pair<std::int64_t, std::string>, Window> windows_;
};

}  // namespace slipstream::sim
