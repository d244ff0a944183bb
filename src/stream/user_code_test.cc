// What becomes of mistakes in user code: exceptions wherever it is called, and wrong use of streams.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "slipstream/stream.h"
#include "slipstream/stream/testing.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::vector<std::int64_t> kNumbers{1, 2, 3};
constexpr auto kIgnore = [](const std::int64_t&) {};
constexpr auto kSame = [](const std::int64_t& number) { return number; };

JobSettings quick(std::string name) {
  return {.name = std::move(name), .restart_attempts = 1, .restart_delay = 1ms};
}

// Finding 36 and section 4: which function of a chain threw, what, and not "internal error".
TEST(UserCode, TheFunctionOfAChainThatThrewIsNamed) {
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(
      input.stream()
          .map(kSame)
          .name("first")
          .flat_map<std::int64_t>([](std::int64_t number, auto& out) { out.collect(number); })
          .name("second")
          .filter([](std::int64_t number) -> bool {
            if (number == 3) throw std::out_of_range("three is refused");
            return true;
          })
          .name("third"));
  input.send(2);
  input.send(3);
  EXPECT_THAT(output.take(), ElementsAre(2));
  EXPECT_EQ(job.status().error().code, ErrorCode::kUserCode);
  EXPECT_THAT(job.status().to_string(),
              AllOf(HasSubstr("filter() of 'third' threw std::out_of_range: three is refused"),
                    Not(HasSubstr("internal"))));
}

TEST(UserCode, AFailureKeepsItsCodeAndGetsTheNameOfTheFunction) {
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(input.stream()
                               .map([](std::int64_t) -> std::int64_t {
                                 throw Failure(Error{ErrorCode::kDataError, "no such unit"});
                               })
                               .name("convert"));
  input.send(1);
  EXPECT_EQ(job.status().error().code, ErrorCode::kDataError);
  EXPECT_THAT(job.status().to_string(), HasSubstr("map() of 'convert': no such unit"));
}

// A function that handles what came out of the one behind it, and throws something else.
TEST(UserCode, AnExceptionThatWasCaughtIsNotBlamed) {
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto output =
      job.output(input.stream()
                     .flat_map<std::int64_t>([](std::int64_t number, auto& out) {
                       try {
                         out.collect(number);
                       } catch (const std::exception&) {
                         throw 42;
                       }
                     })
                     .name("outer")
                     .map([](std::int64_t) -> std::int64_t { throw std::runtime_error("inner"); })
                     .name("inner"));
  input.send(1);
  EXPECT_THAT(job.status().to_string(), HasSubstr("flat_map() of 'outer' threw int"));
}

TEST(UserCode, KeysTimersWindowsAndTimesAreNamed) {
  class Timers final : public KeyedProcessFunction<std::int64_t, std::int64_t, std::int64_t> {
   public:
    void process_element(const std::int64_t& number, Context& context, Collector<Out>&) override {
      context.timers().register_event_time_timer(number);
    }
    void on_timer(Timestamp, OnTimerContext&, Collector<Out>&) override {
      throw std::runtime_error("ring");
    }
  };
  const auto failure_of = [](const auto& build) {
    testing::TestJob job;
    auto input = job.input<std::int64_t>();
    auto output = job.output(build(input.stream()));
    input.send(1, 1);
    input.watermark(10'000);
    return job.status().to_string();
  };
  const auto refuse = [](const std::int64_t&) -> std::int64_t { throw std::runtime_error("no"); };
  EXPECT_THAT(failure_of([&](auto in) { return in.key_by(refuse).name("k").process(Timers()); }),
              HasSubstr("key_by() of 'k' threw std::runtime_error: no"));
  EXPECT_THAT(failure_of([&](auto in) { return in.key_by(kSame).process(Timers()).name("t"); }),
              HasSubstr("on_timer() of 't' threw std::runtime_error: ring"));
  EXPECT_THAT(failure_of([&](auto in) {
                return in
                    .assign_timestamps_and_watermarks(
                        WatermarkStrategy<std::int64_t>::for_monotonous_timestamps()
                            .with_timestamp_assigner(refuse))
                    .name("times");
              }),
              HasSubstr("timestamp assigner of 'times' threw std::runtime_error: no"));
}

// Finding 36: it ended the process.
TEST(UserCode, AnExceptionOutOfOnMessageEndsTheJob) {
  JobSettings settings = quick("talk");
  settings.on_message = [](std::string_view) { throw std::runtime_error("no paper"); };
  settings.checkpoint_interval = 0ms;  // which is said at the start
  Environment env(settings);
  struct Endless final : SourceFunction<std::int64_t> {
    void run(SourceContext<std::int64_t>& context) override {
      while (context.is_running()) context.collect(1);
    }
  };
  env.add_source(Endless()).add_sink(kIgnore);
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const auto status = job->wait_for(20s);
  ASSERT_TRUE(status.has_value()) << "the job goes on";
  EXPECT_EQ(status->to_string(),
            "user code failed: on_message() threw std::runtime_error: no paper");
  EXPECT_EQ(job->report().state, JobStatus::State::kFailed);
}

class BadClose final : public SinkFunction<std::int64_t> {
 public:
  void invoke(const std::int64_t&, Context&) override {}
  void close() override { throw std::runtime_error("the file is gone"); }
};

// Finding 36: it was swallowed.
TEST(UserCode, AnExceptionOutOfCloseFailsTheJob) {
  Environment env(quick("close"));
  env.from_elements(kNumbers).add_sink(BadClose()).name("writer");
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok());
  EXPECT_THAT(job->await().to_string(),
              AllOf(HasSubstr("operator 'writer' [0]"),
                    HasSubstr("close() of 'writer' threw std::runtime_error: the file is gone")));
  EXPECT_EQ(job->report().state, JobStatus::State::kFailed);
  EXPECT_THAT(job->report().last_error, HasSubstr("the file is gone"));
}

