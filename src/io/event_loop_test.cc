#include "io/event_loop.h"

#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace slipstream::io {
namespace {

TEST(EventLoopTest, PostedWorkRunsInOrderOnTheLoop) {
  const SystemClock clock;
  EventLoop loop(clock, "test");
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  bool inside = false;
  ASSERT_TRUE(loop.run_and_wait([&] { inside = loop.in_loop(); }));
  EXPECT_TRUE(inside);
  EXPECT_FALSE(loop.in_loop());
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(EventLoopTest, TimersRunByTimeAndCancelledOnesNever) {
  const SystemClock clock;
  EventLoop loop(clock, "test");
  std::vector<int> order;
  std::promise<void> done;
  loop.post([&] {
    loop.run_after(20, [&] {
      order.push_back(2);
      done.set_value();
    });
    loop.run_after(1, [&] { order.push_back(1); });
    const TimerId cancelled = loop.run_after(0, [&] { order.push_back(99); });
    loop.cancel(cancelled);
    loop.cancel(TimerId::kNone);
  });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, StopDropsWhatDidNotRun) {
  const SystemClock clock;
  EventLoop loop(clock, "test");
  loop.stop();
  loop.stop();
  EXPECT_FALSE(loop.run_and_wait([] { FAIL() << "ran after stop"; }));
}

}  // namespace
}  // namespace slipstream::io
