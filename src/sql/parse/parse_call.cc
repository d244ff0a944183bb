// Calls: plain ones, the special argument forms of SQL, JSON functions, OVER.
#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "sql/parse/keywords.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

using ast::ExprPtr;

namespace {

struct UnitName {
  std::string_view name;
  ast::TimeUnit unit;
};

constexpr std::array<UnitName, 38> kUnits{{
    {"YEAR", ast::TimeUnit::kYear},
    {"QUARTER", ast::TimeUnit::kQuarter},
    {"MONTH", ast::TimeUnit::kMonth},
    {"WEEK", ast::TimeUnit::kWeek},
    {"DAY", ast::TimeUnit::kDay},
    {"HOUR", ast::TimeUnit::kHour},
    {"MINUTE", ast::TimeUnit::kMinute},
    {"SECOND", ast::TimeUnit::kSecond},
    {"MILLISECOND", ast::TimeUnit::kMillisecond},
    {"MICROSECOND", ast::TimeUnit::kMicrosecond},
    {"NANOSECOND", ast::TimeUnit::kNanosecond},
    {"EPOCH", ast::TimeUnit::kEpoch},
    {"DOW", ast::TimeUnit::kDayOfWeek},
    {"DOY", ast::TimeUnit::kDayOfYear},
    {"ISODOW", ast::TimeUnit::kIsoDayOfWeek},
    {"ISOYEAR", ast::TimeUnit::kIsoYear},
    {"DECADE", ast::TimeUnit::kDecade},
    {"CENTURY", ast::TimeUnit::kCentury},
    {"MILLENNIUM", ast::TimeUnit::kMillennium},
    {"YEARS", ast::TimeUnit::kYear},
    {"QUARTERS", ast::TimeUnit::kQuarter},
    {"MONTHS", ast::TimeUnit::kMonth},
    {"WEEKS", ast::TimeUnit::kWeek},
    {"DAYS", ast::TimeUnit::kDay},
    {"HOURS", ast::TimeUnit::kHour},
    {"MINUTES", ast::TimeUnit::kMinute},
    {"SECONDS", ast::TimeUnit::kSecond},
    {"FRAC_SECOND", ast::TimeUnit::kMicrosecond},
    {"SQL_TSI_YEAR", ast::TimeUnit::kYear},
    {"SQL_TSI_QUARTER", ast::TimeUnit::kQuarter},
    {"SQL_TSI_MONTH", ast::TimeUnit::kMonth},
    {"SQL_TSI_WEEK", ast::TimeUnit::kWeek},
    {"SQL_TSI_DAY", ast::TimeUnit::kDay},
    {"SQL_TSI_HOUR", ast::TimeUnit::kHour},
    {"SQL_TSI_MINUTE", ast::TimeUnit::kMinute},
    {"SQL_TSI_SECOND", ast::TimeUnit::kSecond},
    {"SQL_TSI_MICROSECOND", ast::TimeUnit::kMicrosecond},
    {"SQL_TSI_FRAC_SECOND", ast::TimeUnit::kMicrosecond},
}};

}  // namespace

std::optional<ast::TimeUnit> StatementParser::parse_time_unit() {
  const Token& token = peek();
  if (token.kind != TokenKind::kWord) {
    fail_expected("a time unit (DAY, HOUR, ...)");
    return std::nullopt;
  }
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(), [&token](const UnitName& entry) {
    return entry.name == token.upper;
  });
  if (found == kUnits.end()) {
    std::vector<std::string> names;
    for (const UnitName& entry : kUnits) names.emplace_back(entry.name);
    fail(token.span, "'" + token.text + "' is not a time unit" + did_you_mean(token.upper, names),
         "use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND");
    return std::nullopt;
  }
  next();
  return found->unit;
}

ExprPtr StatementParser::parse_unit_symbol() {
  auto symbol = start<ast::SymbolExpr>();
  if (const std::optional<ast::TimeUnit> unit = parse_time_unit())
    symbol->name = time_unit_name(*unit);
  return finish(std::move(symbol));
}

