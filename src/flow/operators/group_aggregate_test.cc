#include "flow/operators/group_aggregate.h"

#include <map>
#include <random>
#include <set>

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

AggregateCallSpec call(const char* name, std::vector<std::size_t> args, std::vector<Type> types) {
  AggregateCallSpec spec;
  spec.function = expr::find_aggregate(name);
  CHECK(spec.function != nullptr);
  const auto signature = spec.function->resolve(types);
  CHECK(signature.ok());
  spec.args = std::move(args);
  spec.arg_types = signature->args;
  spec.result = signature->result;
  return spec;
}

// (k STRING, v BIGINT, s STRING, f BOOLEAN): COUNT(*), SUM(v), MIN(s), MAX(v), COUNT(DISTINCT v),
// COUNT(*) FILTER (f)
GroupAggregateSpec full_spec(bool updating) {
  GroupAggregateSpec spec;
  spec.input = Schema({{"k", Type::string()},
                       {"v", Type::bigint()},
                       {"s", Type::string()},
                       {"f", Type::boolean()}});
  spec.keys = {0};
  spec.calls = {call("COUNT", {}, {}),
                call("SUM", {1}, {Type::bigint()}),
                call("MIN", {2}, {Type::string()}),
                call("MAX", {1}, {Type::bigint()}),
                call("COUNT", {1}, {Type::bigint()}),
                call("COUNT", {}, {})};
  spec.calls[4].distinct = true;
  spec.calls[5].filter = 3;
  spec.updating_input = updating;
  return spec;
}

OperatorHarness harness_of(const GroupAggregateSpec& spec, std::uint32_t parallelism = 1,
                           std::size_t batch_rows = 4096) {
  return OperatorHarness([spec] { return make_group_aggregate(spec); }, {spec.keys},
                         {parallelism, batch_rows, 1, nullptr});
}

Batch rows(Texts k, Texts v, Texts s, Texts f, std::vector<RowKind> kinds = {}) {
  return batch_of({column_of(Type::string(), k), column_of(Type::bigint(), v),
                   column_of(Type::string(), s), column_of(Type::boolean(), f)},
                  std::move(kinds));
}

TEST(GroupAggregate, EmitsInsertsThenPairsAndNothingWhenNothingChanged) {
  auto harness = harness_of(full_spec(false));
  harness.push(0, rows({"a", "b", "a"}, {"1", "5", "3"}, {"x", "a text that is longer", "w"},
                       {"true", "false", "true"}));
  EXPECT_EQ(harness.take_rows(),
            (Rows{"+I(a, 2, 4, w, 3, 2, 2)", "+I(b, 1, 5, a text that is longer, 5, 1, 0)"}));
  harness.push(0, rows({"a"}, {"1"}, {std::nullopt}, {std::nullopt}));
  EXPECT_EQ(harness.take_rows(), (Rows{"-U(a, 2, 4, w, 3, 2, 2)", "+U(a, 3, 5, w, 3, 2, 2)"}));

  GroupAggregateSpec distinct = full_spec(false);
  distinct.calls.clear();
  auto second = harness_of(distinct);
  second.push(0, rows({"a", "b", "a"}, {"1", "5", "3"}, {"x", "y", "z"}, {"true", "true", "true"}));
  second.push(0, rows({"a", "c"}, {"1", "5"}, {"x", "y"}, {"true", "true"}));
  EXPECT_EQ(second.take_rows(), (Rows{"+I(a)", "+I(b)", "+I(c)"}));
}