// An attempt that failed for another reason is made up for by the next one.
TEST(UserCode, CloseOfAFormerAttemptIsNotHeldAgainstTheJob) {
  class CloseOnce final : public SinkFunction<std::int64_t> {
   public:
    explicit CloseOnce(std::shared_ptr<std::atomic<int>> count) : count_(std::move(count)) {}
    void invoke(const std::int64_t& number, Context&) override {
      if (number == 3 && *count_ == 0) throw std::runtime_error("first attempt");
    }
    void close() override {
      if ((*count_)++ == 0) throw std::runtime_error("closed badly");
    }

   private:
    std::shared_ptr<std::atomic<int>> count_;
  };
  Environment env(quick("again"));
  auto count = std::make_shared<std::atomic<int>>(0);
  env.from_elements(kNumbers).add_sink(CloseOnce(count));
  const Status status = env.execute();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(count->load(), 2);
}

TEST(UserCode, AnExceptionOutOfCancelFailsTheJob) {
  struct Source final : SourceFunction<std::int64_t> {
    void run(SourceContext<std::int64_t>& context) override { context.collect(1); }
    void cancel() override { throw std::runtime_error("cannot be cancelled"); }
    bool bounded() const override { return true; }
  };
  Environment env(quick("cancel"));
  env.add_source(Source(), "feed").add_sink(kIgnore);
  EXPECT_THAT(env.execute().to_string(),
              HasSubstr("cancel() of source 'feed' threw std::runtime_error: cannot be cancelled"));
}

// Splits of one number each.
class Numbers final : public SplitSource<std::int64_t> {
 public:
  explicit Numbers(std::shared_ptr<std::atomic<int>> failures) : failures_(std::move(failures)) {}
  std::vector<Split> discover() override {
    if (--*failures_ >= 0) throw std::runtime_error("no network");
    return {{"a", ""}};
  }
  std::unique_ptr<SplitReader<std::int64_t>> open(const Split&) override {
    class Reader final : public SplitReader<std::int64_t> {
     public:
      Poll poll(SplitOutput<std::int64_t>& out) override {
        out.collect(7);
        return Poll::kEnd;
      }
      std::string position() const override { return "end"; }
    };
    return std::make_unique<Reader>();
  }

 private:
  std::shared_ptr<std::atomic<int>> failures_;
};

// Finding 36: the job ended without a restart.
TEST(UserCode, DiscoverThatThrowsAtTheStartRestartsTheJob) {
  auto failures = std::make_shared<std::atomic<int>>(1);
  Environment env(quick("splits"));
  auto seen = std::make_shared<std::atomic<std::int64_t>>(0);
  env.add_split_source(Numbers(failures), "numbers").add_sink([seen](std::int64_t n) {
    *seen += n;
  });
  const Status status = env.execute();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(seen->load(), 7);

  failures->store(100);
  Environment worse(quick("worse"));
  worse.add_split_source(Numbers(failures), "numbers").add_sink(kIgnore);
  auto job = worse.execute_async();
  ASSERT_TRUE(job.ok());
  EXPECT_THAT(job->await().to_string(),
              HasSubstr("discover() of source 'numbers' threw std::runtime_error: no network"));
  EXPECT_EQ(job->report().restarts, 1U);
}

