#include "base/work_pool.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/no_threads.h"
#include "base/testing/wait_until.h"

namespace slipstream {
namespace {

using namespace std::chrono_literals;

TEST(WorkPool, ThreadsComeWithWorkAndGoWithoutItButForOne) {
  WorkPool pool({.idle = 1ms});
  EXPECT_EQ(pool.threads(), 0U);
  std::atomic<bool> may_end{false};
  std::atomic<int> running{0};
  for (int i = 0; i < 3; ++i) {
    pool.run([&] {
      ++running;
      EXPECT_TRUE(wait_until([&] { return may_end.load(); }));
    });
  }
  ASSERT_TRUE(wait_until([&] { return running == 3; }));
  EXPECT_GE(pool.threads(), 3U);
  may_end = true;
  EXPECT_TRUE(wait_until([&] { return pool.threads() == 1; }));
}

TEST(WorkPool, WhatGetsNoThreadIsLeftToThoseThatAreThere) {
  std::atomic<int> done{0};
  WorkPool pool({.threads = 4});
  {
    const NoThreads none;
    const Status refused = pool.start();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(pool.threads(), 0U);
    pool.run([&] { ++done; });
  }
  ASSERT_TRUE(pool.start().ok());
  ASSERT_TRUE(wait_until([&] { return done == 1; }));
  const NoThreads none;
  for (int i = 0; i < 100; ++i) pool.run([&] { ++done; });
  EXPECT_TRUE(wait_until([&] { return done == 101; }));
  EXPECT_EQ(pool.threads(), 1U);
}

TEST(WorkPool, ManyShortPiecesMakeNoMoreThreadsThanTakeThemAtOnce) {
  std::atomic<int> done{0};
  WorkPool pool({.threads = 2, .patience = 1h});
  for (int i = 0; i < 1'000; ++i) pool.run([&] { ++done; });
  ASSERT_TRUE(wait_until([&] { return done == 1'000; }));
  EXPECT_LE(pool.threads(), 3U) << "two, and one that is patient";
}

TEST(WorkPool, WorkDoesNotWaitBehindWorkThatWaits) {
  std::atomic<bool> may_end{false};
  std::atomic<int> running{0};
  WorkPool pool({.threads = 1, .threads_max = 4, .patience = 1ms});
  for (int i = 0; i < 5; ++i) {
    pool.run([&] {
      ++running;
      EXPECT_TRUE(wait_until([&] { return may_end.load(); }));
    });
  }
  EXPECT_TRUE(wait_until([&] { return running == 4; }));
  EXPECT_EQ(pool.threads(), 4U) << "the bound";
  may_end = true;
  EXPECT_TRUE(wait_until([&] { return running == 5; }));
}

TEST(WorkPool, TheEndRunsWhatIsLeft) {
  std::atomic<int> done{0};
  {
    WorkPool pool({.threads = 1, .patience = 1h});
    for (int i = 0; i < 100; ++i) pool.run([&] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(WorkQueue, RunsInOrderAndOneAtATime) {
  WorkPool pool({});
  WorkQueue queue(pool);
  std::vector<int> seen;  // not guarded: one at a time
  std::atomic<bool> done{false};
  for (int i = 0; i < 500; ++i) queue.post([&seen, i] { seen.push_back(i); });
  queue.post([&] { done = true; });
  ASSERT_TRUE(wait_until([&] { return done.load(); }));
  ASSERT_EQ(seen.size(), 500U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(WorkQueue, CloseWaitsForWhatRunsAndDropsTheRest) {
  std::atomic<int> dropped{0};
  auto pool = std::make_unique<WorkPool>(WorkPool::Options{});
  WorkQueue queue(*pool);
  std::atomic<bool> runs{false};
  std::atomic<bool> may_end{false};
  std::atomic<bool> ended{false};
  queue.post([&] {
    runs = true;
    EXPECT_TRUE(wait_until([&] { return may_end.load(); }));
    ended = true;
  });
  queue.post([&] { ++dropped; });
  ASSERT_TRUE(wait_until([&] { return runs.load(); }));
  std::thread closer([&] {
    queue.close();
    EXPECT_TRUE(ended);
  });
  // A closed queue lets go of what it is given.
  EXPECT_TRUE(wait_until([&] {
    auto held = std::make_shared<int>();
    const std::weak_ptr<int> seen = held;
    queue.post([&dropped, held = std::move(held)] { ++dropped; });
    return seen.expired();
  }));
  may_end = true;
  closer.join();
  pool.reset();  // runs all that is left anywhere
  EXPECT_EQ(dropped, 0);
}

TEST(WorkQueue, ItsOwnWorkMayCloseIt) {
  WorkPool pool({});
  std::atomic<bool> closed{false};
  std::atomic<bool> others{false};
  auto queue = std::make_unique<WorkQueue>(pool);
  queue->post([&] {
    queue->post([&] { others = true; });
    queue->close();
    queue.reset();
    closed = true;
  });
  ASSERT_TRUE(wait_until([&] { return closed.load(); }));
  EXPECT_FALSE(others);
}

}  // namespace
}  // namespace slipstream
