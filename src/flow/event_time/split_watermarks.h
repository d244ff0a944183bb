// Decides the watermark of a source from what is known of its splits. Pure: facts in, decisions
// out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "slipstream/connector.h"

#include "flow/time_signal.h"

namespace slipstream::flow {

// Between levels, of which `low` may be kMinWatermark.
inline std::uint64_t distance_ms(EventTime low, EventTime high) {
  return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
}

// The rule of quiet splits. Every batch with rows gets a number. The watermark is the greatest,
// over points s in that sequence, of the minimum over splits of what each had reached at s; left
// out of that minimum are splits proven empty at or after s (the proof was asked for when all
// batches up to s had been received, so what comes later was written after them) that have been
// empty for the grace time. When none is left the greatest level counts. Only now and
// the points of proofs that still hold can give a new answer.
//
// Thread: task.
// Bounds: one copy of all levels per point at which a proof that still holds was given.
class SplitWatermarks {
 public:
  using Levels = std::map<std::uint32_t, EventTime>;
  struct Options {
    std::int64_t empty_grace_ms = 1000;
    std::int64_t idle_timeout_ms = 0;  // 0 = off
    std::int64_t max_drift_ms = 0;     // 0 = off
    bool ingestion_time = false;       // event time is that of MetadataRole::kIngestionTime
    EventTime floor = kMinWatermark;   // where every split starts
    Levels levels{};                   // of splits that had reached more before a restore
  };
  explicit SplitWatermarks(Options options) : options_(options) {}

  void added(std::uint32_t split, std::int64_t now_ms) { of(split, now_ms); }
  void ended(std::uint32_t split) { splits_.erase(split); }
  // Rows of this split came, the greatest watermark among them is `level`.
  void rows(std::uint32_t split, EventTime level, std::int64_t now_ms);
  void batch_received() { ++sequence_; }  // after its rows(), before its events
  void reached(std::uint32_t split, EventTime level, std::int64_t now_ms);  // without rows
  void proven_empty(std::uint32_t split, const EmptinessProof& proof, std::int64_t now_ms);
  void active(std::uint32_t split, std::int64_t now_ms);

  EventTime watermark(std::int64_t now_ms) const;
  // No split, or all are left out: nothing holds event time back. See Idle::proven_ms.
  std::optional<std::int64_t> idle_ms(std::int64_t now_ms) const;
  // When an answer may change without a new fact; nullopt = never.
  std::optional<std::int64_t> next_change_ms(std::int64_t now_ms) const;
  std::vector<std::uint32_t> too_far_ahead(std::int64_t now_ms) const;  // ascending
  // Calls `see` with each split that is not left out and its level.
  template <typename See>
  void each_holding(std::int64_t now_ms, const See& see) const {
    for (const auto& [id, split] : splits_) {
      if (!left_out(split, split.proof, now_ms)) see(id, split.level);
    }
  }
  // Of all splits, for a checkpoint.
  Levels levels() const;

 private:
  struct Split {
    EventTime level = kMinWatermark;
    std::int64_t last_sign_ms = 0;  // of life: rows or proof
    bool empty = false;
    std::int64_t empty_since_ms = 0;
    std::uint64_t proof = 0;               // sequence of the newest proof
    std::int64_t proven_ms = 0;            // what comes later was written after that
    std::shared_ptr<const Levels> levels;  // of all splits at the proof
  };

  Split& of(std::uint32_t split, std::int64_t now_ms);
  bool timed_out(const Split& split, std::int64_t now_ms) const;
  // Left out at point `sequence`.
  bool left_out(const Split& split, std::uint64_t sequence, std::int64_t now_ms) const;
  EventTime at(std::uint64_t sequence, const Levels* levels, std::int64_t now_ms) const;

  Options options_;
  std::map<std::uint32_t, Split> splits_;
  std::uint64_t sequence_ = 0;
  std::uint64_t levels_sequence_ = 0;
  std::weak_ptr<const Levels> newest_levels_;
};

}  // namespace slipstream::flow
