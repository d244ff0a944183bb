#include "flow/taps.h"

#include <atomic>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/testing/wait_until.h"
#include "flow/job.h"
#include "flow/testing/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;

Batch numbers_to(std::int64_t end) {
  ColumnBuilder numbers(Type::bigint());
  for (std::int64_t i = 0; i < end; ++i) numbers.append(i);
  return Batch(static_cast<std::size_t>(end), {numbers.finish()});
}

TEST(TapPoint, GivesBatchesToThoseThatAreAttached) {
  TapPoint point;
  point.offer(numbers_to(1));
  std::size_t first = 0;
  std::size_t second = 0;
  const auto one = point.attach([&](const Batch& batch) { first += batch.rows(); });
  point.offer(numbers_to(2));
  const auto other = point.attach([&](const Batch& batch) { second += batch.rows(); });
  point.offer(numbers_to(3));
  point.detach(one);
  point.offer(numbers_to(4));
  point.detach(other);
  point.offer(numbers_to(5));
  EXPECT_EQ(first, 5U);
  EXPECT_EQ(second, 7U);
}

TEST(TapPoint, ATaskDoesNotWaitForAConsumerThatAnotherOneIsIn) {
  TapPoint point;
  std::atomic<bool> entered{false};
  std::atomic<bool> let_go{false};
  std::atomic<int> calls{0};
  const auto slow = point.attach([&](const Batch&) {
    ++calls;
    entered = true;
    while (!let_go) std::this_thread::yield();
  });
  std::thread task([&] { point.offer(numbers_to(1)); });
  ASSERT_TRUE(wait_until([&] { return entered.load(); }));
  for (int i = 0; i < 100; ++i) point.offer(numbers_to(1));
  EXPECT_EQ(calls, 1) << "they passed it by";
  let_go = true;
  task.join();
  point.offer(numbers_to(1));
  EXPECT_EQ(calls, 2);
  point.detach(slow);
}

TEST(TapPoint, NobodyIsCalledBehindADetach) {
  TapPoint point;
  std::atomic<bool> ends{false};
  std::thread task([&] {
    while (!ends) point.offer(numbers_to(1));
  });
  for (int i = 0; i < 1'000; ++i) {
    auto gone = std::make_unique<std::atomic<int>>(0);
    const auto tap = point.attach([counts = gone.get()](const Batch&) { ++*counts; });
    point.detach(tap);
    gone.reset();  // a sanitizer sees a late call
  }
  ends = true;
  task.join();
}

Graph numbers_graph(std::shared_ptr<Source> source, const AuditSinkOptions& sink) {
  Graph graph;
  const NodeId numbers = graph.add(source_node(std::move(source)));
  const NodeId sum = graph.add(sum_node(numbers, 1'000));
  graph.add(sink_node(sum, std::make_shared<AuditSink>(sink)));
  return graph;
}

TEST(Taps, SeeWhatTheOperatorsOfAJobEmit) {
  NumbersOptions numbers;
  numbers.limit = std::make_shared<std::atomic<std::int64_t>>(0);
  AuditSinkOptions sink;
  EngineOptions options;
  options.parallelism = 2;
  const auto source = std::make_shared<NumbersSource>(numbers);
  auto job = Job::start(test_runtime(), numbers_graph(source, sink), options, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const std::shared_ptr<Taps> taps = (*job)->taps();
  ASSERT_EQ(taps->operators().size(), 3U);
  EXPECT_FALSE(taps->operators()[0].is_sink);
  EXPECT_TRUE(taps->operators()[2].is_sink);
  EXPECT_EQ(taps->operators()[2].inputs, (std::vector<std::size_t>{1}));
  Mutex mutex;
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  const auto tap = taps->point(0).attach([&](const Batch& batch) {
    MutexLock lock(mutex);
    for (std::size_t row = 0; row < batch.rows(); ++row)
      seen.emplace(batch.column(0)->data<std::int64_t>()[row],
                   batch.column(1)->data<std::int64_t>()[row]);
  });
  source->raise_limit(numbers.rows_per_split);
  const Status status = (*job)->wait();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(sink.audit->count(), numbers.splits * (1'000U + 1U)) << "the job lacks nothing";
  EXPECT_TRUE(taps->is_closed());
  taps->point(0).detach(tap);
  MutexLock lock(mutex);
  EXPECT_FALSE(seen.empty());
  for (const auto& [split, number] : seen) EXPECT_LT(number, 1'000) << split;
}

}  // namespace
}  // namespace slipstream::flow
