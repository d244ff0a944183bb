// A job that reads a backlog over unequal queues, against a scripted broker.
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include <gmock/gmock.h>

#include "slipstream/connectors.h"

#include "base/clock.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "expr/expr.h"
#include "flow/event_time/watermark_assigner.h"
#include "flow/graph.h"
#include "flow/job.h"
#include "flow/runtime.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream {
namespace {

using flow::EventTime;
using flow::Graph;
using flow::Node;
using flow::NodeId;

// Event time of both queues covers the same 600 s; queue 0 has ten times as many messages in it.
constexpr EventTime kSpanMs = 600'000;
constexpr std::array<EventTime, 2> kStepMs = {10, 100};

// What the operator below has seen, and what it needs to be slow.
struct Slow {
  rocketmq::testing::ScriptedBroker* broker = nullptr;  // null: not slow
  std::atomic<EventTime> most_apart{0};                 // while both queues had more to come
};

// Slower than the broker: goes on when no pull was sent for a while. Columns: n, ts, queue.
class Distance final : public flow::Operator {
 public:
  explicit Distance(std::shared_ptr<Slow> seen) : seen_(std::move(seen)) {}
  Status open(const flow::OperatorContext&) override { return {}; }
  Result<flow::Progress> push(std::size_t, Batch&& batch, flow::Emitter& out) override {
    if (seen_->broker != nullptr) let_the_broker_answer();
    const std::int64_t units = batch.column(1)->type().units_per_second() / 1'000;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const auto queue = static_cast<std::size_t>(batch.column(2)->data<std::int32_t>()[row]);
      reached_[queue] = batch.column(1)->data<std::int64_t>()[row] / units;
    }
    const auto [low, high] = std::minmax(reached_[0], reached_[1]);
    if (high < kSpanMs - 1'000) seen_->most_apart = std::max(seen_->most_apart.load(), high - low);
    out.emit(std::move(batch));
    return flow::Progress::kDone;
  }

 private:
  void let_the_broker_answer() {
    const SystemClock clock;
    std::size_t pulls = 0;
    std::int64_t since_ms = 0;
    EXPECT_TRUE(wait_until([&] {
      const std::size_t now = seen_->broker->requests_seen(rocketmq::RequestCode::kPullMessage);
      if (std::exchange(pulls, now) != now) since_ms = clock.now_ms();
      return clock.now_ms() - since_ms > 2;
    }));
  }

  const std::shared_ptr<Slow> seen_;
  std::array<EventTime, 2> reached_{};
};

// The same reader, not told what to prefer.
class EvenReader final : public SourceReader {
 public:
  explicit EvenReader(std::unique_ptr<SourceReader> reader) : reader_(std::move(reader)) {}
  Status add_split(std::uint32_t index, const Split& split) override {
    return reader_->add_split(index, split);
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    return reader_->poll(out, rejected);
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    return reader_->snapshot(checkpoint);
  }
  void checkpoint_complete(CheckpointId checkpoint) override {
    reader_->checkpoint_complete(checkpoint);
  }

 private:
  const std::unique_ptr<SourceReader> reader_;
};

class EvenSource final : public Source {
 public:
  explicit EvenSource(std::shared_ptr<Source> source) : source_(std::move(source)) {}
  Schema schema() const override { return source_->schema(); }
  bool bounded() const override { return source_->bounded(); }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return source_->make_enumerator(std::move(context));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    TRY_ASSIGN(auto reader, source_->make_reader(std::move(context)));
    return std::unique_ptr<SourceReader>(std::make_unique<EvenReader>(std::move(reader)));
  }

 private:
  const std::shared_ptr<Source> source_;
};

class UnequalQueuesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 2);
    for (std::int32_t queue = 0; queue < 2; ++queue) {
      const EventTime step = kStepMs[static_cast<std::size_t>(queue)];
      for (EventTime ms = step; ms <= kSpanMs; ms += step)
        broker_.append({"T", "broker-a", queue}, R"({"n":1})", {}, ms);
    }
  }
  std::shared_ptr<Source> source() const {
    TableDefinition table = testing::table_of(Schema({{"n", Type::integer()}}),
                                              {{"topic", "T"},
                                               {"nameServerAddress", broker_.name_server()},
                                               {"consumerGroup", "g"},
                                               {"format", "json"},
                                               {"scan.startup.mode", "earliest"},
                                               {"scan.bounded.mode", "latest-offset"}});
    table.metadata = {{"ts", "store-timestamp", Type::timestamp(3), true},
                      {"queue", "queue-id", Type::integer(), true}};
    auto made =
        rocketmq_connector::make_factory()->make_source(testing::source_request(std::move(table)));
    CHECK(made.ok());
    return std::move(*made);
  }
  // Reads everything. The largest distance between the queues, in milliseconds.
  struct Reading {
    bool slow = true;
    std::size_t memory_bytes = std::size_t{1} << 30;
    std::int64_t max_drift_ms = 0;
  };
  EventTime read(std::shared_ptr<Source> source, const Reading& how) {
    const auto seen = std::make_shared<Slow>();
    if (how.slow) seen->broker = &broker_;
    flow::WatermarkAssignerSpec spec;
    spec.time_column = 1;
    spec.watermark = expr::column(1, Type::timestamp(3), "ts");
    spec.max_drift_ms = how.max_drift_ms;
    spec.eval.wall_micros = [] { return std::int64_t{0}; };
    Graph graph;
    const Schema schema = source->schema();
    const auto add = [&](std::string name) {
      Node node;
      node.uid = node.name = std::move(name);
      node.parallelism = 1;
      node.output = schema;
      if (!graph.nodes.empty())
        node.inputs.push_back({graph.nodes.size() - 1, 0, Partitioning::kForward, {}});
      return graph.add(std::move(node));
    };
    graph.nodes[add("read")].source = source;
    graph.nodes[add("marks")].make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_watermark_assigner(spec));
    };
    graph.nodes[add("distance")].make = [seen] {
      return Result<std::unique_ptr<flow::Operator>>(std::make_unique<Distance>(seen));
    };
    const auto connectors = builtin_connectors();
    const auto blackhole = connectors->find("blackhole");
    CHECK(blackhole.ok());
    auto sink = (*blackhole)->make_sink(testing::sink_request(testing::table_of(schema, {})));
    CHECK(sink.ok());
    graph.nodes[add("write")].sink = std::move(*sink);
    JobOptions options;
    options.parallelism = 1;
    options.batch_rows = 256;
    options.memory_bytes = how.memory_bytes;
    flow::Runtime runtime;
    auto job = flow::Job::start(runtime, std::move(graph), options, nullptr);
    EXPECT_TRUE(job.ok()) << job.status().to_string();
    if (!job.ok()) return -1;
    const Status ended = (*job)->wait();
    EXPECT_TRUE(ended.ok()) << ended.to_string();
    return seen->most_apart.load();
  }

  rocketmq::testing::ScriptedBroker broker_;
};

// A batch of the sparse queue is 26 s of event time.
TEST_F(UnequalQueuesTest, InASlowJobTheSparseQueueDoesNotRunAhead) {
  const EventTime even = read(std::make_shared<EvenSource>(source()), {});
  const EventTime preferring = read(source(), {});
  RecordProperty("even_ms", std::to_string(even));
  RecordProperty("preferring_ms", std::to_string(preferring));
  EXPECT_GT(even, kSpanMs / 2) << "the test would not see the difference";
  EXPECT_LT(preferring, kSpanMs / 3);
}

TEST_F(UnequalQueuesTest, NorDoesItWithLittleMemory) {
  const Reading little{.slow = true, .memory_bytes = std::size_t{2} << 20, .max_drift_ms = 0};
  const EventTime even = read(std::make_shared<EvenSource>(source()), little);
  const EventTime preferring = read(source(), little);
  RecordProperty("even_ms", std::to_string(even));
  RecordProperty("preferring_ms", std::to_string(preferring));
  EXPECT_GT(even, kSpanMs / 2) << "the test would not see the difference";
  EXPECT_LT(preferring, kSpanMs / 3);
}

// There nothing is ready that could wait: only the drift limit holds it back.
TEST_F(UnequalQueuesTest, InAFastJobTheDriftLimitHolds) {
  const Reading fast{.slow = false, .memory_bytes = std::size_t{1} << 30, .max_drift_ms = 60'000};
  const EventTime limited = read(source(), fast);
  RecordProperty("limited_ms", std::to_string(limited));
  EXPECT_LT(limited, kSpanMs / 6);
}

}  // namespace
}  // namespace slipstream
