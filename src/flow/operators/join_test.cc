#include "flow/operators/join.h"

#include <random>

#include <gtest/gtest.h>

#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using slipstream::testing::Texts;
using testing::folded;
using testing::OperatorHarness;
using Rows = std::vector<std::string>;

JoinSpec by_number() {
  JoinSpec spec;
  spec.left = Schema({{"id", Type::integer()}, {"a", Type::string()}});
  spec.right = Schema({{"b", Type::string()}, {"id", Type::integer()}});
  spec.left_keys = {0};
  spec.right_keys = {1};
  spec.eval.wall_micros = [] { return std::int64_t{0}; };
  return spec;
}

OperatorHarness harness_of(const JoinSpec& spec, std::uint32_t parallelism = 1,
                           std::size_t batch_rows = 4096) {
  return OperatorHarness([spec] { return make_join(spec); }, {spec.left_keys, spec.right_keys},
                         {parallelism, batch_rows, 1, nullptr});
}

Batch left(Texts id, Texts a, std::vector<RowKind> kinds = {}) {
  return batch_of({column_of(Type::integer(), id), column_of(Type::string(), a)}, std::move(kinds));
}
Batch right(Texts b, Texts id, std::vector<RowKind> kinds = {}) {
  return batch_of({column_of(Type::string(), b), column_of(Type::integer(), id)}, std::move(kinds));
}

TEST(Join, MatchesEqualKeysInBothDirectionsAndNeverNull) {
  auto harness = harness_of(by_number());
  harness.push(0, left({"1", "2", std::nullopt}, {"x", "y", "z"}));
  EXPECT_TRUE(harness.take_rows().empty());
  harness.push(1, right({"p", "q", "r"}, {"1", "3", std::nullopt}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, x, p, 1)"}));
  harness.push(0, left({"3", "1"}, {"w", "x"}));
  EXPECT_EQ(harness.take_sorted_rows(), (Rows{"+I(1, x, p, 1)", "+I(3, w, q, 3)"}));
}

TEST(Join, RetractionsUndoTheirMatches) {
  auto harness = harness_of(by_number());
  harness.push(0, left({"1", "1"}, {"x", "x"}));
  harness.push(1, right({"p"}, {"1"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, x, p, 1)", "+I(1, x, p, 1)"}));
  harness.push(0, left({"1", "1"}, {"x", "y"}, {RowKind::kUpdateBefore, RowKind::kUpdateAfter}));
  EXPECT_EQ(harness.take_rows(), (Rows{"-D(1, x, p, 1)", "+I(1, y, p, 1)"}));
  harness.push(1, right({"p"}, {"1"}, {RowKind::kDelete}));
  EXPECT_EQ(harness.take_sorted_rows(), (Rows{"-D(1, x, p, 1)", "-D(1, y, p, 1)"}));
}

TEST(Join, ResidualPredicateSeesBothSides) {
  JoinSpec spec = by_number();
  auto bound = expr::bind_call(*expr::find_function("<>"), {expr::column(1, Type::string(), "a"),
                                                            expr::column(2, Type::string(), "b")});
  ASSERT_TRUE(bound.ok());
  spec.residual = *bound;
  auto harness = harness_of(spec);
  harness.push(0, left({"1", "1"}, {"x", "y"}));
  harness.push(1, right({"x"}, {"1"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, y, x, 1)"}));
}

TEST(Join, AHugeFanOutComesInBatchesThatFit) {
  auto harness = harness_of(by_number(), 1, 10);
  for (int i = 0; i < 25; ++i) harness.push(0, left({"1"}, {"row " + std::to_string(i % 20)}));
  harness.push(1, right({"p", "q"}, {"1", "1"}));
  std::size_t count = 0;
  for (const Batch& batch : harness.take_batches()) {
    EXPECT_LE(batch.rows(), 10U);
    count += batch.rows();
  }
  EXPECT_EQ(count, 50U);
  EXPECT_GE(harness.resumes(), 4U);
}

TEST(Join, RowsAreForgottenAfterTheirTime) {
  JoinSpec spec = by_number();
  spec.left_ttl_ms = 100;
  auto harness = harness_of(spec);
  harness.push(0, left({"1"}, {"x"}));
  harness.set_now(50);
  harness.push(0, left({"1"}, {"y"}));
  harness.set_now(100);
  harness.push(1, right({"p"}, {"1"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, y, p, 1)"}));
  harness.set_now(10'000);
  harness.push(0, left({"1"}, {"z"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, z, p, 1)"})) << "the right side has no time limit";
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): the oracle stands in it
TEST(Join, EqualsTheNestedLoopHoweverItIsCutAndRestarted) {
  for (const std::size_t batch_rows : {1U, 3U, 4096U}) {
    std::mt19937 random(4);
    auto harness = harness_of(by_number(), 1, batch_rows);
    std::vector<std::pair<int, std::string>> held[2];
    Rows changelog;
    for (int round = 0; round < 40; ++round) {
      const std::size_t side = random() % 2;
      Texts ids, texts;
      std::vector<RowKind> kinds;
      for (int i = 0; i < 10; ++i) {
        auto& rows = held[side];
        if (!rows.empty() && random() % 3 == 0) {
          const std::size_t victim = random() % rows.size();
          ids.push_back(std::to_string(rows[victim].first));
          texts.push_back(rows[victim].second);
          kinds.push_back(RowKind::kDelete);
          rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(victim));
        } else {
          rows.emplace_back(static_cast<int>(random() % 8),
                            "a longer text " + std::to_string(random() % 5));
          ids.push_back(std::to_string(rows.back().first));
          texts.push_back(rows.back().second);
          kinds.push_back(RowKind::kInsert);
        }
      }
      harness.push(side, side == 0 ? left(ids, texts, kinds) : right(texts, ids, kinds));
      for (auto& row : harness.take_rows()) changelog.push_back(row);
      harness.checkpoint();
      if (round % 10 == 9)
        harness.restart_from_checkpoint(1 + static_cast<std::uint32_t>(random() % 4));
    }
    ASSERT_TRUE(harness.failure().ok()) << harness.failure().to_string();
    EXPECT_GT(harness.additions(), 10U);
    Rows expected;
    for (const auto& [id, a] : held[0]) {
      for (const auto& [other, b] : held[1]) {
        if (id != other) continue;
        expected.push_back("(" + std::to_string(id) + ", " + a + ", " + b + ", " +
                           std::to_string(other) + ")");
      }
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(folded(changelog), expected) << "batch size " << batch_rows;
  }
}

}  // namespace
}  // namespace slipstream::flow
