// Queries: WITH, SELECT, set operations, VALUES, ORDER BY, windows, hints.
#include <utility>

#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

namespace {

constexpr int kUnionPrecedence = 1;
constexpr int kIntersectPrecedence = 2;

}  // namespace

bool StatementParser::at_query() const {
  return at_any_word({"SELECT", "WITH", "VALUES"}) || at_parenthesized_query() ||
         (at_word("TABLE") && at_name(1));
}

ast::QueryPtr StatementParser::parse_query() {
  auto query = start<ast::Query>();
  const Level level(*this);
  if (!level.ok()) {
    query->body = std::make_unique<ast::ValuesBody>();
    return query;
  }
  if (accept_word("WITH")) {
    if (at_word("RECURSIVE")) {
      fail(peek().span, "recursive queries are not supported", "remove RECURSIVE");
    }
    parse_list([&] { query->with.push_back(parse_common_table()); });
  }
  const int outer = std::exchange(tallest_, 0);
  query->body = parse_query_body(kUnionPrecedence);
  tallest_ = std::max(outer, tallest_);
  parse_query_tail(*query);
  return finish(std::move(query));
}

ast::CommonTable StatementParser::parse_common_table() {
  ast::CommonTable table;
  table.span = peek().span;
  table.name = expect_name("the name of a query");
  if (at_symbol("(")) table.columns = parse_name_list("a column name");
  expect_word("AS");
  expect_symbol("(");
  table.query = parse_query();
  expect_symbol(")");
  table.span = span_from(table.span);
  return table;
}

ast::QueryBodyPtr StatementParser::parse_query_body(int min_precedence) {
  ast::QueryBodyPtr left = parse_query_primary();
  int height = tallest_ + 1;
  while (at_any_word({"UNION", "EXCEPT", "INTERSECT"})) {
    const int precedence = at_word("INTERSECT") ? kIntersectPrecedence : kUnionPrecedence;
    if (precedence < min_precedence) break;
    auto operation = std::make_unique<ast::SetOperation>();
    operation->span = left->span;
    const std::string& word = next().upper;
    operation->op = word == "UNION"    ? ast::SetOperator::kUnion
                    : word == "EXCEPT" ? ast::SetOperator::kExcept
                                       : ast::SetOperator::kIntersect;
    operation->all = accept_word("ALL");
    if (!operation->all) accept_word("DISTINCT");
    operation->left = std::move(left);
    tallest_ = 0;
    operation->right = parse_query_body(precedence + 1);
    height = std::max(height, tallest_) + 1;
    grow(height);
    left = finish(std::move(operation));
  }
  grow(height);
  return left;
}

ast::QueryBodyPtr StatementParser::parse_query_primary() {
  if (at_word("SELECT")) return parse_select();
  if (at_word("VALUES")) return parse_values();
  if (at_word("TABLE")) {
    auto table = start<ast::TableBody>();
    next();
    table->name = expect_qualified_name("a table name");
    return finish(std::move(table));
  }
  auto nested = start<ast::NestedQuery>();
  if (at_symbol("(")) {
    next();
    nested->query = parse_query();
    expect_symbol(")");
    return finish(std::move(nested));
  }
  fail_expected("a query (SELECT, VALUES or WITH)");
  return std::make_unique<ast::ValuesBody>();
}

ast::QueryBodyPtr StatementParser::parse_select() {
  auto select = start<ast::SelectBody>();
  next();
  select->hints = parse_hints();
  select->distinct = accept_word("DISTINCT");
  if (!select->distinct) accept_word("ALL");
  if (at_word("FROM")) fail(peek().span, "SELECT names no column", "write SELECT * FROM ...");
  parse_list([&] { select->items.push_back(parse_select_item()); });
  if (accept_word("FROM")) select->from = parse_from();
  if (accept_word("WHERE")) select->where = parse_expr();
  if (accept_words({"GROUP", "BY"})) {
    select->has_group_by = true;
    parse_list([&] { select->group_by.push_back(parse_grouping_item()); });
  }
  if (accept_word("HAVING")) select->having = parse_expr();
  if (accept_word("WINDOW")) {
    parse_list([&] {
      ast::NamedWindow window;
      window.span = peek().span;
      window.name = expect_name("a window name");
      expect_word("AS");
      window.spec = parse_window_spec();
      window.span = span_from(window.span);
      select->windows.push_back(std::move(window));
    });
  }
  if (at_word("QUALIFY")) {
    fail(peek().span, "QUALIFY is not supported",
         "compute the window function in a subquery and filter outside with WHERE");
  }
  return finish(std::move(select));
}

