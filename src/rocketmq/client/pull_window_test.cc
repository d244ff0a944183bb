#include "rocketmq/client/pull_window.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace slipstream::rocketmq::internal {
namespace {

PulledFrame frame(std::int64_t begin, std::int64_t next, std::int64_t max) {
  PulledFrame made;
  made.begin_offset = begin;
  made.next_offset = next;
  made.max_offset = max;
  return made;
}

// Answers the pull as a broker with `cap` messages per answer and `max` messages does.
void answer(PullWindow& window, const PlannedPull& pull, std::int64_t cap, std::int64_t max,
            std::int64_t took_ns = 1) {
  if (!window.knows(pull.id)) return;
  if (pull.offset >= max) {
    if (window.is_front(pull.id)) {
      window.nothing_there(pull.id, max);
    } else {
      window.drop_from(pull.id);
    }
    return;
  }
  const std::int64_t next = std::min({pull.offset + cap, pull.offset + pull.messages_max, max});
  window.found(pull.id, frame(pull.offset, next, max), took_ns);
}

std::vector<PlannedPull> plan_all(PullWindow& window) {
  std::vector<PlannedPull> pulls;
  while (auto pull = window.plan()) pulls.push_back(*pull);
  return pulls;
}

TEST(PullWindowTest, LearnsTheStrideThenSpeculates) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 1'000});
  window.reset(10);
  const auto first = plan_all(window);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].offset, 10);
  EXPECT_EQ(first[0].messages_max, 1'000);
  answer(window, first[0], 32, 10'000);
  EXPECT_EQ(window.take()->next_offset, 42);

  const auto next = plan_all(window);
  ASSERT_EQ(next.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(next[i].offset, 42 + 32 * static_cast<std::int64_t>(i));
    EXPECT_EQ(next[i].messages_max, 32);
    EXPECT_FALSE(next[i].suspend);
  }
}

TEST(PullWindowTest, KeepsOrderWhenAnswersComeInAnyOrder) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(3), .messages_max = 100});
  window.reset(0);
  answer(window, plan_all(window)[0], 10, 1'000);
  ASSERT_EQ(window.take()->next_offset, 10);
  const auto pulls = plan_all(window);
  ASSERT_EQ(pulls.size(), 3U);
  answer(window, pulls[2], 10, 1'000);
  answer(window, pulls[1], 10, 1'000);
  EXPECT_FALSE(window.take().has_value());
  answer(window, pulls[0], 10, 1'000);
  EXPECT_EQ(window.take()->begin_offset, 10);
  EXPECT_EQ(window.take()->begin_offset, 20);
  EXPECT_EQ(window.take()->begin_offset, 30);
}

TEST(PullWindowTest, AShortAnswerLeavesAGapThatBlocks) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(2), .messages_max = 100});
  window.reset(0);
  answer(window, plan_all(window)[0], 10, 1'000);
  window.take();
  const auto pulls = plan_all(window);
  answer(window, pulls[1], 10, 1'000);
  answer(window, pulls[0], 4, 1'000);  // [10, 14): [14, 20) is missing
  EXPECT_EQ(window.take()->next_offset, 14);
  EXPECT_FALSE(window.take().has_value());
  EXPECT_TRUE(window.front_is_blocking());
  const auto gap = window.plan();
  ASSERT_TRUE(gap.has_value());
  EXPECT_EQ(gap->offset, 14);
  EXPECT_EQ(gap->messages_max, 6);
  answer(window, *gap, 10, 1'000);
  EXPECT_EQ(window.take()->begin_offset, 14);
  EXPECT_EQ(window.take()->begin_offset, 20);
  EXPECT_EQ(window.stride(), 4);
}

TEST(PullWindowTest, OneLongPollAtTheEndAndNothingBehind) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(8), .messages_max = 100});
  window.reset(0);
  answer(window, plan_all(window)[0], 10, 10);
  window.take();
  EXPECT_TRUE(window.at_end());
  const auto parked = plan_all(window);
  ASSERT_EQ(parked.size(), 1U);
  EXPECT_TRUE(parked[0].suspend);
  EXPECT_EQ(parked[0].offset, 10);
  EXPECT_TRUE(window.parked());
  answer(window, parked[0], 10, 11);
  EXPECT_EQ(window.take()->next_offset, 11);
  EXPECT_TRUE(plan_all(window)[0].suspend);
}

TEST(PullWindowTest, PullFrontAgainReplacesALongPollAndForgetsItsAnswer) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(1), .messages_max = 100});
  window.reset(0);
  answer(window, plan_all(window)[0], 10, 10);
  window.take();
  const auto parked = plan_all(window)[0];
  window.learn_max(12);
  window.pull_front_again();
  EXPECT_FALSE(window.knows(parked.id));
  const auto again = window.plan();
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->suspend);
  EXPECT_EQ(again->offset, 10);
}

TEST(PullWindowTest, ASpeculativePullOutsideTheQueueIsDroppedNotBelieved) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 100});
  window.reset(0);
  answer(window, plan_all(window)[0], 10, 1'000);
  window.take();
  const auto pulls = plan_all(window);
  window.drop_from(pulls[1].id);
  EXPECT_FALSE(window.knows(pulls[2].id));
  EXPECT_TRUE(plan_all(window).empty());  // not again before the front has answered
  answer(window, pulls[0], 10, 1'000);
  EXPECT_EQ(window.take()->next_offset, 20);
  EXPECT_EQ(plan_all(window).front().offset, 20);
}

TEST(PullWindowTest, AFailedPullIsSentAgainAndItsLateAnswerIgnored) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 100});
  window.reset(0);
  const auto first = plan_all(window)[0];
  window.failed(first.id);
  EXPECT_FALSE(window.knows(first.id));
  const auto again = plan_all(window);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].offset, 0);
}

