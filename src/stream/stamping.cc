#include "stream/stamping.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "flow/operators/keyed_state.h"
#include "flow/operators/split_watermarks.h"
#include "stream/user_call.h"

namespace slipstream::stream {
namespace {

using flow::Emitter;
using flow::EventTime;
using flow::kMaxWatermark;
using flow::kMinWatermark;
using flow::Progress;

class Stamping final : public flow::Operator {
 public:
  explicit Stamping(StampingSpec spec)
      : spec_(std::move(spec)), splits_(options(kMinWatermark)), order_(0) {}

  // A jump of the wall clock must neither hold event time nor let a split pass for idle.
  bool counts_elapsed_time() const override { return true; }

  Status open(const flow::OperatorContext& context) override {
    context_ = context;
    watermark_metric_ = flow::Metric(context.metrics, flow::kCurrentWatermark);
    return user_call([&] {
      if (spec_.stamper.make) stamper_ = spec_.stamper.make();
    });
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    const std::int64_t now = context_.now_ms();
    const std::vector<SplitEvent> events = std::move(batch.events);
    if (batch.rows() > 0) {
      TRY_ASSIGN(Batch stamped, stamp(batch, now));
      splits_.batch_received();
      idle_.interrupted();
      out.emit(std::move(stamped));
    }
    for (const SplitEvent& event : events) note(event, now);
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
    const std::int64_t now = std::max(wall_ms, context_.now_ms());
    TRY(user_call([&] {
      if (!spec_.stamper.ticks || !stamper_ || !stamper_->tick()) return;
      for (const std::uint32_t split : seen_)
        splits_.reached(split, stamper_->watermark(split), now);
    }));
    decide(now, out);
    return Progress::kDone;
  }

  Result<std::unique_ptr<flow::PendingSnapshot>> snapshot(const flow::SnapshotRequest&) override {
    auto snapshot = std::make_unique<flow::StateSnapshot>(context_.key_groups);
    snapshot->set_operator_note(flow::watermark_note(last_, splits_));
    return std::unique_ptr<flow::PendingSnapshot>(std::move(snapshot));
  }

  Status restore(const flow::SnapshotReader& from) override {
    flow::RestoredWatermarks restored;
    TRY(flow::restore_operator_notes(from,
                                     [&](std::string_view note) { return restored.add(note); }));
    // All former instances had ended: what comes now is new, and this one starts over.
    if (restored.least == kMaxWatermark) return {};
    last_ = restored.least;
    splits_ = flow::SplitWatermarks(options(last_, std::move(restored.levels)));
    return {};
  }

 private:
  flow::SplitWatermarks::Options options(EventTime floor,
                                         flow::SplitWatermarks::Levels levels = {}) const {
    return {spec_.empty_grace_ms, spec_.stamper.idle_timeout_ms, 0, false, floor,
            std::move(levels)};
  }

  Result<Batch> stamp(const Batch& batch, std::int64_t now) {
    static const std::vector<SplitRun> kOneRun{SplitRun{}};
    const std::vector<SplitRun>& runs = batch.runs.empty() ? kOneRun : batch.runs;
    std::vector<Timestamp> times;
    times.reserve(batch.rows());
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::size_t end = run + 1 < runs.size() ? runs[run + 1].begin : batch.rows();
      const std::uint32_t split = runs[run].split;
      if (runs[run].begin >= end) continue;
      EventTime level = kMinWatermark;
      TRY(user_call([&] {
        if (!stamper_) return;
        stamper_->stamp(batch, runs[run].begin, end, split, times);
        level = stamper_->watermark(split);
      }));
      if (std::find(seen_.begin(), seen_.end(), split) == seen_.end()) seen_.push_back(split);
      splits_.rows(split, level, now);
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

  void note(const SplitEvent& event, std::int64_t now) {
    switch (event.kind) {
      case SplitEvent::Kind::kProvenEmpty:
        return splits_.proven_empty(event, now);
      case SplitEvent::Kind::kActive:
        return splits_.active(event.split, now);
      case SplitEvent::Kind::kEnded:
        return splits_.ended(event.split);
      case SplitEvent::Kind::kAdded:
        return splits_.added(event.split, now);
      case SplitEvent::Kind::kWatermark:
        return splits_.reached(event.split, event.peer_time_ms, now);
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
    auto next = splits_.next_change_ms(now);
    if (spec_.stamper.ticks)
      next = std::min(next.value_or(now + spec_.tick_ms), now + spec_.tick_ms);
    if (next && *next != timer_ms_ && context_.set_timer) {
      timer_ms_ = *next;
      context_.set_timer(*next);
    }
    if (!context_.prefer_splits) return;
    if (const auto* order = order_.look(splits_, now)) context_.prefer_splits(*order);
  }

  StampingSpec spec_;
  flow::OperatorContext context_;
  flow::SplitWatermarks splits_;
  flow::ReadingOrder order_;
  std::unique_ptr<erased::Stamper> stamper_;
  std::vector<std::uint32_t> seen_;  // splits that gave rows
  EventTime last_ = kMinWatermark;
  flow::IdleSignal idle_;
  std::int64_t timer_ms_ = 0;
  flow::Metric watermark_metric_;
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
    std::vector<ColumnPtr> chosen;
    for (const std::size_t column : columns_) {
      if (batch.rows() == 0) break;
      chosen.push_back(column < batch.columns().size() ? batch.column(column)
                                                       : no_times(batch.rows()));
    }
    Batch passed(batch.rows(), std::move(chosen));
    passed.set_kinds({batch.kinds().begin(), batch.kinds().end()});
    passed.runs = std::move(batch.runs);
    passed.events = std::move(batch.events);
    out.emit(std::move(passed));
    return Progress::kDone;
  }

 private:
  std::vector<std::size_t> columns_;
};

}  // namespace

std::unique_ptr<flow::Operator> make_stamping(StampingSpec spec) {
  return std::make_unique<Stamping>(std::move(spec));
}

std::unique_ptr<flow::Operator> make_column_choice(std::vector<std::size_t> columns) {
  return std::make_unique<ColumnChoice>(std::move(columns));
}

}  // namespace slipstream::stream
