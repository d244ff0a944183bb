#include "flow/event_time/channel_watermarks.h"

#include <random>

#include <gtest/gtest.h>

namespace slipstream::flow {
namespace {

using Channel = ChannelWatermarks::Channel;

// The watermark that the last call led to; kMinWatermark: it did not move.
EventTime moved(ChannelWatermarks& channels) {
  const auto reached = channels.advance();
  return reached ? reached->time_ms : kMinWatermark;
}

TEST(ChannelWatermarks, TheMinimumOfActiveChannels) {
  ChannelWatermarks channels(std::vector<Channel>(2));
  channels.receive(0, Watermark{100, 10});
  EXPECT_EQ(moved(channels), kMinWatermark) << "nothing is known of channel 1";
  channels.receive(1, Watermark{50, 20});
  const auto reached = channels.advance();
  ASSERT_TRUE(reached.has_value());
  EXPECT_EQ(reached->time_ms, 50);
  EXPECT_EQ(reached->as_of_ms, 20);
  channels.receive(1, Watermark{300, 30});
  EXPECT_EQ(moved(channels), 100);
  EXPECT_EQ(channels.idle_ms(), std::nullopt);
}

TEST(ChannelWatermarks, AProofCountsForWatermarksAsOfItsMomentAndBefore) {
  ChannelWatermarks channels(std::vector<Channel>(2));
  channels.receive(0, Watermark{100, 20});
  channels.receive(1, Idle{19});
  EXPECT_EQ(moved(channels), kMinWatermark) << "it may have got something in the last millisecond";
  channels.receive(1, Idle{20});
  EXPECT_EQ(moved(channels), 100);
  channels.receive(0, Watermark{200, 30});
  EXPECT_EQ(moved(channels), kMinWatermark);
  channels.receive(0, Watermark{300, 40});
  channels.receive(1, Idle{35});
  const auto reached = channels.advance();
  ASSERT_TRUE(reached.has_value());
  EXPECT_EQ(reached->time_ms, 200) << "what was reached by the time of the proof";
  EXPECT_EQ(reached->as_of_ms, 35);
}

TEST(ChannelWatermarks, WhatAnIdleChannelBringsHoldsEventTimeAgain) {
  ChannelWatermarks channels(std::vector<Channel>(2));
  channels.receive(0, Watermark{100, 10});
  channels.receive(1, Idle{30});
  EXPECT_EQ(moved(channels), 100);
  channels.receive(1, Active{});
  channels.receive(0, Watermark{200, 20});
  EXPECT_EQ(moved(channels), kMinWatermark);
  channels.receive(1, Watermark{150, 40});
  EXPECT_EQ(moved(channels), 150);
}

TEST(ChannelWatermarks, WhenNoneIsLeftTheGreatestCountsAtItsMoment) {
  ChannelWatermarks channels(std::vector<Channel>(3));
  channels.receive(0, Watermark{100, 10});
  channels.receive(1, Watermark{50, 20});
  channels.receive(2, Watermark{70, 30});
  EXPECT_EQ(moved(channels), 50);
  channels.receive(0, Idle{30});
  channels.receive(2, Idle{kAlwaysIdle});
  EXPECT_EQ(moved(channels), kMinWatermark);
  EXPECT_EQ(channels.idle_ms(), std::nullopt);
  channels.receive(1, Idle{35});
  const auto reached = channels.advance();
  ASSERT_TRUE(reached.has_value());
  EXPECT_EQ(reached->time_ms, 100);
  EXPECT_EQ(reached->as_of_ms, 30);
  EXPECT_EQ(channels.idle_ms(), 30);
  channels.receive(0, Idle{40});
  EXPECT_EQ(channels.idle_ms(), 35);
}

TEST(ChannelWatermarks, OneWithoutSplitsNeverHolds) {
  ChannelWatermarks channels(std::vector<Channel>(2));
  channels.receive(1, Idle{kAlwaysIdle});
  channels.receive(0, Watermark{100, 10});
  EXPECT_EQ(moved(channels), 100);
  channels.receive(0, Watermark{200, 20});
  EXPECT_EQ(moved(channels), 200);
}

TEST(ChannelWatermarks, TheEndOfAllIsTheEndOfEventTime) {
  ChannelWatermarks channels(std::vector<Channel>(3));
  channels.receive(0, Watermark{100, 10});
  channels.receive(1, Watermark{kMaxWatermark, 0});
  channels.receive(2, Idle{kAlwaysIdle});
  EXPECT_EQ(moved(channels), 100);
  channels.ended(0);
  EXPECT_EQ(moved(channels), kMinWatermark) << "an idle channel may still hold rows";
  EXPECT_EQ(channels.idle_ms(), kAlwaysIdle);
  channels.ended(2);
  EXPECT_EQ(moved(channels), kMaxWatermark);
  EXPECT_EQ(channels.idle_ms(), std::nullopt);
  EXPECT_EQ(moved(channels), kMinWatermark);
}

TEST(ChannelWatermarks, ChannelsOfTheSameUpstreamAreLeftOutTogether) {
  ChannelWatermarks channels({{0, true}, {0, true}, {1, false}});
  channels.receive(2, Watermark{100, 10});
  channels.receive(0, Idle{kAlwaysIdle});
  channels.receive(1, Watermark{200, 10});
  EXPECT_EQ(moved(channels), kMinWatermark) << "channel 0 will receive what channel 1 received";
  channels.receive(1, Idle{15});
  EXPECT_EQ(moved(channels), 100);
  channels.receive(2, Watermark{300, 20});
  EXPECT_EQ(moved(channels), kMinWatermark) << "channel 1 is proven for less";
  channels.receive(1, Idle{20});
  EXPECT_EQ(moved(channels), 300);
}

// By the definition, with all that was ever sent.
class Definition {
 public:
  explicit Definition(std::size_t channels) : sent_(channels), proven_(channels, -1) {}
  void watermark(std::size_t channel, EventTime watermark, std::int64_t as_of_ms) {
    sent_[channel].emplace_back(as_of_ms, watermark);
    proven_[channel] = -1;
  }
  void idle(std::size_t channel, std::int64_t proven_ms) { proven_[channel] = proven_ms; }
  EventTime watermark(std::int64_t until_ms) {
    for (std::int64_t moment = 0; moment <= until_ms; ++moment) best_ = std::max(best_, at(moment));
    return best_;
  }

