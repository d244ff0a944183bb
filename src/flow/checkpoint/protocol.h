// When checkpoints begin, complete and are given up, and which sealed epochs may be published when.
//
// Pure: facts in, decisions out; no clock, no thread, no file. The coordinator feeds it and carries
// out what it says.
//
//   begin -> every task acknowledges -> manifest written -> complete -> commit epochs in checkpoint
//   order -> confirmed
//                       \-> time-out or failed write -> abort: sealed epochs stay and are named by
//                       the next manifest
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/snapshot.h"

namespace slipstream::flow {

struct Decision {
  enum class Kind : std::uint8_t {
    kBegin,     // tell all sources and all ended tasks: barrier
    kRequest,   // an ended task has still to take part: task, barrier
    kStore,     // all acknowledged: write the manifest of barrier, naming `epochs`
    kComplete,  // durable: tell the sources
    kAbort,     // tell the sinks, drop what was written: barrier, why
    kCommit,    // hand the epochs of one sink and checkpoint to its committer: sink,
                // barrier.checkpoint, epochs
    kForget,    // a checkpoint that is no longer retained: barrier.checkpoint
    kSettle,    // the last checkpoint's epochs are all published: write its manifest anew without
                // them
    kBacklog,   // sink: too many epochs wait (flag) or no longer
    kEnd,       // the job is over: barrier.kind says how
    kFail,      // too many checkpoints failed in a row: why
  };
  Kind kind = Kind::kBegin;
  Barrier barrier;
  TaskId task = 0;
  std::string sink;
  std::vector<Epoch> epochs;
  bool recovered = false;
  bool flag = false;
  std::string why;
};

// Thread: one.
// Bounds: one checkpoint in flight; at most epochs_max unpublished checkpoints per sink.
class CheckpointProtocol {
 public:
  struct Options {
    std::uint32_t tasks = 0;
    std::int64_t interval_ms = 0;  // 0 = only those asked for
    bool flush_only = false;       // periodic rounds only flush (checkpointing is off)
    bool incremental = true;       // periodic checkpoints have a base
    std::int64_t timeout_ms = 600'000;
    std::uint32_t retained = 3;
    std::uint32_t epochs_max = 2;
    std::uint32_t failures_max = 10;  // failed writes in a row; time-outs only cost the checkpoint
    CheckpointId next_id = 1;
    std::vector<CheckpointId> existing;  // complete ones in the storage, ascending
    std::optional<Barrier> finishing;    // only publish what this last checkpoint named, then end
    std::vector<Epoch> restored;         // unconfirmed, of the checkpoint that was restored
  };
  using Decisions = std::vector<Decision>;

  CheckpointProtocol(Options options, std::int64_t now_ms);

  Decisions start();  // epochs to recover
  // Splits were found: checkpoints may begin.
  Decisions ready(std::int64_t now_ms);
  Decisions tick(std::int64_t now_ms);
  // A savepoint and the end of the job.
  Decisions stop(std::int64_t now_ms);
  // A checkpoint as soon as one can begin: not before the one in flight is over. It has no base:
  // whoever asks for one may carry it away.
  Decisions checkpoint(std::int64_t now_ms);
  Decisions task_ended(TaskId task, std::int64_t now_ms);
  // `epochs`: what the task sealed for this checkpoint, also when that is no longer in flight.
  Decisions acknowledged(TaskId task, CheckpointId checkpoint, std::vector<Epoch> epochs,
                         std::int64_t now_ms);
  Decisions write_failed(CheckpointId checkpoint, const std::string& why, std::int64_t now_ms);
  Decisions stored(CheckpointId checkpoint, std::int64_t now_ms);
  Decisions committed(const std::string& sink, CheckpointId checkpoint, std::int64_t now_ms);
  Decisions settled();

  // When tick() has something to decide; nullopt = not before another fact.
  std::optional<std::int64_t> next_tick_ms() const;
  CheckpointId next_id() const { return next_id_; }
  bool is_ready() const { return ready_; }

 private:
  struct Flight {
    Barrier barrier;
    std::int64_t begun_ms = 0;
    std::set<TaskId> waiting;
    bool storing = false;
    std::vector<Epoch> named;
  };

  void maybe_begin(std::int64_t now_ms, Decisions& out);
  void begin(CheckpointKind kind, CheckpointId base, std::int64_t now_ms, Decisions& out);
  void abort(const std::string& why, bool counts, std::int64_t now_ms, Decisions& out);
  void complete(std::int64_t now_ms, Decisions& out);
  void hand_over(const std::vector<Epoch>& epochs, bool recovered, Decisions& out);
  void maybe_settle(Decisions& out);
  std::size_t backlog(const std::string& sink) const;
  bool too_many_epochs() const;
  std::optional<CheckpointKind> wanted() const;

  const Options options_;
  CheckpointId next_id_;
  CheckpointId base_ = 0;  // the newest complete checkpoint of this attempt
  std::int64_t last_begin_ms_;
  std::optional<Flight> flight_;
  std::set<TaskId> ended_;
  bool ready_ = false;
  bool stop_wanted_ = false;
  bool checkpoint_wanted_ = false;
  bool over_ = false;            // the last checkpoint is complete
  std::optional<Barrier> last_;  // that one, until its epochs are published
  std::uint32_t failures_ = 0;
  std::deque<CheckpointId> retained_;
  std::vector<Epoch> unconfirmed_;  // sealed and not published, in commit order
  struct Handed {
    std::string sink;
    CheckpointId checkpoint;
  };
  std::vector<Handed> handed_;  // given to committers, in order
  std::set<std::string> backlogged_;
};

}  // namespace slipstream::flow
