// io::EventLoop over the scheduler's time.
#include "io/event_loop.h"

#include <map>
#include <thread>
#include <utility>

#include <pthread.h>

#include "base/try.h"
#include "event_queue.h"
#include "scheduler.h"

namespace slipstream {
namespace sim {
namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;

std::map<const io::EventLoop*, EventQueue*>& queues() {
  static std::map<const io::EventLoop*, EventQueue*> all;
  return all;
}

}  // namespace

EventQueue& EventQueue::of(const io::EventLoop& loop) { return *queues().at(&loop); }

void EventQueue::wake() { turns::wake_all(this); }

void EventQueue::post(Work work) {
  posted_.push_back(std::move(work));
  wake();
}

std::uint64_t EventQueue::at(std::int64_t time_ns, Work work) {
  const std::uint64_t number = ++last_;
  timed_.emplace(std::pair(time_ns, number), std::move(work));
  times_.emplace(number, time_ns);
  wake();
  return number;
}

void EventQueue::cancel(std::uint64_t number) {
  const auto found = times_.find(number);
  if (found == times_.end()) return;
  timed_.erase({found->second, number});
  times_.erase(found);
}

void EventQueue::stop() {
  stopped_ = true;
  wake();
}

void EventQueue::run() {
  while (!stopped_) {
    if (!timed_.empty() && timed_.begin()->first.first <= scheduler::now_ns()) {
      times_.erase(timed_.begin()->first.second);
      posted_.push_back(std::move(timed_.begin()->second));
      timed_.erase(timed_.begin());
    }
    if (!posted_.empty()) {
      const Work work = std::move(posted_.front());
      posted_.pop_front();
      work();
      turns::chance();
      continue;
    }
    turns::wait(this, timed_.empty() ? turns::kForEver : timed_.begin()->first.first);
  }
}

}  // namespace sim

namespace io {

struct EventLoop::State {
  sim::EventQueue queue;
  std::thread thread;
};

EventLoop::EventLoop(const Clock& clock, const std::string& name)
    : clock_(clock), state_(std::make_unique<State>()) {
  sim::queues().emplace(this, &state_->queue);
  state_->thread = std::thread([queue = &state_->queue] { queue->run(); });
  pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

EventLoop::~EventLoop() {
  stop();
  sim::queues().erase(this);
}

void EventLoop::post(std::function<void()> work) {
  state_->queue.post(std::move(work));
  sim::turns::chance();
}

TimerId EventLoop::run_after(std::int64_t delay_ms, std::function<void()> work) {
  CHECK(in_loop());
  return TimerId{
      state_->queue.at(sim::scheduler::now_ns() + delay_ms * sim::kMillisecondNs, std::move(work))};
}

void EventLoop::cancel(TimerId timer) { state_->queue.cancel(static_cast<std::uint64_t>(timer)); }

bool EventLoop::in_loop() const { return state_->thread.get_id() == std::this_thread::get_id(); }

bool EventLoop::run_and_wait(std::function<void()> work) {
  if (in_loop()) {
    work();
    return true;
  }
  if (state_->queue.stopped()) return false;
  bool done = false;
  post([&] {
    work();
    done = true;
    sim::turns::wake_all(&done);
  });
  while (!done && !state_->queue.stopped()) {
    sim::turns::wait(&done, sim::scheduler::now_ns() + 100 * sim::kMillisecondNs);
  }
  return done;
}

void EventLoop::stop() {
  CHECK(!in_loop());
  state_->queue.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace io
}  // namespace slipstream