 private:
  EventTime at(std::int64_t moment) const {
    EventTime least = kMaxWatermark;
    EventTime greatest = kMinWatermark;
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      EventTime then = kMinWatermark;
      for (const auto& [as_of_ms, watermark] : sent_[i]) {
        if (as_of_ms <= moment) then = std::max(then, watermark);
      }
      greatest = std::max(greatest, then);
      if (proven_[i] < moment) least = std::min(least, then);
    }
    return least == kMaxWatermark ? greatest : least;
  }

  std::vector<std::vector<std::pair<std::int64_t, EventTime>>> sent_;
  std::vector<std::int64_t> proven_;
  EventTime best_ = kMinWatermark;
};

// `apart`: milliseconds between two facts. What is forgotten between marks that are close makes the
// answer lower for a while, at most.
void compare(std::uint64_t seed, std::int64_t apart, bool exact) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) {
    return static_cast<std::int64_t>(random() % limit);
  };
  const std::size_t count = 1 + random() % 4;
  ChannelWatermarks channels{std::vector<Channel>(count)};
  Definition definition(count);
  std::vector<EventTime> newest(count, 0);
  EventTime reached = kMinWatermark;
  std::int64_t now = 10;
  for (int step = 0; step < 60; ++step) {
    now += apart;
    const std::size_t channel = random() % count;
    if (below(2) == 0) {
      newest[channel] += 1 + below(20);
      channels.receive(channel, Watermark{newest[channel], now});
      definition.watermark(channel, newest[channel], now);
    } else {
      const std::int64_t proven = std::max<std::int64_t>(0, now - below(40));
      channels.receive(channel, Idle{proven});
      definition.idle(channel, proven);
    }
    if (const auto moved = channels.advance()) {
      ASSERT_GT(moved->time_ms, reached);
      ASSERT_LE(moved->as_of_ms, now);
      reached = moved->time_ms;
    }
    const EventTime expected = definition.watermark(now);
    if (exact) {
      ASSERT_EQ(reached, expected) << "seed " << seed << ", step " << step;
    } else {
      ASSERT_LE(reached, expected) << "seed " << seed << ", step " << step;
    }
  }
  // Proofs for all of it.
  for (std::size_t i = 0; i < count; ++i) channels.receive(i, Idle{now});
  for (std::size_t i = 0; i < count; ++i) definition.idle(i, now);
  static_cast<void>(channels.advance());
  const EventTime end = definition.watermark(now);
  channels.receive(0, Watermark{end + 1, now + 1});
  for (std::size_t i = 0; i < count; ++i) channels.receive(i, Idle{now + 1});
  EXPECT_EQ(moved(channels), end + 1);
}

TEST(ChannelWatermarks, IsWhatTheDefinitionSays) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) compare(seed, 5, true);
}

TEST(ChannelWatermarks, ForgettingNeverMakesItGreater) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) compare(seed, 1, false);
}

TEST(ChannelWatermarks, AnOldProofStillFindsAMarkOfABusyChannel) {
  ChannelWatermarks channels(std::vector<Channel>(2));
  for (std::int64_t ms = 1; ms <= 10'000; ++ms) channels.receive(0, Watermark{ms, ms});
  channels.receive(1, Idle{8'000});
  const EventTime reached = moved(channels);
  EXPECT_LE(reached, 8'000);
  EXPECT_GT(reached, 0);
  channels.receive(1, Idle{9'900});
  const EventTime later = moved(channels);
  EXPECT_LE(later, 9'900);
  EXPECT_GT(later, 9'880);
}

}  // namespace
}  // namespace slipstream::flow
