#include "flow/event_time/watermark_assigner.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/try.h"
#include "expr/program.h"
#include "flow/event_time/source_watermark.h"

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
      : spec_(std::move(spec)),
        time_({.empty_grace_ms = spec_.empty_grace_ms,
               .idle_timeout_ms = spec_.idle_timeout_ms,
               .max_drift_ms = spec_.max_drift_ms,
               .ingestion_time = spec_.ingestion_time}) {}

  // A jump of the wall clock must neither hold event time nor let a split pass for idle.
  bool counts_elapsed_time() const override { return true; }
  RowLaw row_law() const override { return RowLaw::kEach; }

  Status open(const OperatorContext& context) override {
    now_ms_ = context.now_ms;
    time_.open(context);
    TRY_ASSIGN(program_, expr::Program::compile({spec_.watermark}, spec_.eval));
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    return push_from_source({std::move(batch), {}, {}}, out);
  }

  Result<Progress> push_from_source(SourceBatch&& batch, Emitter& out) override {
    const std::int64_t now = now_ms_();
    if (batch.rows.rows() > 0) {
      TRY(note_rows(batch, now));
      time_.batch_noted();
    }
    for (const SplitEvent& event : batch.events) time_.note(event, now);
    if (batch.rows.rows() > 0) out.emit(std::move(batch.rows));
    time_.decide(now, out);
    return Progress::kDone;
  }

  Result<Progress> advance(const Watermark& watermark, Emitter& out) override {
    time_.advance(watermark, out);
    return Progress::kDone;
  }

  Result<Progress> on_timer(std::int64_t wall_ms, Emitter& out) override {
    time_.timer_fired();
    time_.decide(std::max(wall_ms, now_ms_()), out);
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest&) override {
    return time_.snapshot();
  }
  Status restore(const SnapshotReader& from) override { return time_.restore(from); }

 private:
  Status note_rows(const SourceBatch& from, std::int64_t now) {
    const Batch& batch = from.rows;
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
    const std::vector<SplitRun>& runs = from.runs.empty() ? kOneRun : from.runs;
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::size_t end = run + 1 < runs.size() ? runs[run + 1].begin : batch.rows();
      if (runs[run].begin >= end) continue;
      EventTime level = kMinWatermark;
      for (std::size_t row = runs[run].begin; row < end; ++row) {
        if (!marks.is_null(row)) level = std::max(level, to_ms(values[row], units));
      }
      time_.splits().rows(runs[run].split, level, now);
    }
    return {};
  }

  const WatermarkAssignerSpec spec_;
  SourceWatermark time_;
  std::function<std::int64_t()> now_ms_;
  std::unique_ptr<expr::Program> program_;
};

}  // namespace

std::unique_ptr<Operator> make_watermark_assigner(WatermarkAssignerSpec spec) {
  return std::make_unique<WatermarkAssigner>(std::move(spec));
}

}  // namespace slipstream::flow
