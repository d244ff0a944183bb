#include "flow/event_time/source_watermark.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace slipstream::flow {

SourceWatermark::SourceWatermark(SplitWatermarks::Options options)
    : options_(std::move(options)), splits_(options_), order_(options_.max_drift_ms) {}

void SourceWatermark::open(const OperatorContext& context) {
  context_ = context;
  watermark_metric_ = Metric(context.metrics, kCurrentWatermark);
  paused_metric_ = Metric(context.metrics, kPausedSplits);
}

void SourceWatermark::batch_noted() {
  splits_.batch_received();
  idle_.interrupted();
}

void SourceWatermark::note(const SplitEvent& event, std::int64_t now_ms) {
  if (event.is<SplitAdded>()) return splits_.added(event.split, now_ms);
  if (event.is<SplitActive>()) return splits_.active(event.split, now_ms);
  if (event.is<SplitEnded>()) return splits_.ended(event.split);
  if (const auto* idle = std::get_if<SplitIdle>(&event.what))
    return splits_.proven_empty(event.split, idle->proof, now_ms);
  splits_.reached(event.split, std::get<SplitWatermark>(event.what).time_ms, now_ms);
}

void SourceWatermark::decide(std::int64_t now_ms, Emitter& out,
                             std::optional<std::int64_t> again_ms) {
  const EventTime watermark = splits_.watermark(now_ms);
  if (watermark > last_) {
    last_ = watermark;
    idle_.interrupted();
    watermark_metric_.set(last_);
    out.emit_watermark_as_of(last_, now_ms);
  }
  idle_.tell(splits_.idle_ms(now_ms), out);
  auto next = splits_.next_change_ms(now_ms);
  if (again_ms) next = std::min(next.value_or(*again_ms), *again_ms);
  if (next && *next != timer_ms_ && context_.set_timer) {
    timer_ms_ = *next;
    context_.set_timer(*next);
  }
  steer(now_ms);
}

void SourceWatermark::steer(std::int64_t now_ms) {
  if (context_.prefer_splits) {
    if (const auto* order = order_.look(splits_, now_ms)) context_.prefer_splits(*order);
  }
  std::vector<std::uint32_t> ahead = splits_.too_far_ahead(now_ms);
  if (ahead == paused_) return;
  paused_ = std::move(ahead);
  paused_metric_.set(static_cast<std::int64_t>(paused_.size()));
  if (context_.pause_splits) context_.pause_splits(paused_);
}

void SourceWatermark::advance(EventTime watermark, Emitter& out) {
  if (watermark != kMaxWatermark || last_ == kMaxWatermark) return;
  last_ = kMaxWatermark;
  out.emit_watermark(kMaxWatermark);
}

std::unique_ptr<PendingSnapshot> SourceWatermark::snapshot() const {
  auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
  snapshot->set_operator_note(watermark_note(last_, splits_));
  return snapshot;
}

Status SourceWatermark::restore(const SnapshotReader& from) {
  RestoredWatermarks restored;
  TRY(restore_operator_notes(from, [&](std::string_view note) { return restored.add(note); }));
  // All former instances had ended: what comes now is new, and this one starts over.
  if (restored.least == kMaxWatermark) return {};
  last_ = restored.least;
  options_.floor = last_;
  options_.levels = std::move(restored.levels);
  splits_ = SplitWatermarks(options_);
  return {};
}

}  // namespace slipstream::flow
