// The output side of a source or operator inside a task: to the next operator of the chain, or to
// other tasks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "flow/graph.h"
#include "flow/row_audit.h"
#include "flow/runtime/element.h"
#include "flow/runtime/gate.h"
#include "flow/taps.h"

namespace slipstream::flow {

// One edge of the graph as seen by one producing subtask.
class Edge {
 public:
  struct Target {
    Gate* gate = nullptr;
    std::size_t channel = 0;
  };
  struct Options {
    std::size_t output = 0;
    Partitioning partitioning = Partitioning::kForward;
    std::vector<std::size_t> key_columns;
    std::uint32_t max_parallelism = 128;
    std::vector<Target> targets;  // kForward and kSingle: one
    std::size_t first = 0;        // kRebalance: where to begin, modulo targets
  };
  explicit Edge(Options options)
      : options_(std::move(options)), next_(options_.first % options_.targets.size()) {}

  std::size_t output() const { return options_.output; }
  // REQUIRES: Batch or SourceBatch.
  void send(Element&& element);
  // To every target: watermarks, barriers, end.
  void broadcast(const Element& element);
  bool has_room() const;
  // Registers for room where there is none; true when the task has to park.
  bool wait_for_room();

 private:
  void split_by_key(Batch&& batch);
  static void push(const Target& target, Element&& element) {
    target.gate->push(target.channel, std::move(element));
  }

  Options options_;
  std::size_t next_;                              // round robin
  std::vector<std::vector<std::uint32_t>> rows_;  // of each target, scratch
};

// Takes what one operator emits and hands it to the next of the chain.
class Stage;

// Owner: the task.
// Thread: task.
class Port final : public Emitter {
 public:
  void connect(Stage* next) { next_ = next; }
  void add_edge(Edge edge) { edges_.push_back(std::move(edge)); }
  // Who may look at output 0; outlives the port.
  void set_tap(TapPoint* tap) { tap_ = tap; }
  // Where to note Watermark::as_of_ms of the newest watermark; outlives the port.
  void note_watermarks(std::atomic<std::int64_t>* newest_ms) { newest_ms_ = newest_ms; }

  void emit(Batch&& batch) override;
  void emit(const TimeSignal& signal) override;
  void emit_from_source(SourceBatch&& batch) override;
  void emit_side(std::size_t output, Batch&& batch) override;
  bool has_room() const override;

  void count_checksums() { has_checksums_ = true; }
  // By output: the main one first.
  // Thread: task.
  std::vector<RowTally> emitted() const;

  // Barrier or end: to the edges only.
  void broadcast(const Element& element);
  bool wait_for_room();
  // Thread: any.
  std::int64_t rows_out() const { return rows_out_.load(std::memory_order_relaxed); }
  EventTime watermark() const { return watermark_.load(std::memory_order_relaxed); }

 private:
  void send(std::size_t output, Element&& batch);
  void send_to_all(const TimeSignal& signal);
  void emit_watermark(const Watermark& watermark);
  RowTally& tally_of(std::size_t output);

  Stage* next_ = nullptr;  // takes output 0
  std::vector<Edge> edges_;
  TapPoint* tap_ = nullptr;
  std::int64_t as_of_ms_ = 0;  // of what was emitted so far
  std::atomic<std::int64_t>* newest_ms_ = nullptr;
  std::atomic<EventTime> watermark_{kMinWatermark};
  std::atomic<std::int64_t> rows_out_{0};  // of all outputs
  bool has_checksums_ = false;
  std::vector<RowTally> tallies_ =
      std::vector<RowTally>(1);  // by output; of the main one the checksums only
};

}  // namespace slipstream::flow
