#include "rocketmq/client/pull_concurrency.h"

#include <functional>

#include <gtest/gtest.h>

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kMs = 1'000'000;

// As many answers as pulls are allowed, of pulls that were sent in this round.
void round_of(PullConcurrency& pulls, std::int64_t took_ns, bool wanted_more = true) {
  const std::uint64_t round = pulls.round();
  const int answers = pulls.allowed();
  if (wanted_more) pulls.wanted_more();
  for (int i = 0; i < answers; ++i) pulls.answered(round, took_ns);
}

// A broker whose answers take so long when so many pulls are under way; where the number rests.
int rests_at(const std::function<std::int64_t(int)>& took_ns) {
  PullConcurrency pulls({});
  pulls.answered(pulls.round(), took_ns(1));
  for (int i = 0; i < 40; ++i) round_of(pulls, took_ns(pulls.allowed()));
  return pulls.allowed();
}

TEST(PullConcurrencyTest, ABrokerFarAwayGetsMore) {
  PullConcurrency pulls({});
  for (const int allowed : {8, 16, 32, 64, 128, 128}) {
    EXPECT_EQ(pulls.allowed(), allowed);
    round_of(pulls, 20 * kMs);
  }
}

TEST(PullConcurrencyTest, UntilMoreBringNothingMore) {
  // Busy all the time from 40, 20 or 5 pulls on: they wait for each other then.
  const auto busy_from = [](int pulls_max) {
    return rests_at([pulls_max](int pulls) {
      return pulls <= pulls_max ? 20 * kMs : 20 * kMs * pulls / pulls_max;
    });
  };
  EXPECT_EQ(busy_from(40), 64);
  EXPECT_EQ(busy_from(20), 32);
  EXPECT_EQ(busy_from(5), 8);
}

TEST(PullConcurrencyTest, FewerAreAllowedWhenABrokerBecomesSlower) {
  PullConcurrency pulls({});
  while (pulls.allowed() < 64) round_of(pulls, 20 * kMs);
  round_of(pulls, 35 * kMs);
  EXPECT_EQ(pulls.allowed(), 64);
  round_of(pulls, 50 * kMs);
  EXPECT_EQ(pulls.allowed(), 32);
  for (int i = 0; i < 5; ++i) round_of(pulls, 50 * kMs);
  EXPECT_EQ(pulls.allowed(), 8);
}

TEST(PullConcurrencyTest, ANearBrokerGetsNoMore) {
  EXPECT_EQ(rests_at([](int) { return kMs / 10; }), 8);
  EXPECT_EQ(rests_at([](int) { return 0; }), 8);
}

TEST(PullConcurrencyTest, WhatIsNotWantedIsNotAllowed) {
  PullConcurrency pulls({});
  for (int i = 0; i < 5; ++i) round_of(pulls, 20 * kMs, false);
  EXPECT_EQ(pulls.allowed(), 8);
}

TEST(PullConcurrencyTest, AnswersToPullsOfAnEarlierRoundDoNotCount) {
  PullConcurrency pulls({});
  const std::uint64_t first = pulls.round();
  round_of(pulls, 20 * kMs);
  ASSERT_EQ(pulls.allowed(), 16);
  pulls.wanted_more();
  for (int i = 0; i < 100; ++i) pulls.answered(first, 20 * kMs);
  EXPECT_EQ(pulls.allowed(), 16);
}

TEST(PullConcurrencyTest, BeginsAnewAtTheEndOfAQueueAndKnowsTheDistance) {
  PullConcurrency pulls({});
  for (int i = 0; i < 3; ++i) round_of(pulls, 20 * kMs);
  ASSERT_EQ(pulls.allowed(), 64);
  pulls.begin_anew();
  EXPECT_EQ(pulls.allowed(), 8);
  round_of(pulls, 60 * kMs);  // the broker is busy: it was 20 ms
  EXPECT_EQ(pulls.allowed(), 8);
  pulls.forget_distance();
  round_of(pulls, 60 * kMs);  // another broker, which is farther away
  EXPECT_EQ(pulls.allowed(), 16);
}

TEST(PullConcurrencyTest, AShortAnswerHalvesOncePerRound) {
  PullConcurrency pulls({});
  for (int i = 0; i < 3; ++i) round_of(pulls, 20 * kMs);
  ASSERT_EQ(pulls.allowed(), 64);
  const std::uint64_t round = pulls.round();
  for (int i = 0; i < 64; ++i) pulls.answered_short(round);
  EXPECT_EQ(pulls.allowed(), 32);
  for (int i = 0; i < 10; ++i) pulls.answered_short(pulls.round());
  EXPECT_EQ(pulls.allowed(), 8);
}

TEST(PullConcurrencyTest, AFixedNumberStays) {
  PullConcurrency pulls(PullConcurrencyLimits::fixed(20));
  round_of(pulls, 20 * kMs);
  EXPECT_EQ(pulls.allowed(), 20);
  round_of(pulls, 200 * kMs);
  pulls.answered_short(pulls.round());
  EXPECT_EQ(pulls.allowed(), 20);
  pulls.begin_anew();
  EXPECT_EQ(pulls.allowed(), 20);
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
