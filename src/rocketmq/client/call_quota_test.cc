#include "rocketmq/client/call_quota.h"

#include <deque>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace slipstream::rocketmq::internal {
namespace {

// The most calls that left within any second, of callers that always have some; and how many in all.
struct Seen {
  std::size_t most = 0;
  std::int64_t all = 0;
};
Seen run(CallQuota& quota, std::int64_t for_ms, std::int64_t from_ms = 1'000'000) {
  Seen seen;
  std::deque<std::int64_t> second;
  for (std::int64_t now_ms = from_ms; now_ms < from_ms + for_ms;) {
    const std::int64_t wait_ms = quota.take_or_wait_ms(now_ms);
    if (wait_ms > 0) {
      now_ms += wait_ms;
      continue;
    }
    ++seen.all;
    second.push_back(now_ms);
    while (now_ms - second.front() >= 1'000) second.pop_front();
    seen.most = std::max(seen.most, second.size());
  }
  return seen;
}

TEST(CallQuota, NoSecondHoldsMore) {
  for (const std::int64_t calls : {1, 2, 3, 7, 10, 64, 100, 999, 1'000, 5'000, 7'777}) {
    CallQuota quota;
    quota.declare(calls);
    const Seen seen = run(quota, 10'000);
    EXPECT_LE(seen.most, static_cast<std::size_t>(calls));
    EXPECT_GE(seen.all, 10 * calls * 85 / 100) << calls << ": it is used, too";
  }
}

TEST(CallQuota, NothingIsSavedUpMeanwhile) {
  CallQuota quota;
  quota.declare(50);
  EXPECT_EQ(quota.take_or_wait_ms(1'000), 0);
  EXPECT_GT(quota.take_or_wait_ms(1'000), 0);
  EXPECT_EQ(quota.take_or_wait_ms(60'000), 0);
  EXPECT_GT(quota.take_or_wait_ms(60'000), 0);
}

TEST(CallQuota, TheSmallestThatIsDeclaredCounts) {
  CallQuota quota;
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(quota.take_or_wait_ms(0), 0) << "none is declared";
  quota.declare(100);
  quota.declare(10);
  EXPECT_LE(run(quota, 5'000).most, 10U);
  quota.withdraw(10);
  const Seen more = run(quota, 5'000, 2'000'000);
  EXPECT_LE(more.most, 100U);
  EXPECT_GT(more.most, 50U);
  quota.withdraw(100);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(quota.take_or_wait_ms(0), 0);
}

TEST(CallQuota, OneIsSharedPerCluster) {
  const auto one = CallQuota::of_cluster("a:1;b:2");
  EXPECT_EQ(one, CallQuota::of_cluster("a:1;b:2"));
  EXPECT_NE(one, CallQuota::of_cluster("c:3"));
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
