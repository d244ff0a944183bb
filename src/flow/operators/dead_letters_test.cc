#include "flow/operators/dead_letters.h"

#include <gtest/gtest.h>

#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using testing::OperatorHarness;
using Rows = std::vector<std::string>;

Batch rejected() {
  std::vector<ColumnBuilder> builders;
  const Schema schema = rejected_schema();
  for (const Field& field : schema.fields()) builders.emplace_back(field.type);
  for (const std::string offset : {"7", "x"}) {
    builders[0].append_text("{");
    builders[1].append_text("no JSON");
    builders[2].append_text("T/b/3");
    builders[3].append_text(offset);
    for (const auto& [key, value] : {std::pair("topic", std::string("T")), {"offset", offset}}) {
      builders[4].child(0).append_text(key);
      builders[4].child(1).append_text(value);
    }
    builders[4].append_nested();
  }
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return Batch(2, std::move(columns));
}

Rows rows_in(const Schema& table) {
  OperatorHarness harness([&] { return make_dead_letter_rows(table); }, {{}}, {});
  harness.push(0, rejected());
  EXPECT_TRUE(harness.failure().ok()) << harness.failure().to_string();
  return harness.take_rows();
}

TEST(DeadLetters, FillTheColumnsOfTheTableByName) {
  EXPECT_EQ(rows_in(Schema({{"offset", Type::bigint()},
                            {"body", Type::bytes()},
                            {"topic", Type::string()},
                            {"elsewhere", Type::string()}})),
            (Rows{"+I(7, {, T, NULL)", "+I(NULL, {, T, NULL)"}));
}

TEST(DeadLetters, AsTheyCome) {
  EXPECT_EQ(rows_in(rejected_schema()), (Rows{"+I({, no JSON, T/b/3, 7, {topic=T, offset=7})",
                                              "+I({, no JSON, T/b/3, x, {topic=T, offset=x})"}));
}

}  // namespace
}  // namespace slipstream::flow
