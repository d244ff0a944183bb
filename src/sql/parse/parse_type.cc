// Types.
#include <array>
#include <utility>

#include "base/suggest.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

using ast::TypeKind;

namespace {

struct SimpleType {
  std::string_view name;
  TypeKind kind;
};

// Types that are one word and nothing else.
constexpr std::array<SimpleType, 11> kSimpleTypes{{
    {"BOOLEAN", TypeKind::kBoolean},
    {"TINYINT", TypeKind::kTinyint},
    {"SMALLINT", TypeKind::kSmallint},
    {"INT", TypeKind::kInteger},
    {"INTEGER", TypeKind::kInteger},
    {"BIGINT", TypeKind::kBigint},
    {"FLOAT", TypeKind::kFloat},
    {"REAL", TypeKind::kFloat},
    {"STRING", TypeKind::kString},
    {"BYTES", TypeKind::kBytes},
    {"DOUBLE", TypeKind::kDouble},
}};

// For "did you mean"; names of other databases first get their own answer.
const std::vector<std::string>& type_names() {
  static const std::vector<std::string> kNames{
      "BOOLEAN", "TINYINT", "SMALLINT",  "INT",       "INTEGER",       "BIGINT", "FLOAT",
      "DOUBLE",  "DECIMAL", "NUMERIC",   "CHAR",      "VARCHAR",       "STRING", "BINARY",
      "BYTES",   "DATE",    "VARBINARY", "TIMESTAMP", "TIMESTAMP_LTZ", "TIME",   "INTERVAL",
      "ARRAY",   "MAP",     "MULTISET",  "ROW"};
  return kNames;
}

struct ForeignType {
  std::string_view name;
  std::string_view ours;
};
constexpr std::array<ForeignType, 12> kForeignTypes{{{"TEXT", "STRING"},
                                                     {"NVARCHAR", "STRING"},
                                                     {"LONG", "BIGINT"},
                                                     {"INT64", "BIGINT"},
                                                     {"INT32", "INT"},
                                                     {"SHORT", "SMALLINT"},
                                                     {"BYTE", "TINYINT"},
                                                     {"BOOL", "BOOLEAN"},
                                                     {"BLOB", "BYTES"},
                                                     {"DATETIME", "TIMESTAMP(3)"},
                                                     {"TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"},
                                                     {"STRUCT", "ROW<...>"}}};

constexpr int kLengthMax = 2147483647;

}  // namespace

ast::TypeNamePtr StatementParser::parse_type() {
  const Level level(*this);
  auto type = start<ast::TypeName>();
  if (!level.ok()) return type;
  parse_base_type(*type);
  parse_nullability(*type);
  type = finish(std::move(type));
  // INT ARRAY, INT NOT NULL MULTISET
  while (at_any_word({"ARRAY", "MULTISET"})) {
    auto outer = std::make_unique<ast::TypeName>();
    outer->span = type->span;
    outer->kind = next().upper == "ARRAY" ? TypeKind::kArray : TypeKind::kMultiset;
    outer->arguments.push_back(std::move(type));
    parse_nullability(*outer);
    type = finish(std::move(outer));
    grow(tallest_ + 1);
  }
  return type;
}

void StatementParser::parse_nullability(ast::TypeName& type) {
  if (accept_words({"NOT", "NULL"})) {
    type.nullable = false;
  } else if (at_word("NULL") && !at_word("ON", 1)) {
    // NULL ON EMPTY belongs to JSON_VALUE.
    next();
    type.nullable = true;
  }
}

