// Sources, operators and sinks for tests of the runtime.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "base/try.h"
#include "flow/graph.h"
#include "flow/job.h"
#include "flow/operators/keyed_state.h"
#include "flow/runtime.h"

namespace slipstream::flow::script {

// Each split counts from 0 to `rows_per_split`; a row is (split, number). Bounded, or it waits at
// the end. `gate` holds readers back: rows below it may be read.
struct NumbersOptions {
  std::uint32_t splits = 2;
  std::int64_t rows_per_split = 1'000;
  std::size_t rows_per_batch = 10;
  bool bounded = true;
  // > 0: each split waits for a completed checkpoint after so many.
  std::int64_t rows_per_checkpoint = 0;
  std::shared_ptr<std::atomic<std::int64_t>> limit;  // null = no limit; of each split
  std::shared_ptr<std::atomic<std::int64_t>> completes =
      std::make_shared<std::atomic<std::int64_t>>(0);
  std::shared_ptr<std::atomic<std::uint32_t>> splits_now;  // grows while running; null = `splits`
};

class NumbersReader final : public SourceReader {
 public:
  NumbersReader(NumbersOptions options, ReaderContext context)
      : options_(std::move(options)), context_(std::move(context)) {}

  Status add_split(std::uint32_t index, const Split& split) override {
    const std::int64_t next = split.state.empty() ? 0 : std::stoll(split.state);
    splits_.push_back(Running{index, split, next, next + options_.rows_per_checkpoint});
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    static_cast<void>(rejected);
    bool ended = true;
    for (std::size_t i = 0; i < splits_.size(); ++i) {
      Running& split = splits_[(next_ + i) % splits_.size()];
      if (split.next < options_.rows_per_split) ended = false;
      std::int64_t end = std::min(options_.rows_per_split,
                                  split.next + static_cast<std::int64_t>(options_.rows_per_batch));
      if (options_.rows_per_checkpoint > 0) end = std::min(end, split.allowed);
      if (options_.limit != nullptr) end = std::min(end, options_.limit->load());
      if (end <= split.next) continue;
      ColumnBuilder ids(Type::bigint());
      ColumnBuilder numbers(Type::bigint());
      const auto id = static_cast<std::int64_t>(std::stoll(split.split.id.substr(1)));
      const std::size_t rows = static_cast<std::size_t>(end - split.next);
      for (; split.next < end; ++split.next) {
        ids.append(id);
        numbers.append(split.next);
      }
      out->rows = Batch(rows, {ids.finish(), numbers.finish()});
      out->runs.push_back(SplitRun{split.index, 0});
      next_ = (next_ + i + 1) % splits_.size();
      return Poll::kBatch;
    }
    if (options_.bounded && ended) return Poll::kEnd;
    return Poll::kNothing;
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    std::vector<Split> states;
    for (const Running& split : splits_)
      states.push_back(Split{split.split.id, std::to_string(split.next)});
    return states;
  }
  void checkpoint_complete(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    options_.completes->fetch_add(1);
    for (Running& split : splits_)
      split.allowed = std::max(split.allowed, split.next + options_.rows_per_checkpoint);
  }

 private:
  struct Running {
    std::uint32_t index;
    Split split;
    std::int64_t next;
    std::int64_t allowed;
  };
  const NumbersOptions options_;
  const ReaderContext context_;
  std::vector<Running> splits_;
  std::size_t next_ = 0;
};

class NumbersEnumerator final : public SplitEnumerator {
 public:
  NumbersEnumerator(NumbersOptions options, EnumeratorContext context)
      : options_(std::move(options)) {
    if (context.has_restored) known_ = static_cast<std::uint32_t>(std::stoul(context.restored));
  }
  Result<Discovery> discover() override {
    Discovery found;
    const std::uint32_t now =
        options_.splits_now != nullptr ? options_.splits_now->load() : options_.splits;
    for (; known_ < now; ++known_) found.added.push_back(Split{"s" + std::to_string(known_), ""});
    found.complete = options_.bounded && options_.splits_now == nullptr;
    return found;
  }
  std::chrono::milliseconds discovery_interval() const override {
    return std::chrono::milliseconds(options_.splits_now != nullptr ? 5 : 0);
  }
  std::string snapshot() override { return std::to_string(known_); }

 private:
  const NumbersOptions options_;
  std::uint32_t known_ = 0;
};

class NumbersSource final : public Source {
 public:
  explicit NumbersSource(NumbersOptions options) : options_(std::move(options)) {}
  Schema schema() const override { return numbers_schema(); }
  bool bounded() const override { return options_.bounded; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return std::unique_ptr<SplitEnumerator>(
        std::make_unique<NumbersEnumerator>(options_, std::move(context)));
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    if (options_.limit != nullptr) {
      std::lock_guard lock(mutex_);
      wakes_.push_back(context.wake);
    }
    return std::unique_ptr<SourceReader>(
        std::make_unique<NumbersReader>(options_, std::move(context)));
  }
  void raise_limit(std::int64_t limit) {
    options_.limit->store(limit);
    std::lock_guard lock(mutex_);
    for (const auto& wake : wakes_) wake();
  }
  static Schema numbers_schema() {
    Schema schema;
    schema.add("split", Type::bigint());
    schema.add("number", Type::bigint());
    return schema;
  }