TEST(GroupAggregate, TakesRowsBack) {
  auto harness = harness_of(full_spec(true));
  harness.push(0, rows({"a", "a", "a"}, {"1", "7", "7"},
                       {"the first of the texts", "the second of the texts", "z"},
                       {"true", "true", "true"}));
  harness.take_rows();
  harness.push(0, rows({"a"}, {"7"}, {"z"}, {"true"}, {RowKind::kUpdateBefore}));
  EXPECT_EQ(harness.take_rows().back(), "+U(a, 2, 8, the first of the texts, 7, 2, 2)");
  harness.push(0, rows({"a"}, {"1"}, {"the first of the texts"}, {"true"}, {RowKind::kDelete}));
  EXPECT_EQ(harness.take_rows().back(), "+U(a, 1, 7, the second of the texts, 7, 1, 1)");
  harness.push(0, rows({"a"}, {"7"}, {"the second of the texts"}, {"true"}, {RowKind::kDelete}));
  EXPECT_EQ(harness.take_rows(), (Rows{"-D(a, 1, 7, the second of the texts, 7, 1, 1)"}));
  harness.push(0, rows({"a"}, {"2"}, {"q"}, {"false"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, 2, q, 2, 1, 0)"}));
}

TEST(GroupAggregate, WithoutKeysNothingBeforeTheFirstRow) {
  GroupAggregateSpec spec = full_spec(false);
  spec.keys = {};
  auto harness = harness_of(spec);
  harness.advance(kMaxWatermark);
  EXPECT_TRUE(harness.take_rows().empty());
  harness.push(0, rows({"a", "b"}, {"1", "2"}, {"x", "y"}, {"true", "true"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(2, 3, x, 2, 2, 2)"}));
}

TEST(GroupAggregate, ForgetsGroupsThatWereNotWritten) {
  GroupAggregateSpec spec = full_spec(false);
  spec.ttl_ms = 1000;
  auto harness = harness_of(spec);
  harness.push(0, rows({"a"}, {"1"}, {"x"}, {"true"}));
  harness.take_rows();
  harness.set_now(500);
  harness.push(0, rows({"a"}, {"1"}, {"x"}, {"true"}));
  EXPECT_EQ(harness.take_rows().back(), "+U(a, 2, 2, x, 1, 1, 2)");
  harness.set_now(1500);
  harness.push(0, rows({"a"}, {"1"}, {"x"}, {"true"}));
  EXPECT_EQ(harness.take_rows(), (Rows{"+I(a, 1, 1, x, 1, 1, 1)"}))
      << "distinct values are forgotten with the group";
}

TEST(GroupAggregate, RefusesWhatCannotBeTakenBack) {
  GroupAggregateSpec spec = full_spec(true);
  spec.calls = {call("FIRST_VALUE", {1}, {Type::bigint()})};
  auto harness = harness_of(spec);
  EXPECT_EQ(harness.failure().error().code, ErrorCode::kUnsupported);
}

// A random changelog against a model, over batch sizes, parallelism and a restart in the middle.
struct ModelRow {
  std::int64_t v;
  std::string s;
};

// NOLINTNEXTLINE(readability-function-cognitive-complexity): the model stands in it
TEST(GroupAggregate, MatchesAModelHoweverItIsCutAndRestarted) {
  for (const std::size_t batch_rows : {1U, 7U, 4096U}) {
    std::mt19937 random(11);
    auto harness = harness_of(full_spec(true), 1, batch_rows);
    std::map<std::string, std::vector<ModelRow>> model;
    Rows changelog;
    for (int round = 0; round < 12; ++round) {
      Texts k, v, s, f;
      std::vector<RowKind> kinds;
      for (int i = 0; i < 60; ++i) {
        const std::string key =
            "key of some length " + std::to_string(random() % (round % 3 == 0 ? 200U : 5U));
        auto& held = model[key];
        k.push_back(key);
        f.push_back("true");
        if (!held.empty() && random() % 5 < 2) {
          const std::size_t victim = random() % held.size();
          v.push_back(std::to_string(held[victim].v));
          s.push_back(held[victim].s);
          kinds.push_back(RowKind::kDelete);
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(victim));
        } else {
          held.push_back({static_cast<std::int64_t>(random() % 20),
                          "some longer text " + std::to_string(random() % 30)});
          v.push_back(std::to_string(held.back().v));
          s.push_back(held.back().s);
          kinds.push_back(RowKind::kInsert);
        }
      }
      harness.push(0, rows(k, v, s, f, kinds));
      for (auto& row : harness.take_rows()) changelog.push_back(row);
      harness.checkpoint();
      if (round % 3 == 2)
        harness.restart_from_checkpoint(1 + static_cast<std::uint32_t>(random() % 4));
    }
    ASSERT_TRUE(harness.failure().ok()) << harness.failure().to_string();
    EXPECT_GT(harness.additions(), 4U);
    Rows expected;
    for (const auto& [key, held] : model) {
      if (held.empty()) continue;
      std::int64_t sum = 0, greatest = 0;
      std::set<std::int64_t> distinct;
      std::string least = held[0].s;
      for (const ModelRow& row : held) {
        sum += row.v;
        greatest = std::max(greatest, row.v);
        distinct.insert(row.v);
        least = std::min(least, row.s);
      }
      expected.push_back("(" + key + ", " + std::to_string(held.size()) + ", " +
                         std::to_string(sum) + ", " + least + ", " + std::to_string(greatest) +
                         ", " + std::to_string(distinct.size()) + ", " +
                         std::to_string(held.size()) + ")");
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(folded(changelog), expected) << "batch size " << batch_rows;
  }
}

}  // namespace
}  // namespace slipstream::flow