TEST(UserCode, ATransactionThatThrowsIsNamed) {
  struct Ledger final : TwoPhaseSink<std::int64_t> {
    void invoke(const std::int64_t&) override { throw 1.5; }
    std::string pre_commit() override { return ""; }
    Status commit(const std::string&) override { return {}; }
  };
  const auto folder =
      std::filesystem::temp_directory_path() / ("user_code_test." + std::to_string(getpid()));
  JobSettings settings = quick("ledger");
  settings.checkpoint_dir = folder.string();
  settings.restart_attempts = 0;
  {
    Environment env(settings);
    env.from_elements(kNumbers).add_two_phase_sink(Ledger());
    EXPECT_THAT(env.execute().to_string(), HasSubstr("invoke() of the TwoPhaseSink threw double"));
  }
  std::filesystem::remove_all(folder);
}

// Finding 34: wrong rows, status ok.
TEST(WrongUse, AStreamOfAnotherEnvironmentIsRefused) {
  Environment other({.name = "other"});
  auto stranger = other.from_elements(kNumbers);
  const auto refusal_of = [&](const auto& use) {
    Environment env({.name = "mine"});
    use(env.from_elements(kNumbers));
    return env.execute().to_string();
  };
  const auto is_refused = [](const std::string& what) {
    return HasSubstr(what + ": a stream of another environment ('other') in that of 'mine'");
  };
  EXPECT_THAT(refusal_of([&](auto mine) { mine.union_with(mine, stranger).add_sink(kIgnore); }),
              is_refused("union_with"));
  EXPECT_THAT(
      refusal_of([&](auto mine) { mine.connect(stranger).map(kSame, kSame).add_sink(kIgnore); }),
      is_refused("connect"));
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(stranger);
  input.send(1);
  EXPECT_THAT(job.status().to_string(), HasSubstr("output: a stream of another environment"));
}

TEST(WrongUse, AnEmptyFunctionIsFoundBeforeTheJobRuns) {
  Environment env({.name = "empty"});
  auto numbers = env.from_elements(kNumbers);
  std::function<std::int64_t(const std::int64_t&)> none;
  std::int64_t (*pointer)(const std::int64_t&) = nullptr;
  numbers.map(none).key_by(pointer).reduce(
      std::function<std::int64_t(const std::int64_t&, const std::int64_t&)>());
  numbers.filter(std::function<bool(const std::int64_t&)>());
  numbers.add_sink(std::function<void(const std::int64_t&)>());
  numbers.sink_to(nullptr);
  env.from_source<std::int64_t>(nullptr);
  EXPECT_THAT(
      env.execute().to_string(),
      AllOf(HasSubstr("map: the function is empty"), HasSubstr("key_by: the function is empty"),
            HasSubstr("reduce: the function is empty"), HasSubstr("filter: the function is empty"),
            HasSubstr("add_sink: the function is empty"), HasSubstr("sink_to: there is"),
            HasSubstr("from_source: there is none")));
}

TEST(WrongUse, AnEmptyUidIsRefused) {
  Environment env({.name = "uid"});
  env.from_elements(kNumbers).map(kSame).uid("").name("doubt").add_sink(kIgnore);
  EXPECT_THAT(env.execute().to_string(), HasSubstr("operator 'doubt' has an empty uid"));
}

TEST(WrongUse, AMakerThatMakesNothingFailsTheOperator) {
  JobSettings settings = quick("none");
  Environment env(settings);
  env.from_elements(kNumbers).add_sink([] { return std::unique_ptr<BadClose>(); }).name("empty");
  EXPECT_THAT(env.execute().to_string(),
              AllOf(HasSubstr("'empty'"), HasSubstr("what makes the function made none")));
}

// Streams and environments are cheap values: a copy and what it was moved from mean the same.
TEST(WrongUse, WhatWasMovedFromStaysUsable) {
  Environment first({.name = "moved"});
  Environment env = std::move(first);
  auto numbers = first.from_elements(kNumbers);  // NOLINT(bugprone-use-after-move)
  const auto same = std::move(numbers);
  auto sum = std::make_shared<std::atomic<std::int64_t>>(0);
  const auto add = [sum](std::int64_t number) { *sum += number; };
  numbers.add_sink(add);  // NOLINT(bugprone-use-after-move)
  same.add_sink(add);
  const Status status = env.execute();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(sum->load(), 12);
}

