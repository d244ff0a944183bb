#include "flow/operators/changelog_normalize.h"

#include <gtest/gtest.h>

#include "flow/operators/collect.h"
#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using slipstream::testing::Texts;
using testing::OperatorHarness;
using Rows = std::vector<std::string>;

Batch rows(Texts k, Texts v, std::vector<RowKind> kinds = {}) {
  return batch_of({column_of(Type::integer(), k), column_of(Type::string(), v)}, std::move(kinds));
}

TEST(ChangelogNormalize, CompletesChangesAcrossARestart) {
  ChangelogNormalizeSpec spec;
  spec.input = Schema({{"k", Type::integer()}, {"v", Type::string()}});
  spec.keys = {0};
  OperatorHarness harness([&] { return make_changelog_normalize(spec); }, {{0}},
                          {2, 4096, 1, nullptr});
  harness.push(0, rows({"1", "2", "1", "1"},
                       {"a first text of some length", "b", "a first text of some length", "c"}));
  EXPECT_EQ(harness.take_sorted_rows(), (Rows{"+I(1, a first text of some length)", "+I(2, b)",
                                              "+U(1, c)", "-U(1, a first text of some length)"}));
  harness.restart(harness.save(), 3);
  harness.push(0, rows({"1", "9", "2"}, {std::nullopt, "x", "b"},
                       {RowKind::kDelete, RowKind::kDelete, RowKind::kUpdateAfter}));
  EXPECT_EQ(harness.take_rows(), (Rows{"-D(1, c)"}));
  harness.push(0, rows({"1"}, {"d"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(1, d)"}));
  EXPECT_TRUE(harness.failure().ok());
}

TEST(Collect, OffersABatchAgainUntilTheConsumerHasRoom) {
  int refusals = 3;
  Rows seen;
  bool ended = false;
  CollectSpec spec;
  spec.rows = [&](const Batch& batch) -> Status {
    for (auto& row : slipstream::testing::row_texts(batch)) seen.push_back(row);
    return {};
  };
  spec.has_room = [&] { return refusals-- <= 0; };
  spec.ended = [&] { ended = true; };
  OperatorHarness harness([&] { return make_collect(spec); }, {{}}, {});
  harness.push(0, rows({"1"}, {"a"}));
  EXPECT_EQ(seen, Rows{"+I(1, a)"});
  EXPECT_EQ(harness.resumes(), 3U);
  harness.end_input(0);
  EXPECT_TRUE(ended);
}

TEST(Union, PassesRowsWithoutTheirHashes) {
  OperatorHarness harness([] { return make_union(); }, {{0}, {}}, {});
  harness.push(0, rows({"1"}, {"a"}));
  harness.push(1, rows({"2"}, {"b"}, {RowKind::kDelete}));
  const auto batches = harness.take_batches();
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_TRUE(batches[0].key_hashes().empty());
  EXPECT_EQ(slipstream::testing::row_texts(batches[1]), Rows{"-D(2, b)"});
}

}  // namespace
}  // namespace slipstream::flow
