// Typed values as text for table-driven tests of functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr/program.h"

namespace slipstream::expr {

// A value as CAST from text reads it; no text = NULL.
struct Cell {
  Type type;
  std::optional<std::string> text;
  bool is_word = false;  // always a literal: a unit, as in EXTRACT(DAY FROM x)
};

inline Cell null_of(const Type& type) { return {type, std::nullopt, false}; }
inline Cell boolean_cell(bool value) { return {Type::boolean(), value ? "true" : "false", false}; }
inline Cell tiny(int value) { return {Type::tinyint(), std::to_string(value), false}; }
inline Cell small(int value) { return {Type::smallint(), std::to_string(value), false}; }
inline Cell integer(std::int32_t value) { return {Type::integer(), std::to_string(value), false}; }
inline Cell big(std::int64_t value) { return {Type::bigint(), std::to_string(value), false}; }
inline Cell real(const std::string& text) { return {Type::float32(), text, false}; }
inline Cell dbl(const std::string& text) { return {Type::float64(), text, false}; }
inline Cell decimal(const std::string& text, int precision, int scale) {
  return {Type::decimal(precision, scale), text, false};
}
inline Cell str(const std::string& text) { return {Type::string(), text, false}; }
inline Cell word(const std::string& text) { return {Type::string(), text, true}; }
inline Cell bytes(const std::string& text) { return {Type::bytes(), text, false}; }
inline Cell date(const std::string& text) { return {Type::date(), text, false}; }
inline Cell time_of_day(const std::string& text, int precision = 3) {
  return {Type::time(precision), text, false};
}
inline Cell timestamp(const std::string& text, int precision = 3) {
  return {Type::timestamp(precision), text, false};
}
inline Cell timestamp_ltz(const std::string& text, int precision = 3) {
  return {Type::timestamp_ltz(precision), text, false};
}

// 2024-02-29 12:34:56.789 UTC
inline constexpr std::int64_t kTestMicros = 1'709'210'096'789'000;
EvalContext test_context(const std::string& zone = "UTC");

ColumnPtr column_of(const Cell& cell, std::size_t rows = 1, const std::string& zone = "UTC");
// A column of one type with several values.
ColumnPtr column_of(const Type& type, const std::vector<std::optional<std::string>>& texts);
ExprPtr literal_of(const Cell& cell);

// The value of a function as text ("NULL"; "error: ..." when it cannot be resolved or fails). It is
// computed over columns of three equal rows and over literals, which must agree.
std::string evaluate_call(const std::string& function, const std::vector<Cell>& args,
                          const std::string& zone = "UTC");
std::string evaluate_cast(const Cell& value, const Type& to, bool try_cast = false,
                          const std::string& zone = "UTC");
// Row 0 of a constant expression.
std::string evaluate_text(const ExprPtr& e, const std::string& zone = "UTC");
// The type a call has.
std::string call_type(const std::string& function, const std::vector<Type>& args);

// One line of a table of tests.
struct CallCase {
  std::string function;
  std::vector<Cell> args;
  std::string expected;
};
void check_calls(const std::vector<CallCase>& cases, const std::string& zone = "UTC");

}  // namespace slipstream::expr
