// What operators emitted against what those behind them took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/batch.h"

#include "base/mutex.h"
#include "flow/graph.h"

namespace slipstream::flow {

// A number of rows, with checksums of them that do not depend on their order.
struct RowTally {
  std::int64_t rows = 0;
  std::uint64_t sum = 0;           // of the hashes of rows with their kinds
  std::uint64_t exclusive_or = 0;  // likewise

  // The checksums only: who uses it counts rows anyway.
  void add_hashes(const Batch& batch);
  RowTally& operator+=(const RowTally& other);
  friend RowTally operator-(RowTally later, const RowTally& earlier);
  bool operator==(const RowTally&) const = default;
};

// Of all tasks of an operator.
struct NodeRows {
  std::vector<RowTally> taken;    // by input
  std::vector<RowTally> emitted;  // by output: the main one first
  std::int64_t dropped = 0;       // Operator::dropped_rows()
  RowLaw law = RowLaw::kNone;

  NodeRows& operator+=(const NodeRows& other);
  friend NodeRows operator-(NodeRows later, const NodeRows& earlier);
};

// One thing that was compared: an edge, or what an operator emits against what it takes.
struct RowFinding {
  enum class Verdict : std::uint8_t {
    kEqual,
    kMissing,    // fewer rows than there must be
    kSurplus,    // more rows
    kDifferent,  // as many, but others
    kNoLaw,      // of an operator: any number of rows may be right
  };
  NodeId node = 0;                   // the operator, or the one that the edge leads to
  std::optional<std::size_t> input;  // of the edge; nullopt: the operator itself
  std::string name;                  // "Source(orders) -> Project"
  std::int64_t in = 0;               // emitted into the edge, taken by the operator
  std::int64_t out = 0;              // taken from the edge, emitted by the operator
  std::int64_t dropped = 0;          // on purpose: filtered, late, NULL where that is refused
  std::int64_t missing = 0;          // < 0: surplus
  Verdict verdict = Verdict::kEqual;

  bool is_wrong() const { return verdict != Verdict::kEqual && verdict != Verdict::kNoLaw; }
};

// Counts are compared as of the barrier of a completed checkpoint. It separates the same rows
// everywhere: all that was emitted before it was taken before it, so that nothing is under way. A
// restart goes on from that checkpoint, and the counts with it: what is read once more counts once.
//
// Owner:  the job, and those who look, who may outlive it.
// Thread: any.
// Bounds: the counts of kMinutesMax checkpoints, the last one of each minute.
class RowAudit {
 public:
  static constexpr std::size_t kMinutesMax = 60;

  struct Options {
    std::vector<std::uint32_t> parallelism;  // of each node
    bool checksums = false;
    std::int64_t started_ms = 0;  // wall time
  };
  RowAudit(const Graph& graph, Options options);

  bool has_checksums() const { return options_.checksums; }

  // What comes now goes on from the last checkpoint that was completed.
  void begin_attempt();
  // What one task of `node` has counted since the attempt began, when the barrier came. Before
  // the task acknowledges it.
  void add(CheckpointId checkpoint, const Node& node, const NodeRows& rows);
  void completed(CheckpointId checkpoint, std::int64_t wall_ms);

  struct Span {
    std::int64_t from_ms = 0;  // wall times
    std::int64_t to_ms = 0;
    std::vector<RowFinding> findings;  // in the order of the graph, edges before their operator
  };
  struct Report {
    CheckpointId checkpoint = 0;
    bool checksums = false;
    Span total;
    std::vector<Span> minutes;  // ascending; from checkpoint to checkpoint
  };
  // nullopt: no checkpoint was completed.
  std::optional<Report> report() const;

 private:
  struct Cut {
    CheckpointId checkpoint = 0;
    std::int64_t at_ms = 0;
    std::vector<NodeRows> nodes;
  };
  struct Audited {
    std::string name;
    std::vector<Input> inputs;
    bool is_sink = false;  // emits nothing
  };
  Span between(const Cut& earlier, const Cut& later) const;
  RowFinding edge(const std::vector<NodeRows>& rows, NodeId node, std::size_t input) const;
  RowFinding law(const NodeRows& rows, NodeId node) const;

  const Options options_;
  std::vector<Audited> operators_;
  std::map<std::string, NodeId> numbers_;  // by uid
  mutable Mutex mutex_;
  Cut base_ SLIPSTREAM_GUARDED_BY(mutex_);              // where the attempt began
  Cut pending_ SLIPSTREAM_GUARDED_BY(mutex_);           // since then
  std::deque<Cut> cuts_ SLIPSTREAM_GUARDED_BY(mutex_);  // ascending, the newest last
  Cut before_ SLIPSTREAM_GUARDED_BY(mutex_);            // the one before those
};

}  // namespace slipstream::flow
