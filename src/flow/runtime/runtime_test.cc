#include "flow/runtime.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/no_threads.h"
#include "flow/runtime/task_pool.h"
#include "flow/testing/script_nodes.h"

namespace slipstream::flow {
namespace {

using namespace script;
using namespace std::chrono_literals;

class Counter final : public Runnable {
 public:
  explicit Counter(Next next) : next_(next) {}
  Next run() override {
    ++slices;
    return next_;
  }
  std::atomic<int> slices{0};

 private:
  const Next next_;
};

class Blocked final : public Runnable {
 public:
  explicit Blocked(bool outside) : outside_(outside) {}
  Next run() override {
    std::unique_ptr<OutsideWait> wait;
    if (outside_) wait = std::make_unique<OutsideWait>();
    runs = true;
    EXPECT_TRUE(wait_until([&] { return may_end.load(); }));
    return Next::kDone;
  }
  std::atomic<bool> runs{false};
  std::atomic<bool> may_end{false};

 private:
  const bool outside_;
};

TEST(TaskPool, ARetiredTaskRunsNoMore) {
  TaskPool pool(2);
  for (const Runnable::Next next : {Runnable::Next::kPark, Runnable::Next::kYield}) {
    Counter task(next);
    pool.schedule(task);
    ASSERT_TRUE(wait_until([&] { return task.slices > 0; }));
    pool.retire(task);
    const int slices = task.slices;
    pool.schedule(task);
    pool.retire(task);
    EXPECT_EQ(task.slices, slices);
  }
  Counter never(Runnable::Next::kPark);
  pool.retire(never);
  pool.schedule(never);
  EXPECT_EQ(never.slices, 0);
}

TEST(TaskPool, RetireWaitsForTheSliceThatRuns) {
  TaskPool pool(1);
  auto task = std::make_unique<Blocked>(false);
  Counter behind(Runnable::Next::kPark);
  pool.schedule(*task);
  ASSERT_TRUE(wait_until([&] { return task->runs.load(); }));
  pool.schedule(behind);
  task->may_end = true;
  pool.retire(*task);
  task.reset();
  ASSERT_TRUE(wait_until([&] { return behind.slices == 1; }));
  pool.retire(behind);
}

TEST(TaskPool, WhoWaitsForTheOutsideHoldsNoOther) {
  TaskPool pool(1);
  Blocked waits(true);
  Blocked waits_too(true);
  Counter other(Runnable::Next::kPark);
  pool.schedule(waits);
  pool.schedule(waits_too);
  ASSERT_TRUE(wait_until([&] { return waits.runs && waits_too.runs; }));
  pool.schedule(other);
  EXPECT_TRUE(wait_until([&] { return other.slices == 1; }));
  waits.may_end = true;
  waits_too.may_end = true;
  pool.retire(waits);
  pool.retire(waits_too);
  pool.retire(other);
}

TEST(TaskPool, TwoTasksInARowWakeTwoThreads) {
  for (int round = 0; round < 200; ++round) {
    TaskPool pool(2);
    Counter first(Runnable::Next::kPark);
    pool.schedule(first);
    ASSERT_TRUE(wait_until([&] { return first.slices == 1; }));
    Blocked blocked(false);
    Counter behind(Runnable::Next::kPark);
    // One thread sleeps by now: both calls may reach it before it wakes.
    pool.schedule(blocked);
    pool.schedule(behind);
    const bool ran = wait_until([&] { return behind.slices == 1; }, 10'000);
    blocked.may_end = true;
    for (Runnable* task : std::vector<Runnable*>{&first, &blocked, &behind}) pool.retire(*task);
    ASSERT_TRUE(ran) << "round " << round;
  }
}

TEST(TaskPool, WhatGetsNoThreadIsLeftToThoseThatAreThere) {
  TaskPool pool(2);
  Counter first(Runnable::Next::kPark);
  Counter second(Runnable::Next::kPark);
  {
    const NoThreads none;
    EXPECT_EQ(pool.start().error().code, ErrorCode::kResourceExhausted);
    pool.schedule(first);
  }
  ASSERT_TRUE(pool.start().ok());
  ASSERT_TRUE(wait_until([&] { return first.slices == 1; }));
  {
    const NoThreads none;
    pool.schedule(second);
    pool.schedule(first);
    EXPECT_TRUE(wait_until([&] { return first.slices == 2 && second.slices == 1; }));
  }
  pool.retire(first);
  pool.retire(second);
}

// finding 42
TEST(Runtime, TwoJobsOfOneNameAreCountedApart) {
  Runtime runtime;
  const Runtime::JobLabel first(runtime, "a");
  {
    const Runtime::JobLabel second(runtime, "a");
    EXPECT_EQ(first.text(), "a");
    EXPECT_EQ(second.text(), "a#2");
    EXPECT_EQ(Runtime::JobLabel(runtime, "a").text(), "a#3");
  }
  EXPECT_EQ(Runtime::JobLabel(runtime, "a").text(), "a#2");
  EXPECT_EQ(Runtime::JobLabel(runtime, "b").text(), "b");
}

std::size_t threads_of_process() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

Graph copy_graph(const NumbersOptions& numbers, const AuditSinkOptions& sink) {
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers), 1));
  graph.add(sink_node(source, std::make_shared<AuditSink>(sink), Partitioning::kForward, 1));
  return graph;
}

