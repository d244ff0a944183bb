#include "connector_kit/two_phase.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace slipstream::connector_kit {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;
const PublishLoop kLoop{.subject = "table 't'",
                        .component = "test",
                        .retry = {.first_wait_ms = kHourMs, .wait_ms_max = 4 * kHourMs}};

// Ten minutes are over whenever somebody begins to sleep.
class SleptClock final : public Clock {
 public:
  std::int64_t now_ms() const override { return now_ms_; }
  std::int64_t wall_ms() const override { return now_ms_; }
  std::int64_t sleep_ms(std::int64_t) const override {
    now_ms_ += 10 * kMinuteMs;
    return 0;
  }

 private:
  mutable std::int64_t now_ms_ = 0;
};

TEST(PublishUntilDone, TriesAgainWhatMaySucceedWhenTheClockSaysSo) {
  const SleptClock clock;
  std::vector<std::int64_t> called_ms;
  const Status status = publish_until_done(kLoop, {}, clock, [&]() -> Status {
    called_ms.push_back(clock.now_ms());
    if (called_ms.size() < 4) return Error::retry(ErrorCode::kUnavailable, "the disk is full");
    return {};
  });
  EXPECT_TRUE(status.ok()) << status.to_string();
  ASSERT_EQ(called_ms.size(), 4U);
  std::int64_t wait_ms = kHourMs;
  for (std::size_t i = 1; i < called_ms.size(); ++i) {
    // Between half of the wait and all of it; ten minutes more where the clock stands then.
    EXPECT_GE(called_ms[i] - called_ms[i - 1], wait_ms / 2) << i;
    EXPECT_LE(called_ms[i] - called_ms[i - 1], wait_ms + 10 * kMinuteMs) << i;
    wait_ms *= 2;
  }
}

TEST(PublishUntilDone, EndsAtWhatNeverDoes) {
  const FakeClock clock;
  int calls = 0;
  const Status status = publish_until_done(kLoop, {}, clock, [&]() -> Status {
    ++calls;
    return Error{ErrorCode::kCorrupt, "another size"};
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(status.error().message, "table 't': another size");
}

TEST(PublishUntilDone, ABoundEndsIt) {
  FakeClock clock;
  PublishLoop loop = kLoop;
  loop.retry.attempts_max = 2;
  CommitContext context;
  std::string progress;
  context.progress = [&](std::string_view text) {
    progress = text;
    clock.advance_ms(kHourMs);
  };
  int calls = 0;
  const Status status = publish_until_done(loop, context, clock, [&]() -> Status {
    ++calls;
    return Error::retry(ErrorCode::kUnavailable, "the disk is full");
  });
  EXPECT_EQ(status.error().message, "table 't': the disk is full");
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(progress, "table 't': the disk is full; trying again");
}

TEST(PublishUntilDone, StopEndsAWait) {
  const SystemClock clock;  // so that it sleeps an hour unless it is woken
  const auto stop = std::make_unique<std::stop_source>();
  CommitContext context;
  context.stop = stop->get_token();
  std::jthread stopper;
  const Status status = publish_until_done(kLoop, context, clock, [&]() -> Status {
    stopper = std::jthread([&] { stop->request_stop(); });
    return Error::retry(ErrorCode::kUnavailable, "the disk is full");
  });
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(status.error().retryable);
}

TEST(PublishUntilDone, ALeaseThatNobodyChecksIsHeld) {
  CommitContext context;
  EXPECT_TRUE(check_lease(context).ok());
  context.check_lease = [] { return Status(Error{ErrorCode::kUnavailable, "lost"}); };
  EXPECT_EQ(check_lease(context).error().message, "lost");
}

}  // namespace
}  // namespace slipstream::connector_kit
