#include "connector_kit/two_phase.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace slipstream::connector_kit {
namespace {

const PublishLoop kLoop{
    .subject = "table 't'", .component = "test", .retry = {.first_wait_ms = 1, .wait_ms_max = 1}};

TEST(PublishUntilDone, TriesAgainWhatMaySucceed) {
  const SystemClock clock;
  int calls = 0;
  const Status status = publish_until_done(kLoop, {}, clock, [&]() -> Status {
    if (++calls < 4) return Error::retry(ErrorCode::kUnavailable, "the disk is full");
    return {};
  });
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(calls, 4);
}

TEST(PublishUntilDone, EndsAtWhatNeverDoes) {
  const SystemClock clock;
  int calls = 0;
  const Status status = publish_until_done(kLoop, {}, clock, [&]() -> Status {
    ++calls;
    return Error{ErrorCode::kCorrupt, "another size"};
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(status.error().message, "table 't': another size");
}

TEST(PublishUntilDone, ABoundEndsIt) {
  const SystemClock clock;
  PublishLoop loop = kLoop;
  loop.retry.attempts_max = 2;
  CommitContext context;
  std::string progress;
  context.progress = [&](std::string_view text) { progress = text; };
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
  const SystemClock clock;
  const auto stop = std::make_unique<std::stop_source>();
  CommitContext context;
  context.stop = stop->get_token();
  PublishLoop loop = kLoop;
  loop.retry = {.first_wait_ms = 3'600'000, .wait_ms_max = 3'600'000};
  std::jthread stopper;
  const Status status = publish_until_done(loop, context, clock, [&]() -> Status {
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
