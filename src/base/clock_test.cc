#include "base/clock.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(ClockTest, SystemClockDoesNotGoBack) {
  const SystemClock clock;
  const auto first_ms = clock.now_ms();
  EXPECT_GE(clock.now_ms(), first_ms);
  EXPECT_GT(clock.wall_ms(), 1'600'000'000'000);
}

TEST(ClockTest, FakeClockMovesOnlyWhenTold) {
  FakeClock clock(5);
  const auto wall_ms = clock.wall_ms();
  EXPECT_EQ(clock.now_ms(), 5);
  clock.advance_ms(10);
  EXPECT_EQ(clock.now_ms(), 15);
  EXPECT_EQ(clock.wall_ms(), wall_ms + 10);
}

}  // namespace
}  // namespace slipstream
