// How rows come in: a Source finds splits and makes readers that poll batches of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/buffer_memory.h"
#include "slipstream/clock.h"
#include "slipstream/connector/table.h"
#include "slipstream/metrics.h"
#include "slipstream/status.h"

namespace slipstream {

struct SourceRequest {
  TableDefinition table;
  std::vector<std::size_t> physical;  // projected columns, indices into table.physical, ascending
  std::vector<std::size_t> metadata;  // projected metadata, indices into table.metadata, ascending
  std::vector<Predicate> predicates;  // offers, all of them hold; see Source::accepted_predicates
  std::string uid;                    // logical name of the operator, stable over restarts
};

// A part of a source that is read in order: a message queue, a file. `state` says where to
// continue, in the connector's own versioned encoding.
struct Split {
  std::string id;  // stable and unique in the source: "topic/broker-a/3"
  std::string state;
};

// Why a split counts as read to its end for now.
struct EmptinessProof {
  // When the question was sent whose answer says so, by Clock::now_ms(): what comes later was
  // written after that. None: the source knows by itself, and it stays true until it says SplitActive.
  std::optional<std::int64_t> asked_ms{};
  // The clock of the asked system when it answered, milliseconds since 1970. None where answers do
  // not hold it, as those of RocketMQ.
  std::optional<std::int64_t> peer_time_ms{};
};

// What a source may learn about a split.
struct SplitAdded {};  // it starts now
struct SplitIdle {     // nothing to read; asked after all rows before this were received
  EmptinessProof proof;
};
struct SplitActive {};  // SplitIdle no longer holds
struct SplitEnded {};   // read to its end: never holds a watermark again
struct SplitWatermark {
  std::int64_t time_ms = 0;  // the source itself says: event time of the split has reached this
};

// One of them; true after the rows of the batch that carries it.
struct SplitEvent {
  std::uint32_t split = 0;  // index as given to the reader
  std::variant<SplitAdded, SplitIdle, SplitActive, SplitEnded, SplitWatermark> what;

  template <typename Kind>
  bool is() const {
    return std::holds_alternative<Kind>(what);
  }
};

// Rows [begin, next run's begin) came from this split (index as given to the reader).
struct SplitRun {
  std::uint32_t split = 0;
  std::uint32_t begin = 0;
};

// What a reader gives at once.
struct SourceBatch {
  Batch rows;
  std::vector<SplitRun> runs;  // cover all rows
  std::vector<SplitEvent> events;

  bool empty() const { return rows.rows() == 0 && events.empty(); }
};

// How far a split is read, in the split's own unit (messages, bytes).
struct SplitProgress {
  std::uint32_t split = 0;     // index as given to the reader
  std::int64_t position = -1;  // of what is read next; -1 = unknown
  std::int64_t end = -1;       // of what there is, or of the bound; -1 = unknown

  std::int64_t lag() const { return position >= 0 && end > position ? end - position : 0; }
};

struct EnumeratorContext {
  std::string restored;  // last snapshot(), empty = fresh start
  bool has_restored = false;
  std::stop_token stop;
  Metrics metrics;
  const Clock* clock = nullptr;  // outlives the enumerator
};

// Finds splits. One per source; one call at a time, on threads that may wait: up to a few seconds.
class SplitEnumerator {
 public:
  virtual ~SplitEnumerator() = default;
  struct Discovery {
    // New since the last call; after a restore: without those in `restored`.
    std::vector<Split> added;
    bool complete = false;  // no more splits will ever come (bounded sources; discovery off)
  };
  // Called at start and then every discovery_interval(). A retryable error after the first success
  // is logged and tried again: an outage is not a change.
  virtual Result<Discovery> discover() = 0;
  virtual std::chrono::milliseconds discovery_interval() const {
    return std::chrono::milliseconds(0);  // 0 = once
  }
  // Taken before the barrier; splits found later belong to the next checkpoint.
  virtual std::string snapshot() = 0;
};

// What a reader knows of its place in the job. Made by the engine, one per subtask and attempt.
struct ReaderContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  std::function<void()> wake;  // any thread: poll() may have something now
  // The same once, in so many milliseconds or before.
  // Thread: task.
  std::function<void(std::int64_t ms)> wake_after;
  std::stop_token stop;
  Metrics metrics;
  const Clock* clock = nullptr;  // outlives the reader
  std::size_t batch_rows = kBatchRows;
  bool restored = false;  // splits carry offsets of a checkpoint: start options do not apply
  BufferMemory memory;    // for what is received ahead of poll()
  // Of the proofs of emptiness that a reader has given, those asked for up to this moment of the
  // clock count no longer: another reader of the job has moved event time on since. 0 = none has.
  // A reader that can ask again may do so then; how often is its own affair. Null
  // outside of a job.
  // Thread: any.
  std::function<std::int64_t()> proofs_outdated_until_ms;
};

