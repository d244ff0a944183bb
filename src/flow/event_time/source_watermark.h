// Event time right behind a source: what its splits have reached, sent to the tasks behind and back
// to the source.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "flow/event_time/idle_signal.h"
#include "flow/event_time/read_order.h"
#include "flow/event_time/split_watermarks.h"
#include "flow/operator.h"
#include "flow/operators/keyed_state.h"

namespace slipstream::flow {

// The operator notes what came: rows of each split by splits().rows(), then batch_noted(), then the
// batch's events. decide() draws the conclusions.
//
// Thread: task.
// State: the last emitted watermark and what each split has reached; after a restore every split
// starts at the least watermark of all former subtasks.
class SourceWatermark {
 public:
  explicit SourceWatermark(SplitWatermarks::Options options);

  void open(const OperatorContext& context);

  SplitWatermarks& splits() { return splits_; }
  void batch_noted();
  void note(const SplitEvent& event, std::int64_t now_ms);
  // Emits a watermark that has risen and changes of idleness, gives the source its read order
  // and the splits to pause, and sets the timer for the next decision, at `next_ms` at the latest.
  void decide(std::int64_t now_ms, Emitter& out, std::optional<std::int64_t> next_ms = {});
  void timer_fired() { timer_ms_ = 0; }
  // From above: ignored, but for kMaxWatermark, the end of input.
  void advance(const Watermark& watermark, Emitter& out);

  std::unique_ptr<PendingSnapshot> snapshot() const;
  Status restore(const SnapshotReader& from);

 private:
  void steer(std::int64_t now_ms);

  SplitWatermarks::Options options_;
  SplitWatermarks splits_;
  ReadOrder order_;
  OperatorContext context_;
  EventTime last_ = kMinWatermark;
  IdleSignal idle_signal_;
  std::int64_t timer_ms_ = 0;
  std::vector<std::uint32_t> paused_;
  Metric watermark_metric_;
  Metric paused_metric_;
};

}  // namespace slipstream::flow
