#include "base/timers.h"

#include <atomic>

#include <gtest/gtest.h>

#include "base/testing/no_threads.h"
#include "base/testing/wait_until.h"

namespace slipstream {
namespace {

TEST(Timers, CallInTheOrderOfTheirTimes) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  std::atomic<int> calls{0};
  std::atomic<bool> before{false};
  Timer late(timers, [&] { second = ++calls; });
  Timer early(timers, [&] { first = ++calls; });
  Timer witness(timers, [&] { before = true; });
  late.arm_after(200);
  early.arm_after(100);
  witness.arm_after(99);
  clock.advance_ms(99);
  ASSERT_TRUE(wait_until([&] { return before.load(); }));
  EXPECT_EQ(calls, 0);
  clock.advance_ms(101);
  ASSERT_TRUE(wait_until([&] { return calls == 2; }));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

TEST(Timers, ATimeReplacesTheFormerOne) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<int> calls{0};
  std::atomic<int> others{0};
  Timer timer(timers, [&] { ++calls; });
  Timer other(timers, [&] { ++others; });
  timer.arm_after(10);
  timer.arm_after(1'000);
  other.arm_after(20);
  clock.advance_ms(20);
  ASSERT_TRUE(wait_until([&] { return others == 1; }));
  EXPECT_EQ(calls, 0);
  clock.advance_ms(980);
  ASSERT_TRUE(wait_until([&] { return calls == 1; }));
}

TEST(Timers, AFunctionMaySetItsOwnTimeAgain) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<int> calls{0};
  Timer* self = nullptr;
  Timer timer(timers, [&] {
    if (++calls < 3) self->arm_after(0);
  });
  self = &timer;
  timer.arm_after(0);
  ASSERT_TRUE(wait_until([&] { return calls == 3; }));
}

TEST(Timers, WhatWasSetWithoutAThreadIsCalledWhenThereIsOne) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<int> calls{0};
  Timer timer(timers, [&] { ++calls; });
  {
    const NoThreads none;
    timer.arm_after(0);
    EXPECT_EQ(timers.start().error().code, ErrorCode::kResourceExhausted);
  }
  ASSERT_TRUE(timers.start().ok());
  EXPECT_TRUE(wait_until([&] { return calls == 1; }));
}

TEST(Timers, DisarmWaitsForTheFunctionThatRuns) {
  FakeClock clock;
  Timers timers(clock);
  std::atomic<bool> runs{false};
  std::atomic<bool> may_end{false};
  std::atomic<bool> ended{false};
  Timer timer(timers, [&] {
    runs = true;
    EXPECT_TRUE(wait_until([&] { return may_end.load(); }));
    ended = true;
  });
  timer.arm_after(0);
  ASSERT_TRUE(wait_until([&] { return runs.load(); }));
  may_end = true;
  timer.disarm();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace slipstream
