// What one simulated event loop has to run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

namespace slipstream::io {
class EventLoop;
}

namespace slipstream::sim {

// Needs no lock: its functions hold the turn from beginning to end.
// Thread: any simulated one, run() the loop's own.
class EventQueue {
 public:
  using Work = std::function<void()>;

  // Of a loop that exists.
  static EventQueue& of(const io::EventLoop& loop);

  void post(Work work);
  // Answers a number for cancel().
  std::uint64_t at(std::int64_t time_ns, Work work);
  void cancel(std::uint64_t number);
  void run();
  void stop();
  bool stopped() const { return stopped_; }

 private:
  void wake();

  std::deque<Work> posted_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Work> timed_;
  std::map<std::uint64_t, std::int64_t> times_;
  std::uint64_t last_ = 0;
  bool stopped_ = false;
};

}  // namespace slipstream::sim
