// Expressions: operators, literals, constructors. Calls are in parse_call.cc.
#include <algorithm>
#include <array>
#include <utility>

#include "sql/parse/keywords.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

using ast::ExprPtr;

namespace {

struct Operator {
  std::string_view symbol;
  int precedence;
  ast::BinaryOp op;
};

constexpr std::array<Operator, 12> kOperators{{
    {"=", kPrecedenceCompare, ast::BinaryOp::kEqual},
    {"<>", kPrecedenceCompare, ast::BinaryOp::kNotEqual},
    {"<", kPrecedenceCompare, ast::BinaryOp::kLess},
    {"<=", kPrecedenceCompare, ast::BinaryOp::kLessEqual},
    {">", kPrecedenceCompare, ast::BinaryOp::kGreater},
    {">=", kPrecedenceCompare, ast::BinaryOp::kGreaterEqual},
    {"+", kPrecedenceAdd, ast::BinaryOp::kAdd},
    {"-", kPrecedenceAdd, ast::BinaryOp::kSubtract},
    {"*", kPrecedenceMultiply, ast::BinaryOp::kMultiply},
    {"/", kPrecedenceMultiply, ast::BinaryOp::kDivide},
    {"%", kPrecedenceMultiply, ast::BinaryOp::kModulo},
    {"||", kPrecedenceMultiply, ast::BinaryOp::kConcat},
}};

const Operator* find_operator(const Token& token) {
  if (token.kind != TokenKind::kSymbol) return nullptr;
  const auto* found =
      std::find_if(kOperators.begin(), kOperators.end(),
                   [&token](const Operator& entry) { return entry.symbol == token.text; });
  return found == kOperators.end() ? nullptr : found;
}

}  // namespace

ExprPtr StatementParser::placeholder() const {
  auto literal = std::make_unique<ast::Literal>();
  literal->span = peek().span;
  return literal;
}

void StatementParser::grow(int height) {
  tallest_ = std::max(tallest_, height);
  if (tallest_ > ast::kHeightMax) {
    fail(peek().span,
         "this is a chain of more than " + std::to_string(ast::kHeightMax) + " operators",
         "put parts of it in parentheses, or name them in a subquery");
  }
}

ExprPtr StatementParser::parse_expr(int min_precedence) {
  const Level level(*this);
  if (!level.ok()) return placeholder();
  const int outer = std::exchange(tallest_, 0);
  ExprPtr left = parse_prefix();
  int height = tallest_ + 1;
  for (int precedence = infix_precedence(); precedence >= min_precedence;
       precedence = infix_precedence()) {
    tallest_ = 0;
    left = parse_infix(std::move(left), precedence);
    height = std::max(height, tallest_) + 1;
    grow(height);
  }
  tallest_ = outer;
  grow(height);
  return left;
}

std::vector<ExprPtr> StatementParser::parse_expr_list() {
  std::vector<ExprPtr> items;
  parse_list([&] { items.push_back(parse_expr()); });
  return items;
}

ExprPtr StatementParser::parse_prefix() {
  auto unary = start<ast::UnaryExpr>();
  if (accept_word("NOT")) {
    unary->op = ast::UnaryOp::kNot;
    unary->operand = parse_expr(kPrecedenceNot);
    return finish(std::move(unary));
  }
  if (at_symbol("-") || at_symbol("+")) {
    unary->op = next().text == "-" ? ast::UnaryOp::kMinus : ast::UnaryOp::kPlus;
    unary->operand = parse_expr(kPrecedenceUnary);
    return finish(std::move(unary));
  }
  return parse_postfix(parse_primary());
}

ExprPtr StatementParser::parse_postfix(ExprPtr base) {
  while (true) {
    const SourceSpan start_span = base->span;
    if (accept_symbol("[")) {
      auto subscript = std::make_unique<ast::SubscriptExpr>();
      subscript->base = std::move(base);
      subscript->index = parse_expr();
      expect_symbol("]");
      base = std::move(subscript);
    } else if (accept_symbol(".")) {
      auto access = std::make_unique<ast::FieldAccessExpr>();
      access->base = std::move(base);
      access->field = expect_name("a field name");
      base = std::move(access);
    } else if (at_symbol("::")) {
      report(peek().span, "the operator :: is not part of the dialect", "use CAST(value AS type)");
      next();
      auto cast = std::make_unique<ast::CastExpr>();
      cast->operand = std::move(base);
      cast->type = parse_type();
      base = std::move(cast);
    } else {
      return base;
    }
    base->span = span_from(start_span);
    grow(tallest_ + 1);
  }
}