// Polls batches of the splits it was given.
// Thread: task, unless said otherwise.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // `index` names the split in runs, events and progress.
  virtual Status add_split(std::uint32_t index, const Split& split) = 0;
  enum class Poll : std::uint8_t {
    kBatch,    // *out was filled (perhaps with events only); poll again
    kNothing,  // nothing for now; wake() is called when that changes
    kEnd,      // bounded: all splits were read; complete only after the enumerator is
  };
  // `rejected` receives rows that could not be decoded when the source has a dead-letter output
  // (schema: rejected_schema()). Both are empty when it is called.
  virtual Result<Poll> poll(SourceBatch* out, Batch* rejected) = 0;
  // Current state of all splits given: what was handed out by poll() so far is behind them.
  virtual Result<std::vector<Split>> snapshot(CheckpointId checkpoint) = 0;
  // A checkpoint became durable (group offsets are committed here, asynchronously).
  virtual void checkpoint_complete(CheckpointId checkpoint) = 0;
  // Splits too far ahead in event time: do not poll them until the next call says otherwise.
  virtual void pause(std::span<const std::uint32_t> splits) { static_cast<void>(splits); }
  // Splits by event time, the one that is behind first: where memory or turns are scarce, an
  // earlier one goes before a later one. Splits that are not named go before all; empty: all are
  // alike. Replaces the former order. Whoever reads without choice may ignore it.
  virtual void set_read_order(std::span<const std::uint32_t> splits) { static_cast<void>(splits); }
  // How far each split is, for people and metrics: asked now and then, after poll(). Empty: a source
  // whose splits have no positions.
  virtual std::vector<SplitProgress> progress() const { return {}; }
};

// Rows that could not be decoded, as every dead-letter output gets them: (body BYTES, reason STRING,
// split STRING, position STRING, metadata MAP<STRING, STRING>).
Schema rejected_schema();

// Where rejected rows go. Each column of `table` is filled by its name: body, reason, split,
// position, metadata, or else the value of that metadata key, read as the column's type.
struct DeadLetterTable {
  std::string connector;
  TableDefinition table;
};

// A table to be read: made once per job and statement by its factory, before anything starts.
// Thread: coordinator; the readers it makes live on task threads and may share what it owns.
class Source {
 public:
  virtual ~Source() = default;
  // Projected physical columns, then projected metadata columns.
  virtual Schema schema() const = 0;
  virtual bool bounded() const = 0;
  virtual bool updating() const { return false; }  // emits rows other than +I
  // Offers that hold for every row it gives: indices into SourceRequest::predicates.
  virtual std::vector<std::size_t> accepted_predicates() const { return {}; }
  virtual std::vector<std::string> explain() const { return {}; }  // "tag=a||b", "start=earliest"
  // What it reads outside of the process, for people and to compare with Sink::endpoints(): equal
  // texts are one thing. Several when it has several addresses. What is written there comes out of
  // this source, so a statement that does both never ends. Empty: nothing that could be written to.
  virtual std::vector<std::string> endpoints() const { return {}; }
  virtual std::optional<DeadLetterTable> dead_letters() const { return std::nullopt; }
  virtual Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) = 0;
  virtual Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) = 0;
};

}  // namespace slipstream
