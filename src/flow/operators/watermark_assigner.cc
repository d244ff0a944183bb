#include "flow/operators/watermark_assigner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/try.h"
#include "expr/program.h"
#include "flow/operators/keyed_state.h"
#include "flow/operators/split_watermarks.h"

namespace slipstream::flow {

namespace {

// Value of a TIMESTAMP column in milliseconds, rounded down.
EventTime to_ms(std::int64_t value, std::int64_t units_per_ms) {
  const std::int64_t quotient = value / units_per_ms;
  return value % units_per_ms < 0 ? quotient - 1 : quotient;
}

class WatermarkAssigner final : public Operator {
 public:
  explicit WatermarkAssigner(WatermarkAssignerSpec spec)
      : spec_(std::move(spec)), splits_(options(kMinWatermark)), order_(spec_.max_drift_ms) {}

  // A jump of the wall clock must neither hold event time nor let a split pass for idle.
  bool counts_elapsed_time() const override { return true; }

  Status open(const OperatorContext& context) override {
    context_ = context;
    watermark_metric_ = Metric(context.metrics, kCurrentWatermark);
    paused_metric_ = Metric(context.metrics, kPausedSplits);
    TRY_ASSIGN(program_, expr::Program::compile({spec_.watermark}, spec_.eval));
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    const std::int64_t now = context_.now_ms();
    if (batch.rows() > 0) {
      TRY(note_rows(batch, now));
      splits_.batch_received();
    }
    note_events(batch, now);
    batch.runs.clear();
    batch.events.clear();
    if (batch.rows() > 0) {
      idle_.interrupted();
      out.emit(std::move(batch));
    }
    decide(now, out);
    return Progress::kDone;
  }

  Result<Progress> advance(EventTime watermark, Emitter& out) override {
    if (watermark == kMaxWatermark && last_ != kMaxWatermark) {
      last_ = kMaxWatermark;
      out.emit_watermark(kMaxWatermark);
    }
    return Progress::kDone;
  }

  Result<Progress> on_timer(std::int64_t wall_ms, Emitter& out) override {
    timer_ms_ = 0;
    decide(std::max(wall_ms, context_.now_ms()), out);
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest&) override {
    auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
    snapshot->set_operator_note(watermark_note(last_, splits_));
    return std::unique_ptr<PendingSnapshot>(std::move(snapshot));
  }

  Status restore(const SnapshotReader& from) override {
    RestoredWatermarks restored;
    TRY(restore_operator_notes(from, [&](std::string_view note) { return restored.add(note); }));
    // All former instances had ended: what comes now is new, and this one starts over.
    if (restored.least == kMaxWatermark) return {};
    last_ = restored.least;
    splits_ = SplitWatermarks(options(last_, std::move(restored.levels)));
    return {};
  }

 private:
  SplitWatermarks::Options options(EventTime floor, SplitWatermarks::Levels levels = {}) const {
    return {
        spec_.empty_grace_ms, spec_.idle_timeout_ms, spec_.max_drift_ms, spec_.store_time, floor,
        std::move(levels)};
  }

  Status note_rows(const Batch& batch, std::int64_t now) {
    const Column& time = *batch.column(spec_.time_column);
    if (time.null_count() > 0) {
      return Error{ErrorCode::kDataError,
                   "the rowtime column is NULL in a row, so the row has no place in event time: "
                   "declare a computed "
                   "column with COALESCE(...) and put the WATERMARK on it"};
    }
    TRY_ASSIGN(const auto columns, program_->run(batch));
    const Column& marks = *columns[0];
    const std::int64_t* values = marks.data<std::int64_t>();
    const std::int64_t units = marks.type().units_per_second() / 1000;
    static const std::vector<SplitRun> kOneRun{SplitRun{}};
    const std::vector<SplitRun>& runs = batch.runs.empty() ? kOneRun : batch.runs;
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::size_t end = run + 1 < runs.size() ? runs[run + 1].begin : batch.rows();
      if (runs[run].begin >= end) continue;
      EventTime level = kMinWatermark;
      for (std::size_t row = runs[run].begin; row < end; ++row) {
        if (!marks.is_null(row)) level = std::max(level, to_ms(values[row], units));
      }
      splits_.rows(runs[run].split, level, now);
    }
    return {};
  }

  void note_events(const Batch& batch, std::int64_t now) {
    for (const SplitEvent& event : batch.events) {
      switch (event.kind) {
        case SplitEvent::Kind::kProvenEmpty:
          splits_.proven_empty(event, now);
          break;
        case SplitEvent::Kind::kActive:
          splits_.active(event.split, now);
          break;
        case SplitEvent::Kind::kEnded:
          splits_.ended(event.split);
          break;
        case SplitEvent::Kind::kAdded:
          splits_.added(event.split, now);
          break;
        case SplitEvent::Kind::kWatermark:
          splits_.reached(event.split, event.peer_time_ms, now);
          break;
      }
    }
  }

  void decide(std::int64_t now, Emitter& out) {
    const EventTime watermark = splits_.watermark(now);
    if (watermark > last_) {
      last_ = watermark;
      idle_.interrupted();
      watermark_metric_.set(last_);
      out.emit_watermark_as_of(last_, now);
    }
    idle_.tell(splits_.idle_ms(now), out);
    const auto next = splits_.next_change_ms(now);
    if (next && *next != timer_ms_ && context_.set_timer) {
      timer_ms_ = *next;
      context_.set_timer(*next);
    }
    steer(now);
  }

  // What the source is to read.
  void steer(std::int64_t now) {
    if (context_.prefer_splits) {
      if (const auto* order = order_.look(splits_, now)) context_.prefer_splits(*order);
    }
    std::vector<std::uint32_t> ahead = splits_.too_far_ahead(now);
    if (ahead == paused_) return;
    paused_ = std::move(ahead);
    paused_metric_.set(static_cast<std::int64_t>(paused_.size()));
    if (context_.pause_splits) context_.pause_splits(paused_);
  }

  WatermarkAssignerSpec spec_;
  OperatorContext context_;
  SplitWatermarks splits_;
  ReadingOrder order_;
  std::unique_ptr<expr::Program> program_;
  EventTime last_ = kMinWatermark;
  IdleSignal idle_;
  std::int64_t timer_ms_ = 0;
  std::vector<std::uint32_t> paused_;
  Metric watermark_metric_;
  Metric paused_metric_;
};

}  // namespace

std::unique_ptr<Operator> make_watermark_assigner(WatermarkAssignerSpec spec) {
  return std::make_unique<WatermarkAssigner>(std::move(spec));
}

}  // namespace slipstream::flow