ExprPtr StatementParser::parse_niladic() {
  auto call = start<ast::CallExpr>();
  call->name = {{peek().span}, {ast::Identifier{{peek().span}, peek().text, false}}};
  next();
  call->without_parentheses = !at_symbol("(");
  if (accept_symbol("(")) {
    if (!at_symbol(")")) call->arguments = parse_expr_list();
    expect_symbol(")");
  }
  return finish(std::move(call));
}

ExprPtr StatementParser::parse_call(ast::QualifiedName name) {
  auto call = std::make_unique<ast::CallExpr>();
  call->span = name.span;
  call->name = std::move(name);
  const bool bare = !call->name.parts.front().quoted;
  const std::string function = bare ? call->simple_name() : std::string();
  expect_symbol("(");
  if (!parse_special_arguments(*call, function)) parse_arguments(*call);
  if (!accept_symbol(")")) fail_expected("',' or ')' in the arguments of " + call->name.text());
  parse_call_suffix(*call);
  return finish(std::move(call));
}

void StatementParser::parse_arguments(ast::CallExpr& call) {
  if (at_symbol(")")) return;
  if (at_symbol("*") && at_symbol(")", 1)) {
    next();
    call.star = true;
    return;
  }
  call.distinct = accept_word("DISTINCT");
  if (!call.distinct) accept_word("ALL");
  parse_list([&] { call.arguments.push_back(parse_argument()); });
}

ExprPtr StatementParser::parse_argument() {
  const bool named =
      (at_kind(TokenKind::kWord) || at_kind(TokenKind::kQuoted)) && at_symbol("=>", 1);
  if (named) {
    auto argument = start<ast::NamedArgument>();
    argument->name.span = peek().span;
    argument->name.quoted = at_kind(TokenKind::kQuoted);
    argument->name.name = next().text;
    next();
    argument->value = parse_argument();
    return finish(std::move(argument));
  }
  if (at_word("TABLE")) return parse_table_argument();
  if (at_word("DEFAULT")) {
    auto expr = start<ast::DefaultExpr>();
    next();
    return expr;
  }
  return parse_expr();
}

ExprPtr StatementParser::parse_table_argument() {
  auto table = start<ast::TableArgument>();
  expect_word("TABLE");
  if (at_parenthesized_query()) {
    next();
    table->query = parse_query();
    expect_symbol(")");
  } else {
    const bool wrapped = accept_symbol("(");
    table->name = expect_qualified_name("a table name");
    if (wrapped) expect_symbol(")");
  }
  if (accept_words({"PARTITION", "BY"})) {
    // Further commas separate arguments: several columns stand in parentheses.
    if (accept_symbol("(")) {
      table->partition_by = parse_expr_list();
      expect_symbol(")");
    } else {
      table->partition_by.push_back(parse_expr());
    }
  }
  if (at_words({"ORDER", "BY"})) {
    accept_words({"ORDER", "BY"});
    const bool wrapped = accept_symbol("(");
    do {
      ast::SortItem item;
      item.span = peek().span;
      item.expr = parse_expr();
      item.descending = accept_word("DESC");
      if (!item.descending) accept_word("ASC");
      item.span = span_from(item.span);
      table->order_by.push_back(std::move(item));
    } while (wrapped && accept_symbol(","));
    if (wrapped) expect_symbol(")");
  }
  return finish(std::move(table));
}

ExprPtr StatementParser::parse_descriptor() {
  auto descriptor = start<ast::DescriptorExpr>();
  next();
  expect_symbol("(");
  parse_list([&] { descriptor->columns.push_back(expect_name("a column name")); });
  expect_symbol(")");
  return finish(std::move(descriptor));
}

void StatementParser::parse_call_suffix(ast::CallExpr& call) {
  if (at_any_word({"IGNORE", "RESPECT"}) && at_word("NULLS", 1)) {
    call.ignore_nulls = next().upper == "IGNORE";
    next();
  }
  if (at_words({"WITHIN", "GROUP"})) {
    accept_words({"WITHIN", "GROUP"});
    expect_symbol("(");
    call.within_group = parse_order_by();
    expect_symbol(")");
  }
  if (accept_word("FILTER")) {
    expect_symbol("(");
    expect_word("WHERE");
    call.filter = parse_expr();
    expect_symbol(")");
  }
  if (at_word("OVER")) call.over = parse_over();
}

