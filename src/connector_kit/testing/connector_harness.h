// What a connector is given by the engine, made by hand: for tests only.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/connector.h"

#include "base/clock.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "base/try.h"
#include "data/testing/columns.h"

namespace slipstream::testing {

class Counters {
 public:
  Metrics metrics() {
    return Metrics{
        [this](std::string_view name, std::string_view) { return &values_[std::string(name)]; }};
  }
  std::int64_t operator[](const std::string& name) { return values_[name].load(); }

 private:
  std::map<std::string, std::atomic<std::int64_t>> values_;
};

// The epoch file in memory, or copied into `path` for a committer.
class MemoryEpochFile final : public EpochFile {
 public:
  Status append(std::span<const std::byte> bytes) override {
    content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  std::uint64_t size() const override { return content.size(); }
  std::string content;
};

inline TableDefinition table_of(Schema physical, OptionMap options) {
  TableDefinition table;
  table.name = "t";
  table.physical = std::move(physical);
  table.options = std::move(options);
  return table;
}

inline SourceRequest source_request(TableDefinition table) {
  SourceRequest request;
  request.uid = "source-1";
  for (std::size_t i = 0; i < table.physical.size(); ++i) request.physical.push_back(i);
  for (std::size_t i = 0; i < table.metadata.size(); ++i) request.metadata.push_back(i);
  request.table = std::move(table);
  return request;
}

inline SinkRequest sink_request(TableDefinition table) {
  SinkRequest request;
  request.table = std::move(table);
  request.uid = "sink-1";
  request.job_name = "job";
  return request;
}

// Why a conformance suite cannot run on the system now, or null.
template <typename System>
const char* reason_to_skip(const System& system) {
  if constexpr (requires { system.skipped(); }) {
    return system.skipped();
  } else {
    return nullptr;
  }
}

// "3 added", "0 idle", "1 watermark 50".
inline std::string event_text(const SplitEvent& event) {
  static constexpr std::array kNames{" added", " idle", " active", " ended", " watermark "};
  std::string text = std::to_string(event.split) + kNames[event.what.index()];
  if (const auto* mark = std::get_if<SplitWatermark>(&event.what))
    text += std::to_string(mark->time_ms);
  return text;
}

// One reader of a source: takes splits, gives rows as texts.
class ReaderHarness {
 public:
  explicit ReaderHarness(Source& source, std::size_t batch_rows = 4096) : source_(source) {
    ReaderContext context;
    context.wake = [this] { ++wakes; };
    context.wake_after = [this](std::int64_t) { ++wakes; };
    context.metrics = counters.metrics();
    context.batch_rows = batch_rows;
    context.clock = &clock;
    context.proofs_outdated_until_ms = [this] { return proofs_outdated_until_ms.load(); };
    auto made = source.make_reader(std::move(context));
    CHECK(made.ok());
    reader = std::move(*made);
  }

  // Finds splits and takes them all. `restored`: an enumerator's snapshot.
  Status discover(const std::string& restored = "", bool has_restored = false) {
    EnumeratorContext context;
    context.restored = restored;
    context.has_restored = has_restored;
    context.metrics = counters.metrics();
    context.clock = &clock;
    TRY_ASSIGN(enumerator, source_.make_enumerator(std::move(context)));
    return look();
  }
  Status look() {
    TRY_ASSIGN(const auto found, enumerator->discover());
    complete = found.complete;
    return add(found.added);
  }
  Status add(const std::vector<Split>& splits) {
    for (const Split& split : splits) {
      split_ids.insert(split.id);
      TRY(reader->add_split(next_index++, split));
    }
    return {};
  }
  // One poll; its rows, events and kind are kept.
  Result<SourceReader::Poll> poll() {
    SourceBatch batch;
    Batch bad;
    TRY_ASSIGN(const auto polled, reader->poll(&batch, &bad));
    for (std::string& row : row_texts(bad)) rejects.push_back(std::move(row));
    if (bad.rows() != 0) rejected.push_back(std::move(bad));
    if (polled != SourceReader::Poll::kBatch) return polled;
    for (const SplitRun& run : batch.runs)
      runs_of_all.push_back({run.split, run.begin + static_cast<std::uint32_t>(rows.size())});
    batch_sizes.push_back(batch.rows.rows());
    for (std::string& row : row_texts(batch.rows)) rows.push_back(std::move(row));
    for (const SplitEvent& event : batch.events) events.push_back(event);
    for (const SplitRun& run : batch.runs) runs.push_back(run);
    return polled;
  }
  // Polls until nothing more comes; the last answer.
  Result<SourceReader::Poll> drain() {
    while (true) {
      TRY_ASSIGN(const auto polled, poll());
      if (polled != SourceReader::Poll::kBatch) return polled;
    }
  }

