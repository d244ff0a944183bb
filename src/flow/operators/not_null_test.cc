#include "flow/operators/not_null.h"

#include <gtest/gtest.h>

#include "flow/testing/operator_harness.h"

namespace slipstream::flow {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::OperatorHarness;
using Rows = std::vector<std::string>;

OperatorHarness harness(bool drop) {
  NotNullSpec spec;
  spec.table = "out";
  spec.input = Schema({{"id", Type::integer()}, {"note", Type::string()}, {"v", Type::integer()}});
  spec.columns = {0, 2};
  spec.drop = drop;
  return OperatorHarness([spec] { return make_not_null(spec); }, {{}}, {});
}

Batch rows() {
  return batch_of({column_of(Type::integer(), {"1", std::nullopt, "3", "4"}),
                   column_of(Type::string(), {std::nullopt, "b", "c", "d"}),
                   column_of(Type::integer(), {"10", "20", std::nullopt, "40"})},
                  {RowKind::kInsert, RowKind::kInsert, RowKind::kUpdateAfter, RowKind::kDelete});
}

// finding 9
TEST(NotNull, ARowWithNullIsAnErrorThatNamesTheColumn) {
  OperatorHarness strict = harness(false);
  strict.push(0, rows());
  ASSERT_FALSE(strict.failure().ok());
  EXPECT_EQ(strict.failure().error().code, ErrorCode::kDataError);
  EXPECT_NE(strict.failure().error().message.find("column 'id' of table 'out' is NOT NULL"),
            std::string::npos);
}

TEST(NotNull, OrIsDroppedAndCounted) {
  OperatorHarness lenient = harness(true);
  lenient.push(0, rows());
  lenient.push(0, batch_of({column_of(Type::integer(), {std::nullopt}),
                            column_of(Type::string(), {"e"}), column_of(Type::integer(), {"1"})}));
  ASSERT_TRUE(lenient.failure().ok()) << lenient.failure().to_string();
  EXPECT_EQ(lenient.take_rows(), (Rows{"+I(1, NULL, 10)", "-D(4, d, 40)"}));
  EXPECT_EQ(lenient.metric("null_rows_dropped_total"), 3);
}

}  // namespace
}  // namespace slipstream::flow