ast::SelectItem StatementParser::parse_select_item() {
  ast::SelectItem item;
  item.span = peek().span;
  std::size_t ahead = 0;  // t.*, db.t.*
  while (at_name(ahead) && at_symbol(".", ahead + 1)) ahead += 2;
  if (at_symbol("*", ahead)) {
    auto star = start<ast::StarExpr>();
    for (; ahead > 0; ahead -= 2) {
      star->qualifier.push_back(expect_name("a table name"));
      next();
    }
    next();
    item.expr = finish(std::move(star));
    item.span = item.expr->span;
    return item;
  }
  item.expr = parse_expr();
  if (accept_word("AS") || at_name()) item.alias = expect_name("a column name");
  item.span = span_from(item.span);
  return item;
}

ast::GroupingItem StatementParser::parse_grouping_item() {
  ast::GroupingItem item;
  item.span = peek().span;
  const auto parse_set = [&] {
    std::vector<ast::ExprPtr> set;
    if (accept_symbol("(")) {
      if (!at_symbol(")")) set = parse_expr_list();
      expect_symbol(")");
    } else {
      set.push_back(parse_expr());
    }
    item.sets.push_back(std::move(set));
  };
  if (accept_words({"GROUPING", "SETS"})) {
    item.kind = ast::GroupingKind::kSets;
  } else if (at_any_word({"ROLLUP", "CUBE"})) {
    item.kind = next().upper == "CUBE" ? ast::GroupingKind::kCube : ast::GroupingKind::kRollup;
  } else {
    item.sets.emplace_back();
    if (at_symbol("(") && at_symbol(")", 1)) {
      next();
      next();
    } else {
      item.sets.back().push_back(parse_expr());
    }
    item.span = span_from(item.span);
    return item;
  }
  expect_symbol("(");
  parse_list(parse_set);
  expect_symbol(")");
  item.span = span_from(item.span);
  return item;
}

ast::QueryBodyPtr StatementParser::parse_values() {
  auto values = start<ast::ValuesBody>();
  next();
  parse_list([&] {
    if (!at_symbol("(") || at_parenthesized_query()) {
      values->rows.push_back(parse_expr());
      return;
    }
    auto row = start<ast::RowExpr>();
    row->is_explicit = false;
    next();
    parse_list([&] { row->fields.push_back(parse_argument()); });
    expect_symbol(")");
    values->rows.push_back(finish(std::move(row)));
  });
  return finish(std::move(values));
}

void StatementParser::parse_query_tail(ast::Query& query) {
  if (at_words({"ORDER", "BY"})) query.order_by = parse_order_by();
  if (accept_word("LIMIT")) {
    if (!accept_word("ALL")) query.limit = parse_expr();
    if (at_symbol(",")) {
      fail(peek().span, "LIMIT with two numbers is not part of the dialect",
           "write LIMIT count OFFSET start");
    }
  }
  if (accept_word("OFFSET")) {
    query.offset = parse_expr();
    if (!accept_word("ROWS")) accept_word("ROW");
  }
  if (query.limit == nullptr && accept_word("LIMIT")) query.limit = parse_expr();
  if (accept_word("FETCH")) {
    if (!accept_word("NEXT") && !accept_word("FIRST")) fail_expected("NEXT or FIRST");
    query.limit = parse_expr();
    if (!accept_word("ROWS") && !accept_word("ROW")) fail_expected("ROWS");
    expect_word("ONLY");
  }
}

