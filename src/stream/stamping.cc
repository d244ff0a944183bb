#include "stream/stamping.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/try.h"
#include "flow/event_time/source_watermark.h"
#include "stream/user_call.h"

namespace slipstream::stream {
namespace {

using flow::Emitter;
using flow::EventTime;
using flow::kMinWatermark;
using flow::Progress;

class Stamping final : public flow::Operator {
 public:
  explicit Stamping(StampingSpec spec)
      : spec_(std::move(spec)),
        time_({.empty_grace_ms = spec_.empty_grace_ms,
               .idle_timeout_ms = spec_.stamper.idle_timeout_ms}) {}

  // A jump of the wall clock must neither hold event time nor let a split pass for idle.
  bool counts_elapsed_time() const override { return true; }

  Status open(const flow::OperatorContext& context) override {
    now_ms_ = context.now_ms;
    time_.open(context);
    if (!spec_.stamper.make) return {};
    calls_ = spec_.watch->add("operator '" + context.name + "' [" +
                              std::to_string(context.subtask) + "]");
    if (context.metrics.value)
      calls_->set_gauge(context.metrics.value(kBlockedCall.name, kBlockedCall.help));
    code_ = "the code of '" + context.name + "'";
    return user_call(*calls_, code_, [&] { stamper_ = spec_.stamper.make(*calls_, context.name); });
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    return push_from_source({std::move(batch), {}, {}}, out);
  }

  Result<Progress> push_from_source(SourceBatch&& batch, Emitter& out) override {
    const std::int64_t now = now_ms_();
    if (batch.rows.rows() > 0) {
      TRY_ASSIGN(Batch stamped, stamp(batch, now));
      time_.batch_noted();
      out.emit(std::move(stamped));
    }
    for (const SplitEvent& event : batch.events) time_.note(event, now);
    decide(now, out);
    return Progress::kDone;
  }

  Result<Progress> advance(const flow::Watermark& watermark, Emitter& out) override {
    time_.advance(watermark, out);
    return Progress::kDone;
  }

  Result<Progress> on_timer(std::int64_t wall_ms, Emitter& out) override {
    time_.timer_fired();
    const std::int64_t now = std::max(wall_ms, now_ms_());
    if (spec_.stamper.ticks && stamper_) {
      TRY(user_call(*calls_, code_, [&] {
        if (!stamper_->tick()) return;
        for (const std::uint32_t split : seen_)
          time_.splits().reached(split, stamper_->watermark(split), now);
      }));
    }
    decide(now, out);
    return Progress::kDone;
  }

  Result<std::unique_ptr<flow::PendingSnapshot>> snapshot(const flow::SnapshotRequest&) override {
    return time_.snapshot();
  }
  Status restore(const flow::SnapshotReader& from) override { return time_.restore(from); }

 private:
  Result<Batch> stamp(const SourceBatch& from, std::int64_t now) {
    const Batch& batch = from.rows;
    static const std::vector<SplitRun> kOneRun{SplitRun{}};
    const std::vector<SplitRun>& runs = from.runs.empty() ? kOneRun : from.runs;
    std::vector<Timestamp> times;
    times.reserve(batch.rows());
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::size_t end = run + 1 < runs.size() ? runs[run + 1].begin : batch.rows();
      const std::uint32_t split = runs[run].split;
      if (runs[run].begin >= end) continue;
      EventTime level = kMinWatermark;
      if (stamper_) {
        TRY(user_call(*calls_, code_, [&] {
          stamper_->stamp(batch, runs[run].begin, end, split, times);
          level = stamper_->watermark(split);
        }));
      }
      if (std::find(seen_.begin(), seen_.end(), split) == seen_.end()) seen_.push_back(split);
      time_.splits().rows(split, level, now);
    }
    std::vector<ColumnPtr> columns(
        batch.columns().begin(),
        batch.columns().begin() + static_cast<std::ptrdiff_t>(std::min(
                                      spec_.width + (stamper_ ? 0 : 1), batch.columns().size())));
    if (stamper_) columns.push_back(time_column(times));
    return Batch(batch.rows(), std::move(columns));
  }

