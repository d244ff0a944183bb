#include "expr/testing/cells.h"

#include <gtest/gtest.h>

#include "base/try.h"
#include "data/text/value.h"
#include "expr/function.h"
#include "expr/one_row.h"

namespace slipstream::expr {

EvalContext test_context(const std::string& zone) {
  EvalContext context;
  context.session_time_zone = zone;
  context.wall_micros = [] { return kTestMicros; };
  context.random = [state = std::uint64_t{42}]() mutable {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return state;
  };
  return context;
}

ColumnPtr column_of(const Cell& cell, std::size_t rows, const std::string& zone) {
  ColumnBuilder builder(cell.type);
  for (std::size_t row = 0; row < rows; ++row) {
    if (!cell.text) {
      builder.append_null();
    } else {
      CHECK(text::parse(*cell.text, *TimeZone::from_name(zone), builder));
    }
  }
  return builder.finish();
}

ColumnPtr column_of(const Type& type, const std::vector<std::optional<std::string>>& texts) {
  ColumnBuilder builder(type);
  for (const auto& value : texts) {
    if (!value) {
      builder.append_null();
    } else {
      CHECK(text::parse(*value, TimeZone(), builder));
    }
  }
  return builder.finish();
}

ExprPtr literal_of(const Cell& cell) { return literal(column_of(cell)); }

namespace {

std::string run_text(const ExprPtr& e, const Batch& batch, const std::string& zone) {
  auto program = Program::compile({e}, test_context(zone));
  if (!program.ok()) return "error: " + program.error().message;
  auto columns = (*program)->run(batch);
  if (!columns.ok()) return "error: " + columns.error().message;
  const Column& result = *(*columns)[0];
  EXPECT_EQ(result.size(), batch.rows());
  EXPECT_TRUE(same_type(result.type(), e->type))
      << result.type().to_string() << " " << e->type.to_string();
  const TimeZone shown = *TimeZone::from_name(zone);
  std::string first = text::to_text(result, 0, shown);
  for (std::size_t row = 1; row < result.size(); ++row)
    EXPECT_EQ(text::to_text(result, row, shown), first);
  return first;
}

}  // namespace

std::string evaluate_call(const std::string& function, const std::vector<Cell>& args,
                          const std::string& zone) {
  const Function* found = find_function(function);
  if (found == nullptr) return "error: no function " + function;
  constexpr std::size_t kRows = 3;
  std::vector<ColumnPtr> columns;
  std::vector<ExprPtr> column_args;
  std::vector<ExprPtr> literal_args;
  for (const Cell& cell : args) {
    columns.push_back(column_of(cell, kRows, zone));
    literal_args.push_back(literal(column_of(cell, 1, zone)));
    column_args.push_back(cell.is_word ? literal_args.back()
                                       : column(column_args.size(), cell.type,
                                                "c" + std::to_string(column_args.size())));
  }
  auto over_columns = bind_call(*found, column_args);
  if (!over_columns.ok()) return "error: " + over_columns.error().message;
  auto over_literals = bind_call(*found, literal_args);
  std::string result = run_text(*over_columns, Batch(kRows, columns), zone);
  if (!result.starts_with("error: ") && found->deterministic) {
    // The scale of ROUND and its kind may differ: only the values are compared.
    const std::string folded = run_text(*over_literals, Batch(1, {}), zone);
    if (found->refine == nullptr) {
      EXPECT_EQ(folded, result) << function;
    }
  }
  return result;
}

std::string evaluate_cast(const Cell& value, const Type& to, bool try_cast,
                          const std::string& zone) {
  if (cast_rule(value.type, to) == CastRule::kNever) return "refused";
  const ExprPtr e = cast(column(0, value.type, "c"), to, try_cast);
  return run_text(e, Batch(3, {column_of(value, 3, zone)}), zone);
}

std::string evaluate_text(const ExprPtr& e, const std::string& zone) {
  return run_text(e, Batch(1, {}), zone);
}

std::string call_type(const std::string& function, const std::vector<Type>& args) {
  const Function* found = find_function(function);
  if (found == nullptr) return "error: no function " + function;
  auto signature = found->resolve(args);
  return signature.ok() ? signature->result.to_string() : "error: " + signature.error().message;
}

void check_calls(const std::vector<CallCase>& cases, const std::string& zone) {
  for (const CallCase& one : cases) {
    std::string shown = one.function + "(";
    for (const Cell& cell : one.args)
      shown += cell.type.to_string() + " " + cell.text.value_or("NULL") + ", ";
    EXPECT_EQ(evaluate_call(one.function, one.args, zone), one.expected) << shown << ")";
  }
}

}  // namespace slipstream::expr