bool StatementParser::parse_simple_type(ast::TypeName& type) {
  for (const SimpleType& simple : kSimpleTypes) {
    if (!accept_word(simple.name)) continue;
    type.kind = simple.kind;
    if (simple.kind == TypeKind::kDouble) accept_word("PRECISION");
    return true;
  }
  return false;
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
void StatementParser::parse_base_type(ast::TypeName& type) {
  if (parse_simple_type(type)) return;
  if (accept_word("DECIMAL") || accept_word("DEC") || accept_word("NUMERIC")) {
    type.kind = TypeKind::kDecimal;
    if (accept_symbol("(")) {
      type.precision = expect_integer("the precision of DECIMAL", 1, 38);
      if (accept_symbol(","))
        type.scale = expect_integer("the scale of DECIMAL", 0, *type.precision);
      expect_symbol(")");
    }
  } else if (accept_word("CHAR") || accept_word("CHARACTER")) {
    type.kind = accept_word("VARYING") ? TypeKind::kVarchar : TypeKind::kChar;
    parse_length(type, kLengthMax);
  } else if (accept_word("VARCHAR")) {
    type.kind = TypeKind::kVarchar;
    parse_length(type, kLengthMax);
  } else if (accept_word("BINARY")) {
    type.kind = accept_word("VARYING") ? TypeKind::kVarbinary : TypeKind::kBinary;
    parse_length(type, kLengthMax);
  } else if (accept_word("VARBINARY")) {
    type.kind = TypeKind::kVarbinary;
    parse_length(type, kLengthMax);
  } else if (accept_word("DATE")) {
    type.kind = TypeKind::kDate;
  } else if (accept_word("TIME")) {
    parse_time_type(type);
  } else if (at_any_word({"TIMESTAMP", "TIMESTAMP_LTZ"})) {
    parse_timestamp_type(type);
  } else if (accept_word("INTERVAL")) {
    parse_interval_type(type);
  } else if (accept_word("ARRAY")) {
    type.kind = TypeKind::kArray;
    parse_element_types(type, 1);
  } else if (accept_word("MULTISET")) {
    type.kind = TypeKind::kMultiset;
    parse_element_types(type, 1);
  } else if (accept_word("MAP")) {
    type.kind = TypeKind::kMap;
    parse_element_types(type, 2);
  } else if (accept_word("ROW")) {
    parse_row_type(type);
  } else if (at_kind(TokenKind::kWord)) {
    const Token& token = peek();
    for (const ForeignType& foreign : kForeignTypes) {
      if (token.upper != foreign.name) continue;
      fail(token.span, "the dialect has no type " + token.text, "use " + std::string(foreign.ours));
    }
    fail(token.span, "unknown type '" + token.text + "'" + did_you_mean(token.upper, type_names()));
  } else {
    fail_expected("a type");
  }
}

void StatementParser::parse_length(ast::TypeName& type, int largest) {
  if (!accept_symbol("(")) return;
  type.precision = expect_integer("the length", 1, largest);
  expect_symbol(")");
}

void StatementParser::parse_time_type(ast::TypeName& type) {
  type.kind = TypeKind::kTime;
  if (accept_symbol("(")) {
    type.precision = expect_integer("the precision of TIME", 0, 9);
    expect_symbol(")");
  }
  accept_words({"WITHOUT", "TIME", "ZONE"});
}

void StatementParser::parse_timestamp_type(ast::TypeName& type) {
  type.kind = next().upper == "TIMESTAMP" ? TypeKind::kTimestamp : TypeKind::kTimestampLtz;
  if (accept_symbol("(")) {
    type.precision = expect_integer("the precision of TIMESTAMP", 0, 9);
    expect_symbol(")");
  }
  if (type.kind == TypeKind::kTimestampLtz) return;
  if (accept_words({"WITH", "LOCAL", "TIME", "ZONE"})) {
    type.kind = TypeKind::kTimestampLtz;
  } else if (at_words({"WITH", "TIME", "ZONE"})) {
    fail(peek().span, "TIMESTAMP WITH TIME ZONE is not supported", "use TIMESTAMP_LTZ(3)");
  } else {
    accept_words({"WITHOUT", "TIME", "ZONE"});
  }
}

void StatementParser::parse_interval_type(ast::TypeName& type) {
  type.interval = parse_interval_qualifier();
  type.kind =
      type.interval->is_year_month() ? TypeKind::kIntervalYearMonth : TypeKind::kIntervalDayTime;
}

ast::IntervalQualifier StatementParser::parse_interval_qualifier() {
  ast::IntervalQualifier qualifier;
  qualifier.span = peek().span;
  const auto unit = [this] {
    const Token token = peek();
    const ast::TimeUnit parsed = parse_time_unit().value_or(ast::TimeUnit::kSecond);
    if (parsed < ast::TimeUnit::kYear || parsed > ast::TimeUnit::kSecond) {
      report(token.span, "an interval cannot be counted in " + token.upper,
             "use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND");
    }
    return parsed;
  };
  qualifier.start = unit();
  if (at_symbol("(") && at_kind(TokenKind::kInteger, 1)) {
    next();
    qualifier.start_precision = expect_integer("the precision of an interval", 1, 10);
    if (qualifier.start == ast::TimeUnit::kSecond && accept_symbol(",")) {
      qualifier.fraction_precision = expect_integer("the precision of SECOND", 0, 9);
    }
    expect_symbol(")");
  }
  if (accept_word("TO")) {
    const SourceSpan end_span = peek().span;
    qualifier.end = unit();
    const bool same_family =
        qualifier.is_year_month() == (*qualifier.end <= ast::TimeUnit::kMonth) && !failed();
    if (*qualifier.end <= qualifier.start || !same_family) {
      report(end_span,
             "an interval cannot run from " + std::string(time_unit_name(qualifier.start)) +
                 " to " + std::string(time_unit_name(*qualifier.end)),
             "use YEAR TO MONTH, or DAY, HOUR, MINUTE to a smaller one of HOUR, MINUTE, SECOND");
    }
    if (qualifier.end == ast::TimeUnit::kSecond && accept_symbol("(")) {
      qualifier.fraction_precision = expect_integer("the precision of SECOND", 0, 9);
      expect_symbol(")");
    }
  }
  qualifier.span = span_from(qualifier.span);
  return qualifier;
}

void StatementParser::parse_element_types(ast::TypeName& type, std::size_t count) {
  expect_symbol("<");
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) expect_symbol(",");
    type.arguments.push_back(parse_type());
  }
  expect_symbol(">");
}

void StatementParser::parse_row_type(ast::TypeName& type) {
  type.kind = TypeKind::kRow;
  if (accept_symbol("<>")) return;
  const bool round = accept_symbol("(");
  if (!round) expect_symbol("<");
  const std::string_view close = round ? ")" : ">";
  if (accept_symbol(close)) return;
  parse_list([&] {
    ast::TypeField field;
    field.span = peek().span;
    field.name = expect_name("a field name");
    field.type = parse_type();
    if (at_kind(TokenKind::kString)) field.comment = next().text;
    field.span = span_from(field.span);
    type.fields.push_back(std::move(field));
  });
  expect_symbol(close);
}

}  // namespace slipstream::sql
