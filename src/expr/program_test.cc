#include "expr/program.h"

#include <gtest/gtest.h>

#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

ExprPtr f(const std::string& name, std::vector<ExprPtr> args, std::string text = "") {
  return *bind_call(*find_function(name), std::move(args), std::move(text));
}
ExprPtr int_column(std::size_t index, std::string name) {
  return column(index, Type::integer(), std::move(name));
}

std::vector<std::string> run_ints(const ExprPtr& e, const Batch& batch) {
  auto program = Program::compile({e}, test_context());
  if (!program.ok()) return {"error: " + program.error().message};
  auto columns = (*program)->run(batch);
  if (!columns.ok()) return {"error: " + columns.error().message};
  std::vector<std::string> shown;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const Column& result = *(*columns)[0];
    shown.push_back(result.is_null(row) ? "NULL"
                    : result.type().kind() == TypeKind::kBoolean
                        ? std::to_string(result.data<std::uint8_t>()[row])
                        : std::to_string(result.data<std::int32_t>()[row]));
  }
  return shown;
}

using Shown = std::vector<std::string>;

TEST(Program, UntakenBranchesDoNotFail) {
  const ExprPtr x = int_column(0, "x");
  const ExprPtr inverse = f("/", {int_literal(10), x});
  const ExprPtr guard = f("<>", {x, int_literal(0)});
  const Batch batch(4, {column_of(Type::integer(), {"2", "0", std::nullopt, "5"})});
  EXPECT_EQ(run_ints(case_when({guard, inverse, int_literal(0)}, Type::integer()), batch),
            (Shown{"5", "0", "0", "2"}));
  EXPECT_EQ(run_ints(conjunction({guard, f(">", {inverse, int_literal(3)})}), batch),
            (Shown{"1", "0", "NULL", "0"}));
  const ExprPtr is_zero = f("=", {x, int_literal(0)});
  EXPECT_EQ(run_ints(disjunction({is_zero, f(">", {inverse, int_literal(3)})}), batch),
            (Shown{"1", "1", "NULL", "0"}));
  const ExprPtr maybe = case_when({guard, inverse, null_literal(Type::integer())}, Type::integer());
  EXPECT_EQ(run_ints(coalesce({maybe, int_literal(-1)}, Type::integer()), batch),
            (Shown{"5", "-1", "-1", "2"}));
}

TEST(Program, CoalesceEvaluatesLaterArgumentsOnlyForNulls) {
  const ExprPtr x = int_column(0, "x");
  const ExprPtr y = int_column(1, "y");
  const ExprPtr e = coalesce({x, f("/", {int_literal(8), y})}, Type::integer());
  const Batch batch(3, {column_of(Type::integer(), {"7", std::nullopt, "9"}),
                        column_of(Type::integer(), {"0", "2", "0"})});
  EXPECT_EQ(run_ints(e, batch), (Shown{"7", "4", "9"}));
}

TEST(Program, TakenBranchFailsWithTheTextAndTheReason) {
  const ExprPtr x = int_column(0, "x");
  const ExprPtr inverse = f("/", {int_literal(10), x}, "10 / x");
  const Batch batch(2, {column_of(Type::integer(), {"2", "0"})});
  EXPECT_EQ(run_ints(inverse, batch), Shown{"error: 10 / x: division by zero"});
}

TEST(Program, SharedSubexpressionInNarrowerBranchIsRight) {
  // The first use covers some rows only; the second one needs others.
  const ExprPtr x = int_column(0, "x");
  const ExprPtr inverse = f("/", {int_literal(100), x});
  const ExprPtr first =
      case_when({f(">", {x, int_literal(5)}), inverse, int_literal(-1)}, Type::integer());
  const ExprPtr second =
      case_when({f("<>", {x, int_literal(0)}), inverse, int_literal(-2)}, Type::integer());
  auto program = *Program::compile({first, second}, test_context());
  const Batch batch(3, {column_of(Type::integer(), {"10", "2", "0"})});
  for (int round = 0; round < 2; ++round) {
    const auto columns = *program->run(batch);
    const auto* a = columns[0]->data<std::int32_t>();
    const auto* b = columns[1]->data<std::int32_t>();
    EXPECT_EQ((std::vector<int>{a[0], a[1], a[2]}), (std::vector<int>{10, -1, -1}));
    EXPECT_EQ((std::vector<int>{b[0], b[1], b[2]}), (std::vector<int>{10, 50, -2}));
  }
}

TEST(Program, ThreeValuedLogic) {
  const ExprPtr a = column(0, Type::boolean());
  const ExprPtr b = column(1, Type::boolean());
  const Batch batch(9, {column_of(Type::boolean(), {"t", "t", "t", "f", "f", "f", std::nullopt,
                                                    std::nullopt, std::nullopt}),
                        column_of(Type::boolean(), {"t", "f", std::nullopt, "t", "f", std::nullopt,
                                                    "t", "f", std::nullopt})});
  EXPECT_EQ(run_ints(conjunction({a, b}), batch),
            (Shown{"1", "0", "NULL", "0", "0", "0", "NULL", "0", "NULL"}));
  EXPECT_EQ(run_ints(disjunction({a, b}), batch),
            (Shown{"1", "1", "1", "1", "0", "NULL", "1", "NULL", "NULL"}));
  EXPECT_EQ(run_ints(negation(a), batch),
            (Shown{"0", "0", "0", "1", "1", "1", "NULL", "NULL", "NULL"}));
}

