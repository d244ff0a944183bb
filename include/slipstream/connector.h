// The connector contract: how rows come in and go out. One contract for SQL, DataStream and every
// host.
//
// A connector is a ConnectorFactory in a registry. It makes a Source (an enumerator that finds
// splits, and readers that poll batches of them) or a Sink (writers, and a committer when it can
// publish exactly once). Offsets, splits and committables are owned and persisted by the engine,
// never by the connector.
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
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/buffer_memory.h"
#include "slipstream/metrics.h"
#include "slipstream/options.h"
#include "slipstream/status.h"

namespace slipstream {

using CheckpointId = std::uint64_t;  // ascending, never reused in a checkpoint directory; 0 = none

// How a table is declared: what CREATE TABLE said, checked.
struct TableDefinition {
  struct MetadataColumn {
    std::string name;  // as declared
    std::string key;   // METADATA FROM 'key', or the name
    Type type;
    bool is_virtual = false;  // read only: not part of the sink schema
  };
  std::string name;
  Schema physical;  // without computed and metadata columns
  std::vector<MetadataColumn> metadata;
  std::vector<std::string> primary_key;
  OptionMap options;  // WITH (...), without 'connector'
};

// A comparison that a source may take over: `column` (a metadata key or physical column) equals one
// of `values`.
struct PushedPredicate {
  std::string column;
  bool is_metadata = false;
  std::vector<std::string> values;
};

struct SourceRequest {
  TableDefinition table;
  std::vector<std::size_t> physical;  // projected columns, indices into table.physical, ascending
  std::vector<std::size_t> metadata;  // projected metadata, indices into table.metadata, ascending
  std::vector<PushedPredicate> predicates;  // offers; see Source::accepted_predicates
  std::string uid;                          // logical name of the operator, stable over restarts
};

struct SinkRequest {
  TableDefinition table;
  bool updating = false;  // rows other than +I will come; refuse here what cannot be written
  std::string uid;
  std::string job_name;
};

enum class Guarantee : std::uint8_t { kNone, kAtLeastOnce, kExactlyOnce };

// ----------------------------------------------------------------------------------------------
// sources

// A part of a source that is read in order: a message queue, a file. `state` says where to
// continue, in the connector's own versioned encoding.
struct Split {
  std::string id;  // stable and unique in the source: "topic/broker-a/3"
  std::string state;
};

struct EnumeratorContext {
  std::string restored;  // last snapshot(), empty = fresh start
  bool has_restored = false;
  std::stop_token stop;
  Metrics metrics;
};

// Finds splits. One per source, on the job's coordinator thread; calls may block up to a few
// seconds.
class SplitEnumerator {
 public:
  virtual ~SplitEnumerator() = default;
  struct Discovery {
    std::vector<Split>
        added;              // new since the last call; after a restore: without those in `restored`
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
  std::stop_token stop;
  Metrics metrics;
  std::size_t batch_rows = kBatchRows;
  bool restored = false;  // splits carry offsets of a checkpoint: start options do not apply
  BufferMemory memory;    // for what is received ahead of poll()
  // When a source task of the job sent its newest watermark, by the process's steady clock; 0 = not
  // yet. Tasks behind let it pass a quiet reader only when its SplitEvent::asked_ms are as late:
  // older proofs of emptiness are to be renewed. May be null: outside of a job.
  std::function<std::int64_t()> watermark_sent_ms;
};

// Polls batches of the splits it was given. Thread: task, unless said otherwise.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // `index` names the split in SplitRun and SplitEvent.
  virtual Status add_split(std::uint32_t index, const Split& split) = 0;
  enum class Poll : std::uint8_t {
    kBatch,    // *out was filled (perhaps with events only); poll again
    kNothing,  // nothing for now; wake() is called when that changes
    kEnd,      // bounded: all splits were read; complete only after the enumerator is
  };
  // `rejected` receives poison rows when the source has a dead-letter output (schema:
  // rejected_schema()).
  virtual Result<Poll> poll(Batch* out, Batch* rejected) = 0;
  // Current state of all splits given: what was handed out by poll() so far is behind them.
  virtual Result<std::vector<Split>> snapshot(CheckpointId checkpoint) = 0;
  // A checkpoint became durable (group offsets are committed here, asynchronously).
  virtual void checkpoint_complete(CheckpointId checkpoint) = 0;
  // Splits too far ahead in event time: do not poll them until the next call says otherwise.
  virtual void pause(std::span<const std::uint32_t> splits) { static_cast<void>(splits); }
  // Splits by event time, the one that is behind first: where memory or turns are scarce, an
  // earlier one goes before a later one. Splits that are not named go before all; empty: all are
  // alike. Replaces the former order. Whoever reads without choice may ignore it.
  virtual void prefer(std::span<const std::uint32_t> splits) { static_cast<void>(splits); }
};

// Rows that a decoder refused, as every dead-letter output gets them.
// (body BYTES, reason STRING, topic STRING, broker STRING, queue_id INT, queue_offset BIGINT)
Schema rejected_schema();

// A table to be read: made once per job and statement by its factory, before anything starts.
// Thread: coordinator; the readers it makes live on task threads and may share what it owns.
class Source {
 public:
  virtual ~Source() = default;
  // Projected physical columns, then projected metadata columns.
  virtual Schema schema() const = 0;
  virtual bool bounded() const = 0;
  virtual bool updating() const { return false; }  // emits rows other than +I
  virtual std::vector<std::size_t> accepted_predicates() const {
    return {};
  }  // fully handled, indices into the offers
  virtual std::vector<std::string> explain() const { return {}; }  // "tag=a||b", "start=earliest"
  // Where poison rows go: definition of a sink table, wired by the planner. Empty = no dead-letter
  // output.
  virtual std::optional<TableDefinition> dead_letter() const { return std::nullopt; }
  virtual std::string dead_letter_connector() const { return {}; }
  virtual Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) = 0;
  virtual Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) = 0;
};