  const SystemClock clock;
  Counters counters;
  std::atomic<int> wakes = 0;
  std::atomic<std::int64_t> proofs_outdated_until_ms = 0;
  std::unique_ptr<SourceReader> reader;
  std::unique_ptr<SplitEnumerator> enumerator;
  bool complete = false;
  std::vector<std::string> rows;
  std::vector<std::string> rejects;
  std::vector<std::size_t> batch_sizes;
  std::vector<SplitEvent> events;
  std::vector<SplitRun> runs;
  std::vector<SplitRun> runs_of_all;  // `begin` counts all rows so far
  std::vector<Batch> rejected;
  std::set<std::string> split_ids;  // of those added
  std::uint32_t next_index = 0;

 private:
  Source& source_;
};

// One reader of a lookup source, and what it answered: "1: +I(7, a)" for row 1 of the question.
class LookupHarness {
 public:
  explicit LookupHarness(LookupSource& source) {
    LookupContext context;
    context.wake = [wakes = wakes_] { ++*wakes; };
    context.wake_after = [wakes = wakes_](std::int64_t) { ++*wakes; };
    context.metrics = counters_.metrics();
    context.clock = &clock_;
    auto made = source.make_reader(std::move(context));
    CHECK(made.ok());
    reader_ = std::move(*made);
    // Whoever has polled for nothing waits for a wake.
    const auto nothing = reader_->poll();
    CHECK(nothing.ok() && !*nothing);
  }

  using Found = std::vector<std::string>;
  Result<LookupReader::Ask> ask(std::uint64_t question, const Batch& keys) {
    const int before = *wakes_;
    TRY_ASSIGN(const auto asked, reader_->ask(question, keys));
    if (asked == LookupReader::Ask::kFull) wakes_when_full_ = before;
    return asked;
  }
  // There was a wake since the last question that had no room.
  bool has_room() const { return *wakes_ != wakes_when_full_; }
  // Returns when `count` questions were answered in all. Polls after a wake only, until nothing
  // more comes.
  Status wait(std::size_t count) {
    while (answers.size() < count) {
      if (!wait_until([&] { return *wakes_ != wakes_seen_; }))
        return Error{ErrorCode::kTimeout, "no answer and no wake"};
      wakes_seen_ = *wakes_;
      while (true) {
        TRY_ASSIGN(const auto answer, reader_->poll());
        if (!answer) break;
        TRY(keep(*answer));
      }
    }
    return {};
  }

  std::map<std::uint64_t, Found> answers;

 private:
  Status keep(const LookupAnswer& answer) {
    Found& found = answers[answer.question];
    if (answer.keys.size() != answer.rows.rows() || !std::ranges::is_sorted(answer.keys))
      return Error{ErrorCode::kInternal, "each row belongs to a key, in their order"};
    for (std::size_t i = 0; i < answer.keys.size(); ++i)
      found.push_back(std::to_string(answer.keys[i]) + ": " + row_text(answer.rows, i));
    return {};
  }

  const SystemClock clock_;
  Counters counters_;
  const std::shared_ptr<std::atomic<int>> wakes_ = std::make_shared<std::atomic<int>>(0);
  int wakes_seen_ = 0;
  int wakes_when_full_ = 0;
  std::unique_ptr<LookupReader> reader_;
};

// Writers and committers of a sink, their epoch files in a folder.
class SinkHarness {
 public:
  explicit SinkHarness(Sink& sink) : sink_(sink) {}