int StatementParser::infix_precedence() const {
  const Token& token = peek();
  if (const Operator* found = find_operator(token)) return found->precedence;
  if (token.is_word("OR")) return kPrecedenceOr;
  if (token.is_word("AND")) return kPrecedenceAnd;
  if (token.is_word("IS")) return kPrecedenceIs;
  const std::size_t ahead = token.is_word("NOT") ? 1 : 0;
  return at_any_word({"BETWEEN", "IN", "LIKE", "SIMILAR"}, ahead) ? kPrecedenceRange
                                                                  : kPrecedenceNone;
}

ExprPtr StatementParser::parse_infix(ExprPtr left, int precedence) {
  switch (precedence) {
    case kPrecedenceOr:
      return parse_logical(std::move(left), false);
    case kPrecedenceAnd:
      return parse_logical(std::move(left), true);
    case kPrecedenceIs:
      return parse_is(std::move(left));
    case kPrecedenceRange:
      return parse_range(std::move(left));
    default:
      return parse_binary(std::move(left), precedence);
  }
}

ExprPtr StatementParser::parse_logical(ExprPtr left, bool is_and) {
  auto logical = std::make_unique<ast::LogicalExpr>();
  logical->span = left->span;
  logical->is_and = is_and;
  logical->operands.push_back(std::move(left));
  while (accept_word(is_and ? "AND" : "OR")) {
    logical->operands.push_back(parse_expr(is_and ? kPrecedenceAnd + 1 : kPrecedenceOr + 1));
  }
  return finish(std::move(logical));
}

ExprPtr StatementParser::parse_binary(ExprPtr left, int precedence) {
  auto binary = std::make_unique<ast::BinaryExpr>();
  binary->span = left->span;
  binary->op_span = peek().span;
  binary->op = find_operator(next())->op;
  if (precedence == kPrecedenceCompare && at_any_word({"ANY", "SOME", "ALL"}) &&
      at_symbol("(", 1)) {
    fail(peek().span, "comparison with " + peek().upper + " (...) is not supported",
         "use IN, EXISTS, or a join");
  }
  binary->left = std::move(left);
  binary->right = parse_expr(precedence + 1);
  return finish(std::move(binary));
}

ExprPtr StatementParser::parse_is(ExprPtr left) {
  const SourceSpan start_span = left->span;
  expect_word("IS");
  const bool negated = accept_word("NOT");
  if (accept_words({"DISTINCT", "FROM"})) {
    auto distinct = std::make_unique<ast::IsDistinctExpr>();
    distinct->negated = negated;
    distinct->left = std::move(left);
    distinct->right = parse_expr(kPrecedenceCompare + 1);
    distinct->span = span_from(start_span);
    return distinct;
  }
  auto is = std::make_unique<ast::IsExpr>();
  is->negated = negated;
  is->operand = std::move(left);
  if (accept_word("TRUE")) {
    is->test = ast::IsTest::kTrue;
  } else if (accept_word("FALSE")) {
    is->test = ast::IsTest::kFalse;
  } else if (accept_word("UNKNOWN")) {
    is->test = ast::IsTest::kUnknown;
  } else if (accept_word("JSON")) {
    is->test = ast::IsTest::kJson;
  } else if (!accept_word("NULL")) {
    fail_expected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS");
  }
  is->span = span_from(start_span);
  return is;
}

ExprPtr StatementParser::parse_range(ExprPtr left) {
  const bool negated = accept_word("NOT");
  if (accept_word("BETWEEN")) return parse_between(std::move(left), negated);
  if (accept_word("IN")) return parse_in(std::move(left), negated);
  return parse_like_operator(std::move(left), negated);
}

ExprPtr StatementParser::parse_between(ExprPtr left, bool negated) {
  auto between = std::make_unique<ast::BetweenExpr>();
  between->span = left->span;
  between->negated = negated;
  between->operand = std::move(left);
  between->symmetric = accept_word("SYMMETRIC");
  if (!between->symmetric) accept_word("ASYMMETRIC");
  between->low = parse_expr(kPrecedenceRange + 1);
  expect_word("AND");
  between->high = parse_expr(kPrecedenceRange + 1);
  return finish(std::move(between));
}

ExprPtr StatementParser::parse_in(ExprPtr left, bool negated) {
  const SourceSpan start_span = left->span;
  if (at_parenthesized_query()) {
    auto in = std::make_unique<ast::InSubqueryExpr>();
    in->negated = negated;
    in->operand = std::move(left);
    expect_symbol("(");
    in->query = parse_query();
    expect_symbol(")");
    in->span = span_from(start_span);
    return in;
  }
  auto in = std::make_unique<ast::InListExpr>();
  in->negated = negated;
  in->operand = std::move(left);
  expect_symbol("(");
  if (at_symbol(")")) fail(peek().span, "the list of IN is empty", "name at least one value");
  in->items = parse_expr_list();
  expect_symbol(")");
  in->span = span_from(start_span);
  return in;
}

