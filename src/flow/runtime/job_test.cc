#include "flow/job.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "expr/expr.h"
#include "flow/event_time/watermark_assigner.h"
#include "flow/runtime/memory_budget.h"
#include "flow/testing/script_nodes.h"

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
  auto job = Job::start(test_runtime(), std::move(graph), EngineOptions{}, nullptr);
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
    EngineOptions options;
    options.parallelism = parallelism;
    auto job = Job::start(
        test_runtime(),
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
    if (batches_ == 1) out.emit(Watermark{subtask_ == 0 ? 100 : 50, 1});
    if (batches_ == (subtask_ == 0 ? 1 : 2)) out.emit(Idle{1});
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
  Result<Progress> advance(const Watermark& watermark, Emitter& out) override {
    *seen_ = watermark.time_ms;
    out.emit(watermark);
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
  auto job = Job::start(test_runtime(), std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(wait_until([&] { return *seen == 50; })) << "subtask 1 holds event time back";
  source->raise_limit(20);
  EXPECT_TRUE(wait_until([&] { return *seen == 100; })) << "nobody holds event time back";
  (*job)->cancel();
  static_cast<void>((*job)->wait());
}

// Two splits, which give what the test says.
class FedSource final : public Source {
 public:
  Schema schema() const override {
    Schema schema;
    schema.add("ts", Type::timestamp(3));
    return schema;
  }
  bool bounded() const override { return false; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext) override {
    return std::unique_ptr<SplitEnumerator>(std::make_unique<Enumerator>());
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    std::lock_guard lock(mutex_);
    contexts_.push_back(context);
    return std::unique_ptr<SourceReader>(std::make_unique<Reader>(*this));
  }

  void row(std::uint32_t split, EventTime ms) {
    ColumnBuilder times(Type::timestamp(3));
    times.append<std::int64_t>(ms * 1'000);
    feed(split, {Batch(1, {times.finish()}), {SplitRun{split, 0}}, {}});
  }
  void proven_empty(std::uint32_t split, std::int64_t asked_ms) {
    feed(split, {{}, {}, {SplitEvent{split, SplitIdle{{.asked_ms = asked_ms}}}}});
  }
  // As a reader was told last.
  std::vector<std::uint32_t> paused() {
    std::lock_guard lock(mutex_);
    return paused_;
  }
  std::vector<std::uint32_t> preferred() {
    std::lock_guard lock(mutex_);
    return preferred_;
  }
  std::int64_t proofs_outdated_until_ms() {
    std::lock_guard lock(mutex_);
    return contexts_.empty() ? 0 : contexts_.front().proofs_outdated_until_ms();
  }

 private:
  class Enumerator final : public SplitEnumerator {
   public:
    Result<Discovery> discover() override {
      return Discovery{{Split{"0", ""}, Split{"1", ""}}, false};
    }
    std::string snapshot() override { return {}; }
  };
  class Reader final : public SourceReader {
   public:
    explicit Reader(FedSource& source) : source_(source) {}
    Status add_split(std::uint32_t index, const Split&) override {
      splits_.push_back(index);
      return {};
    }
    Result<Poll> poll(SourceBatch* out, Batch*) override {
      std::lock_guard lock(source_.mutex_);
      for (const std::uint32_t split : splits_) {
        auto& fed = source_.fed_[split];
        if (fed.empty()) continue;
        *out = std::move(fed.front());
        fed.erase(fed.begin());
        return Poll::kBatch;
      }
      return Poll::kNothing;
    }
    Result<std::vector<Split>> snapshot(CheckpointId) override { return std::vector<Split>(); }
    void checkpoint_complete(CheckpointId) override {}
    void pause(std::span<const std::uint32_t> splits) override {
      std::lock_guard lock(source_.mutex_);
      source_.paused_.assign(splits.begin(), splits.end());
    }
    void set_read_order(std::span<const std::uint32_t> splits) override {
      std::lock_guard lock(source_.mutex_);
      source_.preferred_.assign(splits.begin(), splits.end());
    }

   private:
    FedSource& source_;
    std::vector<std::uint32_t> splits_;
  };

  void feed(std::uint32_t split, SourceBatch batch) {
    std::lock_guard lock(mutex_);
    fed_[split].push_back(std::move(batch));
    for (const ReaderContext& context : contexts_) context.wake();
  }

  std::mutex mutex_;
  std::map<std::uint32_t, std::vector<SourceBatch>> fed_;
  std::vector<ReaderContext> contexts_;
  std::vector<std::uint32_t> paused_;
  std::vector<std::uint32_t> preferred_;
};

// What the task behind two source tasks has seen.
struct Behind {
  std::atomic<EventTime> watermark{kMinWatermark};
  std::atomic<EventTime> newest_row{kMinWatermark};
  std::atomic<int> late{0};
};

class CountLate final : public Operator {
 public:
  explicit CountLate(std::shared_ptr<Behind> seen) : seen_(std::move(seen)) {}
  Status open(const OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter&) override {
    const EventTime ms = batch.column(0)->data<std::int64_t>()[0] / 1'000;
    if (ms <= seen_->watermark) ++seen_->late;
    seen_->newest_row = ms;
    return Progress::kDone;
  }
  Result<Progress> advance(const Watermark& watermark, Emitter&) override {
    seen_->watermark = watermark.time_ms;
    return Progress::kDone;
  }

 private:
  const std::shared_ptr<Behind> seen_;
};

TEST(Job, AQueueProvenEmptyBeforeTheRowsOfAnotherTaskHoldsEventTimeForThem) {
  const auto source = std::make_shared<FedSource>();
  const auto seen = std::make_shared<Behind>();
  WatermarkAssignerSpec spec;
  spec.watermark = expr::column(0, Type::timestamp(3), "ts");
  spec.eval.wall_micros = [] { return std::int64_t{0}; };
  spec.empty_grace_ms = 0;
  Graph graph;
  const NodeId read = graph.add(source_node(source, 2));
  Node marks = operator_node(read, "marks", [spec] { return make_watermark_assigner(spec); });
  marks.parallelism = 2;
  marks.output = source->schema();
  Node behind = operator_node(graph.add(std::move(marks)), "behind",
                              [seen] { return std::make_unique<CountLate>(seen); });
  behind.parallelism = 1;
  behind.inputs[0].partitioning = Partitioning::kSingle;
  behind.output = NumbersSource::numbers_schema();
  graph.add(sink_node(graph.add(std::move(behind)), std::make_shared<AuditSink>(AuditSinkOptions{}),
                      Partitioning::kForward, 1));
  auto job = Job::start(test_runtime(), std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const SystemClock clock;
  const auto ask = [&](std::uint32_t split) {
    const std::int64_t sent_ms = source->proofs_outdated_until_ms();
    ASSERT_TRUE(wait_until([&] { return clock.now_ms() > sent_ms; }));
    source->proven_empty(split, clock.now_ms() - 1);
  };

  source->row(1, 10);
  source->row(0, 50);
  EXPECT_TRUE(wait_until([&] { return seen->watermark == 10; }));
  ask(1);
  EXPECT_TRUE(wait_until([&] { return seen->watermark == 50; })) << "split 1 was empty after it";
  const std::int64_t proven_ms = clock.now_ms();
  ASSERT_TRUE(wait_until([&] { return clock.now_ms() > proven_ms; }));
  source->row(0, 1'000);
  source->row(0, 1'001);  // behind the watermark of the one before
  EXPECT_TRUE(wait_until([&] { return seen->newest_row == 1'001; }));
  EXPECT_EQ(seen->watermark, 50) << "split 1 may have got rows since then";
  source->row(1, 500);
  EXPECT_TRUE(wait_until([&] { return seen->watermark == 500; }));
  EXPECT_EQ(seen->late, 0);
  ask(1);
  EXPECT_TRUE(wait_until([&] { return seen->watermark == 1'001; })) << "the proof was renewed";
  source->row(1, 1'002);
  EXPECT_TRUE(wait_until([&] {
    ask(0);
    return seen->watermark == 1'002;
  })) << "now split 0 is left out";
  EXPECT_EQ(seen->late, 0);
  (*job)->cancel();
  static_cast<void>((*job)->wait());
}

TEST(Job, ASourceIsToldWhatToPauseAndWhatToReadFirst) {
  using Splits = std::vector<std::uint32_t>;
  const auto source = std::make_shared<FedSource>();
  WatermarkAssignerSpec spec;
  spec.watermark = expr::column(0, Type::timestamp(3), "ts");
  spec.eval.wall_micros = [] { return std::int64_t{0}; };
  spec.max_drift_ms = 60'000;
  Graph graph;
  const NodeId read = graph.add(source_node(source, 1));
  Node marks = operator_node(read, "marks", [spec] { return make_watermark_assigner(spec); });
  marks.parallelism = 1;
  marks.output = source->schema();
  Node behind = operator_node(graph.add(std::move(marks)), "behind", [] {
    return std::make_unique<CountLate>(std::make_shared<Behind>());
  });
  behind.parallelism = 1;
  behind.output = NumbersSource::numbers_schema();
  graph.add(sink_node(graph.add(std::move(behind)), std::make_shared<AuditSink>(AuditSinkOptions{}),
                      Partitioning::kForward, 1));
  auto job = Job::start(test_runtime(), std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  source->row(0, 50'000);
  EXPECT_TRUE(wait_until([&] {
    source->row(1, 0);
    return source->preferred() == Splits{1, 0};
  }));
  EXPECT_EQ(source->paused(), Splits{});
  source->row(0, 60'001);
  EXPECT_TRUE(wait_until([&] { return source->paused() == Splits{0}; }));
  source->row(1, 1);
  EXPECT_TRUE(wait_until([&] { return source->paused().empty(); }));
  (*job)->cancel();
  static_cast<void>((*job)->wait());
}

TEST(Job, ReportsItsGraphAndWhatPassedOverIt) {
  AuditSinkOptions sink;
  NumbersOptions numbers;
  numbers.splits = 2;
  EngineOptions options;
  options.parallelism = 2;
  options.checkpoint_interval = std::chrono::milliseconds(5);
  auto job = Job::start(
      test_runtime(),
      sum_graph(std::make_shared<NumbersSource>(numbers), std::make_shared<AuditSink>(sink)),
      options, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE((*job)->wait().ok());
  const JobReport report = (*job)->report();
  ASSERT_EQ(report.vertices.size(), 3U) << "source, sum, sink";
  ASSERT_EQ(report.edges.size(), 2U);
  EXPECT_EQ(report.edges[0].from, 0U);
  EXPECT_EQ(report.edges[0].to, 1U);
  EXPECT_EQ(report.edges[0].partitioning, Partitioning::kHash);
  EXPECT_EQ(report.edges[0].rows, 2'000);
  EXPECT_EQ(report.edges[0].queued_bytes, 0U);
  EXPECT_GT(report.edges[0].queued_bytes_max, 0U);
  std::int64_t written = 0;
  for (const TaskReport& task : report.tasks) written += task.vertex == 2 ? task.rows_out : 0;
  EXPECT_EQ(written, static_cast<std::int64_t>(sink.audit->count()));
  ASSERT_FALSE(report.checkpoints.empty());
  EXPECT_EQ(report.checkpoints.back().kind, CheckpointReport::Kind::kFinal);
  EXPECT_EQ(report.checkpoints.back().id, report.last_checkpoint);
  EXPECT_TRUE(report.checkpoints.back().completed);
  EXPECT_EQ(report.checkpoints.back().state_bytes, 0U) << "nobody goes on from there";
  EXPECT_LE(report.checkpoints.size(), JobReport::kHistoryMax);
}

TEST(Job, SeveralShareOneBudget) {
  Runtime runtime({.memory_bytes = std::size_t{1} << 30});
  NumbersOptions numbers;
  numbers.bounded = false;
  EngineOptions options;
  options.memory_bytes = 0;
  std::vector<std::unique_ptr<Job>> jobs;
  for (int i = 0; i < 2; ++i) {
    auto job = Job::start(runtime,
                          sum_graph(std::make_shared<NumbersSource>(numbers),
                                    std::make_shared<AuditSink>(AuditSinkOptions{})),
                          options, nullptr);
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    jobs.push_back(std::move(*job));
  }
  for (const auto& job : jobs) {
    job->cancel();
    static_cast<void>(job->wait());
  }
  jobs.clear();
  EXPECT_EQ(runtime.memory()->used(), 0U);
}

TEST(Prometheus, EachFamilyHasOneHeadForAllJobs) {
  JobReport report;
  report.vertices = {{"a", 1}};
  report.tasks.push_back({});
  const std::string text = prometheus_text({{"one", report}, {"two", report}});
  const std::string head = "# TYPE slipstream_task_rows_in_total counter\n";
  const std::size_t at = text.find(head);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(text.find(head, at + 1), std::string::npos);
  EXPECT_NE(text.find("rows_in_total{job=\"one\""), std::string::npos);
  EXPECT_NE(text.find("rows_in_total{job=\"two\""), std::string::npos);
}

}  // namespace
}  // namespace slipstream::flow