  // One subtask of one attempt. A writer that must wait is called again after its wake only.
  class Writer {
   public:
    Writer(SinkHarness& harness, std::uint64_t token, std::uint32_t subtask)
        : harness_(harness), token_(token), subtask_(subtask) {
      WriterContext context;
      context.subtask = subtask;
      context.parallelism = 2;
      context.attempt_token = token;
      context.guarantee = harness.sink_.guarantee();
      context.metrics = harness.counters.metrics();
      context.clock = &harness.clock;
      context.wake = [wakes = wakes_] { ++*wakes; };
      auto made = harness.sink_.make_writer(std::move(context));
      CHECK(made.ok());
      writer_ = std::move(*made);
    }
    // Rows of one INT column.
    Status write(int first, int last) {
      Texts texts;
      for (int n = first; n < last; ++n) texts.emplace_back(std::to_string(n));
      return write(batch_of({column_of(Type::integer(), texts)}));
    }
    Status write(const Batch& batch) {
      return until_done([&]() -> Result<bool> {
        TRY_ASSIGN(const auto written, writer_->write(batch, epoch_file()));
        return written == SinkWriter::Write::kAccepted;
      });
    }
    // The barrier; the epoch's committable, with an empty handle when there is nothing to commit.
    Result<Committable> prepare(CheckpointId checkpoint) {
      Committable committable{checkpoint, subtask_, "", ""};
      TRY(until_done([&]() -> Result<bool> {
        TRY_ASSIGN(const auto handle, writer_->prepare(checkpoint, epoch_file()));
        if (handle) committable.handle = *handle;
        return handle.has_value();
      }));
      if (!committable.handle.empty()) {
        const std::string name = "epoch-" + std::to_string(token_) + "-" +
                                 std::to_string(subtask_) + "-" + std::to_string(checkpoint);
        harness_.folder.write(name, file_.content);
        committable.epoch_file = harness_.folder / name;
      }
      file_.content.clear();
      return committable;
    }
    Status abort(CheckpointId checkpoint) { return writer_->checkpoint_aborted(checkpoint); }

   private:
    EpochFile* epoch_file() {
      return harness_.sink_.guarantee() == Guarantee::kExactlyOnce ? &file_ : nullptr;
    }
    Status until_done(const std::function<Result<bool>()>& step) {
      while (true) {
        const int before = *wakes_;
        TRY_ASSIGN(const bool done, step());
        if (done) return {};
        if (!wait_until([&] { return *wakes_ != before; }))
          return Error{ErrorCode::kTimeout, "a writer that had to wait was not woken"};
      }
    }

    SinkHarness& harness_;
    const std::uint64_t token_;
    const std::uint32_t subtask_;
    const std::shared_ptr<std::atomic<int>> wakes_ = std::make_shared<std::atomic<int>>(0);
    MemoryEpochFile file_;
    std::unique_ptr<SinkWriter> writer_;
  };

  // `recovered`: by a process that begins long after the one that sealed has ended.
  Status commit(const std::vector<Committable>& epochs, bool recovered = false) {
    CommitContext context;
    context.recovered = recovered;
    context.check_lease = check_lease;
    context.stop = stop.get_token();
    context.last_lease_ms = recovered ? clock.wall_ms() - 60'000 : 0;
    TRY_ASSIGN(const auto committer, sink_.make_committer({counters.metrics(), &clock}));
    CHECK(committer != nullptr);
    std::vector<Committable> sealed;
    for (const Committable& each : epochs) {
      if (!each.handle.empty()) sealed.push_back(each);
    }
    return committer->commit(sealed, context);
  }

  const SystemClock clock;
  Counters counters;
  TemporaryFolder folder;
  std::function<Status()> check_lease = [] { return Status(); };
  std::stop_source stop;

 private:
  Sink& sink_;
};

}  // namespace slipstream::testing