std::vector<ast::SortItem> StatementParser::parse_order_by() {
  std::vector<ast::SortItem> items;
  expect_word("ORDER");
  expect_word("BY");
  parse_list([&] {
    ast::SortItem item;
    item.span = peek().span;
    item.expr = parse_expr();
    item.descending = accept_word("DESC");
    if (!item.descending) accept_word("ASC");
    if (accept_words({"NULLS", "FIRST"})) {
      item.nulls_first = true;
    } else if (accept_words({"NULLS", "LAST"})) {
      item.nulls_first = false;
    }
    item.span = span_from(item.span);
    items.push_back(std::move(item));
  });
  return items;
}

ast::WindowSpec StatementParser::parse_window_spec() {
  ast::WindowSpec spec;
  spec.span = peek().span;
  expect_symbol("(");
  const bool frame_word = at_any_word({"PARTITION", "ORDER", "ROWS", "RANGE"});
  if (!frame_word && at_name()) spec.base = expect_name("a window name");
  if (accept_words({"PARTITION", "BY"})) spec.partition_by = parse_expr_list();
  if (at_words({"ORDER", "BY"})) spec.order_by = parse_order_by();
  if (at_any_word({"ROWS", "RANGE"})) spec.frame = parse_window_frame();
  expect_symbol(")");
  spec.span = span_from(spec.span);
  return spec;
}

ast::WindowFrame StatementParser::parse_window_frame() {
  ast::WindowFrame frame;
  frame.span = peek().span;
  frame.rows = next().upper == "ROWS";
  if (accept_word("BETWEEN")) {
    frame.start = parse_frame_bound(frame.start_offset);
    expect_word("AND");
    frame.end = parse_frame_bound(frame.end_offset);
  } else {
    frame.start = parse_frame_bound(frame.start_offset);
  }
  frame.span = span_from(frame.span);
  return frame;
}

ast::FrameBound StatementParser::parse_frame_bound(ast::ExprPtr& offset) {
  if (accept_words({"CURRENT", "ROW"})) return ast::FrameBound::kCurrentRow;
  const bool unbounded = accept_word("UNBOUNDED");
  if (!unbounded) offset = parse_expr(kPrecedenceRange + 1);
  if (accept_word("PRECEDING")) {
    return unbounded ? ast::FrameBound::kUnboundedPreceding : ast::FrameBound::kPreceding;
  }
  if (!accept_word("FOLLOWING")) fail_expected("PRECEDING or FOLLOWING");
  return unbounded ? ast::FrameBound::kUnboundedFollowing : ast::FrameBound::kFollowing;
}

std::vector<ast::Hint> StatementParser::parse_hints() {
  std::vector<ast::Hint> hints;
  while (at_kind(TokenKind::kHintBegin)) {
    next();
    do {
      hints.push_back(parse_hint());
      accept_symbol(",");
    } while (!at_kind(TokenKind::kHintEnd) && !failed());
    if (at_kind(TokenKind::kHintEnd)) next();
  }
  return hints;
}

ast::Hint StatementParser::parse_hint() {
  ast::Hint hint;
  hint.span = peek().span;
  hint.name = expect_name("the name of a hint, as in /*+ OPTIONS('key' = 'value') */");
  if (accept_symbol("(")) {
    parse_list([&] {
      ast::HintArgument argument;
      argument.span = peek().span;
      if (at_kind(TokenKind::kString) || at_kind(TokenKind::kInteger)) {
        argument.key = next().text;
      } else {
        argument.key = expect_qualified_name("a key").text();
      }
      if (accept_symbol("=")) argument.value = expect_kind(TokenKind::kString, "a string").text;
      argument.span = span_from(argument.span);
      hint.arguments.push_back(std::move(argument));
    });
    expect_symbol(")");
  }
  hint.span = span_from(hint.span);
  return hint;
}

}  // namespace slipstream::sql
