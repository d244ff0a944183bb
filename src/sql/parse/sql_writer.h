// The writer behind to_sql().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/parse/ast.h"

namespace slipstream::sql {

// Appends SQL text to one string. A node that binds less tightly than its place needs gets
// parentheses.
class SqlWriter {
 public:
  void expr(const ast::Expr& node, int min_precedence = 0);
  void type(const ast::TypeName& node);
  void name(const ast::QualifiedName& node);
  void query(const ast::Query& node);
  void statement(const ast::Statement& node);
  std::string take() { return std::move(out_); }

 private:
  void add(std::string_view text) { out_ += text; }
  void identifier(const ast::Identifier& node);
  void string(std::string_view text);
  template <typename Items, typename F>
  void list(const Items& items, F&& write) {
    bool first = true;
    for (const auto& item : items) {
      if (!first) add(", ");
      first = false;
      write(item);
    }
  }
  void names(const std::vector<ast::Identifier>& nodes);
  void exprs(const std::vector<ast::ExprPtr>& nodes);

  // sql_writer_expression.cc
  static int precedence_of(const ast::Expr& node);
  void bare_expr(const ast::Expr& node);
  bool operator_expr(const ast::Expr& node);
  bool primary_expr(const ast::Expr& node);
  void constructor(const ast::Expr& node);
  void literal(const ast::Literal& node);
  void interval(const ast::IntervalLiteral& node);
  void interval_qualifier(const ast::IntervalQualifier& node);
  void binary(const ast::BinaryExpr& node);
  void logical(const ast::LogicalExpr& node);
  void is(const ast::IsExpr& node);
  void is_distinct(const ast::IsDistinctExpr& node);
  void between(const ast::BetweenExpr& node);
  void in_list(const ast::InListExpr& node);
  void in_subquery(const ast::InSubqueryExpr& node);
  void like(const ast::LikeExpr& node);
  void case_expr(const ast::CaseExpr& node);
  void call(const ast::CallExpr& node);
  bool special_arguments(const ast::CallExpr& node);
  void call_suffix(const ast::CallExpr& node);
  void json_call(const ast::JsonCallExpr& node);
  void json_behavior(const ast::JsonBehavior& node, std::string_view when);
  void table_argument(const ast::TableArgument& node);
  void field_base(const ast::Expr& node);
  void order_by(const std::vector<ast::SortItem>& items);
  void window_spec(const ast::WindowSpec& node);
  void frame_bound(ast::FrameBound bound, const ast::Expr* offset);

  // sql_writer_query.cc
  void query_body(const ast::QueryBody& node);
  void select(const ast::SelectBody& node);
  void grouping_item(const ast::GroupingItem& node);
  void hints(const std::vector<ast::Hint>& nodes);
  void table(const ast::TableRef& node);
  void join(const ast::JoinTable& node);
  void join_operand(const ast::TableRef& node, bool wrap);

  // sql_writer_statement.cc
  void create_table(const ast::CreateTable& node);
  void table_elements(const ast::CreateTable& node);
  void column(const ast::ColumnDefinition& node);
  void create_view(const ast::CreateView& node);
  void insert(const ast::InsertStatement& node);
  void statement_set(const ast::StatementSet& node);
  void explain(const ast::ExplainStatement& node);
  void show(const ast::ShowStatement& node);
  void session_statement(const ast::Statement& node);
  void comment(const std::optional<std::string>& text);
  void options(const std::vector<ast::TableOption>& nodes);

  std::string out_;
};

}  // namespace slipstream::sql
