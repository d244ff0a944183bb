#include "rocketmq/client/ready_frames.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::array<std::uint8_t, 100> kRecords{};

// A frame of the reader, recognised by its offset.
ReadyFrames::Ready frame(std::uint64_t reader, std::int64_t offset, std::size_t bytes = 0) {
  ReadyFrames::Ready made;
  made.reader = reader;
  made.frame.begin_offset = offset;
  made.frame.records = std::span<const std::uint8_t>(kRecords).first(bytes);
  return made;
}

std::vector<std::int64_t> take_all(ReadyFrames& frames) {
  std::vector<std::int64_t> offsets;
  while (!frames.empty()) offsets.push_back(frames.take().frame.begin_offset);
  return offsets;
}

using Offsets = std::vector<std::int64_t>;

TEST(ReadyFrames, AlikeTheyLeaveAsTheyCame) {
  ReadyFrames frames;
  for (std::int64_t i = 0; i < 6; ++i) frames.add(frame(static_cast<std::uint64_t>(3 - i % 3), i));
  EXPECT_EQ(take_all(frames), (Offsets{0, 1, 2, 3, 4, 5}));
}

TEST(ReadyFrames, ThoseNotNamedGoFirstThenTheOrderCounts) {
  ReadyFrames frames;
  for (std::int64_t round = 0; round < 2; ++round) {
    for (std::uint64_t reader = 1; reader <= 4; ++reader)
      frames.add(frame(reader, static_cast<std::int64_t>(reader) * 10 + round));
  }
  frames.set_read_order(std::vector<std::uint64_t>{3, 1});
  EXPECT_EQ(frames.take().frame.begin_offset, 20);
  frames.add(frame(3, 32));
  EXPECT_EQ(take_all(frames), (Offsets{40, 21, 41, 30, 31, 32, 10, 11}));
}

TEST(ReadyFrames, AnEmptyOrderMakesAllAlikeAgain) {
  ReadyFrames frames;
  frames.set_read_order(std::vector<std::uint64_t>{2, 1});
  frames.add(frame(1, 10));
  frames.add(frame(2, 20));
  frames.add(frame(1, 11));
  frames.set_read_order({});
  EXPECT_EQ(take_all(frames), (Offsets{10, 20, 11}));
}

TEST(ReadyFrames, WhatIsDroppedIsGoneWithItsPlaceInTheOrder) {
  ReadyFrames frames;
  frames.set_read_order(std::vector<std::uint64_t>{2, 1});
  frames.add(frame(1, 10, 7));
  frames.add(frame(2, 20, 5));
  frames.add(frame(1, 11, 8));
  EXPECT_EQ(frames.drop(1), 15U);
  EXPECT_EQ(frames.drop(1), 0U);
  frames.add(frame(1, 0));
  EXPECT_EQ(take_all(frames), (Offsets{0, 20})) << "assigned anew it is not named";
}

// Whatever happens, a reader's frames leave in their order and none is lost.
TEST(ReadyFrames, OrderWithinAReaderIsKept) {
  std::mt19937_64 random(7);
  ReadyFrames frames;
  std::array<std::int64_t, 5> added{};
  std::array<std::int64_t, 5> taken{};
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = random() % 16;
    if (what < 8) {
      const std::size_t reader = random() % added.size();
      frames.add(frame(reader, added[reader]++));
    } else if (what < 15) {
      if (frames.empty()) continue;
      const ReadyFrames::Ready ready = frames.take();
      ASSERT_EQ(ready.frame.begin_offset, taken[ready.reader]++);
    } else {
      std::vector<std::uint64_t> order{0, 1, 2, 3, 4};
      std::shuffle(order.begin(), order.end(), random);
      order.resize(random() % 6);
      frames.set_read_order(order);
    }
  }
  while (!frames.empty()) ++taken[frames.take().reader];
  EXPECT_EQ(taken, added);
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
