#include "expr/expr.h"

#include <gtest/gtest.h>

#include "expr/function.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

ExprPtr plus(ExprPtr a, ExprPtr b) {
  return *bind_call(*find_function("+"), {std::move(a), std::move(b)});
}
ExprPtr less(ExprPtr a, ExprPtr b) {
  return *bind_call(*find_function("<"), {std::move(a), std::move(b)});
}

TEST(Expr, EqualityIsStructural) {
  const ExprPtr a = plus(column(0, Type::integer()), int_literal(1));
  const ExprPtr b = plus(column(0, Type::integer()), int_literal(1));
  const ExprPtr c = plus(column(0, Type::integer()), int_literal(2));
  EXPECT_TRUE(equal(*a, *b));
  EXPECT_EQ(hash(*a), hash(*b));
  EXPECT_FALSE(equal(*a, *c));
  EXPECT_FALSE(equal(*int_literal(1), *bigint_literal(1)));
  EXPECT_FALSE(equal(*null_literal(Type::integer()), *int_literal(0)));
  EXPECT_FALSE(equal(*string_literal("a"), *string_literal("b")));
  EXPECT_FALSE(equal(*is_null(a, true), *is_null(a, false)));
}

TEST(Expr, ColumnsReadAreSortedAndUnique) {
  const ExprPtr e = plus(plus(column(3, Type::integer()), column(1, Type::integer())),
                         column(3, Type::integer()));
  EXPECT_EQ(columns_read(*e), (std::vector<std::size_t>{1, 3}));
  EXPECT_TRUE(columns_read(*int_literal(1)).empty());
}

TEST(Expr, SubstituteReplacesColumns) {
  const ExprPtr e = plus(column(0, Type::integer(), "a"), int_literal(1));
  const ExprPtr replaced = substitute(e, {column(7, Type::integer(), "z")});
  EXPECT_EQ(to_string(*replaced), "(z + 1)");
  EXPECT_EQ(to_string(*e), "(a + 1)");
  const ExprPtr constant = int_literal(1);
  EXPECT_EQ(substitute(constant, {}), constant);
}

TEST(Expr, ConjunctionsFlatten) {
  const ExprPtr a = less(column(0, Type::integer(), "a"), int_literal(1));
  const ExprPtr b = less(column(1, Type::integer(), "b"), int_literal(2));
  const ExprPtr c = less(column(2, Type::integer(), "c"), int_literal(3));
  const ExprPtr all = conjunction({conjunction({a, b}), c});
  EXPECT_EQ(all->args.size(), 3U);
  EXPECT_EQ(split_conjunction(all).size(), 3U);
  EXPECT_EQ(split_conjunction(a).size(), 1U);
  EXPECT_EQ(conjunction({a}), a);
  EXPECT_EQ(to_string(*conjunction({})), "TRUE");
  EXPECT_EQ(to_string(*disjunction({})), "FALSE");
  EXPECT_EQ(to_string(*all), "((a < 1) AND (b < 2) AND (c < 3))");
}

TEST(Expr, TextReadsLikeSql) {
  const ExprPtr a = column(0, Type::integer(), "a");
  const ExprPtr cond = less(a, int_literal(1));
  EXPECT_EQ(to_string(*case_when({cond, string_literal("it's"), null_literal(Type::string())},
                                 Type::string())),
            "CASE WHEN (a < 1) THEN 'it''s' ELSE NULL END");
  EXPECT_EQ(to_string(*cast(a, Type::bigint())), "CAST(a AS BIGINT)");
  EXPECT_EQ(to_string(*cast(a, Type::bigint(), true)), "TRY_CAST(a AS BIGINT)");
  EXPECT_EQ(to_string(*is_null(a, true)), "(a IS NOT NULL)");
  EXPECT_EQ(to_string(*negation(cond)), "NOT (a < 1)");
  EXPECT_EQ(to_string(*coalesce({a, int_literal(0)}, Type::integer())), "COALESCE(a, 0)");
  EXPECT_EQ(
      to_string(*bind_call(*find_function("IN"), {a, int_literal(1), int_literal(2)}).value()),
      "(a IN (1, 2))");
  EXPECT_EQ(to_string(*column(4, Type::integer())), "$4");
}

TEST(Expr, CastToTheSameTypeIsNone) {
  const ExprPtr a = column(0, Type::integer().not_null());
  EXPECT_EQ(cast(a, Type::integer()), a);
}

TEST(Registry, EveryFunctionIsDescribed) {
  EXPECT_EQ(find_function("no such thing"), nullptr);
  EXPECT_EQ(find_function("like"), find_function("LIKE"));
  for (const Function* function : all_functions()) {
    EXPECT_FALSE(function->usage.empty()) << function->name;
    EXPECT_FALSE(function->description.empty()) << function->name;
    EXPECT_TRUE(function->resolve && function->kernel) << function->name;
  }
  for (const AggregateFunction* function : all_aggregates()) {
    EXPECT_FALSE(function->usage.empty() || function->description.empty()) << function->name;
  }
}

}  // namespace
}  // namespace slipstream::expr
