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

// Subtask 0 has reached 100 and has nothing more; subtask 1 has reached 50, and on its second batch
// nothing more either.
class IdleInTurn final : public Operator {
 public:
  Status open(const OperatorContext& context) override {
    subtask_ = context.subtask;
    return {};
  }
  Result<Progress> push(std::size_t, Batch&&, Emitter& out) override {
    ++batches_;
    if (batches_ == 1) out.emit_watermark(subtask_ == 0 ? 100 : 50);
    if (batches_ == (subtask_ == 0 ? 1 : 2)) out.emit_idle(true);
    return Progress::kDone;
  }

 private:
  std::uint32_t subtask_ = 0;
  int batches_ = 0;
};

class NoteWatermark final : public Operator {
 public:
  explicit NoteWatermark(std::shared_ptr<std::atomic<EventTime>> seen) : seen_(std::move(seen)) {}
  Status open(const OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&&, Emitter&) override { return Progress::kDone; }
  Result<Progress> advance(EventTime watermark, Emitter& out) override {
    *seen_ = watermark;
    out.emit_watermark(watermark);
    return Progress::kDone;
  }

 private:
  const std::shared_ptr<std::atomic<EventTime>> seen_;
};

TEST(Job, WhenTheLastSourceTaskGoesIdleTheGreatestWatermarkCounts) {
  NumbersOptions numbers;
  numbers.rows_per_split = 20;
  numbers.bounded = false;
  numbers.limit = std::make_shared<std::atomic<std::int64_t>>(10);
  const auto source = std::make_shared<NumbersSource>(numbers);
  const auto seen = std::make_shared<std::atomic<EventTime>>(kMinWatermark);
  Graph graph;
  const NodeId read = graph.add(source_node(source, 2));
  Node marks = operator_node(read, "marks", [] { return std::make_unique<IdleInTurn>(); });
  marks.parallelism = 2;
  marks.output = NumbersSource::numbers_schema();
  const NodeId marked = graph.add(std::move(marks));
  Node note =
      operator_node(marked, "note", [seen] { return std::make_unique<NoteWatermark>(seen); });
  note.parallelism = 1;
  note.inputs[0].partitioning = Partitioning::kSingle;
  note.output = NumbersSource::numbers_schema();
  const NodeId noted = graph.add(std::move(note));
  graph.add(
      sink_node(noted, std::make_shared<AuditSink>(AuditSinkOptions{}), Partitioning::kForward, 1));
  auto job = Job::start(std::move(graph), JobOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(eventually([&] { return *seen == 50; })) << "subtask 1 holds event time back";
  source->raise_limit(20);
  EXPECT_TRUE(eventually([&] { return *seen == 100; })) << "nobody holds event time back";
  (*job)->cancel();
  static_cast<void>((*job)->wait());
}

}  // namespace
}  // namespace slipstream::flow