// finding 41
TEST(Runtime, FiftyJobsShareAFewThreads) {
  const std::size_t before = threads_of_process();
  Runtime runtime({.cores = 2});
  const TemporaryFolder folder;
  std::vector<AuditSinkOptions> sinks(50);
  std::vector<std::unique_ptr<Job>> jobs;
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    NumbersOptions numbers;
    numbers.bounded = false;
    sinks[i].guarantee = Guarantee::kExactlyOnce;
    EngineOptions options;
    options.parallelism = 2;
    options.checkpoint_interval = 20ms;
    options.checkpoint_dir = folder.path() + "/" + std::to_string(i);
    auto job = Job::start(runtime, copy_graph(numbers, sinks[i]), options, nullptr);
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    jobs.push_back(std::move(*job));
  }
  std::size_t most = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_TRUE(wait_until([&] {
      most = std::max(most, threads_of_process());
      return sinks[i].audit->count() == 2'000 && jobs[i]->report().completed_checkpoints > 1;
    })) << i;
  }
  // Two of tasks, one of timers, four and eight of the pools, and those that are patient.
  EXPECT_LE(most - before, 25U);
  for (const auto& job : jobs) job->cancel();
}

TEST(Runtime, AnIdleJobNeedsNoThreadOfItsOwn) {
  FakeClock clock;
  Runtime runtime({.cores = 1, .clock = &clock});
  NumbersOptions numbers;
  numbers.rows_per_split = 10;
  numbers.bounded = false;
  AuditSinkOptions sink;
  auto job = Job::start(runtime, copy_graph(numbers, sink), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(wait_until([&] { return sink.audit->count() == 20; }));
  EXPECT_TRUE(wait_until(
      [&] { return runtime.coordination().threads() == 1 && runtime.blocking().threads() == 1; }));
}

// Holds the only thread of a pool.
class Holder {
 public:
  explicit Holder(WorkPool& pool) {
    pool.run([this] {
      holds_ = true;
      EXPECT_TRUE(wait_until([&] { return may_end_.load(); }));
      ended_ = true;
    });
    EXPECT_TRUE(wait_until([&] { return holds_.load(); }));
  }
  ~Holder() {
    may_end_ = true;
    EXPECT_TRUE(wait_until([&] { return ended_.load(); }));
  }

 private:
  std::atomic<bool> holds_{false};
  std::atomic<bool> may_end_{false};
  std::atomic<bool> ended_{false};
};

TEST(Runtime, JobsTakeCheckpointsAndEndWhileAllThatMayWaitForPeersDo) {
  Runtime runtime({}, {.blocking = {.threads = 1, .threads_max = 1}});
  const TemporaryFolder folder;
  NumbersOptions numbers;
  numbers.bounded = false;
  AuditSinkOptions sink;
  EngineOptions options;
  options.checkpoint_interval = 20ms;
  options.checkpoint_dir = folder.path();
  auto started = Job::start(runtime, copy_graph(numbers, sink), options, nullptr);
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  Job& job = **started;
  ASSERT_TRUE(wait_until([&] { return sink.audit->count() == 2'000; }));
  const Holder peer(runtime.blocking());
  const std::uint64_t before = job.report().completed_checkpoints;
  EXPECT_TRUE(wait_until([&] { return job.report().completed_checkpoints > before + 2; }, 10'000));
  job.cancel();
  EXPECT_TRUE(wait_until([&] { return job.wait_for(0ms).has_value(); }, 10'000));
}

TEST(Runtime, AJobWithoutThreadsFailsAndOthersGoOn) {
  Runtime runtime;
  NumbersOptions numbers;
  numbers.bounded = false;
  const auto start = [&](const AuditSinkOptions& sink) {
    return Job::start(runtime, copy_graph(numbers, sink), EngineOptions{}, nullptr);
  };
  {
    const NoThreads none;
    const auto refused = start(AuditSinkOptions{});
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(refused.error().retryable);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("the system gives no thread"));
  }
  std::vector<AuditSinkOptions> sinks(2);
  const auto first = start(sinks[0]);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  const NoThreads none;
  const auto second = start(sinks[1]);
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  for (const AuditSinkOptions& sink : sinks)
    EXPECT_TRUE(wait_until([&] { return sink.audit->count() == 2'000; }));
  (*first)->cancel();
  (*second)->cancel();
  EXPECT_EQ((*first)->wait().error().code, ErrorCode::kCancelled);
  EXPECT_EQ((*second)->wait().error().code, ErrorCode::kCancelled);
}

// User code that does not return.
class Stuck final : public Operator {
 public:
  Stuck(std::shared_ptr<std::atomic<bool>> is_stuck, std::shared_ptr<std::atomic<bool>> may_go_on)
      : is_stuck_(std::move(is_stuck)), may_go_on_(std::move(may_go_on)) {}
  Status open(const OperatorContext& context) override {
    static_cast<void>(context);
    return {};
  }
  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override {
    static_cast<void>(input);
    *is_stuck_ = true;
    EXPECT_TRUE(wait_until([&] { return may_go_on_->load(); }));
    out.emit(std::move(batch));
    return Progress::kDone;
  }

 private:
  const std::shared_ptr<std::atomic<bool>> is_stuck_;
  const std::shared_ptr<std::atomic<bool>> may_go_on_;
};

TEST(Runtime, AJobThatDoesNotComeToAnEndHoldsNoOther) {
  Runtime runtime({.cores = 2}, {.coordination = {.threads = 1, .threads_max = 1}});
  NumbersOptions numbers;
  numbers.bounded = false;
  const auto is_stuck = std::make_shared<std::atomic<bool>>(false);
  const auto may_go_on = std::make_shared<std::atomic<bool>>(false);
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers), 1));
  const NodeId stuck = graph.add(
      operator_node(source, "stuck", [=] { return std::make_unique<Stuck>(is_stuck, may_go_on); }));
  graph.nodes[stuck].parallelism = 1;
  graph.nodes[stuck].output = NumbersSource::numbers_schema();
  graph.add(
      sink_node(stuck, std::make_shared<AuditSink>(AuditSinkOptions{}), Partitioning::kForward, 1));
  const auto first = Job::start(runtime, std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  ASSERT_TRUE(wait_until([&] { return is_stuck->load(); }));
  (*first)->cancel();
  EngineOptions options;
  options.checkpoint_interval = 20ms;
  AuditSinkOptions sink;
  const auto second = Job::start(runtime, copy_graph(numbers, sink), options, nullptr);
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  EXPECT_TRUE(wait_until([&] { return (*second)->report().completed_checkpoints > 2; }, 10'000));
  EXPECT_FALSE((*first)->wait_for(0ms).has_value());
  (*second)->cancel();
  EXPECT_TRUE(wait_until([&] { return (*second)->wait_for(0ms).has_value(); }, 10'000));
  *may_go_on = true;
  EXPECT_EQ((*first)->wait().error().code, ErrorCode::kCancelled);
}

// Whose brokers do not answer: it tells them of a checkpoint until it is stopped.
class Mute final : public Source {
 public:
  explicit Mute(NumbersOptions numbers, std::shared_ptr<std::atomic<int>> waiting)
      : numbers_(std::move(numbers)), waiting_(std::move(waiting)) {}
  Schema schema() const override { return NumbersSource::numbers_schema(); }
  bool bounded() const override { return true; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return NumbersSource(numbers_).make_enumerator(std::move(context));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<Reader>(numbers_, std::move(context), waiting_));
  }

 private:
  class Reader final : public SourceReader {
   public:
    Reader(const NumbersOptions& numbers, ReaderContext context,
           std::shared_ptr<std::atomic<int>> waiting)
        : stop_(context.stop),
          waiting_(std::move(waiting)),
          numbers_(numbers, std::move(context)) {}
    Status add_split(std::uint32_t index, const Split& split) override {
      return numbers_.add_split(index, split);
    }
    Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
      return numbers_.poll(out, rejected);
    }
    Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
      return numbers_.snapshot(checkpoint);
    }
    void checkpoint_complete(CheckpointId checkpoint) override {
      static_cast<void>(checkpoint);
      ++*waiting_;
      EXPECT_TRUE(wait_until([&] { return stop_.stop_requested(); }));
    }

   private:
    const std::stop_token stop_;
    const std::shared_ptr<std::atomic<int>> waiting_;
    NumbersReader numbers_;
  };
  const NumbersOptions numbers_;
  const std::shared_ptr<std::atomic<int>> waiting_;
};

TEST(JobTime, AllSourcesHaveOneDeadlineAtTheEnd) {
  FakeClock clock;
  Runtime runtime({.cores = 2, .clock = &clock});
  const auto waiting = std::make_shared<std::atomic<int>>(0);
  NumbersOptions numbers;
  numbers.splits = 1;
  Graph graph;
  for (int i = 0; i < 8; ++i) {
    Node node = source_node(std::make_shared<Mute>(numbers, waiting), 1);
    node.uid += std::to_string(i);
    const NodeId source = graph.add(std::move(node));
    Node sink = sink_node(source, std::make_shared<AuditSink>(AuditSinkOptions{}),
                          Partitioning::kForward, 1);
    sink.uid += std::to_string(i);
    graph.add(std::move(sink));
  }
  const auto job = Job::start(runtime, std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(wait_until([&] { return waiting->load() == 2; })) << "one on each core";
  int deadlines = 0;  // that have passed; the first comes before the job waits, mostly
  const auto has_ended = [&] {
    return wait_until([&] { return (*job)->wait_for(0ms).has_value(); },
                      deadlines == 1 ? 100 : 10'000);
  };
  do {
    clock.advance_ms(2'000);
    ++deadlines;
  } while (deadlines < 8 && !has_ended());
  EXPECT_LT(deadlines, 8) << "one for each source";
  EXPECT_TRUE((*job)->wait().ok());
}

// Returns when all is done that is due, as far as the only thread of coordination goes.
void await_what_is_due(Runtime& runtime) {
  std::atomic<bool> done{false};
  Timer witness(runtime.timers(), [&] { runtime.coordination().run([&] { done = true; }); });
  witness.arm_after(0);
  EXPECT_TRUE(wait_until([&] { return done.load(); }));
}

TEST(JobTime, CheckpointsAreTakenWhenTheIntervalIsOver) {
  FakeClock clock;
  const std::int64_t begin_ms = clock.wall_ms();
  Runtime runtime({.clock = &clock}, {.coordination = {.threads = 1, .threads_max = 1}});
  NumbersOptions numbers;
  numbers.bounded = false;
  AuditSinkOptions sink;
  auto started = Job::start(runtime, copy_graph(numbers, sink), EngineOptions{}, nullptr);
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  Job& job = **started;
  ASSERT_TRUE(wait_until([&] { return sink.audit->count() == 2'000; }));
  for (std::uint64_t i = 1; i <= 3; ++i) {
    clock.advance_ms(9'999);
    await_what_is_due(runtime);
    clock.advance_ms(1);
    ASSERT_TRUE(wait_until([&] { return job.report().completed_checkpoints == i; })) << i;
    EXPECT_EQ(job.report().checkpoints.back().begun_ms,
              begin_ms + static_cast<std::int64_t>(i) * 10'000);
  }
  EXPECT_FALSE(job.wait_for(0ms));
}

TEST(JobTime, ARestartWaitsTwiceAsLongEachTime) {
  FakeClock clock;
  Runtime runtime({.clock = &clock}, {.coordination = {.threads = 1, .threads_max = 1}});
  NumbersOptions numbers;
  numbers.bounded = false;
  numbers.rows_per_split = 10;
  AuditSinkOptions sink;
  Graph graph;
  const auto attempts = std::make_shared<std::atomic<int>>(0);
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers), 1));
  const NodeId fails = graph.add(operator_node(source, "fails", [attempts] {
    ++*attempts;
    return std::make_unique<FailOnce>(
        std::make_shared<std::atomic<std::int64_t>>(*attempts <= 3 ? 1 : -1), false,
        Error::retry(ErrorCode::kUnavailable, "it is away"));
  }));
  graph.nodes[fails].parallelism = 1;
  graph.nodes[fails].output = NumbersSource::numbers_schema();
  graph.add(sink_node(fails, std::make_shared<AuditSink>(sink), Partitioning::kForward, 1));
  EngineOptions options;
  options.restart_delay = 1s;
  options.restart_delay_max = 3s;
  auto started = Job::start(runtime, std::move(graph), options, nullptr);
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  Job& job = **started;
  const auto is_restarting = [&](std::uint64_t restarts) {
    const JobReport report = job.report();
    return report.restarts == restarts && report.state == JobReport::State::kRestarting;
  };
  std::uint64_t restarts = 0;
  for (const std::int64_t delay_ms : {1'000, 2'000, 3'000}) {
    ASSERT_TRUE(wait_until([&] { return is_restarting(restarts + 1); }));
    ++restarts;
    clock.advance_ms(delay_ms - 1);
    await_what_is_due(runtime);
    EXPECT_TRUE(is_restarting(restarts));
    EXPECT_EQ(*attempts, static_cast<int>(restarts));
    clock.advance_ms(1);
  }
  EXPECT_TRUE(wait_until([&] { return sink.audit->count() >= 20; }));
  EXPECT_EQ(job.report().restarts, 3U);
}

TEST(JobTime, ACancelEndsTheWaitForARestart) {
  FakeClock clock;
  Runtime runtime({.clock = &clock});
  NumbersOptions numbers;
  numbers.bounded = false;
  Graph graph;
  const NodeId source = graph.add(source_node(std::make_shared<NumbersSource>(numbers), 1));
  const NodeId fails = graph.add(operator_node(source, "fails", [] {
    return std::make_unique<FailOnce>(std::make_shared<std::atomic<std::int64_t>>(1), false,
                                      Error::retry(ErrorCode::kUnavailable, "it is away"));
  }));
  graph.nodes[fails].parallelism = 1;
  graph.nodes[fails].output = NumbersSource::numbers_schema();
  graph.add(sink_node(fails, std::make_shared<AuditSink>(AuditSinkOptions{})));
  auto job = Job::start(runtime, std::move(graph), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(wait_until([&] { return (*job)->report().state == JobReport::State::kRestarting; }));
  (*job)->cancel();
  EXPECT_EQ((*job)->wait().error().code, ErrorCode::kCancelled);
}

TEST(Job, TellsItsEndToWhoAskedBeforeAndAfterIt) {
  NumbersOptions numbers;
  numbers.bounded = false;
  AuditSinkOptions sink;
  auto job = Job::start(test_runtime(), copy_graph(numbers, sink), EngineOptions{}, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  std::atomic<int> calls{0};
  const auto ended = [&](const Status& status) {
    EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
    ++calls;
  };
  (*job)->when_ended(ended);
  EXPECT_EQ(calls, 0);
  (*job)->cancel();
  EXPECT_TRUE(wait_until([&] { return calls == 1; }));
  (*job)->when_ended(ended);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace slipstream::flow