ExprPtr StatementParser::parse_like_operator(ExprPtr left, bool negated) {
  auto like = std::make_unique<ast::LikeExpr>();
  like->span = left->span;
  like->negated = negated;
  like->operand = std::move(left);
  if (accept_word("SIMILAR")) {
    like->similar = true;
    expect_word("TO");
  } else {
    expect_word("LIKE");
  }
  like->pattern = parse_expr(kPrecedenceRange + 1);
  if (accept_word("ESCAPE")) like->escape = parse_expr(kPrecedenceRange + 1);
  return finish(std::move(like));
}

ExprPtr StatementParser::parse_primary() {
  switch (peek().kind) {
    case TokenKind::kInteger:
      return parse_literal(ast::LiteralKind::kInteger);
    case TokenKind::kDecimal:
      return parse_literal(ast::LiteralKind::kDecimal);
    case TokenKind::kApproximate:
      return parse_literal(ast::LiteralKind::kApproximate);
    case TokenKind::kString:
      return parse_literal(ast::LiteralKind::kString);
    case TokenKind::kBinary:
      return parse_literal(ast::LiteralKind::kBinary);
    case TokenKind::kQuoted:
      return parse_name_or_call();
    case TokenKind::kWord:
      return parse_word_primary();
    default:
      break;
  }
  if (at_symbol("(")) return parse_parenthesized();
  if (at_symbol("*")) {
    fail(peek().span, "'*' cannot stand here",
         "* is allowed as SELECT * and in COUNT(*); elsewhere name a column");
  }
  fail_expected("an expression");
  return placeholder();
}

