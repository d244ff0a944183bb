#include "stream/user_code_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "stream/user_call.h"

namespace slipstream::stream {

std::shared_ptr<erased::UserCalls> UserCodeWatch::add(std::string place) {
  auto calls = std::make_shared<erased::UserCalls>(std::move(place));
  Watched watched;
  watched.calls = calls;
  MutexLock lock(mutex_);
  watched.since_ms = now_ms();
  // Instances of former attempts.
  std::erase_if(watched_, [](const Watched& each) { return each.calls.expired(); });
  watched_.push_back(std::move(watched));
  instance_failure_ = {};  // instances of an attempt open when those of the former one are gone
  return calls;
}

std::string UserCodeWatch::describe(const BlockedCall& call) {
  return call.place + ": " + call.function + " has not returned for " +
         std::to_string(call.duration.count() / 1'000) + " s";
}

void UserCodeWatch::look_at(Watched& watched, erased::UserCalls& calls, std::int64_t limit_ms,
                            std::vector<std::string>& texts) {
  const erased::UserCalls::Site site = calls.current();
  const std::uint64_t count = calls.count();
  const std::int64_t now = now_ms();
  if (site != watched.site || count != watched.count || site == 0) {
    if (watched.blocked) {
      texts.push_back(watched.blocked->place + ": " + watched.blocked->function +
                      " returned after " +
                      std::to_string(watched.blocked->duration.count() / 1'000) + " s or more");
      if (auto* gauge = calls.gauge()) gauge->store(0);
    }
    watched.site = site;
    watched.count = count;
    watched.since_ms = now;
    watched.next_warning_ms = 0;
    watched.blocked.reset();
    return;
  }
  const std::int64_t taken_ms = now - watched.since_ms;
  if (taken_ms < limit_ms) return;
  watched.blocked =
      BlockedCall{calls.place(), calls.function(site), std::chrono::milliseconds(taken_ms)};
  if (auto* gauge = calls.gauge()) gauge->store(taken_ms / 1'000);
  if (taken_ms < watched.next_warning_ms) return;
  watched.next_warning_ms = 2 * taken_ms;
  texts.push_back(describe(*watched.blocked) +
                  ": it holds a thread of the job; give it a time limit of its own");
}

void UserCodeWatch::look(std::chrono::milliseconds limit) {
  std::vector<std::string> texts;
  {
    MutexLock lock(mutex_);
    for (Watched& watched : watched_) {
      if (const auto calls = watched.calls.lock()) look_at(watched, *calls, limit.count(), texts);
    }
  }
  for (const std::string& text : texts) {
    log(LogLevel::kWarn, "stream", text);
    notify(text);
  }
}

void UserCodeWatch::begin(OnMessage on_message, const Clock& clock) {
  MutexLock lock(mutex_);
  clock_ = &clock;
  on_message_ = std::make_shared<const OnMessage>(std::move(on_message));
  message_failure_ = {};
  instance_failure_ = {};
}

void UserCodeWatch::set_cancel(std::function<void()> cancel) {
  bool due = false;
  {
    MutexLock lock(mutex_);
    due = !message_failure_.ok() && cancel;
    cancel_ = due ? nullptr : cancel;
  }
  if (due) cancel();
}

void UserCodeWatch::notify(std::string_view text) {
  std::shared_ptr<const OnMessage> on_message;
  {
    MutexLock lock(mutex_);
    if (!message_failure_.ok()) return;
    on_message = on_message_;
  }
  if (on_message == nullptr || !*on_message) return;
  try {
    (*on_message)(text);
    return;
  } catch (...) {
    const Status failure = error_of_user_code("on_message()");
    log(LogLevel::kError, "stream", failure.to_string());
    MutexLock lock(mutex_);
    message_failure_ = failure;
  }
  std::function<void()> cancel;
  {
    MutexLock lock(mutex_);
    cancel = std::exchange(cancel_, nullptr);
  }
  if (cancel) cancel();
}

void UserCodeWatch::note_failure(const Status& failure) {
  if (failure.ok()) return;
  log(LogLevel::kError, "stream", failure.to_string());
  notify(failure.to_string());
  MutexLock lock(mutex_);
  if (instance_failure_.ok()) instance_failure_ = failure;
}

Status UserCodeWatch::failure() const {
  MutexLock lock(mutex_);
  return message_failure_.ok() ? instance_failure_ : message_failure_;
}

std::vector<BlockedCall> UserCodeWatch::blocked() const {
  std::vector<BlockedCall> blocked;
  MutexLock lock(mutex_);
  for (const Watched& watched : watched_) {
    if (watched.blocked && !watched.calls.expired()) blocked.push_back(*watched.blocked);
  }
  return blocked;
}

void UserCodeWatch::start(std::chrono::milliseconds limit, Timers& timers, WorkPool& pool) {
  if (limit.count() <= 0 || queue_ != nullptr) return;
  queue_ = std::make_unique<WorkQueue>(pool);
  timer_ = std::make_unique<Timer>(timers, [this, limit] {
    queue_->post([this, limit] {
      look(limit);
      timer_->arm_after(std::min(kLookMs, limit.count()));
    });
  });
  timer_->arm_after(std::min(kLookMs, limit.count()));
}

void UserCodeWatch::stop() {
  if (queue_ != nullptr) queue_->close();  // from here on nobody sets the timer again
  timer_.reset();
  queue_.reset();
  MutexLock lock(mutex_);
  clock_ = nullptr;
}

}  // namespace slipstream::stream
