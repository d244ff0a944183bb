// Decides which splits of a reader count as empty, and when to ask again. Pure: facts in, decisions
// out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "slipstream/connector/source.h"

namespace slipstream::connector_kit {

// For sources that can ask how far a split reaches: an answer "nothing follows what you have" proves
// it empty as of the moment when the question was sent.
//
// A proof counts when its question was sent after all rows given so far were received. Beside a busy
// split none ever would: while an answer is under way the reader gives no rows, for kWaitMs at most.
// When other readers of the job have moved event time on, older proofs are to be renewed.
//
// Owner:   a reader.
// Thread:  task.
// Bounds:  one number per split.
class EmptinessProofs {
 public:
  static constexpr std::int64_t kAskMs = 200;            // between questions about one split
  static constexpr std::int64_t kWaitMs = 50;            // without rows, for an answer
  static constexpr std::int64_t kNoWaitAfterMs = 5'000;  // an answer that did not come in time

  // What is known of a split that has not ended. All times by Clock::now_ms().
  struct Fact {
    std::uint32_t split = 0;
    bool all_given = false;       // everything received of it was given as rows
    bool at_known_end = false;    // nothing is known to follow: worth a question
    std::int64_t proven_ms = -1;  // when the newest question was sent that proved it empty
  };

  // Rows that were received then are given out.
  void rows_given(std::int64_t received_ms);
  // See ReaderContext::proofs_outdated_until_ms; 0 = not at all.
  void outdated_until(std::int64_t ms) { outdated_until_ms_ = ms; }

  struct Decision {
    std::vector<SplitEvent> events;  // SplitIdle, to be given after the rows so far
    bool ask = false;                // about all splits at their known end
    // Without news, look again after so long; none: something will wake the reader.
    std::optional<std::int64_t> look_after_ms;
  };
  Decision decide(std::span<const Fact> facts, std::int64_t now_ms);
  bool waiting() const { return wait_until_ms_ != 0; }
  // Asked before rows are given: an answer is under way that they would make worthless. False when
  // not waiting().
  bool rows_must_wait(std::span<const Fact> facts, std::int64_t now_ms);
  // Before this moment of outdated_until() all proofs given hold; none: nothing to watch.
  std::optional<std::int64_t> oldest_proof_ms() const { return oldest_ms_; }

 private:
  bool answer_missing(std::span<const Fact> facts) const;

  std::map<std::uint32_t, std::int64_t> given_ms_;  // proof given, by split
  std::int64_t received_ms_ = -1;                   // of all rows given
  std::int64_t outdated_until_ms_ = 0;
  std::int64_t asked_ms_ = 0;
  std::int64_t wait_until_ms_ = 0;  // no rows until the answers are there; 0 = go on
  std::int64_t no_wait_until_ms_ = 0;
  std::optional<std::int64_t> oldest_ms_;
};

}  // namespace slipstream::connector_kit
