#include "io/event_loop.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <pthread.h>

#include "base/try.h"

namespace slipstream::io {

struct EventLoop::State {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running{context.get_executor()};
  std::unordered_map<std::uint64_t, asio::steady_timer> timers;
  std::uint64_t last_timer = 0;
  std::atomic<bool> stopped{false};
  std::atomic<std::thread::id> thread_id;
  std::thread thread;
};

EventLoop::EventLoop(const Clock& clock, const std::string& name)
    : clock_(clock), state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] {
    state->thread_id.store(std::this_thread::get_id());
    state->context.run();
  });
  pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

EventLoop::~EventLoop() { stop(); }

void EventLoop::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

TimerId EventLoop::run_after(std::int64_t delay_ms, std::function<void()> work) {
  DCHECK(in_loop());
  const std::uint64_t id = ++state_->last_timer;
  auto [slot, inserted] = state_->timers.try_emplace(id, state_->context);
  asio::steady_timer& timer = slot->second;
  timer.expires_after(std::chrono::milliseconds(delay_ms));
  timer.async_wait(
      [state = state_.get(), id, run = std::move(work)](const asio::error_code& error) {
        // A cancelled timer is already out of the map; its wait may still end without an error.
        if (error || state->timers.erase(id) == 0) return;
        run();
      });
  return TimerId{id};
}

void EventLoop::cancel(TimerId timer) {
  DCHECK(in_loop());
  state_->timers.erase(static_cast<std::uint64_t>(timer));
}

bool EventLoop::in_loop() const { return state_->thread_id.load() == std::this_thread::get_id(); }

bool EventLoop::run_and_wait(std::function<void()> work) {
  if (in_loop()) {
    work();
    return true;
  }
  if (state_->stopped.load()) return false;
  auto done = std::make_shared<std::promise<bool>>();
  auto result = done->get_future();
  // When the loop stops first, the handler is destroyed unrun and the promise is broken.
  struct Breaker {
    std::shared_ptr<std::promise<bool>> promise;
    bool ran = false;
    ~Breaker() {
      if (promise) promise->set_value(ran);
    }
  };
  auto breaker = std::make_shared<Breaker>();
  breaker->promise = std::move(done);
  post([breaker, work = std::move(work)] {
    work();
    breaker->ran = true;
  });
  breaker.reset();
  while (result.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (state_->stopped.load() && !state_->thread.joinable()) return false;
  }
  return result.get();
}

void EventLoop::stop() {
  CHECK(!in_loop());
  if (state_->stopped.exchange(true)) return;
  state_->context.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

asio::io_context& EventLoop::context() { return state_->context; }

}  // namespace slipstream::io
