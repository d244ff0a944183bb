#include "connector_kit/two_phase.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/log.h"

namespace slipstream::connector_kit {
namespace {

// Until the clock has reached `until_ms` or stop was requested.
void wait(const Clock& clock, std::int64_t until_ms, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const std::int64_t left_ms = until_ms - clock.now_ms();
    if (left_ms <= 0) return;
    stopped.wait_for(lock, stop, std::chrono::milliseconds(clock.sleep_ms(left_ms)),
                     [] { return false; });
  }
}

}  // namespace

Status publish_until_done(const PublishLoop& loop, const CommitContext& context, const Clock& clock,
                          const std::function<Status()>& publish) {
  const auto named = [&](Status status) {
    return loop.subject.empty() ? status : status.with_context(loop.subject);
  };
  Retry retry(loop.retry, clock, context.stop, std::hash<std::string>()(loop.subject));
  while (true) {
    const Status status = named(publish());
    if (status.ok() || !status.error().retryable) return status;
    const auto wait_ms = retry.next_wait_ms(status.error());
    if (wait_ms) {
      const std::int64_t next_attempt_ms = clock.now_ms() + *wait_ms;
      const std::string text = status.error().message + "; trying again";
      log(LogLevel::kWarn, loop.component, text);
      if (context.progress) context.progress(text);
      wait(clock, next_attempt_ms, context.stop);
    }
    if (context.stop.stop_requested())
      return named(Error{ErrorCode::kCancelled, "stopped while publishing"});
    if (!wait_ms) return status;
  }
}

}  // namespace slipstream::connector_kit
