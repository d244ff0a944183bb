// How rows go out: a Sink makes writers, and a committer when it can publish exactly once.
#pragma once

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
#include "slipstream/clock.h"
#include "slipstream/connector/table.h"
#include "slipstream/metrics.h"
#include "slipstream/status.h"

namespace slipstream {

struct SinkRequest {
  TableDefinition table;
  bool updating = false;  // rows other than +I will come; refuse here what cannot be written
  std::vector<std::size_t> time_columns;  // of Sink::schema(): those that hold the rows' event time
  std::string uid;
  std::string job_name;
};

enum class Guarantee : std::uint8_t { kNone, kAtLeastOnce, kExactlyOnce };
// "at-least-once"
std::string_view guarantee_name(Guarantee guarantee);

// A file of the checkpoint directory that holds what one writer wrote in one epoch. The engine
// makes it durable and names it in the manifest before anything is committed.
// Thread: task.
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
  const Clock* clock = nullptr;  // outlives the writer
};

// Takes rows.
// Thread: task.
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

// What a committer is made with. One per sink and attempt.
struct CommitterContext {
  Metrics metrics;
  const Clock* clock = nullptr;  // outlives the committer
};

struct CommitContext {
  bool recovered = false;  // from a checkpoint: a former process may have published part of it
  std::stop_token stop;
  std::function<Status()>
      check_lease;  // before every send: an error when another process may own the directory
  std::int64_t last_lease_ms = 0;  // recovered: wall time of the former owner's last sign of life
  std::function<void(std::string_view)> progress;  // for people: "scanned 1.2 M of 3 M messages"
};

// Publishes sealed epochs, in checkpoint order.
// Thread: one call at a time, on threads that may wait; blocks, retries inside for as long as it takes and returns
// only on success, permanent failure or stop.
class SinkCommitter {
 public:
  virtual ~SinkCommitter() = default;
  // Idempotent. All committables of one checkpoint at once.
  virtual Status commit(std::span<const Committable> committables,
                        const CommitContext& context) = 0;
};

// A table to be written: made once per job and statement by its factory, before anything starts.
// Thread: coordinator; the writers it makes live on task threads, the committer on those that may
// wait.
class Sink {
 public:
  virtual ~Sink() = default;
  // Physical columns, then writable metadata columns of the table.
  virtual Schema schema() const = 0;
  virtual Guarantee guarantee() const = 0;
  virtual std::vector<std::string> explain() const { return {}; }
  // What it writes outside of the process: see Source::endpoints().
  virtual std::vector<std::string> endpoints() const { return {}; }
  // Called once before the job starts, after restore decisions: proves what can be proven (topic
  // exists, scan allowed).
  virtual Status check_before_start() { return {}; }
  virtual Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) = 0;
  // Null for sinks that are not exactly-once.
  virtual Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) {
    static_cast<void>(context);
    return std::unique_ptr<SinkCommitter>();
  }
};

}  // namespace slipstream