TEST(Program, SelectTakesTrueOnly) {
  auto program = *Program::compile({column(0, Type::boolean())}, test_context());
  const Batch batch(4, {column_of(Type::boolean(), {"t", std::nullopt, "f", "t"})});
  EXPECT_EQ(*program->select(batch), (std::vector<std::uint32_t>{0, 3}));
  EXPECT_TRUE(program
                  ->select(Batch(
                      0, {column_of(Type::boolean(), std::vector<std::optional<std::string>>{})}))
                  ->empty());
}

TEST(Program, ConstantsFoldAndTheirFailuresAreCompileErrors) {
  EXPECT_EQ(run_ints(f("+", {int_literal(1), int_literal(2)}), Batch(2, {})), (Shown{"3", "3"}));
  const auto failed =
      Program::compile({f("/", {int_literal(1), int_literal(0)}, "1 / 0")}, test_context());
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().message, "1 / 0: division by zero");
  const auto bad_cast =
      Program::compile({cast(string_literal("abc"), Type::integer())}, test_context());
  ASSERT_FALSE(bad_cast.ok());
  EXPECT_EQ(bad_cast.error().message, "CAST('abc' AS INT): 'abc' is no INT");
}

TEST(Program, FailingConstantInALazyBranchFailsWhenItIsReached) {
  const ExprPtr x = int_column(0, "x");
  const ExprPtr bad = cast(string_literal("abc"), Type::integer());
  const ExprPtr e = case_when({f("=", {x, int_literal(1)}), bad, int_literal(7)}, Type::integer());
  EXPECT_EQ(run_ints(e, Batch(1, {column_of(Type::integer(), {"2"})})), Shown{"7"});
  EXPECT_EQ(run_ints(e, Batch(1, {column_of(Type::integer(), {"1"})})),
            Shown{"error: CAST('abc' AS INT): 'abc' is no INT"});
}

TEST(Program, CaseOverTextKeepsBuffersAlive) {
  const ExprPtr x = int_column(0, "x");
  const ExprPtr e = case_when({f("=", {x, int_literal(1)}), column(1, Type::string()),
                               string_literal("a literal that is longer than twelve bytes")},
                              Type::string());
  auto program = *Program::compile({e}, test_context());
  ColumnPtr result;
  {
    const Batch batch(
        2, {column_of(Type::integer(), {"1", "2"}),
            column_of(Type::string(), {"a column's text of more than twelve bytes", "unused"})});
    result = (*program->run(batch))[0];
  }
  program.reset();
  EXPECT_EQ(result->text(0), "a column's text of more than twelve bytes");
  EXPECT_EQ(result->text(1), "a literal that is longer than twelve bytes");
}

TEST(Program, BatchesOfChangingSize) {
  const ExprPtr e = f("+", {int_column(0, "x"), int_literal(1)});
  auto program = *Program::compile({e, int_literal(9)}, test_context());
  for (const std::size_t rows : {1U, 5000U, 0U, 70U}) {
    const auto columns = *program->run(Batch(rows, {column_of(integer(4), rows)}));
    ASSERT_EQ(columns[0]->size(), rows);
    ASSERT_EQ(columns[1]->size(), rows);
    for (std::size_t row = 0; row < rows; ++row)
      ASSERT_EQ(columns[0]->data<std::int32_t>()[row], 5);
  }
}

TEST(Program, RowFields) {
  const Type row = Type::row({{"a", Type::integer()}, {"b", Type::string()}});
  ColumnBuilder builder(row);
  builder.child(0).append<std::int32_t>(5);
  builder.child(1).append_text("x");
  builder.append_nested();
  builder.append_null();
  auto field = std::make_shared<Expr>();
  field->kind = ExprKind::kField;
  field->index = 0;
  field->type = Type::integer();
  field->args = {column(0, row, "r")};
  EXPECT_EQ(to_string(*field), "r.a");
  EXPECT_EQ(run_ints(field, Batch(2, {builder.finish()})), (Shown{"5", "NULL"}));
}

TEST(Program, UnknownTimeZoneIsAnError) {
  const auto program = Program::compile({int_literal(1)}, test_context("Mars/Olympus"));
  ASSERT_FALSE(program.ok());
  EXPECT_NE(program.error().message.find("Mars/Olympus"), std::string::npos);
}

TEST(Program, EvaluateConstantRefusesColumns) {
  EXPECT_EQ((*evaluate_constant(int_literal(3), test_context()))->data<std::int32_t>()[0], 3);
  EXPECT_FALSE(evaluate_constant(int_column(0, "x"), test_context()).ok());
}

}  // namespace
}  // namespace slipstream::expr
