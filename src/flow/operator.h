// What a task runs: operators, how they emit, and how they are saved.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/connector.h"
#include "slipstream/status.h"

#include "flow/state_schema.h"
#include "flow/time_signal.h"

namespace slipstream::flow {

// Where an operator's results go. Never blocks: queues take what is emitted and report that they
// are full.
//
// Thread: task.
class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual void emit(Batch&& batch) = 0;
  // Watermarks ascend. The tasks behind see every signal, the operators behind in the chain only
  // watermarks, by advance().
  virtual void emit(const TimeSignal& signal) = 0;
  // By operators between a source and what gives its rows event time. May be without rows.
  virtual void emit_from_source(SourceBatch&& batch) {
    if (batch.rows.rows() != 0) emit(std::move(batch.rows));
  }
  // 1, 2, ...: late rows, dead letters.
  virtual void emit_side(std::size_t output, Batch&& batch) = 0;
  // False: return kMore as soon as possible and go on in resume().
  virtual bool has_room() const = 0;
};

// How many rows an operator emits on its main output for the rows that it takes.
enum class RowLaw : std::uint8_t {
  kNone,    // as many as it likes: windows, joins
  kAtMost,  // no more than it took: filters
  kEach,    // each that it took and did not count as dropped
};

enum class Progress : std::uint8_t {
  kDone,
  kMore,  // unfinished: the runtime calls resume() when downstream has room; until kDone nothing
          // else arrives
};

// State of one operator instance in a checkpoint. Keyed entries go by key group so that another
// parallelism can restore its share; operator entries are a list that is spread or handed to
// everyone by the operator's own choice.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  // What this instance writes under `name` for key groups adds to what SnapshotRequest::base has
  // there of it.
  virtual void add_to_base(std::string_view name) = 0;
  // Thread: background. Several calls with the same name and key group append.
  virtual Status write(std::string_view name, std::uint32_t key_group,
                       std::span<const std::byte> bytes) = 0;
};
inline constexpr std::uint32_t kOperatorState = 0xffffffffU;  // as key group: not keyed

class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  // Calls `entry` for each piece written under `name` whose key group belongs to this instance;
  // pieces of a former instance that add to a base come before those of the base. Operator state of
  // all former instances is visited (with their subtask number).
  virtual Status visit(
      std::string_view name,
      const std::function<Status(std::uint32_t key_group, std::uint32_t former_subtask,
                                 std::span<const std::byte> bytes)>& entry) const = 0;
};

// The background half of a snapshot: holds frozen pages, writes them when called.
// Thread: background.
class PendingSnapshot {
 public:
  virtual ~PendingSnapshot() = default;
  virtual Status write(SnapshotWriter& out) = 0;
};

struct SnapshotRequest {
  CheckpointId checkpoint = 0;
  // A complete checkpoint of this instance that may be added to (SnapshotWriter::add_to_base); 0 =
  // all state is to be written.
  CheckpointId base = 0;
};

struct KeyGroupRange {
  std::uint32_t begin = 0;  // key groups [begin, end) belong to this instance
  std::uint32_t end = 128;
  std::uint32_t total = 128;
};

// Memory of the process, reserved before it is used.
// Thread: any.
class MemoryReservation {
 public:
  virtual ~MemoryReservation() = default;
  // kResourceExhausted that names the operator, its size and the option to set.
  virtual Status grow(std::size_t bytes) = 0;
  virtual void shrink(std::size_t bytes) = 0;
};

struct OperatorContext {
  std::string uid;
  std::string name;
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  KeyGroupRange key_groups;
  std::size_t batch_rows = kBatchRows;   // cut emitted batches here
  std::function<std::int64_t()> now_ms;  // wall clock of the job; see counts_elapsed_time()
  // Asks for on_timer() at or after this time of now_ms() (processing time: state ttl, idle
  // time-outs). Replaces the former.
  std::function<void(std::int64_t wall_ms)> set_timer;
  // Behind a source in its chain: SourceReader::pause and set_read_order. Null elsewhere.
  std::function<void(std::span<const std::uint32_t> splits)> pause_splits;
  std::function<void(std::span<const std::uint32_t> splits)> set_read_order;
  // EngineOptions::changes_cost_bytes
  std::size_t changes_cost_bytes = 32;
  Metrics metrics;
  MemoryReservation* memory = nullptr;  // outlives the operator
};

// One instance of an operator: lives in one task, is called by one thread at a time and holds no
// locks.
class Operator {
 public:
  virtual ~Operator() = default;
  // Its now_ms() and timers are those of a clock that nobody sets, not of the wall clock: for
  // durations.
  virtual bool counts_elapsed_time() const { return false; }
  // What its emitted rows are held against (flow/row_audit.h), whenever it has nothing pending.
  virtual RowLaw row_law() const { return RowLaw::kNone; }
  // Rows that it took since open() and dropped on purpose, without a side output: late ones.
  virtual std::int64_t dropped_rows() const { return 0; }
  virtual Status open(const OperatorContext& context) = 0;
  virtual Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) = 0;
  // The only input is a source, or an operator that emits from it: with the splits that the rows
  // came from and what is known of these. For operators that need it or pass it on.
  virtual Result<Progress> push_from_source(SourceBatch&& batch, Emitter& out) {
    if (batch.rows.rows() == 0) return Progress::kDone;
    return push(0, std::move(batch.rows), out);
  }
  // Event time of all inputs together has reached `watermark`. Emits what is due, then passes the
  // watermark on.
  virtual Result<Progress> advance(const Watermark& watermark, Emitter& out) {
    out.emit(watermark);
    return Progress::kDone;
  }
  // REQUIRES: the last call answered kMore.
  virtual Result<Progress> resume(Emitter& out) {
    static_cast<void>(out);
    return Progress::kDone;
  }
  virtual Result<Progress> on_timer(std::int64_t wall_ms, Emitter& out) {
    static_cast<void>(wall_ms), static_cast<void>(out);
    return Progress::kDone;
  }
  // One input ended (its watermark was kMaxWatermark before). After the last one the operator
  // flushes what is left.
  virtual Result<Progress> end_input(std::size_t input, Emitter& out) {
    static_cast<void>(input), static_cast<void>(out);
    return Progress::kDone;
  }
  // Synchronous part of a checkpoint: freezes tables, copies what is small. nullptr = no state.
  virtual Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) {
    static_cast<void>(request);
    return std::unique_ptr<PendingSnapshot>();
  }
  // Of what snapshot() holds. REQUIRES: open(), and restore() where there is something to restore.
  virtual StateSchema state_schema() const { return {}; }
  // Before the first push; only when the checkpoint has state of this uid.
  virtual Status restore(const SnapshotReader& from) {
    static_cast<void>(from);
    return {};
  }
};

}  // namespace slipstream::flow