  static ColumnPtr time_column(const std::vector<Timestamp>& times) {
    ColumnBuilder builder(Type::bigint());
    builder.reserve(times.size());
    for (const Timestamp time : times) {
      if (time == kNoTimestamp) {
        builder.append_null();
      } else {
        builder.append(time);
      }
    }
    return builder.finish();
  }

  void decide(std::int64_t now, Emitter& out) {
    std::optional<std::int64_t> next_tick_ms;
    if (spec_.stamper.ticks) next_tick_ms = now + spec_.tick_ms;
    time_.decide(now, out, next_tick_ms);
  }

  const StampingSpec spec_;
  flow::SourceWatermark time_;
  std::function<std::int64_t()> now_ms_;
  std::shared_ptr<erased::UserCalls> calls_;  // with a stamper
  std::string code_;
  std::unique_ptr<erased::Stamper> stamper_;
  std::vector<std::uint32_t> seen_;  // splits that gave rows
};

// Rows of a source have no time column.
ColumnPtr no_times(std::size_t rows) {
  ColumnBuilder builder(Type::bigint());
  for (std::size_t i = 0; i < rows; ++i) builder.append_null();
  return builder.finish();
}

class ColumnChoice final : public flow::Operator {
 public:
  explicit ColumnChoice(std::vector<std::size_t> columns) : columns_(std::move(columns)) {}
  Status open(const flow::OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    out.emit(choose(batch));
    return Progress::kDone;
  }
  Result<Progress> push_from_source(SourceBatch&& batch, Emitter& out) override {
    if (batch.rows.rows() != 0) batch.rows = choose(batch.rows);
    out.emit_from_source(std::move(batch));
    return Progress::kDone;
  }

 private:
  Batch choose(const Batch& batch) const {
    std::vector<ColumnPtr> chosen;
    for (const std::size_t column : columns_) {
      chosen.push_back(column < batch.columns().size() ? batch.column(column)
                                                       : no_times(batch.rows()));
    }
    Batch passed(batch.rows(), std::move(chosen));
    passed.set_kinds({batch.kinds().begin(), batch.kinds().end()});
    return passed;
  }

  std::vector<std::size_t> columns_;
};

class TimedColumns final : public flow::Operator {
 public:
  TimedColumns(std::vector<std::size_t> columns, std::size_t time)
      : columns_(std::move(columns)), time_(time) {}
  Status open(const flow::OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    std::vector<ColumnPtr> chosen;
    for (const std::size_t column : columns_) chosen.push_back(batch.column(column));
    TRY_ASSIGN(chosen.emplace_back(), times(batch));
    Batch passed(batch.rows(), std::move(chosen));
    passed.set_kinds({batch.kinds().begin(), batch.kinds().end()});
    out.emit(std::move(passed));
    return Progress::kDone;
  }

 private:
  Result<ColumnPtr> times(const Batch& batch) const {
    constexpr Timestamp kMostMs = std::numeric_limits<std::int64_t>::max() / 1000;
    if (time_ >= batch.columns().size() || batch.column(time_)->null_count() > 0) {
      return Error{ErrorCode::kDataError,
                   "an element of a stream without a time came to a view with a rowtime: call "
                   "assign_timestamps_and_watermarks() before create_view()"};
    }
    ColumnBuilder builder(Type::timestamp_ltz(3));
    builder.reserve(batch.rows());
    const auto* values = batch.column(time_)->data<std::int64_t>();
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (values[row] > kMostMs || values[row] < -kMostMs) {
        return Error{ErrorCode::kDataError, "the time of an element, " +
                                                std::to_string(values[row]) +
                                                " ms, lies outside of what TIMESTAMP_LTZ holds"};
      }
      builder.append(values[row] * 1000);
    }
    return builder.finish();
  }

  std::vector<std::size_t> columns_;
  std::size_t time_;
};

}  // namespace

std::unique_ptr<flow::Operator> make_timed_columns(std::vector<std::size_t> columns,
                                                   std::size_t time) {
  return std::make_unique<TimedColumns>(std::move(columns), time);
}

std::unique_ptr<flow::Operator> make_stamping(StampingSpec spec) {
  return std::make_unique<Stamping>(std::move(spec));
}

std::unique_ptr<flow::Operator> make_column_choice(std::vector<std::size_t> columns) {
  return std::make_unique<ColumnChoice>(std::move(columns));
}

}  // namespace slipstream::stream
