// CREATE TABLE and CREATE VIEW.
#include <utility>

#include "sql/parse/keywords.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

std::vector<ast::Identifier> StatementParser::parse_name_list(std::string_view what) {
  std::vector<ast::Identifier> names;
  expect_symbol("(");
  parse_list([&] { names.push_back(expect_name(what)); });
  expect_symbol(")");
  return names;
}

ast::StatementPtr StatementParser::parse_create() {
  const SourceSpan start_span = next().span;
  if (at_words({"OR", "REPLACE"})) {
    fail(peek().span, "CREATE OR REPLACE is not supported",
         "drop the object first: DROP TABLE IF EXISTS ...");
  }
  const bool temporary = accept_word("TEMPORARY");
  if (accept_word("TABLE")) return parse_create_table(start_span, temporary);
  if (accept_word("VIEW")) return parse_create_view(start_span, temporary);
  if (at_any_word(
          {"FUNCTION", "SYSTEM", "CATALOG", "DATABASE", "MODEL", "MATERIALIZED", "CONNECTION"})) {
    fail(peek().span, "CREATE " + peek().upper + " is not supported in this version",
         "CREATE TABLE and CREATE VIEW are");
  } else {
    fail_expected("TABLE or VIEW");
  }
  return std::make_unique<ast::CreateTable>();
}

ast::StatementPtr StatementParser::parse_create_table(const SourceSpan& start_span,
                                                      bool temporary) {
  auto table = std::make_unique<ast::CreateTable>();
  table->span = start_span;
  table->temporary = temporary;
  table->if_not_exists = accept_words({"IF", "NOT", "EXISTS"});
  table->name = expect_qualified_name("a table name");
  creating_ = table->name.text();
  if (accept_symbol("(")) {
    table->has_column_list = true;
    if (!at_symbol(")")) parse_list([&] { parse_table_element(*table); });
    if (!accept_symbol(")")) fail_expected("',' or ')' in the column list");
  }
  parse_table_tail(*table);
  return finish(std::move(table));
}

void StatementParser::parse_table_element(ast::CreateTable& table) {
  if (at_word("WATERMARK")) {
    table.watermarks.push_back(parse_watermark());
  } else if (at_any_word({"PRIMARY", "UNIQUE", "CONSTRAINT"})) {
    table.keys.push_back(parse_key());
  } else {
    table.columns.push_back(parse_column());
  }
}

ast::ColumnDefinition StatementParser::parse_column() {
  ast::ColumnDefinition column;
  column.span = peek().span;
  column.name = expect_name("a column name");
  if (accept_word("AS")) {
    column.kind = ast::ColumnKind::kComputed;
    column.expr = parse_expr();
  } else {
    column.type = parse_type();
    if (accept_word("METADATA")) parse_metadata_column(column);
    parse_column_constraints(column);
  }
  if (accept_word("COMMENT")) column.comment = expect_kind(TokenKind::kString, "a string").text;
  column.span = span_from(column.span);
  return column;
}

void StatementParser::parse_metadata_column(ast::ColumnDefinition& column) {
  column.kind = ast::ColumnKind::kMetadata;
  if (accept_word("FROM")) {
    const Token key = expect_kind(TokenKind::kString, "the metadata key as a string");
    column.metadata_key = key.text;
    column.metadata_key_span = key.span;
  }
  column.is_virtual = accept_word("VIRTUAL");
}

void StatementParser::parse_column_constraints(ast::ColumnDefinition& column) {
  while (!failed()) {
    if (accept_word("CONSTRAINT")) expect_name("a constraint name");
    if (accept_words({"PRIMARY", "KEY"})) {
      column.primary_key = true;
      expect_not_enforced();
    } else if (at_word("UNIQUE")) {
      fail(peek().span, "UNIQUE is not supported", "use PRIMARY KEY (...) NOT ENFORCED");
    } else if (at_word("DEFAULT")) {
      fail(peek().span, "columns have no default values", "give the value in the INSERT");
    } else if (accept_words({"NOT", "NULL"})) {
      column.type->nullable = false;
    } else {
      return;
    }
  }
}

void StatementParser::expect_not_enforced() {
  if (accept_words({"NOT", "ENFORCED"})) return;
  const SourceSpan span = previous().span;
  report(span, "a PRIMARY KEY cannot be enforced on data that others write", "add NOT ENFORCED");
  accept_word("ENFORCED");
}

