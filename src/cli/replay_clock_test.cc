#include "cli/replay_clock.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

TEST(ReplayClockTest, MessagesAreDueAsTheyWereRecorded) {
  ReplayClock clock(2.0, 100'000);
  EXPECT_EQ(clock.wait_ms(5'000, 100'000), 0) << "the first one";
  EXPECT_EQ(clock.wait_ms(7'000, 100'000), 1'000) << "2 s later, twice as fast";
  EXPECT_EQ(clock.wait_ms(7'000, 100'400), 600);
  EXPECT_EQ(clock.wait_ms(7'000, 101'500), 0) << "late";
  EXPECT_EQ(clock.wait_ms(4'000, 101'500), 0) << "recorded before the first";
  EXPECT_EQ(clock.wait_ms(9'000, 101'500), 500) << "being late does not add up";
}

TEST(ReplayClockTest, SlowerAndAtOnce) {
  ReplayClock slow(0.5, 0);
  EXPECT_EQ(slow.wait_ms(1'000, 0), 0);
  EXPECT_EQ(slow.wait_ms(2'000, 0), 2'000);
  ReplayClock at_once(0, 0);
  EXPECT_EQ(at_once.wait_ms(1'000, 0), 0);
  EXPECT_EQ(at_once.wait_ms(9'000'000, 0), 0);
}

}  // namespace
}  // namespace slipstream::cli
