#include "rocketmq/client/process_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace slipstream::rocketmq::internal {
namespace {

std::vector<ReceivedMessage> messages(std::int64_t from, std::int64_t to) {
  std::vector<ReceivedMessage> all;
  for (std::int64_t offset = from; offset < to; ++offset) {
    ReceivedMessage message;
    message.queue_offset = offset;
    message.body = "ten bytes.";
    all.push_back(std::move(message));
  }
  return all;
}

TEST(ProcessQueueTest, OffsetsAreCommittedBehindWhatIsDoneWithoutAGap) {
  ProcessQueue queue(10);
  EXPECT_EQ(queue.commit_offset(), 10);
  queue.add(messages(10, 15), 17);  // 15 and 16 were filtered
  EXPECT_EQ(queue.commit_offset(), 10);
  const auto first = queue.take(2);
  const auto second = queue.take(2);
  queue.done(second[0]);
  queue.done(second[1]);
  EXPECT_EQ(queue.commit_offset(), 10) << "10 and 11 are not done";
  queue.done(first[0]);
  EXPECT_EQ(queue.commit_offset(), 11);
  queue.done(first[1]);
  EXPECT_EQ(queue.commit_offset(), 14);
  queue.done(queue.take(5)[0]);
  EXPECT_EQ(queue.commit_offset(), 17);
}

TEST(ProcessQueueTest, AQueueThatLostItsTailIsCommittedWhereItIsNow) {
  ProcessQueue queue(100);
  queue.add(messages(100, 102), 102);
  for (const ReceivedMessage& message : queue.take(2)) queue.done(message);
  EXPECT_EQ(queue.commit_offset(), 102);
  queue.add(messages(50, 51), 51);
  EXPECT_EQ(queue.commit_offset(), 50);
  queue.done(queue.take(1)[0]);
  EXPECT_EQ(queue.commit_offset(), 51);
}

TEST(ProcessQueueTest, WhatIsPutBackIsNext) {
  ProcessQueue queue(0);
  queue.add(messages(0, 4), 4);
  auto taken = queue.take(2);
  queue.put_back(std::move(taken));
  EXPECT_EQ(queue.take(1)[0].queue_offset, 0);
  EXPECT_EQ(queue.take(9).size(), 3U);
  EXPECT_FALSE(queue.has_waiting());
  EXPECT_EQ(queue.commit_offset(), 0);
}

TEST(ProcessQueueTest, CountsWhatIsNotDone) {
  ProcessQueue queue(0);
  queue.add(messages(0, 3), 3);
  EXPECT_EQ(queue.count(), 3U);
  EXPECT_EQ(queue.bytes(), 30U);
  const auto taken = queue.take(1);
  EXPECT_EQ(queue.count(), 3U);
  queue.done(taken[0]);
  queue.done(taken[0]);
  EXPECT_EQ(queue.count(), 2U);
  EXPECT_EQ(queue.bytes(), 20U);
}

}  // namespace
}  // namespace slipstream::rocketmq::internal
