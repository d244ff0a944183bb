#include "base/retry.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

const Error kBusy = Error::retry(ErrorCode::kUnavailable, "busy");

TEST(RetryTest, WaitsGrowToTheMaximumWithJitterInTheUpperHalf) {
  const FakeClock clock;
  Retry retry({.first_wait_ms = 100, .wait_ms_max = 400}, clock, {}, 7);
  for (const std::int64_t full_ms : {100, 200, 400, 400}) {
    const auto wait_ms = retry.next_wait_ms(kBusy);
    ASSERT_TRUE(wait_ms.has_value());
    EXPECT_GE(*wait_ms, full_ms / 2);
    EXPECT_LE(*wait_ms, full_ms);
  }
  retry.reset();
  EXPECT_LE(retry.next_wait_ms(kBusy).value_or(-1), 100);
}

TEST(RetryTest, StopsForGoodReasons) {
  FakeClock clock;
  Retry permanent({}, clock, {}, 1);
  EXPECT_FALSE(permanent.next_wait_ms(Error{ErrorCode::kInvalidArgument, "bad"}).has_value());

  Retry attempts({.attempts_max = 2}, clock, {}, 1);
  EXPECT_TRUE(attempts.next_wait_ms(kBusy).has_value());
  EXPECT_FALSE(attempts.next_wait_ms(kBusy).has_value());

  std::stop_source stop;
  Retry cancelled({}, clock, stop.get_token(), 1);
  stop.request_stop();
  EXPECT_FALSE(cancelled.next_wait_ms(kBusy).has_value());
}

TEST(RetryTest, TheDeadlineCutsTheLastWaitAndEndsTheLoop) {
  FakeClock clock;
  Retry retry({.first_wait_ms = 1'000, .wait_ms_max = 1'000, .total_ms_max = 100}, clock, {}, 1);
  EXPECT_EQ(retry.remaining_ms(50), 50);
  EXPECT_EQ(retry.remaining_ms(500), 100);
  clock.advance_ms(70);
  EXPECT_EQ(retry.next_wait_ms(kBusy), 30);
  clock.advance_ms(30);
  EXPECT_EQ(retry.remaining_ms(50), 0);
  EXPECT_EQ(retry.next_wait_ms(kBusy), std::nullopt);
}

}  // namespace
}  // namespace slipstream