TEST(WrongUse, AHandleThatWasMovedAwayAnswersErrors) {
  Environment env({.name = "handle"});
  env.from_elements(kNumbers).add_sink(kIgnore);
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok());
  JobHandle kept = std::move(*job);
  EXPECT_EQ(job->await().error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(job->wait_for(1ms)->ok());
  EXPECT_FALSE(job->savepoint(1ms).ok());
  job->request_stop();
  job->cancel();
  EXPECT_EQ(job->report().state, JobStatus::State::kFailed);
  EXPECT_EQ(job->prometheus_text(), "");
  EXPECT_TRUE(kept.await().ok());
}

// A uid or name behind key_by made a stream without a key of it.
TEST(WrongUse, AKeyedStreamStaysOneBehindItsSettings) {
  Environment env({.name = "keyed"});
  auto keyed =
      env.from_elements(kNumbers).key_by(kSame).uid("by-number").name("key").parallelism(1);
  static_assert(std::is_same_v<decltype(keyed), KeyedStream<std::int64_t, std::int64_t>>);
  auto sum = std::make_shared<std::atomic<std::int64_t>>(0);
  keyed.reduce([](std::int64_t a, std::int64_t b) { return a + b; })
      .add_sink([sum](std::int64_t number) { *sum += number; });
  const Status status = env.execute();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(sum->load(), 6);
}

// Section 4: errors of the library name fields, not flags of the command line.
TEST(WrongUse, ErrorsNameFieldsOfTheSettings) {
  struct Ledger final : TwoPhaseSink<std::int64_t> {
    void invoke(const std::int64_t&) override {}
    std::string pre_commit() override { return ""; }
    Status commit(const std::string&) override { return {}; }
  };
  Environment env({.name = "fields"});
  env.from_elements(kNumbers).add_two_phase_sink(Ledger());
  EXPECT_THAT(env.execute().to_string(),
              AllOf(HasSubstr("give 'checkpoint_dir'"), Not(HasSubstr("--"))));
}

// Section 4: a lambda is a sink, and print() needs no class.
TEST(Sinks, ALambdaAndPrint) {
  Environment env({.name = "print"});
  auto numbers = env.from_elements(kNumbers);
  auto sum = std::make_shared<std::atomic<std::int64_t>>(0);
  numbers.add_sink([sum](const std::int64_t& number) { *sum += number; }).uid("sum");
  numbers.print();
  numbers.print("n");
  ::testing::internal::CaptureStdout();
  const Status status = env.execute();
  const std::string text = ::testing::internal::GetCapturedStdout();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(sum->load(), 6);
  EXPECT_THAT(text, AllOf(HasSubstr("+I[1]\n"), HasSubstr("n> +I[3]\n")));
}

struct Sum final : AggregateFunction<std::int64_t, std::int64_t, std::int64_t> {
  void add(const std::int64_t& value, std::int64_t& sum) override { sum += value; }
  std::int64_t get_result(const std::int64_t& sum) override { return sum; }
};

// Section 4: merge() is for sessions.
TEST(Windows, AnAggregateWithoutMergeIsEnoughButForSessions) {
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto sums =
      job.output(input.stream().window_all(tumbling_event_time_windows(1s)).aggregate(Sum()));
  input.send(1, 10);
  input.send(2, 20);
  input.watermark(2'000);
  EXPECT_THAT(sums.take(), ElementsAre(3));

  Environment env({.name = "sessions"});
  env.from_elements(kNumbers)
      .window_all(session_event_time_windows(1s))
      .aggregate(Sum())
      .add_sink(kIgnore);
  EXPECT_THAT(env.execute().to_string(), HasSubstr("needs merge()"));
}

// Section 4: setters on a strategy that has a name.
TEST(Time, AStrategyCanBeSetUpStepByStep) {
  auto strategy = WatermarkStrategy<std::int64_t>::for_bounded_out_of_orderness(5ms);
  strategy.with_timestamp_assigner([](std::int64_t number) { return number; });
  strategy.with_idleness(1min).with_idleness(2min);
  testing::TestJob job;
  auto input = job.input<std::int64_t>();
  auto output = job.output(input.stream().assign_timestamps_and_watermarks(strategy));
  input.send(100);
  EXPECT_THAT(output.take_with_times(), ElementsAre(std::pair(std::int64_t{100}, 100)));
  EXPECT_EQ(strategy.idle_ms(), 120'000);
}

}  // namespace
}  // namespace slipstream::stream
