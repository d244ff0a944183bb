// Tests of operators and whole pipelines in virtual time: no threads, no broker, no sleep.
//
//   using namespace slipstream::stream;
//   testing::TestJob job({.parallelism = 2});
//   auto words = job.input<std::string>();
//   auto counts = job.output(words.stream().key_by(first_letter).process(Count()).uid("count"));
//   words.send("to");
//   words.send("the", 1'000);            // with a time
//   words.watermark(2'000);
//   job.set_processing_time(60'000);     // timers of the clock fire
//   EXPECT_EQ(counts.take(), ...);
//   const auto saved = job.snapshot();   // bytes; a new job of the same shape takes them back
//   other.restore(*saved);               // before its first element, at any parallelism
//
// What is under test is the real thing: the operators that a job runs, behind the same exchanges.
// Sources and connector sinks have no place here: input() and output() stand for them.
// Thread: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/status.h"
#include "slipstream/stream/data_stream.h"

namespace slipstream::stream::testing {

// How a TestJob starts.
struct TestOptions {
  std::uint32_t parallelism = 1;
  std::uint32_t max_parallelism = 128;
  Timestamp processing_time = 0;  // where the clock starts
};

namespace erased {

// The job behind TestJob. Implemented by the library.
class Runner {
 public:
  Runner(std::shared_ptr<stream::erased::StreamPlan> plan, TestOptions options);
  ~Runner();
  void restore(std::string_view snapshot);
  void send(stream::erased::NodeNumber input, Batch batch);
  void watermark(stream::erased::NodeNumber input, Timestamp time);
  void end(stream::erased::NodeNumber input);
  void set_processing_time(Timestamp time);
  Result<std::string> snapshot();
  std::int64_t metric(const std::string& name) const;
  const Status& status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};
std::shared_ptr<Source> make_test_source(Schema element);

// Keeps what comes to an output.
template <typename T>
class OutputBody final : public stream::erased::Body {
 public:
  struct Kept {
    std::vector<std::pair<T, Timestamp>> elements;
    std::vector<Timestamp> watermarks;
  };
  OutputBody(stream::erased::OperatorRuntime& runtime, std::shared_ptr<Kept> kept)
      : runtime_(runtime), kept_(std::move(kept)) {}
  std::size_t push(std::size_t, const Batch& batch, std::size_t begin) override {
    return stream::erased::feed_rows<T>(runtime_, batch, begin, false,
                                        [this](T&& element, Timestamp time) {
                                          kept_->elements.emplace_back(std::move(element), time);
                                        });
  }
  void on_watermark(Timestamp time) override { kept_->watermarks.push_back(time); }

 private:
  stream::erased::OperatorRuntime& runtime_;
  std::shared_ptr<Kept> kept_;
};

}  // namespace erased

// Where a test puts elements in. Calls have taken full effect when they return.
template <typename T>
class TestInput {
 public:
  TestInput(DataStream<T> stream, std::shared_ptr<erased::Runner> runner)
      : stream_(std::move(stream)), runner_(std::move(runner)) {}
  const DataStream<T>& stream() const { return stream_; }

  void send(const T& element, Timestamp time = kNoTimestamp) { send_all({{element, time}}); }
  // In one batch.
  void send_all(const std::vector<std::pair<T, Timestamp>>& elements) {
    stream::erased::RowWriter writer(
        stream::erased::edge_schema(RowOf<T>::schema(), false), elements.size() + 1,
        [this](Batch&& batch) { runner_->send(stream_.node_output().number, std::move(batch)); });
    stream::erased::RowEnd<T> end(writer);
    for (const auto& [element, time] : elements) end.emit(T(element), time);
    writer.flush();
  }
  void watermark(Timestamp time) { runner_->watermark(stream_.node_output().number, time); }
  // Event time comes to its end, then the input does.
  void end() { runner_->end(stream_.node_output().number); }

 private:
  DataStream<T> stream_;
  std::shared_ptr<erased::Runner> runner_;
};

// What came out since it was last asked.
template <typename T>
class TestOutput {
 public:
  using Kept = typename erased::OutputBody<T>::Kept;
  explicit TestOutput(std::shared_ptr<Kept> kept) : kept_(std::move(kept)) {}
  std::vector<T> take() {
    std::vector<T> elements;
    for (auto& [element, time] : std::exchange(kept_->elements, {}))
      elements.push_back(std::move(element));
    return elements;
  }
  std::vector<std::pair<T, Timestamp>> take_with_times() {
    return std::exchange(kept_->elements, {});
  }
  std::vector<Timestamp> take_watermarks() { return std::exchange(kept_->watermarks, {}); }

 private:
  std::shared_ptr<Kept> kept_;
};

// A job under test. Make inputs, the pipeline and outputs first; the first element or restore()
// starts it.
class TestJob {
 public:
  explicit TestJob(TestOptions options = {})
      : environment_(
            {.parallelism = options.parallelism, .max_parallelism = options.max_parallelism},
            std::make_shared<const ConnectorRegistry>()),
        runner_(std::make_shared<erased::Runner>(environment_.plan(), options)) {}

  Environment& environment() { return environment_; }

  template <typename T>
  TestInput<T> input(std::string name = "input") {
    return TestInput<T>(
        environment_.from_source<T>(erased::make_test_source(RowOf<T>::schema()), std::move(name))
            .parallelism(1),
        runner_);
  }
  template <typename T>
  TestOutput<T> output(const DataStream<T>& stream) {
    const auto kept = std::make_shared<typename TestOutput<T>::Kept>();
    if (!stream::erased::check_same(*environment_.plan(), *stream.node_output().plan, "output"))
      return TestOutput<T>(kept);
    stream::erased::NodeSpec spec;
    spec.kind = "test-output";
    spec.inputs = {stream.global().node_output().edge()};
    spec.parallelism = 1;
    spec.body = [kept](stream::erased::OperatorRuntime& runtime, stream::erased::Link,
                       std::vector<stream::erased::SideLink>) {
      return std::unique_ptr<stream::erased::Body>(
          std::make_unique<erased::OutputBody<T>>(runtime, kept));
    };
    stream::erased::add_node(*environment_.plan(), std::move(spec));
    return TestOutput<T>(kept);
  }

  // REQUIRES: no element was sent
  void restore(std::string_view snapshot) { runner_->restore(snapshot); }
  // State of all operators, as a checkpoint would hold it.
  Result<std::string> snapshot() { return runner_->snapshot(); }
  // Timers fire in order, each at its time.
  void set_processing_time(Timestamp time) { runner_->set_processing_time(time); }
  // A counter or gauge, summed over instances.
  std::int64_t metric(const std::string& name) const { return runner_->metric(name); }
  // The first failure; what is sent after it does nothing.
  const Status& status() const { return runner_->status(); }

 private:
  Environment environment_;
  std::shared_ptr<erased::Runner> runner_;
};

}  // namespace slipstream::stream::testing
