#include "connector_kit/emptiness_proofs.h"

#include <gtest/gtest.h>

namespace slipstream::connector_kit {
namespace {

using Fact = EmptinessProofs::Fact;

Fact busy(std::uint32_t split) { return {split, false, false, -1}; }
Fact empty(std::uint32_t split, std::int64_t proven_ms) { return {split, true, true, proven_ms}; }

std::int64_t asked_ms(const SplitEvent& event) {
  return std::get<SplitIdle>(event.what).proof.asked_ms.value_or(-1);
}

TEST(EmptinessProofs, AProofIsGivenOnceAndIsAMillisecondOlderThanItsQuestion) {
  EmptinessProofs proofs;
  const std::vector<Fact> facts{empty(3, 1'000)};
  const auto first = proofs.decide(facts, 1'010);
  ASSERT_EQ(first.events.size(), 1U);
  EXPECT_EQ(first.events[0].split, 3U);
  EXPECT_EQ(asked_ms(first.events[0]), 999);
  EXPECT_FALSE(first.ask);
  EXPECT_FALSE(first.look_after_ms);
  EXPECT_EQ(proofs.oldest_proof_ms(), 1'000);
  EXPECT_TRUE(proofs.decide(facts, 1'020).events.empty());
}

TEST(EmptinessProofs, AQuestionSentBeforeTheLastRowsWereReceivedProvesNothing) {
  EmptinessProofs proofs;
  proofs.rows_given(1'000);
  auto decision = proofs.decide(std::vector{empty(1, 1'000)}, 1'001);
  EXPECT_TRUE(decision.events.empty());
  EXPECT_TRUE(decision.ask);
  EXPECT_EQ(decision.look_after_ms, EmptinessProofs::kWaitMs);
  decision = proofs.decide(std::vector{empty(1, 1'001)}, 1'002);
  ASSERT_EQ(decision.events.size(), 1U);
  EXPECT_EQ(asked_ms(decision.events[0]), 1'000);
  EXPECT_FALSE(decision.look_after_ms);
}

TEST(EmptinessProofs, WhatWasReceivedButNotGivenYetIsNotEmpty) {
  EmptinessProofs proofs;
  Fact held = empty(1, 1'000);
  held.all_given = false;
  EXPECT_TRUE(proofs.decide(std::vector{held}, 1'001).events.empty());
  EXPECT_FALSE(proofs.oldest_proof_ms());
}

TEST(EmptinessProofs, RowsWaitForAnAnswerThatTheyWouldMakeWorthless) {
  EmptinessProofs proofs;
  proofs.rows_given(1'000);
  const std::vector<Fact> facts{busy(0), empty(1, 900)};
  EXPECT_FALSE(proofs.rows_must_wait(facts, 1'001)) << "nothing was asked yet";
  EXPECT_TRUE(proofs.decide(facts, 1'001).ask);
  EXPECT_TRUE(proofs.rows_must_wait(facts, 1'010));
  const std::vector<Fact> answered{busy(0), empty(1, 1'001)};
  EXPECT_TRUE(proofs.rows_must_wait(answered, 1'020)) << "the proof goes before more rows";
  EXPECT_EQ(proofs.decide(answered, 1'020).events.size(), 1U);
  EXPECT_FALSE(proofs.rows_must_wait(answered, 1'021));
}

TEST(EmptinessProofs, AnAnswerThatDoesNotComeHoldsRowsForAMomentOnly) {
  EmptinessProofs proofs;
  proofs.rows_given(1'000);
  const std::vector<Fact> facts{busy(0), empty(1, 900)};
  EXPECT_TRUE(proofs.decide(facts, 1'001).ask);
  EXPECT_TRUE(proofs.rows_must_wait(facts, 1'050));
  EXPECT_FALSE(proofs.rows_must_wait(facts, 1'051));
  const auto later = proofs.decide(facts, 1'201);
  EXPECT_TRUE(later.ask) << "it is asked again";
  EXPECT_EQ(later.look_after_ms, EmptinessProofs::kAskMs);
  EXPECT_FALSE(proofs.rows_must_wait(facts, 1'202)) << "and not waited for again so soon";
  EXPECT_TRUE(proofs.decide(facts, 6'051).ask);
  EXPECT_TRUE(proofs.rows_must_wait(facts, 6'052));
}

TEST(EmptinessProofs, IsNotAskedMoreOftenThanAllowed) {
  EmptinessProofs proofs;
  const std::vector<Fact> facts{empty(1, -1)};
  EXPECT_TRUE(proofs.decide(facts, 1'000).ask);
  EXPECT_FALSE(proofs.decide(facts, 1'199).ask);
  EXPECT_TRUE(proofs.decide(facts, 1'200).ask);
}

TEST(EmptinessProofs, OtherReadersThatMovedEventTimeOnNeedYoungerProofs) {
  EmptinessProofs proofs;
  std::vector<Fact> facts{empty(1, 1'000)};
  EXPECT_FALSE(proofs.decide(facts, 1'001).ask);
  proofs.outdated_until(999);
  EXPECT_FALSE(proofs.decide(facts, 1'100).ask);
  proofs.outdated_until(1'000);
  EXPECT_TRUE(proofs.decide(facts, 1'200).ask);
  facts[0].proven_ms = 1'200;
  const auto renewed = proofs.decide(facts, 1'210);
  ASSERT_EQ(renewed.events.size(), 1U);
  EXPECT_EQ(asked_ms(renewed.events[0]), 1'199);
}

}  // namespace
}  // namespace slipstream::connector_kit
