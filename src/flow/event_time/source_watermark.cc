#include "flow/event_time/source_watermark.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"

namespace slipstream::flow {
namespace {

// What a checkpoint keeps of one task: the watermark it sent last and the levels of its splits.
std::string encode(EventTime last, const SplitWatermarks& splits) {
  std::string bytes;
  append_number(bytes, last);
  for (const auto& [split, level] : splits.levels()) {
    append_number(bytes, split);
    append_number(bytes, level);
  }
  return bytes;
}

// Of all former tasks together.
struct Restored {
  EventTime least = kMaxWatermark;  // of those sent last; kMaxWatermark: no task, or all had ended
  SplitWatermarks::Levels levels;

  Status add(std::string_view bytes) {
    TRY_ASSIGN(const EventTime last, take_number<EventTime>(bytes));
    least = std::min(least, last);
    while (!bytes.empty()) {
      TRY_ASSIGN(const auto split, take_number<std::uint32_t>(bytes));
      TRY_ASSIGN(const EventTime level, take_number<EventTime>(bytes));
      EventTime& known = levels.try_emplace(split, level).first->second;
      known = std::max(known, level);
    }
    return {};
  }
};

}  // namespace

SourceWatermark::SourceWatermark(SplitWatermarks::Options options)
    : options_(std::move(options)), splits_(options_), order_(options_.max_drift_ms) {}

void SourceWatermark::open(const OperatorContext& context) {
  context_ = context;
  watermark_metric_ = Metric(context.metrics, kCurrentWatermark);
  paused_metric_ = Metric(context.metrics, kPausedSplits);
}

void SourceWatermark::batch_noted() {
  splits_.batch_received();
  idle_signal_.interrupted();
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
                             std::optional<std::int64_t> next_ms) {
  const EventTime watermark = splits_.watermark(now_ms);
  if (watermark > last_) {
    last_ = watermark;
    idle_signal_.interrupted();
    watermark_metric_.set(last_);
    out.emit(Watermark{last_, now_ms});
  }
  if (const auto signal = idle_signal_.update(splits_.idle_ms(now_ms))) out.emit(*signal);
  auto next = splits_.next_change_ms(now_ms);
  if (next_ms) next = std::min(next.value_or(*next_ms), *next_ms);
  if (next && *next != timer_ms_ && context_.set_timer) {
    timer_ms_ = *next;
    context_.set_timer(*next);
  }
  steer(now_ms);
}

void SourceWatermark::steer(std::int64_t now_ms) {
  if (context_.set_read_order) {
    if (const auto* order = order_.update(splits_, now_ms)) context_.set_read_order(*order);
  }
  std::vector<std::uint32_t> ahead = splits_.too_far_ahead(now_ms);
  if (ahead == paused_) return;
  paused_ = std::move(ahead);
  paused_metric_.set(static_cast<std::int64_t>(paused_.size()));
  if (context_.pause_splits) context_.pause_splits(paused_);
}

void SourceWatermark::advance(const Watermark& watermark, Emitter& out) {
  if (watermark.time_ms != kMaxWatermark || last_ == kMaxWatermark) return;
  last_ = kMaxWatermark;
  out.emit(watermark);
}

std::unique_ptr<PendingSnapshot> SourceWatermark::snapshot() const {
  auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
  snapshot->set_operator_scalars(encode(last_, splits_));
  return snapshot;
}

Status SourceWatermark::restore(const SnapshotReader& from) {
  Restored restored;
  TRY(restore_operator_scalars(from,
                               [&](std::string_view scalars) { return restored.add(scalars); }));
  // All former instances had ended: what comes now is new, and this one starts over.
  if (restored.least == kMaxWatermark) return {};
  last_ = restored.least;
  options_.floor = last_;
  options_.levels = std::move(restored.levels);
  splits_ = SplitWatermarks(options_);
  return {};
}

}  // namespace slipstream::flow