ast::WatermarkDefinition StatementParser::parse_watermark() {
  ast::WatermarkDefinition watermark;
  watermark.span = next().span;
  expect_word("FOR");
  watermark.column = expect_qualified_name("a column name");
  expect_word("AS");
  watermark.expr = parse_expr();
  watermark.span = span_from(watermark.span);
  return watermark;
}

ast::KeyDefinition StatementParser::parse_key() {
  ast::KeyDefinition key;
  key.span = peek().span;
  if (accept_word("CONSTRAINT")) key.constraint_name = expect_name("a constraint name");
  if (accept_word("UNIQUE")) {
    key.unique_only = true;
  } else {
    expect_word("PRIMARY");
    expect_word("KEY");
  }
  key.columns = parse_name_list("a column name");
  expect_not_enforced();
  key.span = span_from(key.span);
  return key;
}

void StatementParser::parse_table_tail(ast::CreateTable& table) {
  if (accept_word("COMMENT")) table.comment = expect_kind(TokenKind::kString, "a string").text;
  if (at_word("DISTRIBUTED")) {
    fail(peek().span, "DISTRIBUTED is not supported", "remove the clause");
  }
  if (accept_words({"PARTITIONED", "BY"})) table.partitioned_by = parse_name_list("a column name");
  if (accept_word("WITH")) table.options = parse_options();
  if (at_word("LIKE")) table.like = parse_like();
  if (accept_word("AS")) {
    if (!at_query()) fail_expected("a query after AS");
    table.as_query = parse_query();
  }
}

// ('key' = 'value', ...)
std::vector<ast::TableOption> StatementParser::parse_options() {
  std::vector<ast::TableOption> options;
  expect_symbol("(");
  if (accept_symbol(")")) return options;
  parse_list([&] {
    ast::TableOption option;
    option.span = peek().span;
    if (at_kind(TokenKind::kWord) || at_kind(TokenKind::kQuoted)) {
      fail(peek().span, "the key of an option is a string, found " + describe(peek()),
           "write '" + peek().text + "' in single quotes");
    }
    const Token key = expect_kind(TokenKind::kString, "an option as 'key' = 'value'");
    if (at_kind(TokenKind::kString)) {  // maybe a secret
      fail(peek().span, "expected '=' between the key and the value of an option");
    }
    expect_symbol("=");
    if (!at_kind(TokenKind::kString) && !at_statement_end() && !at_kind(TokenKind::kSymbol)) {
      fail(peek().span, "the value of an option is a string, found " + describe(peek()),
           "write '" + peek().text + "' in single quotes");
    }
    const Token value = expect_kind(TokenKind::kString, "the value as a string");
    option.key = key.text;
    option.key_span = key.span;
    option.value = value.text;
    option.value_span = value.span;
    option.span = span_from(option.span);
    options.push_back(std::move(option));
  });
  if (!accept_symbol(")")) fail_expected("',' or ')' after an option");
  return options;
}

ast::LikeClause StatementParser::parse_like() {
  ast::LikeClause like;
  like.span = next().span;
  like.table = expect_qualified_name("a table name");
  if (accept_symbol("(")) {
    while (!at_symbol(")") && !failed()) {
      ast::LikeOption option;
      option.span = peek().span;
      if (!at_any_word({"INCLUDING", "EXCLUDING", "OVERWRITING"})) {
        fail_expected("INCLUDING, EXCLUDING or OVERWRITING");
      }
      option.strategy = next().upper;
      option.feature =
          expect_kind(TokenKind::kWord, "a feature (ALL, OPTIONS, CONSTRAINTS, ...)").upper;
      option.span = span_from(option.span);
      like.options.push_back(std::move(option));
    }
    expect_symbol(")");
  }
  like.span = span_from(like.span);
  return like;
}

ast::StatementPtr StatementParser::parse_create_view(const SourceSpan& start_span, bool temporary) {
  auto view = std::make_unique<ast::CreateView>();
  view->span = start_span;
  view->temporary = temporary;
  view->if_not_exists = accept_words({"IF", "NOT", "EXISTS"});
  view->name = expect_qualified_name("a view name");
  creating_ = view->name.text();
  if (at_symbol("(")) view->columns = parse_name_list("a column name");
  if (accept_word("COMMENT")) view->comment = expect_kind(TokenKind::kString, "a string").text;
  expect_word("AS");
  view->query = parse_query();
  return finish(std::move(view));
}

}  // namespace slipstream::sql
