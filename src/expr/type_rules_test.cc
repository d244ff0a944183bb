#include "expr/type_rules.h"

#include <gtest/gtest.h>

namespace slipstream::expr {
namespace {

std::string common(std::vector<Type> types) {
  auto type = common_type(types);
  return type.ok() ? type->to_string() : "error: " + type.error().message;
}

TEST(TypeRules, CommonType) {
  EXPECT_EQ(common({Type::integer(), Type::bigint()}), "BIGINT");
  EXPECT_EQ(common({Type::tinyint(), Type::tinyint()}), "TINYINT");
  EXPECT_EQ(common({Type::integer(), Type::decimal(5, 2)}), "DECIMAL(12, 2)");
  EXPECT_EQ(common({Type::bigint(), Type::float32()}), "FLOAT");
  EXPECT_EQ(common({Type::float32(), Type::float64()}), "FLOAT");
  EXPECT_EQ(common({Type::decimal(5, 2), Type::float32()}), "DOUBLE");
  EXPECT_EQ(common({Type::character(3), Type::character(3)}), "CHAR(3)");
  EXPECT_EQ(common({Type::character(3), Type::character(5)}), "VARCHAR(5)");
  EXPECT_EQ(common({Type::character(3), Type::string()}), "STRING");
  EXPECT_EQ(common({Type::null(), Type::integer().not_null()}), "INT");
  EXPECT_EQ(common({Type::date(), Type::timestamp(3)}), "TIMESTAMP(3)");
  EXPECT_EQ(common({Type::timestamp(3), Type::timestamp_ltz(6)}), "TIMESTAMP_LTZ(6)");
  EXPECT_EQ(common({Type::array(Type::integer()), Type::array(Type::bigint())}), "ARRAY<BIGINT>");
  EXPECT_EQ(common({Type::integer(), Type::string()}),
            "error: INT and STRING have no common type: CAST one of them");
  EXPECT_EQ(common({Type::integer().not_null(), Type::integer().not_null()}), "INT NOT NULL");
}

TEST(TypeRules, CastRules) {
  EXPECT_EQ(cast_rule(Type::integer(), Type::bigint()), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::bigint(), Type::integer()), CastRule::kExplicit);
  EXPECT_EQ(cast_rule(Type::integer(), Type::decimal(5, 2)), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::float64(), Type::float32()), CastRule::kExplicit);
  EXPECT_EQ(cast_rule(Type::string(), Type::character(3)), CastRule::kExplicit);
  EXPECT_EQ(cast_rule(Type::character(3), Type::string()), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::string(), Type::varchar(3)), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::integer(), Type::string()), CastRule::kExplicit);
  EXPECT_EQ(cast_rule(Type::integer(), Type::timestamp(3)), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::timestamp(3), Type::bigint()), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::timestamp(3), Type::timestamp_ltz(3)), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::date(), Type::time()), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::boolean(), Type::integer()), CastRule::kExplicit);
  EXPECT_EQ(cast_rule(Type::boolean(), Type::date()), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::null(), Type::date()), CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::array(Type::integer()), Type::array(Type::bigint())),
            CastRule::kImplicit);
  EXPECT_EQ(cast_rule(Type::array(Type::date()), Type::array(Type::bigint())), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::string(), Type::array(Type::bigint())), CastRule::kNever);
  EXPECT_EQ(cast_rule(Type::array(Type::integer()), Type::string()), CastRule::kExplicit);
}

}  // namespace
}  // namespace slipstream::expr
