// Which function of the user's runs in an operator: errors and warnings name it. Users need nothing
// of this header.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace slipstream::stream::erased {

// The user functions of one instance of an operator, source or sink.
//
// Owner:  the instance, shared with the watch of the job.
// Thread: add(), enter(), leave(), threw() and thrower() one at a time; the rest any.
// Bounds: the functions of one instance, added before they are called.
class UserCalls {
 public:
  using Site = std::uint32_t;  // 0 = none

  // `place`: where the instance is, for people: "operator 'count' [0]".
  explicit UserCalls(std::string place) : place_(std::move(place)) {}
  ~UserCalls() {
    if (auto* shown = gauge()) shown->store(0);
  }
  UserCalls(const UserCalls&) = delete;
  UserCalls& operator=(const UserCalls&) = delete;

  // `function`: what people call it: "process_element() of 'count'".
  Site add(std::string function);
  // Answers the function that it was called from, for leave().
  Site enter(Site site) {
    const Site outer = current_.load(std::memory_order_relaxed);
    current_.store(site, std::memory_order_relaxed);
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return outer;
  }
  void leave(Site outer) { current_.store(outer, std::memory_order_relaxed); }
  // The exception that is handled now came out of this function. The innermost counts.
  void threw(Site site);
  // The function that it came out of; empty when that is none of these.
  std::string thrower() const;

  const std::string& place() const { return place_; }
  // What runs now, and how many calls there were: equal answers, and nothing has moved.
  Site current() const { return current_.load(std::memory_order_relaxed); }
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  std::string function(Site site) const;
  // Where the watch shows for how many seconds a call has not returned. Null: nowhere.
  void set_gauge(std::atomic<std::int64_t>* gauge) { gauge_.store(gauge); }
  std::atomic<std::int64_t>* gauge() const { return gauge_.load(); }

 private:
  const std::string place_;
  std::atomic<Site> current_{0};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::atomic<std::int64_t>*> gauge_{nullptr};
  mutable std::mutex mutex_;
  std::vector<std::string> functions_;  // of site 1, 2, ...; guarded by mutex_
  std::exception_ptr thrown_;
  Site thrower_ = 0;
};

// Calls a user function under its name.
template <typename F>
decltype(auto) call_user(UserCalls& calls, UserCalls::Site site, F&& call) {
  struct Running {
    UserCalls& calls;
    UserCalls::Site outer;
    ~Running() { calls.leave(outer); }
  };
  try {
    const Running running{calls, calls.enter(site)};
    return call();
  } catch (...) {
    calls.threw(site);
    throw;
  }
}

}  // namespace slipstream::stream::erased
