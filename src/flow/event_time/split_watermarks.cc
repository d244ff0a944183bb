#include "flow/event_time/split_watermarks.h"

#include <algorithm>

namespace slipstream::flow {

SplitWatermarks::Split& SplitWatermarks::of(std::uint32_t split, std::int64_t now_ms) {
  const auto [at, fresh] = splits_.try_emplace(split);
  if (fresh) {
    const auto known = options_.levels.find(split);
    at->second.level =
        known == options_.levels.end() ? options_.floor : std::max(options_.floor, known->second);
    at->second.last_sign_ms = now_ms;
  }
  return at->second;
}

void SplitWatermarks::rows(std::uint32_t split, EventTime level, std::int64_t now_ms) {
  Split& s = of(split, now_ms);
  s.empty = false;
  s.levels.reset();
  s.last_sign_ms = now_ms;
  s.level = std::max(s.level, level);
  newest_levels_.reset();
}

void SplitWatermarks::reached(std::uint32_t split, EventTime level, std::int64_t now_ms) {
  Split& s = of(split, now_ms);
  s.last_sign_ms = now_ms;
  s.level = std::max(s.level, level);
  newest_levels_.reset();
}

void SplitWatermarks::proven_empty(std::uint32_t split, const EmptinessProof& proof,
                                   std::int64_t now_ms) {
  Split& s = of(split, now_ms);
  s.last_sign_ms = now_ms;
  if (options_.ingestion_time && proof.peer_time_ms) {
    // Whatever is stored later has this time or a greater one; a message of the very same
    // millisecond may follow.
    s.level = std::max(s.level, *proof.peer_time_ms - 1);
    newest_levels_.reset();
    return;
  }
  if (!s.empty) {
    s.empty = true;
    s.empty_since_ms = now_ms;
  }
  s.proof = sequence_;
  s.proven_ms = proof.asked_ms.value_or(kAlwaysIdle);
  s.levels = levels_sequence_ == sequence_ ? newest_levels_.lock() : nullptr;
  if (!s.levels) {
    auto levels = std::make_shared<Levels>();
    for (const auto& [id, other] : splits_) levels->emplace(id, other.level);
    s.levels = std::move(levels);
    newest_levels_ = s.levels;
    levels_sequence_ = sequence_;
  }
}

void SplitWatermarks::active(std::uint32_t split, std::int64_t now_ms) {
  Split& s = of(split, now_ms);
  s.empty = false;
  s.levels.reset();
  s.last_sign_ms = now_ms;
}

bool SplitWatermarks::timed_out(const Split& split, std::int64_t now_ms) const {
  return options_.idle_timeout_ms > 0 && now_ms - split.last_sign_ms >= options_.idle_timeout_ms;
}

bool SplitWatermarks::left_out(const Split& split, std::uint64_t sequence,
                               std::int64_t now_ms) const {
  if (timed_out(split, now_ms)) return true;
  return split.empty && split.proof >= sequence &&
         now_ms - split.empty_since_ms >= options_.empty_grace_ms;
}

EventTime SplitWatermarks::at(std::uint64_t sequence, const Levels* levels,
                              std::int64_t now_ms) const {
  EventTime least = kMaxWatermark;
  EventTime greatest = kMinWatermark;
  bool any = false;
  for (const auto& [id, split] : splits_) {
    EventTime level = split.level;
    if (levels != nullptr) {
      const auto then = levels->find(id);
      level = then == levels->end() ? options_.floor : then->second;
    }
    greatest = std::max(greatest, level);
    if (left_out(split, sequence, now_ms)) continue;
    any = true;
    least = std::min(least, level);
  }
  return any ? least : greatest;
}

EventTime SplitWatermarks::watermark(std::int64_t now_ms) const {
  if (splits_.empty()) return options_.floor;
  EventTime best = at(sequence_, nullptr, now_ms);
  const Levels* seen = nullptr;
  for (const auto& [id, split] : splits_) {
    if (!split.empty || split.levels.get() == seen) continue;
    seen = split.levels.get();
    best = std::max(best, at(split.proof, seen, now_ms));
  }
  return best;
}

std::optional<std::int64_t> SplitWatermarks::idle_ms(std::int64_t now_ms) const {
  std::int64_t least = kAlwaysIdle;
  for (const auto& [id, split] : splits_) {
    if (!left_out(split, sequence_, now_ms)) return std::nullopt;
    if (!timed_out(split, now_ms)) least = std::min(least, split.proven_ms);
  }
  return least;
}

std::optional<std::int64_t> SplitWatermarks::next_change_ms(std::int64_t now_ms) const {
  std::optional<std::int64_t> next;
  const auto consider = [&](std::int64_t at_ms) {
    if (at_ms > now_ms && (!next || at_ms < *next)) next = at_ms;
  };
  for (const auto& [id, split] : splits_) {
    if (split.empty) consider(split.empty_since_ms + options_.empty_grace_ms);
    if (options_.idle_timeout_ms > 0) consider(split.last_sign_ms + options_.idle_timeout_ms);
  }
  return next;
}

std::vector<std::uint32_t> SplitWatermarks::too_far_ahead(std::int64_t now_ms) const {
  std::vector<std::uint32_t> ahead;
  if (options_.max_drift_ms <= 0) return ahead;
  std::optional<EventTime> slowest;
  for (const auto& [id, split] : splits_) {
    if (split.level == kMinWatermark || left_out(split, split.proof, now_ms)) continue;
    slowest = slowest ? std::min(*slowest, split.level) : split.level;
  }
  if (!slowest) return ahead;
  for (const auto& [id, split] : splits_) {
    if (split.level > *slowest &&
        distance_ms(*slowest, split.level) > static_cast<std::uint64_t>(options_.max_drift_ms))
      ahead.push_back(id);
  }
  return ahead;
}

SplitWatermarks::Levels SplitWatermarks::levels() const {
  if (splits_.empty()) return options_.levels;  // not added yet after a restore
  Levels levels;
  for (const auto& [id, split] : splits_) levels.emplace(id, split.level);
  return levels;
}

}  // namespace slipstream::flow
