#include "connector_kit/predicates.h"

#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream::connector_kit {
namespace {

using Kind = Predicate::Kind;

Predicate equal(std::string column, std::string text) {
  Predicate predicate;
  predicate.column = std::move(column);
  predicate.values = testing::column_of(Type::string(), {std::move(text)});
  return predicate;
}

Predicate both(Kind kind, Predicate left, Predicate right) {
  Predicate predicate;
  predicate.kind = kind;
  predicate.operands = {std::move(left), std::move(right)};
  return predicate;
}

TEST(Predicates, EqualityWithSeveralTexts) {
  Predicate in = equal("tag", "b");
  in.kind = Kind::kIn;
  in.values = testing::column_of(Type::string(), {"b", "c"});
  const auto found = equals_any_of(both(Kind::kOr, equal("tag", "a"), in));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->column, "tag");
  EXPECT_EQ(found->texts, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Predicates, OtherConditionsAreNoEquality) {
  EXPECT_FALSE(equals_any_of(both(Kind::kOr, equal("tag", "a"), equal("keys", "a"))));
  EXPECT_FALSE(equals_any_of(both(Kind::kAnd, equal("tag", "a"), equal("tag", "b"))));
  Predicate less = equal("tag", "a");
  less.comparison = Predicate::Comparison::kLess;
  EXPECT_FALSE(equals_any_of(less));
  EXPECT_FALSE(equals_any_of(both(Kind::kOr, equal("tag", "a"), less)));
  Predicate number;
  number.column = "tag";
  number.values = testing::column_of(Type::integer(), {"1"});
  EXPECT_FALSE(equals_any_of(number));
}

}  // namespace
}  // namespace slipstream::connector_kit
