#include "flow/job.h"

#include <gtest/gtest.h>

#include "flow/runtime/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;

Graph sum_graph(const std::shared_ptr<Source>& source, const std::shared_ptr<Sink>& sink) {
  Graph graph;
  const NodeId numbers = graph.add(source_node(source));
  const NodeId sum = graph.add(sum_node(numbers, 1'000));
  graph.add(sink_node(sum, sink));
  return graph;
}

void expect_each_once(Audit& audit, std::uint32_t splits, std::int64_t rows) {
  const auto counts = audit.tally();
  for (std::uint32_t split = 0; split < splits; ++split) {
    for (std::int64_t number = 0; number < rows; ++number) {
      const auto found = counts.find({split, number});
      ASSERT_TRUE(found != counts.end()) << "lost " << split << "/" << number;
      ASSERT_EQ(found->second, 1) << "duplicated " << split << "/" << number;
    }
    const auto sum = counts.find({-1 - std::int64_t{split}, rows * (rows - 1) / 2});
    ASSERT_TRUE(sum != counts.end()) << "wrong sum of split " << split;
    ASSERT_EQ(sum->second, 1);
  }
  ASSERT_EQ(counts.size(), splits * (static_cast<std::size_t>(rows) + 1));
}

TEST(Job, RunsAChainToTheEnd) {
  AuditSinkOptions sink;
  Graph graph;
  const NodeId numbers =
      graph.add(source_node(std::make_shared<NumbersSource>(NumbersOptions{}), 1));
  graph.add(sink_node(numbers, std::make_shared<AuditSink>(sink), Partitioning::kForward, 1));
  auto job = Job::start(std::move(graph), JobOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const Status status = (*job)->wait();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(sink.audit->count(), 2'000U);
  EXPECT_EQ((*job)->report().tasks.size(), 1U);
}

TEST(Job, RunsAKeyedJobInParallel) {
  for (const std::uint32_t parallelism : {1U, 3U}) {
    AuditSinkOptions sink;
    NumbersOptions numbers;
    numbers.splits = 5;
    JobOptions options;
    options.parallelism = parallelism;
    auto job = Job::start(
        sum_graph(std::make_shared<NumbersSource>(numbers), std::make_shared<AuditSink>(sink)),
        options, nullptr);
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    const Status status = (*job)->wait();
    EXPECT_TRUE(status.ok()) << status.to_string();
    expect_each_once(*sink.audit, 5, 1'000);
  }
}

}  // namespace
}  // namespace slipstream::flow
