#include "expr/catalog.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

#include "expr/function.h"

namespace slipstream::expr {

namespace {

using Kind = FunctionEntry::Kind;

// What evaluation has built in, and functions whose rules belong to the binder.
std::vector<FunctionEntry> forms() {
  return {
      {Kind::kOperator, "AND", "condition AND condition",
       "TRUE when both are; FALSE when one is; NULL otherwise."},
      {Kind::kOperator, "OR", "condition OR condition",
       "TRUE when one is; FALSE when both are; NULL otherwise."},
      {Kind::kOperator, "NOT", "NOT condition", "The opposite; NULL of NULL."},
      {Kind::kOperator, "BETWEEN", "x [NOT] BETWEEN [SYMMETRIC] low AND high",
       "Whether low <= x <= high; SYMMETRIC takes the bounds in either order."},
      {Kind::kOperator, "IS NULL", "value IS [NOT] NULL", "Whether there is no value."},
      {Kind::kOperator, "CASE",
       "CASE WHEN condition THEN result ... [ELSE result] END, CASE value WHEN value THEN result "
       "... [ELSE result] END",
       "The result of the first branch that holds; NULL without ELSE."},
      {Kind::kOperator, "CAST", "CAST(value AS type)",
       "The value as another type; a value that cannot be one ends the job."},
      {Kind::kOperator, "TRY_CAST", "TRY_CAST(value AS type)",
       "The value as another type; NULL when it cannot be one."},
      {Kind::kScalar, "COALESCE", "COALESCE(value, ...)", "The first value that is not NULL."},
      {Kind::kScalar, "IF", "IF(condition, value, otherwise)",
       "The value when the condition is TRUE, else the other."},
      {Kind::kScalar, "IFNULL", "IFNULL(value, otherwise)",
       "The value, or the other when it is NULL."},
      {Kind::kScalar, "NULLIF", "NULLIF(value, other)",
       "NULL when both are equal, else the value."},
  };
}

// Targets of the binder that have no spelling of their own.
bool is_internal(std::string_view name) {
  constexpr std::array<std::string_view, 5> kInternal = {
      "FLOOR_TO", "CEIL_TO", "JSON_VALUE_BOOLEAN", "JSON_VALUE_INTEGER", "JSON_VALUE_DOUBLE"};
  return std::find(kInternal.begin(), kInternal.end(), name) != kInternal.end();
}

bool is_operator(const Function& function) {
  const std::string_view name = function.name;
  const bool is_word =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == std::string_view::npos;
  return !is_word || name == "IN" || name == "LIKE" || name == "NEGATE";
}

std::string_view title(Kind kind) {
  switch (kind) {
    case Kind::kOperator:
      return "Operators and forms";
    case Kind::kScalar:
      return "Scalar functions";
    case Kind::kAggregate:
      break;
  }
  return "Aggregate functions";
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::vector<FunctionEntry> function_catalog() {
  std::vector<FunctionEntry> entries = forms();
  for (const Function* function : all_functions()) {
    if (is_internal(function->name)) continue;
    entries.push_back({is_operator(*function) ? Kind::kOperator : Kind::kScalar, function->name,
                       function->usage, function->description});
  }
  for (const AggregateFunction* function : all_aggregates()) {
    entries.push_back({Kind::kAggregate, function->name, function->usage, function->description});
  }
  std::sort(entries.begin(), entries.end(), [](const FunctionEntry& a, const FunctionEntry& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  return entries;
}

std::string function_reference() {
  std::string text =
      "# SQL functions\n\n"
      "Results are those of Flink SQL. Unless a line says otherwise, a NULL argument gives NULL, "
      "and\n"
      "positions and lengths of texts count characters. Written by a test from the registry "
      "(`src/expr`);\n"
      "`SLIPSTREAM_UPDATE_DOCS=1` rewrites it.\n";
  const FunctionEntry* before = nullptr;
  const std::vector<FunctionEntry> entries = function_catalog();
  for (const FunctionEntry& entry : entries) {
    if (before == nullptr || before->kind != entry.kind) {
      text.append("\n## ").append(title(entry.kind));
      text.append("\n\n| Usage | Result |\n|---|---|\n");
    }
    text.append("| `").append(cell(entry.usage)).append("` | ");
    text.append(cell(entry.description)).append(" |\n");
    before = &entry;
  }
  return text;
}

}  // namespace slipstream::expr
