#include "flow/operators/calc.h"

#include <gtest/gtest.h>

#include "expr/expr.h"
#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::OperatorHarness;
using Rows = std::vector<std::string>;

expr::EvalContext context() {
  expr::EvalContext eval;
  eval.wall_micros = [] { return std::int64_t{0}; };
  return eval;
}

expr::ExprPtr binary(const char* name, expr::ExprPtr a, expr::ExprPtr b) {
  auto bound = expr::bind_call(*expr::find_function(name), {std::move(a), std::move(b)});
  CHECK(bound.ok());
  return *bound;
}

CalcSpec ten_by_positive() {
  const auto number = expr::column(0, Type::integer(), "n");
  const auto text = expr::column(1, Type::string(), "t");
  return CalcSpec{binary(">", number, expr::int_literal(0)),
                  {text, binary("/", expr::int_literal(10), number)},
                  context()};
}

SourceBatch sample() {
  Batch rows = batch_of(
      {column_of(Type::integer(), {"5", "0", "2", std::nullopt, "1"}),
       column_of(Type::string(), {"a", "b", "c", "d", "e"})},
      {RowKind::kInsert, RowKind::kInsert, RowKind::kDelete, RowKind::kInsert, RowKind::kInsert});
  return {std::move(rows), {{7, 0}, {8, 1}, {7, 2}, {9, 4}}, {{8, SplitIdle{}}}};
}

TEST(Calc, ProjectsOnlyTheRowsThatPassAndKeepsKindsRunsAndEvents) {
  OperatorHarness harness([] { return make_calc(ten_by_positive()); }, {{}}, {});
  harness.push_from_source(sample());
  ASSERT_TRUE(harness.failure().ok())
      << harness.failure().to_string() << ": 10 / 0 is not computed";
  const auto batches = harness.take_from_source();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(slipstream::testing::row_texts(batches[0].rows),
            (Rows{"+I(a, 2)", "-D(c, 5)", "+I(e, 10)"}));
  ASSERT_EQ(batches[0].runs.size(), 3U);
  EXPECT_EQ(batches[0].runs[0].split, 7U);
  EXPECT_EQ(batches[0].runs[1].split, 7U);
  EXPECT_EQ(batches[0].runs[1].begin, 1U);
  EXPECT_EQ(batches[0].runs[2].split, 9U);
  EXPECT_EQ(batches[0].runs[2].begin, 2U);
  EXPECT_EQ(batches[0].events.size(), 1U);
}

TEST(Calc, EventsPassWithoutRows) {
  OperatorHarness harness([] { return make_calc(ten_by_positive()); }, {{}}, {});
  SourceBatch batch;
  batch.rows = batch_of({column_of(Type::integer(), {"0"}), column_of(Type::string(), {"a"})});
  batch.runs = {{8, 0}};
  harness.push_from_source(batch);
  EXPECT_TRUE(harness.take_from_source().empty());
  batch.events = {{8, SplitEnded{}}};
  harness.push_from_source(batch);
  const auto batches = harness.take_from_source();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].rows.rows(), 0U);
  EXPECT_TRUE(batches[0].runs.empty());
  EXPECT_TRUE(batches[0].events[0].is<SplitEnded>());
}

TEST(Calc, AFailingRowEndsTheJob) {
  CalcSpec spec = ten_by_positive();
  spec.predicate = nullptr;
  OperatorHarness harness([&] { return make_calc(spec); }, {{}}, {});
  harness.push(0, sample().rows);
  ASSERT_FALSE(harness.failure().ok());
  EXPECT_EQ(harness.failure().error().code, ErrorCode::kDataError);
}

}  // namespace
}  // namespace slipstream::flow
