#include "base/bounded_queue.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(BoundedQueueTest, KeepsOrderAndCounts) {
  BoundedQueue<int> queue({.count_max = 3, .bytes_max = 100});
  EXPECT_TRUE(queue.try_push(1, 10));
  EXPECT_TRUE(queue.try_push(2, 20));
  EXPECT_EQ(queue.count(), 2U);
  EXPECT_EQ(queue.bytes(), 30U);
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_EQ(queue.try_pop(), 2);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(BoundedQueueTest, RefusesAtBothBoundsAndLeavesTheItem) {
  BoundedQueue<std::unique_ptr<int>> queue({.count_max = 2, .bytes_max = 100});
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(1), 60));
  auto too_large = std::make_unique<int>(2);
  EXPECT_FALSE(queue.try_push(std::move(too_large), 41));
  ASSERT_NE(too_large, nullptr);
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(3), 40));
  EXPECT_FALSE(queue.try_push(std::make_unique<int>(4), 0));
}

TEST(BoundedQueueTest, AnOversizedItemPassesWhenEmpty) {
  BoundedQueue<int> queue({.count_max = 2, .bytes_max = 10});
  EXPECT_TRUE(queue.try_push(1, 1'000));
  EXPECT_FALSE(queue.try_push(2, 1));
}

TEST(BoundedQueueTest, CloseRefusesPushesAndDrains) {
  BoundedQueue<int> queue({});
  EXPECT_TRUE(queue.push(1, 1));
  queue.close();
  EXPECT_FALSE(queue.push(2, 1));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueueTest, AFullQueueStopsTheProducerUntilThereIsRoom) {
  constexpr int kCount = 10'000;
  BoundedQueue<int> queue({.count_max = 4, .bytes_max = 1'000});
  std::jthread producer([&] {
    for (int i = 0; i < kCount; ++i) ASSERT_TRUE(queue.push(int(i), 1));
    queue.close();
  });
  int expected = 0;
  while (auto item = queue.pop()) {
    EXPECT_LE(queue.count(), 4U);
    ASSERT_EQ(*item, expected++);
  }
  EXPECT_EQ(expected, kCount);
}

TEST(BoundedQueueTest, TimedPopGivesUp) {
  BoundedQueue<int> queue({});
  EXPECT_EQ(queue.pop_for_ms(1), std::nullopt);
}

}  // namespace
}  // namespace slipstream