ExprPtr StatementParser::parse_literal(ast::LiteralKind kind) {
  auto literal = start<ast::Literal>();
  literal->literal = kind;
  literal->text = next().text;
  return literal;
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
ExprPtr StatementParser::parse_word_primary() {
  const std::string& word = peek().upper;
  const auto constant = [this](ast::LiteralKind kind) {
    ExprPtr literal = parse_literal(kind);
    static_cast<ast::Literal&>(*literal).text.clear();
    return literal;
  };
  if (word == "NULL") return constant(ast::LiteralKind::kNull);
  if (word == "TRUE") return constant(ast::LiteralKind::kTrue);
  if (word == "FALSE") return constant(ast::LiteralKind::kFalse);
  if (word == "UNKNOWN") return constant(ast::LiteralKind::kUnknown);
  if (at_kind(TokenKind::kString, 1)) {
    if (word == "DATE") return parse_typed_literal(ast::LiteralKind::kDate);
    if (word == "TIME") return parse_typed_literal(ast::LiteralKind::kTime);
    if (word == "TIMESTAMP") return parse_typed_literal(ast::LiteralKind::kTimestamp);
    if (word == "TIMESTAMP_LTZ") return parse_typed_literal(ast::LiteralKind::kTimestampLtz);
  }
  if (word == "INTERVAL") return parse_interval();
  if (word == "CASE") return parse_case();
  if (word == "CURRENT_DATE" || word == "CURRENT_TIME" || word == "CURRENT_TIMESTAMP" ||
      word == "LOCALTIME" || word == "LOCALTIMESTAMP") {
    return parse_niladic();
  }
  if (at_symbol("[", 1)) {
    if (word == "ARRAY") return parse_array();
    if (word == "MAP") return parse_map();
  }
  if (at_symbol("(", 1)) {
    if (word == "CAST" || word == "TRY_CAST") return parse_cast(word == "TRY_CAST");
    if (word == "EXISTS") return parse_exists();
    if (word == "ROW") return parse_row();
    if (word == "DESCRIPTOR") return parse_descriptor();
    if (word == "JSON_VALUE" || word == "JSON_QUERY" || word == "JSON_EXISTS" ||
        word == "JSON_OBJECT" || word == "JSON_ARRAY") {
      return parse_json_call();
    }
  }
  return parse_name_or_call();
}

ExprPtr StatementParser::parse_name_or_call() {
  const Token& token = peek();
  const SourceSpan start_span = token.span;
  const bool reserved = token.kind == TokenKind::kWord && is_reserved_word(token.upper);
  if (reserved && at_symbol("(", 1) && !is_clause_word(token.upper)) {
    // Built-in functions have reserved names: COUNT, LEFT, YEAR, ...
    ast::QualifiedName name;
    name.span = start_span;
    name.parts.push_back(ast::Identifier{{start_span}, token.text, false});
    next();
    return parse_call(std::move(name));
  }
  if (reserved) {
    const std::string fix = "if it is a name, write `" + token.text + "` in backquotes";
    if (is_clause_word(token.upper)) {
      fail(start_span, "expected an expression, found " + describe(token), fix);
    } else {
      fail(start_span, "'" + token.text + "' is a reserved word and cannot be a bare name", fix);
    }
    return placeholder();
  }
  ast::QualifiedName name;
  name.parts.push_back(expect_name("an expression"));
  while (at_symbol(".") && !at_symbol("*", 1)) {
    next();
    name.parts.push_back(expect_name("a column name"));
  }
  name.span = span_from(start_span);
  if (at_symbol("(")) return parse_call(std::move(name));
  auto column = std::make_unique<ast::ColumnRef>();
  column->span = name.span;
  column->name = std::move(name);
  return column;
}

ExprPtr StatementParser::parse_typed_literal(ast::LiteralKind kind) {
  auto literal = start<ast::Literal>();
  next();
  literal->literal = kind;
  literal->text = next().text;
  return finish(std::move(literal));
}

ExprPtr StatementParser::parse_interval() {
  auto interval = start<ast::IntervalLiteral>();
  next();
  if (accept_symbol("-")) {
    interval->negative = true;
  } else {
    accept_symbol("+");
  }
  if (!at_kind(TokenKind::kString) && !at_kind(TokenKind::kInteger)) {
    fail(peek().span, "expected the length of the interval as a string, found " + describe(peek()),
         "write INTERVAL '5' MINUTE; for a column, multiply: n * INTERVAL '1' MINUTE");
    return interval;
  }
  interval->text = next().text;
  interval->qualifier = parse_interval_qualifier();
  return finish(std::move(interval));
}

ExprPtr StatementParser::parse_parenthesized() {
  const SourceSpan start_span = peek().span;
  if (at_parenthesized_query()) {
    auto subquery = start<ast::SubqueryExpr>();
    next();
    subquery->query = parse_query();
    expect_symbol(")");
    return finish(std::move(subquery));
  }
  next();
  std::vector<ExprPtr> items = parse_expr_list();
  expect_symbol(")");
  if (items.size() == 1) {
    items.front()->span = span_from(start_span);
    return std::move(items.front());
  }
  auto row = std::make_unique<ast::RowExpr>();
  row->is_explicit = false;
  row->fields = std::move(items);
  row->span = span_from(start_span);
  return row;
}

ExprPtr StatementParser::parse_case() {
  auto expr = start<ast::CaseExpr>();
  next();
  if (!at_word("WHEN")) expr->operand = parse_expr();
  if (!at_word("WHEN")) fail_expected("WHEN");
  while (accept_word("WHEN")) {
    ast::CaseBranch branch;
    branch.condition = parse_expr();
    expect_word("THEN");
    branch.result = parse_expr();
    expr->branches.push_back(std::move(branch));
  }
  if (accept_word("ELSE")) expr->otherwise = parse_expr();
  if (!accept_word("END")) fail_expected("WHEN, ELSE or END");
  return finish(std::move(expr));
}

ExprPtr StatementParser::parse_cast(bool is_try) {
  auto cast = start<ast::CastExpr>();
  next();
  cast->is_try = is_try;
  expect_symbol("(");
  cast->operand = parse_expr();
  expect_word("AS");
  cast->type = parse_type();
  expect_symbol(")");
  return finish(std::move(cast));
}

ExprPtr StatementParser::parse_exists() {
  auto exists = start<ast::ExistsExpr>();
  next();
  expect_symbol("(");
  exists->query = parse_query();
  expect_symbol(")");
  return finish(std::move(exists));
}

ExprPtr StatementParser::parse_array() {
  auto array = start<ast::ArrayExpr>();
  next();
  expect_symbol("[");
  if (!at_symbol("]")) array->elements = parse_expr_list();
  expect_symbol("]");
  return finish(std::move(array));
}

ExprPtr StatementParser::parse_map() {
  auto map = start<ast::MapExpr>();
  next();
  expect_symbol("[");
  if (!at_symbol("]")) map->entries = parse_expr_list();
  expect_symbol("]");
  if (map->entries.size() % 2 != 0) {
    report(span_from(map->span), "MAP has a key without a value",
           "write pairs: MAP[key, value, key, value]");
  }
  return finish(std::move(map));
}

ExprPtr StatementParser::parse_row() {
  auto row = start<ast::RowExpr>();
  next();
  expect_symbol("(");
  if (!at_symbol(")")) row->fields = parse_expr_list();
  expect_symbol(")");
  return finish(std::move(row));
}

}  // namespace slipstream::sql
