// What is known of the user code of one job: functions that do not return, and exceptions that came
// where no task could fail any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/metrics.h"
#include "slipstream/stream/environment.h"
#include "slipstream/stream/user_calls.h"

#include "base/clock.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "base/work_pool.h"
#include "flow/metrics.h"

namespace slipstream::stream {

inline constexpr MetricFamily kBlockedCall{
    "blocked_call_seconds", kTaskLabels,
    "DataStream: how long a function of the user has not returned, 0 below the limit"};

// User code holds a thread of the job for as long as it runs, and nothing can take it back. This
// says so: a warning at the limit, the next ones when the time has doubled, and one at the end.
//
// Exceptions out of close() and of on_message are kept here: the handle of the job answers them
// when it has nothing worse to answer.
//
// Owner:   the plan of a job, shared with its instances.
// Thread:  any; start() and stop() one.
// Bounds:  one look per kLookMs at every instance; a call gives a warning per doubling of its time.
class UserCodeWatch {
 public:
  static constexpr std::int64_t kLookMs = 1'000;
  using OnMessage = std::function<void(std::string_view)>;

  UserCodeWatch() = default;
  ~UserCodeWatch() { stop(); }
  UserCodeWatch(const UserCodeWatch&) = delete;
  UserCodeWatch& operator=(const UserCodeWatch&) = delete;

  // The calls of one instance; seen until the last owner drops them.
  std::shared_ptr<erased::UserCalls> add(std::string place);

  // A new run of the job: messages go to `on_message`, which may be empty; calls are timed by
  // `clock`, which outlives the run.
  void begin(OnMessage on_message, const Clock& clock);
  // An exception out of on_message ends the job: `cancel` is called once, also for one that came
  // before. Empty: nobody is there to be cancelled.
  void set_cancel(std::function<void()> cancel);
  void notify(std::string_view text);

  // An exception that no task can fail with: of an instance that goes away. It counts until the
  // next attempt opens its instances.
  void note_failure(const Status& failure);
  Status failure() const;

  // Looks every kLookMs, on the pool. `limit` 0: never. Both outlive the run, which ends with
  // stop().
  void start(std::chrono::milliseconds limit, Timers& timers, WorkPool& pool);
  void stop();
  // One look.
  void look(std::chrono::milliseconds limit);

  // Calls that have not returned for longer than the limit.
  std::vector<BlockedCall> blocked() const;

 private:
  struct Watched {
    std::weak_ptr<erased::UserCalls> calls;
    erased::UserCalls::Site site = 0;
    std::uint64_t count = 0;
    std::int64_t since_ms = 0;
    std::int64_t next_warning_ms = 0;  // of the time that the call takes; 0 = none was given
    std::optional<BlockedCall> blocked;
  };
  static std::string describe(const BlockedCall& call);
  std::int64_t now_ms() const SLIPSTREAM_REQUIRES(mutex_) {
    return clock_ != nullptr ? clock_->now_ms() : 0;
  }
  void look_at(Watched& watched, erased::UserCalls& calls, std::int64_t limit_ms,
               std::vector<std::string>& texts) SLIPSTREAM_REQUIRES(mutex_);

  mutable Mutex mutex_;
  const Clock* clock_ SLIPSTREAM_GUARDED_BY(mutex_) = nullptr;  // null before the first run
  std::vector<Watched> watched_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::shared_ptr<const OnMessage> on_message_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::function<void()> cancel_ SLIPSTREAM_GUARDED_BY(mutex_);
  Status message_failure_ SLIPSTREAM_GUARDED_BY(mutex_);
  Status instance_failure_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::unique_ptr<WorkQueue> queue_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace slipstream::stream
