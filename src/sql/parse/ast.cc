#include "sql/parse/ast.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "sql/parse/keywords.h"

namespace slipstream::sql::ast {

// Here because Query is complete only at the end of the header.
InSubqueryExpr::InSubqueryExpr() = default;
InSubqueryExpr::~InSubqueryExpr() = default;
ExistsExpr::ExistsExpr() = default;
ExistsExpr::~ExistsExpr() = default;
SubqueryExpr::SubqueryExpr() = default;
SubqueryExpr::~SubqueryExpr() = default;
TableArgument::TableArgument() = default;
TableArgument::~TableArgument() = default;
DerivedTable::DerivedTable() = default;
DerivedTable::~DerivedTable() = default;
NestedQuery::NestedQuery() = default;
NestedQuery::~NestedQuery() = default;

std::string QualifiedName::text() const {
  std::string joined;
  for (const Identifier& part : parts) {
    if (!joined.empty()) joined += '.';
    joined += part.name;
  }
  return joined;
}

std::string CallExpr::simple_name() const {
  return name.parts.size() == 1 ? to_upper_ascii(name.parts.front().name) : std::string();
}

std::string_view time_unit_name(TimeUnit unit) {
  static constexpr std::array<std::string_view, 19> kNames{
      "MILLENNIUM", "CENTURY", "DECADE", "YEAR",   "QUARTER",     "MONTH",       "WEEK",
      "DAY",        "HOUR",    "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND",
      "EPOCH",      "DOW",     "DOY",    "ISODOW", "ISOYEAR"};
  return kNames[static_cast<std::size_t>(unit)];
}

std::string_view binary_op_text(BinaryOp op) {
  static constexpr std::array<std::string_view, 12> kTexts{
      "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||"};
  return kTexts[static_cast<std::size_t>(op)];
}

}  // namespace slipstream::sql::ast