std::unique_ptr<ast::WindowSpec> StatementParser::parse_over() {
  expect_word("OVER");
  auto spec = std::make_unique<ast::WindowSpec>();
  if (at_symbol("(")) {
    *spec = parse_window_spec();
    return spec;
  }
  spec->span = peek().span;
  spec->base = expect_name("a window name or '('");
  spec->only_name = true;
  return spec;
}

// False: the function has plain arguments.
bool StatementParser::parse_special_arguments(ast::CallExpr& call, const std::string& function) {
  if (function == "EXTRACT") {
    parse_extract_arguments(call);
  } else if (function == "TRIM") {
    parse_trim_arguments(call);
  } else if (function == "SUBSTRING") {
    parse_operand_words(call, {"FROM", "FOR"});
  } else if (function == "OVERLAY") {
    parse_operand_words(call, {"PLACING", "FROM", "FOR"});
  } else if (function == "POSITION") {
    // IN would be read as an operator of the first operand.
    call.arguments.push_back(parse_expr(kPrecedenceRange + 1));
    if (accept_word("IN")) {
      call.arguments.push_back(parse_expr());
    } else {
      fail(peek().span, "expected IN, found " + describe(peek()), "write POSITION(part IN text)");
    }
  } else if (function == "CEIL" || function == "CEILING" || function == "FLOOR") {
    parse_rounding_arguments(call);
  } else if (function == "TIMESTAMPADD" || function == "TIMESTAMPDIFF") {
    parse_timestamp_arguments(call);
  } else {
    return false;
  }
  return true;
}

void StatementParser::parse_extract_arguments(ast::CallExpr& call) {
  call.arguments.push_back(parse_unit_symbol());
  expect_word("FROM");
  call.arguments.push_back(parse_expr());
}

void StatementParser::parse_trim_arguments(ast::CallExpr& call) {
  auto mode = start<ast::SymbolExpr>();
  mode->name = "BOTH";
  const bool named = at_any_word({"BOTH", "LEADING", "TRAILING"});
  if (named) mode->name = next().upper;
  mode = finish(std::move(mode));
  ExprPtr characters;
  if (!at_word("FROM")) characters = parse_expr();
  if (!accept_word("FROM")) {
    if (named) {
      fail_expected("FROM");
    } else {
      call.arguments.push_back(std::move(characters));
    }
    return;
  }
  if (characters == nullptr) {
    auto blank = std::make_unique<ast::Literal>();
    blank->span = mode->span;
    blank->literal = ast::LiteralKind::kString;
    blank->text = " ";
    characters = std::move(blank);
  }
  call.arguments.push_back(std::move(mode));
  call.arguments.push_back(std::move(characters));
  call.arguments.push_back(parse_expr());
}

// f(a WORD b WORD c), or the same with commas.
void StatementParser::parse_operand_words(ast::CallExpr& call,
                                          const std::vector<std::string_view>& words) {
  call.arguments.push_back(parse_expr());
  if (at_symbol(",")) {
    while (accept_symbol(",") && !at_trailing_comma()) call.arguments.push_back(parse_expr());
    return;
  }
  for (const std::string_view word : words) {
    if (accept_word(word)) call.arguments.push_back(parse_expr());
  }
}

void StatementParser::parse_rounding_arguments(ast::CallExpr& call) {
  call.arguments.push_back(parse_expr());
  if (accept_word("TO")) call.arguments.push_back(parse_unit_symbol());
}

void StatementParser::parse_timestamp_arguments(ast::CallExpr& call) {
  call.arguments.push_back(parse_unit_symbol());
  expect_symbol(",");
  call.arguments.push_back(parse_expr());
  expect_symbol(",");
  call.arguments.push_back(parse_expr());
}

