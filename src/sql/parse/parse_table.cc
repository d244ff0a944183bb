// The FROM clause: tables, joins, table functions, UNNEST.
#include <utility>

#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

using ast::JoinType;
using ast::TableRefPtr;

TableRefPtr StatementParser::parse_from() {
  const Level level(*this);
  if (!level.ok()) return std::make_unique<ast::NamedTable>();
  TableRefPtr left = parse_join_chain();
  int height = 0;
  while (accept_symbol(",")) {
    if (at_trailing_comma()) break;
    auto join = std::make_unique<ast::JoinTable>();
    join->span = left->span;
    join->type = JoinType::kComma;
    join->left = std::move(left);
    join->right = parse_join_chain();
    left = finish(std::move(join));
    grow(++height);
  }
  return left;
}

TableRefPtr StatementParser::parse_join_chain() {
  TableRefPtr left = parse_table_primary();
  int height = 0;
  while (!failed()) {
    const std::size_t before = position();
    left = parse_join(std::move(left));
    if (position() == before) break;
    grow(++height);
  }
  return left;
}

std::optional<JoinType> StatementParser::accept_join() {
  if (accept_word("JOIN") || accept_words({"INNER", "JOIN"})) return JoinType::kInner;
  if (accept_words({"CROSS", "JOIN"})) return JoinType::kCross;
  if (accept_words({"LEFT", "JOIN"}) || accept_words({"LEFT", "OUTER", "JOIN"}))
    return JoinType::kLeft;
  if (accept_words({"RIGHT", "JOIN"}) || accept_words({"RIGHT", "OUTER", "JOIN"}))
    return JoinType::kRight;
  if (accept_words({"FULL", "JOIN"}) || accept_words({"FULL", "OUTER", "JOIN"}))
    return JoinType::kFull;
  if (at_any_word({"INNER", "CROSS", "LEFT", "RIGHT", "FULL"})) {
    next();
    fail_expected("JOIN");
  }
  return std::nullopt;
}

// The given table back, untouched, when no JOIN follows.
TableRefPtr StatementParser::parse_join(TableRefPtr left) {
  const bool natural = accept_word("NATURAL");
  const std::optional<JoinType> type = accept_join();
  if (!type) {
    if (natural) fail_expected("JOIN");
    return left;
  }
  auto join = std::make_unique<ast::JoinTable>();
  join->span = left->span;
  join->type = *type;
  join->natural = natural;
  join->left = std::move(left);
  join->right = parse_table_primary();
  if (*type == JoinType::kCross || natural) {
    if (at_any_word({"ON", "USING"})) {
      fail(peek().span, std::string(natural ? "NATURAL" : "CROSS") + " JOIN takes no condition",
           "use JOIN ... ON");
    }
  } else if (accept_word("ON")) {
    join->on = parse_expr();
  } else if (accept_word("USING")) {
    join->using_columns = parse_name_list("a column name");
  } else {
    fail(peek().span, "expected ON or USING after JOIN, found " + describe(peek()),
         "add ON condition, or use CROSS JOIN");
  }
  return finish(std::move(join));
}

TableRefPtr StatementParser::parse_table_primary() {
  const SourceSpan start_span = peek().span;
  const Level level(*this);
  if (!level.ok()) return std::make_unique<ast::NamedTable>();
  if (at_word("LATERAL")) return parse_lateral();
  if (at_words({"TABLE"}) && at_symbol("(", 1)) {
    next();
    return parse_wrapped_function(false, start_span);
  }
  if (at_word("UNNEST")) return parse_unnest();
  if (at_parenthesized_query()) return parse_derived(false, start_span);
  if (accept_symbol("(")) {
    TableRefPtr inner = parse_from();
    expect_symbol(")");
    return inner;
  }
  return parse_named_table();
}

TableRefPtr StatementParser::parse_lateral() {
  const SourceSpan start_span = next().span;
  if (accept_word("TABLE")) return parse_wrapped_function(true, start_span);
  if (at_parenthesized_query()) return parse_derived(true, start_span);
  if (at_word("UNNEST")) return parse_unnest();
  fail_expected("TABLE(function(...)) or (query) after LATERAL");
  return std::make_unique<ast::NamedTable>();
}

// TABLE was taken; "(" follows.
TableRefPtr StatementParser::parse_wrapped_function(bool lateral, const SourceSpan& start_span) {
  auto table = std::make_unique<ast::FunctionTable>();
  table->span = start_span;
  table->lateral = lateral;
  expect_symbol("(");
  table->call = parse_expr();
  if (!failed() && table->call->kind != ast::ExprKind::kCall) {
    fail(table->call->span, "TABLE(...) takes a call of a table function",
         "write TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))");
  }
  expect_symbol(")");
  return with_alias(finish(std::move(table)));
}

TableRefPtr StatementParser::parse_unnest() {
  auto unnest = start<ast::UnnestTable>();
  next();
  expect_symbol("(");
  unnest->collections = parse_expr_list();
  expect_symbol(")");
  unnest->with_ordinality = accept_words({"WITH", "ORDINALITY"});
  return with_alias(finish(std::move(unnest)));
}

TableRefPtr StatementParser::parse_derived(bool lateral, const SourceSpan& start_span) {
  auto derived = std::make_unique<ast::DerivedTable>();
  derived->span = start_span;
  derived->lateral = lateral;
  expect_symbol("(");
  derived->query = parse_query();
  expect_symbol(")");
  return with_alias(finish(std::move(derived)));
}

TableRefPtr StatementParser::parse_named_table() {
  const SourceSpan start_span = peek().span;
  ast::QualifiedName name = expect_qualified_name("a table");
  if (at_symbol("(")) {
    auto table = std::make_unique<ast::FunctionTable>();
    table->span = start_span;
    table->call = parse_call(std::move(name));
    return with_alias(finish(std::move(table)));
  }
  auto table = std::make_unique<ast::NamedTable>();
  table->span = start_span;
  table->name = std::move(name);
  table->hints = parse_hints();
  if (accept_words({"FOR", "SYSTEM_TIME", "AS", "OF"})) table->system_time = parse_expr();
  return with_alias(finish(std::move(table)));
}

TableRefPtr StatementParser::with_alias(TableRefPtr table) {
  refuse_table_suffix();
  if (!accept_word("AS") && !at_name()) return table;
  ast::TableAlias alias;
  alias.span = peek().span;
  alias.name = expect_name("a table alias");
  if (at_symbol("(")) alias.columns = parse_name_list("a column name");
  alias.span = span_from(alias.span);
  table->alias = std::move(alias);
  table->span = span_from(table->span);
  refuse_table_suffix();
  return table;
}

void StatementParser::refuse_table_suffix() {
  if (at_word("MATCH_RECOGNIZE")) {
    fail(peek().span, "MATCH_RECOGNIZE is not supported in this version",
         "express the pattern with joins or window aggregates");
  } else if (at_word("TABLESAMPLE")) {
    fail(peek().span, "TABLESAMPLE is not supported", "filter with WHERE RAND() < fraction");
  }
}

}  // namespace slipstream::sql