// ----------------------------------------------------------------------------------------------
// sinks

// A file of the checkpoint directory that holds what one writer wrote in one epoch. The engine
// makes it durable and names it in the manifest before anything is committed. Thread: task.
class EpochFile {
 public:
  virtual ~EpochFile() = default;
  virtual Status append(std::span<const std::byte> bytes) = 0;  // buffered; errors may be late
  virtual std::uint64_t size() const = 0;
};

// One writer's part of one epoch, from prepare() until it was published.
struct Committable {
  CheckpointId checkpoint = 0;
  std::uint32_t subtask = 0;
  std::string handle;      // from prepare(): the connector's own versioned encoding
  std::string epoch_file;  // path to read, empty when the epoch wrote none
};

// What a writer knows of its place in the job. Made by the engine, one per subtask and attempt.
struct WriterContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  std::uint64_t attempt_token = 0;  // random, new at every start and in-process restart
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  std::function<void()> wake;  // any thread: a blocked write or prepare may go on
  std::stop_token stop;
  Metrics metrics;
};

// Takes rows. Thread: task.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  enum class Write : std::uint8_t {
    kAccepted,
    kFull,  // nothing was taken: offer the same batch again after wake()
  };
  // `file` is null unless the sink writes exactly-once.
  virtual Result<Write> write(const Batch& batch, EpochFile* file) = 0;
  // The barrier. At-least-once: everything sent so far is acknowledged when this is done.
  // Exactly-once: the epoch is sealed. nullopt = not finished yet, call again after wake(). An
  // empty handle = nothing to commit.
  virtual Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) = 0;
  virtual Status checkpoint_aborted(CheckpointId checkpoint) {
    static_cast<void>(checkpoint);
    return {};
  }
};

struct CommitContext {
  bool recovered = false;  // from a checkpoint: a former process may have published part of it
  std::stop_token stop;
  std::function<Status()>
      check_lease;  // before every send: an error when another process may own the directory
  std::int64_t last_lease_ms = 0;  // recovered: wall time of the former owner's last sign of life
  std::function<void(std::string_view)> progress;  // for people: "scanned 1.2 M of 3 M messages"
};

// Publishes sealed epochs, in checkpoint order. Thread: one commit thread per sink; blocks, retries
// inside for as long as it takes and returns only on success, permanent failure or stop.
class SinkCommitter {
 public:
  virtual ~SinkCommitter() = default;
  // Idempotent. All committables of one checkpoint at once.
  virtual Status commit(std::span<const Committable> committables,
                        const CommitContext& context) = 0;
};

// A table to be written: made once per job and statement by its factory, before anything starts.
// Thread: coordinator; the writers it makes live on task threads, the committer on a thread of its
// own.
class Sink {
 public:
  virtual ~Sink() = default;
  // Physical columns, then writable metadata columns of the table.
  virtual Schema schema() const = 0;
  virtual Guarantee guarantee() const = 0;
  virtual std::vector<std::string> explain() const { return {}; }
  // Called once before the job starts, after restore decisions: proves what can be proven (topic
  // exists, scan allowed).
  virtual Status check_before_start() { return {}; }
  virtual Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) = 0;
  // Null for sinks that are not exactly-once.
  virtual Result<std::unique_ptr<SinkCommitter>> make_committer(Metrics metrics) {
    static_cast<void>(metrics);
    return std::unique_ptr<SinkCommitter>();
  }
};

// ----------------------------------------------------------------------------------------------
// registry

// A value beside the body that a connector reads or writes: METADATA FROM 'key'.
struct MetadataSpec {
  std::string key;
  Type type;
  bool readable = true;
  bool writable = false;
  std::string description;
};

// One connector ('connector' = name()): checks declarations and makes sources and sinks. Stateless.
// Thread: any.
class ConnectorFactory {
 public:
  virtual ~ConnectorFactory() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  virtual bool can_read() const = 0;
  virtual bool can_write() const = 0;
  virtual OptionTable options() const = 0;  // without those of formats
  virtual std::vector<MetadataSpec> metadata() const { return {}; }
  virtual Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const = 0;
  virtual Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const = 0;
};

// Names to factories. Built once at start, then read only. Thread: any after that.
class ConnectorRegistry {
 public:
  void add(std::unique_ptr<ConnectorFactory> factory);
  // An error with the nearest name when there is none.
  Result<const ConnectorFactory*> find(std::string_view name) const;
  std::vector<const ConnectorFactory*> all() const;

 private:
  std::vector<std::unique_ptr<ConnectorFactory>> factories_;
};

}  // namespace slipstream
