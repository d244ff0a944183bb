#include "connector_kit/emptiness_proofs.h"

#include <algorithm>

namespace slipstream::connector_kit {

void EmptinessProofs::rows_given(std::int64_t received_ms) {
  received_ms_ = std::max(received_ms_, received_ms);
}

EmptinessProofs::Decision EmptinessProofs::decide(std::span<const Fact> facts,
                                                  std::int64_t now_ms) {
  Decision decision;
  const std::int64_t needed_ms = std::max(received_ms_, outdated_until_ms_);
  bool missing = false;
  oldest_ms_.reset();
  for (const Fact& fact : facts) {
    if (!fact.all_given) continue;
    std::int64_t& given_ms = given_ms_.try_emplace(fact.split, -1).first->second;
    if (fact.proven_ms > received_ms_ && fact.proven_ms > given_ms) {
      given_ms = fact.proven_ms;
      // What is received in the millisecond of the question counts as later.
      decision.events.push_back(SplitEvent{fact.split, SplitIdle{{.asked_ms = given_ms - 1}}});
    }
    missing = missing || given_ms <= needed_ms;
    oldest_ms_ = std::min(oldest_ms_.value_or(given_ms), given_ms);
  }
  if (wait_until_ms_ != 0 && !answer_missing(facts)) wait_until_ms_ = 0;
  if (!missing) return decision;
  oldest_ms_.reset();
  if (now_ms - asked_ms_ >= kAskMs && now_ms > received_ms_) {
    asked_ms_ = now_ms;
    decision.ask = true;
    if (now_ms >= no_wait_until_ms_) wait_until_ms_ = now_ms + kWaitMs;
  }
  decision.look_after_ms = wait_until_ms_ != 0 ? kWaitMs : kAskMs;
  return decision;
}

bool EmptinessProofs::answer_missing(std::span<const Fact> facts) const {
  return std::any_of(facts.begin(), facts.end(), [this](const Fact& fact) {
    return fact.at_known_end && fact.proven_ms < asked_ms_;
  });
}

bool EmptinessProofs::rows_must_wait(std::span<const Fact> facts, std::int64_t now_ms) {
  if (wait_until_ms_ == 0) return false;
  if (!answer_missing(facts)) return true;  // to be given before more rows
  if (now_ms < wait_until_ms_) return true;
  wait_until_ms_ = 0;
  no_wait_until_ms_ = now_ms + kNoWaitAfterMs;
  return false;
}

}  // namespace slipstream::connector_kit
