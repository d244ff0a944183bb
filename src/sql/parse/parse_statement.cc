// The script and all statements except CREATE.
#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "sql/parse/keywords.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

namespace {

const std::vector<std::string>& first_words() {
  static const std::vector<std::string> kWords{"CREATE", "DROP",    "INSERT",   "SELECT",  "WITH",
                                               "VALUES", "EXPLAIN", "DESCRIBE", "DESC",    "SHOW",
                                               "SET",    "RESET",   "USE",      "EXECUTE", "BEGIN"};
  return kWords;
}

// Statements of the whole dialect that this version refuses by name.
constexpr std::array<std::string_view, 17> kRefused{
    "ALTER",  "DELETE", "UPDATE",  "MERGE", "TRUNCATE", "ANALYZE", "LOAD",   "UNLOAD", "ADD",
    "REMOVE", "CALL",   "COMPILE", "STOP",  "GRANT",    "REVOKE",  "COMMIT", "UPSERT"};

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<ast::StatementPtr> StatementParser::parse_all() {
  std::vector<ast::StatementPtr> statements;
  while (!at_kind(TokenKind::kEnd) && !full()) {
    if (accept_symbol(";")) continue;
    creating_.clear();
    tallest_ = 0;
    ast::StatementPtr statement = parse_statement();
    end_statement();
    if (!failed()) {
      statements.push_back(std::move(statement));
    } else if (!creating_.empty()) {
      broken_names_.push_back(creating_);
    }
    clear_failure();
  }
  return statements;
}

ast::ExprPtr StatementParser::parse_only_expr() {
  ast::ExprPtr expr = parse_expr();
  if (!at_kind(TokenKind::kEnd)) fail_unexpected();
  return expr;
}

ast::TypeNamePtr StatementParser::parse_only_type() {
  ast::TypeNamePtr type = parse_type();
  if (!at_kind(TokenKind::kEnd)) fail_unexpected();
  return type;
}

void StatementParser::end_statement() {
  if (at_statement_end()) return;
  const Token& token = peek();
  const bool begins =
      token.kind == TokenKind::kWord &&
      std::find(first_words().begin(), first_words().end(), token.upper) != first_words().end();
  if (begins) {
    fail(token.span, "the statement before " + describe(token) + " is not ended",
         "put ';' before it");
  } else if (token.is_symbol(")")) {
    fail(token.span, "this ')' closes nothing", "remove it, or add the '(' that is missing");
  } else {
    fail_unexpected();
  }
}

ast::StatementPtr StatementParser::parse_statement() {
  if (at_word("CREATE")) return parse_create();
  if (at_word("DROP")) return parse_drop();
  if (at_word("INSERT")) return parse_insert();
  if (at_query()) return parse_query_statement();
  if (at_any_word({"EXECUTE", "BEGIN"})) return parse_statement_set();
  if (at_word("EXPLAIN")) return parse_explain();
  if (at_any_word({"DESCRIBE", "DESC"})) return parse_describe();
  if (at_word("SHOW")) return parse_show();
  if (at_word("SET")) return parse_set();
  if (at_word("RESET")) return parse_reset();
  if (at_word("USE")) return parse_use();
  return refuse_statement();
}

ast::StatementPtr StatementParser::refuse_statement() {
  const Token& token = peek();
  const bool known = std::find(kRefused.begin(), kRefused.end(), token.upper) != kRefused.end();
  if (token.kind == TokenKind::kWord && known) {
    fail(token.span, token.upper + " is not supported in this version");
  } else if (token.kind == TokenKind::kWord && token.upper == "END") {
    fail(token.span, "END without a statement set", "begin it with EXECUTE STATEMENT SET BEGIN");
  } else {
    const std::string meant =
        token.kind == TokenKind::kWord ? did_you_mean(token.upper, first_words()) : std::string();
    fail(token.span, "expected a statement, found " + describe(token) + meant,
         "statements are CREATE, DROP, INSERT, SELECT, EXPLAIN, DESCRIBE, SHOW, SET, RESET, USE, "
         "and "
         "EXECUTE STATEMENT SET");
  }
  return std::make_unique<ast::ResetStatement>();
}

ast::StatementPtr StatementParser::parse_query_statement() {
  auto statement = start<ast::QueryStatement>();
  statement->query = parse_query();
  return finish(std::move(statement));
}

std::unique_ptr<ast::InsertStatement> StatementParser::parse_insert() {
  auto insert = start<ast::InsertStatement>();
  expect_word("INSERT");
  insert->overwrite = accept_word("OVERWRITE");
  if (insert->overwrite) {
    accept_word("INTO");
  } else {
    expect_word("INTO");
  }
  accept_word("TABLE");
  insert->table = expect_qualified_name("a table name");
  insert->hints = parse_hints();
  if (accept_word("PARTITION")) {
    expect_symbol("(");
    parse_list([&] {
      ast::TableOption option;
      option.span = peek().span;
      option.key_span = option.span;
      option.key = expect_name("a column name").name;
      if (accept_symbol("=")) {
        const bool literal = at_kind(TokenKind::kString) || at_kind(TokenKind::kInteger);
        if (!literal) fail_expected("the value of a partition column as a literal");
        option.value_span = peek().span;
        option.value = next().text;
      }
      option.span = span_from(option.span);
      insert->partition.push_back(std::move(option));
    });
    expect_symbol(")");
  }
  if (at_symbol("(") && !at_parenthesized_query())
    insert->columns = parse_name_list("a column name");
  insert->query = parse_query();
  return finish(std::move(insert));
}

// True if a statement END follows.
bool StatementParser::statement_set_goes_on() const {
  for (std::size_t ahead = 0; !at_kind(TokenKind::kEnd, ahead); ++ahead) {
    if (at_symbol(";", ahead) && at_word("END", ahead + 1)) return true;
  }
  return false;
}

// False: what follows does not belong to the set, and that was said.
bool StatementParser::parse_set_inserts(ast::StatementSet& set, bool& broken) {
  while (!broken || !at_kind(TokenKind::kEnd)) {
    if (accept_symbol(";")) continue;
    if (at_word("END") || at_kind(TokenKind::kEnd)) break;
    if (!at_word("INSERT")) {
      const bool goes_on = statement_set_goes_on();
      fail(peek().span, "expected INSERT or END in a statement set, found " + describe(peek()),
           goes_on ? "move the statement out of the set" : "end the statement set with END;");
      if (!goes_on) return false;
    } else {
      std::unique_ptr<ast::InsertStatement> insert = parse_insert();
      if (!at_statement_end()) end_statement();
      if (!failed()) set.inserts.push_back(std::move(insert));
    }
    broken = broken || failed();
    clear_failure();
    if (full()) break;
  }
  return true;
}

// EXECUTE STATEMENT SET BEGIN insert; insert; END, or BEGIN STATEMENT SET; insert; END
ast::StatementPtr StatementParser::parse_statement_set() {
  auto set = start<ast::StatementSet>();
  const bool execute = next().upper == "EXECUTE";
  if (execute && at_word("INSERT")) {
    // EXECUTE INSERT INTO ... is INSERT INTO ...
    return parse_insert();
  }
  expect_word("STATEMENT");
  expect_word("SET");
  if (execute) {
    expect_word("BEGIN");
  } else {
    expect_symbol(";");
  }
  bool broken = failed();
  if (!parse_set_inserts(*set, broken)) return set;
  if (!accept_word("END")) {
    fail(peek().span, "the statement set is not ended", "end it with END;");
  } else if (set->inserts.empty() && !broken) {
    fail(span_from(set->span), "the statement set is empty",
         "put INSERT statements between BEGIN and END");
  }
  return finish(std::move(set));
}

ast::StatementPtr StatementParser::parse_explain() {
  auto explain = start<ast::ExplainStatement>();
  next();
  if (!accept_words({"PLAN", "FOR"})) {
    while (
        at_any_word({"ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"})) {
      explain->details.push_back(next().upper);
      if (!accept_symbol(",")) break;
    }
  }
  if (at_word("INSERT")) {
    explain->statement = parse_insert();
  } else if (at_any_word({"EXECUTE", "BEGIN"})) {
    explain->statement = parse_statement_set();
  } else if (at_words({"STATEMENT", "SET"})) {
    fail(peek().span, "expected EXECUTE before STATEMENT SET",
         "write EXPLAIN EXECUTE STATEMENT SET BEGIN ... END");
  } else if (at_query()) {
    explain->statement = parse_query_statement();
  } else {
    fail_expected("a query, INSERT or EXECUTE STATEMENT SET to explain");
    explain->statement = std::make_unique<ast::ResetStatement>();
  }
  return finish(std::move(explain));
}

ast::StatementPtr StatementParser::parse_describe() {
  auto describe_statement = start<ast::DescribeStatement>();
  next();
  if (at_any_word({"CATALOG", "DATABASE", "FUNCTION", "JOB"}) && at_name(1)) {
    fail(peek().span, "DESCRIBE " + peek().upper + " is not supported in this version");
  }
  describe_statement->extended = accept_word("EXTENDED");
  describe_statement->name = expect_qualified_name("a table or view");
  return finish(std::move(describe_statement));
}

ast::StatementPtr StatementParser::parse_show() {
  auto show = start<ast::ShowStatement>();
  next();
  parse_show_object(*show);
  show->negated = at_words({"NOT", "LIKE"}) && accept_word("NOT");
  if (accept_word("LIKE"))
    show->like = expect_kind(TokenKind::kString, "a pattern as a string").text;
  return finish(std::move(show));
}

void StatementParser::parse_show_object(ast::ShowStatement& show) {
  const auto from = [&](bool required) {
    if (accept_word("FROM") || accept_word("IN")) {
      show.name = expect_qualified_name("a name");
    } else if (required) {
      fail_expected("FROM");
    }
  };
  if (accept_word("TABLES")) {
    show.what = ast::ShowKind::kTables;
    from(false);
  } else if (accept_word("VIEWS")) {
    show.what = ast::ShowKind::kViews;
    from(false);
  } else if (accept_word("FUNCTIONS") || accept_words({"USER", "FUNCTIONS"})) {
    show.what = ast::ShowKind::kFunctions;
    from(false);
  } else if (accept_word("COLUMNS")) {
    show.what = ast::ShowKind::kColumns;
    from(true);
  } else if (accept_word("CATALOGS")) {
    show.what = ast::ShowKind::kCatalogs;
  } else if (accept_word("DATABASES")) {
    show.what = ast::ShowKind::kDatabases;
  } else if (accept_words({"CURRENT", "CATALOG"})) {
    show.what = ast::ShowKind::kCurrentCatalog;
  } else if (accept_words({"CURRENT", "DATABASE"})) {
    show.what = ast::ShowKind::kCurrentDatabase;
  } else if (accept_word("JOBS")) {
    show.what = ast::ShowKind::kJobs;
  } else if (accept_words({"CREATE", "TABLE"})) {
    show.what = ast::ShowKind::kCreateTable;
    show.name = expect_qualified_name("a table name");
  } else if (accept_words({"CREATE", "VIEW"})) {
    show.what = ast::ShowKind::kCreateView;
    show.name = expect_qualified_name("a view name");
  } else {
    static const std::vector<std::string> kObjects{"TABLES",  "VIEWS",    "FUNCTIONS",
                                                   "COLUMNS", "CATALOGS", "DATABASES",
                                                   "JOBS",    "CREATE",   "CURRENT"};
    const std::string meant =
        at_kind(TokenKind::kWord) ? did_you_mean(peek().upper, kObjects) : std::string();
    fail(peek().span, "SHOW cannot list " + describe(peek()) + meant,
         "use SHOW TABLES, VIEWS, FUNCTIONS, COLUMNS FROM t, CREATE TABLE t or CREATE VIEW v");
  }
}

ast::StatementPtr StatementParser::parse_set() {
  auto set = start<ast::SetStatement>();
  next();
  if (at_statement_end()) return set;
  if (!at_kind(TokenKind::kString)) {
    parse_unquoted_setting(*set);
    return finish(std::move(set));
  }
  set->key_span = peek().span;
  set->key = next().text;
  expect_symbol("=");
  const bool plain = !at_kind(TokenKind::kString) && !at_statement_end();
  if (plain) {
    fail(peek().span, "the value of a setting is a string, found " + describe(peek()),
         "write '" + peek().text + "' in single quotes");
  }
  const Token value = expect_kind(TokenKind::kString, "the value as a string");
  set->value = value.text;
  set->value_span = value.span;
  return finish(std::move(set));
}

// The old form SET key = value, where neither is a token: the text between is taken as it stands.
void StatementParser::parse_unquoted_setting(ast::SetStatement& set) {
  const SourceSpan key_start = peek().span;
  while (!at_symbol("=") && !at_statement_end()) next();
  if (at_statement_end()) {
    fail_expected("'=' after the key of a setting");
    return;
  }
  set.key_span = span_from(key_start);
  set.key = std::string(trim(text_of(set.key_span)));
  next();
  if (at_statement_end()) {
    fail_expected("the value of a setting");
    return;
  }
  const SourceSpan value_start = peek().span;
  const bool is_string = at_kind(TokenKind::kString);
  const std::string text = peek().text;
  std::size_t tokens = 0;
  for (; !at_statement_end(); ++tokens) next();
  set.value_span = span_from(value_start);
  set.value = is_string && tokens == 1 ? text : std::string(trim(text_of(set.value_span)));
}

ast::StatementPtr StatementParser::parse_reset() {
  auto reset = start<ast::ResetStatement>();
  next();
  reset->key_span = peek().span;
  if (at_kind(TokenKind::kString)) {
    reset->key = next().text;
  } else if (!at_statement_end()) {
    while (!at_statement_end()) next();
    reset->key_span = span_from(reset->key_span);
    reset->key = std::string(trim(text_of(reset->key_span)));
  }
  return finish(std::move(reset));
}

ast::StatementPtr StatementParser::parse_use() {
  auto use = start<ast::UseStatement>();
  next();
  if (at_any_word({"MODULES"})) fail(peek().span, "USE MODULES is not supported in this version");
  if (at_word("CATALOG") && at_name(1)) {
    next();
    use->what = ast::UseKind::kCatalog;
  }
  use->name = expect_qualified_name("a database name");
  return finish(std::move(use));
}

ast::StatementPtr StatementParser::parse_drop() {
  auto drop = start<ast::DropStatement>();
  next();
  drop->temporary = accept_word("TEMPORARY");
  if (accept_word("TABLE")) {
    drop->object = ast::ObjectKind::kTable;
  } else if (accept_word("VIEW")) {
    drop->object = ast::ObjectKind::kView;
  } else if (at_any_word({"FUNCTION", "SYSTEM", "CATALOG", "DATABASE", "MODEL", "MATERIALIZED"})) {
    fail(peek().span, "DROP " + peek().upper + " is not supported in this version",
         "DROP TABLE and DROP VIEW are");
  } else {
    fail_expected("TABLE or VIEW");
  }
  drop->if_exists = accept_words({"IF", "EXISTS"});
  drop->name = expect_qualified_name("a name");
  return finish(std::move(drop));
}

}  // namespace slipstream::sql
