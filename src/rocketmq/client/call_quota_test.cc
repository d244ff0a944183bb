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
    quota.declare(calls, 0);
    const Seen seen = run(quota, 10'000);
    EXPECT_LE(seen.most, static_cast<std::size_t>(calls));
    EXPECT_GE(seen.all, 10 * calls * 85 / 100) << calls << ": it is used, too";
  }
}

TEST(CallQuota, NothingIsSavedUpMeanwhile) {
  CallQuota quota;
  quota.declare(50, 0);
  EXPECT_EQ(quota.take_or_wait_ms(1'000), 0);
  EXPECT_GT(quota.take_or_wait_ms(1'000), 0);
  EXPECT_EQ(quota.take_or_wait_ms(60'000), 0);
  EXPECT_GT(quota.take_or_wait_ms(60'000), 0);
}

TEST(CallQuota, TheSmallestThatIsDeclaredCounts) {
  CallQuota quota;
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(quota.take_or_wait_ms(0), 0) << "none is declared";
  quota.declare(100, 0);
  quota.declare(10, 0);
  EXPECT_LE(run(quota, 5'000).most, 10U);
  quota.withdraw(10, 1'005'000);
  const Seen more = run(quota, 5'000, 2'000'000);
  EXPECT_LE(more.most, 100U);
  EXPECT_GT(more.most, 50U);
  quota.withdraw(100, 2'005'000);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(quota.take_or_wait_ms(3'000'000), 0);
}

TEST(CallQuota, BetweenFailureAndRestartItHolds) {
  CallQuota quota;
  quota.declare(10, 0);
  quota.withdraw(10, 1'000'000);
  EXPECT_LE(run(quota, 5'000, 1'000'000).most, 10U);
  quota.declare(20, 1'005'000);
  EXPECT_LE(run(quota, 5'000, 1'005'000).most, 10U) << "the other one may come back yet";
  EXPECT_GT(run(quota, 5'000, 1'000'000 + CallQuota::kKeptMs).most, 10U);
}

TEST(CallQuota, WhatLeftBeforeItWasDeclaredCounts) {
  CallQuota quota;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(quota.take_or_wait_ms(5'000), 0);
  quota.declare(50, 5'001);
  EXPECT_GE(quota.take_or_wait_ms(5'001), 1'000);
  EXPECT_EQ(quota.take_or_wait_ms(6'100), 0);
  quota.declare(5, 6'101);
  EXPECT_GE(quota.take_or_wait_ms(6'200), 900) << "a smaller one, too";
}

TEST(CallQuota, OneIsSharedByListsWithAServerInCommon) {
  const auto one = CallQuota::of_cluster({"a:1", "b:2"});
  EXPECT_EQ(one, CallQuota::of_cluster({"b:2", "a:1"}));
  EXPECT_EQ(one, CallQuota::of_cluster({"a:1"}));
  EXPECT_EQ(one, CallQuota::of_cluster({"d:4", "b:2"}));
  EXPECT_EQ(one, CallQuota::of_cluster({"d:4"}));
  EXPECT_NE(one, CallQuota::of_cluster({"c:3"}));
}

// Two that are found to be of one cluster later: whoever has either of them counts in both.
TEST(CallQuota, TwoBecomeOneWhenAListNamesBoth) {
  const auto left = CallQuota::of_cluster({"left:1"});
  const auto right = CallQuota::of_cluster({"right:1"});
  ASSERT_NE(left, right);
  left->declare(10, 0);
  const auto both = CallQuota::of_cluster({"left:1", "right:1"});
  EXPECT_LE(run(*right, 5'000).most, 10U);
  std::int64_t left_too = 0;
  for (const auto& quota : {left, right, both})
    left_too += quota->take_or_wait_ms(9'000'000) == 0 ? 1 : 0;
  EXPECT_EQ(left_too, 1);
  right->declare(1, 9'000'000);
  EXPECT_LE(run(*left, 5'000, 10'000'000).most, 1U);
  EXPECT_EQ(CallQuota::of_cluster({"right:1"}), CallQuota::of_cluster({"left:1"}));
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