 private:
  const NumbersOptions options_;
  std::mutex mutex_;
  std::vector<std::function<void()>> wakes_;
};

// (split, number) -> the same, and at the end (-1 - key, sum) of each key. Keeps every row, too:
// one that it has already is an error.
class KeyedSum final : public Operator {
 public:
  explicit KeyedSum(std::int64_t keys) : keys_(keys) {}
  Status open(const OperatorContext& context) override;
  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override;
  Result<Progress> advance(const Watermark& watermark, Emitter& out) override {
    watermark_ = watermark.time_ms;
    out.emit(watermark);
    return Progress::kDone;
  }
  Result<Progress> end_input(std::size_t input, Emitter& out) override;
  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) override;
  Status restore(const SnapshotReader& from) override;

 private:
  struct Sum {
    std::int64_t sum = 0;
    std::int64_t count = 0;
  };
  Status check_group(std::uint64_t hash) const;

  const std::int64_t keys_;
  OperatorContext context_;
  StatePool pool_;
  IncrementalChain snapshot_chain_;
  EventTime watermark_ = kMinWatermark;
  std::unique_ptr<state::KeyTable> sums_;
  std::unique_ptr<state::KeyTable> rows_;
};

// What sinks wrote, outside of any job.
struct Audit {
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  std::set<std::string> published;  // handles of epochs
  std::vector<CheckpointId> commits;
  std::set<CheckpointId> sealed;  // with rows
  std::size_t recovered = 0;
  std::size_t aborted = 0;
  std::size_t writers = 0;

  std::size_t count() {
    std::lock_guard lock(mutex);
    return rows.size();
  }
  std::map<std::pair<std::int64_t, std::int64_t>, int> tally() {
    std::lock_guard lock(mutex);
    std::map<std::pair<std::int64_t, std::int64_t>, int> counts;
    for (const auto& row : rows) ++counts[row];
    return counts;
  }
};

// At-least-once: writes to the audit at once. Exactly-once: epochs go to files and from there to
// the audit.
struct AuditSinkOptions {
  std::shared_ptr<Audit> audit = std::make_shared<Audit>();
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  std::shared_ptr<std::atomic<bool>> full;          // writers take nothing while true
  std::shared_ptr<std::atomic<bool>> hold_commit;   // committers wait while true
  std::shared_ptr<std::atomic<int>> fail_prepares;  // prepares still to fail
};

class AuditSink final : public Sink {
 public:
  explicit AuditSink(AuditSinkOptions options) : options_(std::move(options)) {}
  Schema schema() const override { return NumbersSource::numbers_schema(); }
  Guarantee guarantee() const override { return options_.guarantee; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override;
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override;
  void wake() {
    std::lock_guard lock(mutex_);
    for (const auto& wake : wakes_) wake();
  }

 private:
  const AuditSinkOptions options_;
  std::mutex mutex_;
  std::vector<std::function<void()>> wakes_;
};

// Fails (or throws) once, after so many rows of all its instances together.
class FailOnce final : public Operator {
 public:
  FailOnce(std::shared_ptr<std::atomic<std::int64_t>> rows_left, bool throws, Error error)
      : rows_left_(std::move(rows_left)), throws_(throws), error_(std::move(error)) {}
  Status open(const OperatorContext& context) override {
    static_cast<void>(context);
    return {};
  }
  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override {
    static_cast<void>(input);
    const std::int64_t before = rows_left_->fetch_sub(static_cast<std::int64_t>(batch.rows()));
    if (before > 0 && before <= static_cast<std::int64_t>(batch.rows())) {
      if (throws_) throw std::runtime_error("thrown by an operator");
      return error_;
    }
    out.emit(std::move(batch));
    return Progress::kDone;
  }

 private:
  const std::shared_ptr<std::atomic<std::int64_t>> rows_left_;
  const bool throws_;
  const Error error_;
};

// The one of all tests that move no clock.
Runtime& test_runtime();

Node source_node(std::shared_ptr<Source> source, std::uint32_t parallelism = 0);
Node sink_node(NodeId from, std::shared_ptr<Sink> sink,
               Partitioning partitioning = Partitioning::kRebalance, std::uint32_t parallelism = 0);
Node sum_node(NodeId from, std::int64_t keys, std::uint32_t parallelism = 0);
Node operator_node(NodeId from, std::string uid, std::function<std::unique_ptr<Operator>()> make);

}  // namespace slipstream::flow::script