TEST(PullWindowTest, ABrokerThatGivesMoreLaterIsNoticed) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 1'000});
  window.reset(0);
  std::int64_t largest = 0;
  for (int i = 0; i < 500; ++i) {
    for (const PlannedPull& pull : plan_all(window)) {
      answer(window, pull, i < 10 ? 8 : 32, 1'000'000);
      largest = std::max<std::int64_t>(largest, pull.messages_max);
    }
    while (window.take()) {
    }
  }
  EXPECT_EQ(window.stride(), 32);
}

TEST(PullWindowTest, FarFromTheBrokerMorePullsAreUnderWayUntilTheEndOfTheQueue) {
  PullWindow window({.messages_max = 32});
  window.reset(0);
  constexpr std::int64_t kEnd = 20'000;
  int most = 0;
  std::vector<PlannedPull> under_way = plan_all(window);
  while (window.position() < kEnd) {
    std::vector<PlannedPull> next;
    for (const PlannedPull& pull : under_way) {
      answer(window, pull, 32, kEnd, 20'000'000);
      while (window.take()) continue;
      for (const PlannedPull& sent : plan_all(window)) next.push_back(sent);
      most = std::max(most, window.under_way());
    }
    under_way = std::move(next);
  }
  EXPECT_EQ(most, 128);
  EXPECT_EQ(window.under_way(), 1);
  EXPECT_TRUE(window.parked());
  EXPECT_EQ(window.pulls_allowed(), 8) << "what comes later begins anew";
}

TEST(PullWindowTest, AnswersThatAreMuchShorterAllowFewer) {
  PullWindow window({.messages_max = 32});
  window.reset(0);
  const auto turn = [&](std::int64_t cap) {
    for (const PlannedPull& pull : plan_all(window))
      answer(window, pull, cap, 1'000'000, 20'000'000);
    while (window.take()) continue;
  };
  for (int i = 0; i < 20; ++i) turn(32);
  ASSERT_EQ(window.pulls_allowed(), 128);
  turn(31);
  turn(32);  // what was missing
  EXPECT_EQ(window.pulls_allowed(), 128);
  turn(8);
  EXPECT_EQ(window.pulls_allowed(), 64);
}

TEST(PullWindowTest, APullThatAsksForTheMostHoldsNoneBackBehindIt) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 1'000});
  window.reset(0);
  bool probed = false;
  for (int i = 0; i < 100; ++i) {
    const auto pulls = plan_all(window);
    ASSERT_EQ(pulls.size(), i == 0 ? 1U : 4U) << i;
    for (const PlannedPull& pull : pulls) {
      probed = probed || (i > 0 && pull.messages_max == 1'000);
      answer(window, pull, 32, 1'000'000);
    }
    while (window.take()) continue;
  }
  EXPECT_TRUE(probed);
}

TEST(PullWindowTest, WhatThePullThatAsksForTheMostBringsIsNotPulledAgain) {
  PullWindow window({.pulls = PullConcurrencyLimits::fixed(4), .messages_max = 1'000});
  window.reset(0);
  std::vector<PlannedPull> pulls;
  const auto probe = [&] {
    return std::find_if(pulls.begin(), pulls.end(),
                        [](const PlannedPull& pull) { return pull.messages_max == 1'000; });
  };
  answer(window, plan_all(window)[0], 10, 1'000'000);
  while (window.take()) continue;
  for (pulls = plan_all(window); probe() == pulls.end(); pulls = plan_all(window)) {
    for (const PlannedPull& pull : pulls) answer(window, pull, 10, 1'000'000);
    while (window.take()) continue;
  }
  const PlannedPull most = *probe();
  for (const PlannedPull& pull : pulls) {
    if (pull.offset < most.offset) answer(window, pull, 10, 1'000'000);
  }
  answer(window, most, 1'000, 1'000'000);
  for (const PlannedPull& pull : pulls) {
    EXPECT_FALSE(window.knows(pull.id)) << pull.offset;
  }
  while (window.take()) continue;
  EXPECT_EQ(window.position(), most.offset + 1'000);
  EXPECT_EQ(window.stride(), 1'000);
  EXPECT_EQ(plan_all(window).front().offset, window.position());
}

// Any answer order, any caps, failures, a growing queue: every offset leaves once, in order.
TEST(PullWindowTest, RandomScheduleGivesEveryOffsetOnceInOrder) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    PullWindow window({.pulls = PullConcurrencyLimits::fixed(static_cast<int>(1 + random() % 8)),
                       .messages_max = 64});
    window.reset(0);
    std::int64_t max = static_cast<std::int64_t>(random() % 500);
    std::int64_t expected = 0;
    std::vector<PlannedPull> under_way;
    for (int step = 0; step < 5'000 && expected < 2'000; ++step) {
      if (max < 2'000 && random() % 4 == 0) max += static_cast<std::int64_t>(random() % 40);
      while (auto pull = window.plan()) under_way.push_back(*pull);
      if (!under_way.empty()) {
        const std::size_t index = random() % under_way.size();
        const PlannedPull pull = under_way[index];
        under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(index));
        if (random() % 10 == 0 && window.knows(pull.id)) {
          window.failed(pull.id);
        } else {
          answer(window, pull, static_cast<std::int64_t>(1 + random() % 40), max);
        }
      }
      while (auto taken = window.take()) {
        ASSERT_EQ(taken->begin_offset, expected) << "seed " << seed;
        expected = taken->next_offset;
      }
    }
    EXPECT_GE(expected, 2'000) << "seed " << seed;
  }
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