ExprPtr StatementParser::parse_json_call() {
  auto call = start<ast::JsonCallExpr>();
  call->function = next().upper;
  expect_symbol("(");
  if (call->function == "JSON_OBJECT") {
    parse_json_pairs(*call);
  } else if (call->function == "JSON_ARRAY") {
    parse_json_items(*call);
  } else {
    call->arguments.push_back(parse_expr());
    expect_symbol(",");
    call->arguments.push_back(parse_expr());
    parse_json_clauses(*call);
  }
  if (accept_words({"NULL", "ON", "NULL"})) {
    call->absent_on_null = false;
  } else if (accept_words({"ABSENT", "ON", "NULL"})) {
    call->absent_on_null = true;
  }
  expect_symbol(")");
  return finish(std::move(call));
}

void StatementParser::parse_json_pairs(ast::JsonCallExpr& call) {
  if (at_symbol(")") || at_words({"NULL", "ON"}) || at_words({"ABSENT", "ON"})) return;
  parse_list([&] {
    // KEY is not reserved: KEY 'a' VALUE 1 begins with it, key VALUE 1 is a column.
    if (at_word("KEY") && !at_word("VALUE", 1) && !at_symbol(":", 1)) next();
    call.arguments.push_back(parse_expr());
    if (!accept_word("VALUE") && !accept_symbol(":")) fail_expected("VALUE");
    call.arguments.push_back(parse_expr());
  });
}

void StatementParser::parse_json_items(ast::JsonCallExpr& call) {
  if (at_symbol(")") || at_words({"NULL", "ON"}) || at_words({"ABSENT", "ON"})) return;
  call.arguments = parse_expr_list();
}

void StatementParser::parse_json_clauses(ast::JsonCallExpr& call) {
  if (accept_word("RETURNING")) call.returning = parse_type();
  parse_json_wrapper(call);
  while (std::optional<ast::JsonBehavior> behavior = parse_json_behavior()) {
    expect_word("ON");
    if (accept_word("EMPTY")) {
      call.on_empty = std::move(behavior);
    } else if (accept_word("ERROR")) {
      call.on_error = std::move(behavior);
    } else {
      fail_expected("EMPTY or ERROR");
    }
  }
}

void StatementParser::parse_json_wrapper(ast::JsonCallExpr& call) {
  if (!at_any_word({"WITH", "WITHOUT"})) return;
  const bool with = next().upper == "WITH";
  if (accept_word("CONDITIONAL")) {
    call.wrapper = ast::JsonWrapper::kConditional;
  } else {
    accept_word("UNCONDITIONAL");
    call.wrapper = ast::JsonWrapper::kUnconditional;
  }
  if (!with) call.wrapper = ast::JsonWrapper::kWithout;
  accept_word("ARRAY");
  expect_word("WRAPPER");
}

std::optional<ast::JsonBehavior> StatementParser::parse_json_behavior() {
  ast::JsonBehavior behavior;
  if (accept_word("NULL")) {
    behavior.fallback = ast::JsonFallback::kNull;
  } else if (accept_word("ERROR")) {
    behavior.fallback = ast::JsonFallback::kError;
  } else if (accept_word("TRUE")) {
    behavior.fallback = ast::JsonFallback::kTrue;
  } else if (accept_word("FALSE")) {
    behavior.fallback = ast::JsonFallback::kFalse;
  } else if (accept_word("UNKNOWN")) {
    behavior.fallback = ast::JsonFallback::kUnknown;
  } else if (accept_words({"EMPTY", "OBJECT"})) {
    behavior.fallback = ast::JsonFallback::kEmptyObject;
  } else if (accept_words({"EMPTY", "ARRAY"}) || accept_word("EMPTY")) {
    behavior.fallback = ast::JsonFallback::kEmptyArray;
  } else if (accept_word("DEFAULT")) {
    behavior.fallback = ast::JsonFallback::kDefault;
    behavior.value = parse_expr();
  } else {
    return std::nullopt;
  }
  return behavior;
}

}  // namespace slipstream::sql
