// The grammar: one function per rule, in the files parse_*.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sql/parse/ast.h"
#include "sql/parse/token_cursor.h"

namespace slipstream::sql {

// How tightly an operator binds, as in Calcite. An operand of precedence p is parsed with
// parse_expr(p + 1) on the right, as all infix operators are left-associative.
enum Precedence : int {
  kPrecedenceNone = 0,
  kPrecedenceOr = 22,
  kPrecedenceAnd = 24,
  kPrecedenceNot = 26,
  kPrecedenceIs = 28,
  kPrecedenceCompare = 30,
  kPrecedenceRange = 32,  // BETWEEN, IN, LIKE, SIMILAR TO
  kPrecedenceAdd = 40,
  kPrecedenceMultiply = 60,  // also ||
  kPrecedenceUnary = 80,
  kPrecedencePostfix = 100,
};

// Recursive descent with operator precedence for expressions.
//
// Every rule returns a node, never null: after fail() a placeholder that nobody sees, because the
// statement is dropped. Thus rules call each other without looking at errors in between.
class StatementParser : private TokenCursor {
 public:
  StatementParser(std::string_view source, LexResult tokens)
      : TokenCursor(source, std::move(tokens)) {}

  // The whole script; see ParseResult.
  std::vector<ast::StatementPtr> parse_all();
  ast::ExprPtr parse_only_expr();
  ast::TypeNamePtr parse_only_type();

  std::vector<std::string> take_broken_names() { return std::move(broken_names_); }
  using TokenCursor::take_diagnostics;

 private:
  // Counts the levels of nesting; !ok() after it failed.
  class Level {
   public:
    explicit Level(StatementParser& parser) : parser_(parser) {
      if (++parser_.depth_ > ast::kDepthMax) {
        parser_.fail(parser_.peek().span,
                     "this is nested more than " + std::to_string(ast::kDepthMax) + " levels deep",
                     "name the inner queries with WITH or CREATE VIEW");
      }
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser_.depth_; }
    bool ok() const { return !parser_.failed(); }

   private:
    StatementParser& parser_;
  };

  template <typename T>
  std::unique_ptr<T> start() const {
    auto node = std::make_unique<T>();
    node->span = peek().span;
    return node;
  }
  template <typename T>
  std::unique_ptr<T> finish(std::unique_ptr<T> node) const {
    node->span = span_from(node->span);
    return node;
  }
  // item, item, ...: calls `parse_item` once per item.
  template <typename F>
  void parse_list(F&& parse_item) {
    do {
      parse_item();
    } while (accept_symbol(",") && !at_trailing_comma());
  }
  void grow(int height);

  // parse_statement.cc
  ast::StatementPtr parse_statement();
  ast::StatementPtr parse_insert_or_set();
  std::unique_ptr<ast::InsertStatement> parse_insert();
  ast::StatementPtr parse_statement_set();
  bool parse_set_inserts(ast::StatementSet& set, bool& broken);
  bool statement_set_goes_on() const;
  ast::StatementPtr parse_query_statement();
  ast::StatementPtr parse_explain();
  ast::StatementPtr parse_describe();
  ast::StatementPtr parse_show();
  void parse_show_object(ast::ShowStatement& show);
  ast::StatementPtr parse_set();
  void parse_unquoted_setting(ast::SetStatement& set);
  ast::StatementPtr parse_reset();
  ast::StatementPtr parse_use();
  ast::StatementPtr parse_drop();
  ast::StatementPtr refuse_statement();
  void end_statement();

  // parse_create.cc
  ast::StatementPtr parse_create();
  ast::StatementPtr parse_create_table(const SourceSpan& start_span, bool temporary);
  void parse_table_element(ast::CreateTable& table);
  ast::ColumnDefinition parse_column();
  void parse_metadata_column(ast::ColumnDefinition& column);
  void parse_column_constraints(ast::ColumnDefinition& column);
  ast::WatermarkDefinition parse_watermark();
  ast::KeyDefinition parse_key();
  void expect_not_enforced();
  void parse_table_tail(ast::CreateTable& table);
  std::vector<ast::TableOption> parse_options();
  ast::LikeClause parse_like();
  ast::StatementPtr parse_create_view(const SourceSpan& start_span, bool temporary);
  std::vector<ast::Identifier> parse_name_list(std::string_view what);

  // parse_query.cc
  ast::QueryPtr parse_query();
  ast::CommonTable parse_common_table();
  ast::QueryBodyPtr parse_query_body(int min_precedence);
  ast::QueryBodyPtr parse_query_primary();
  ast::QueryBodyPtr parse_select();
  ast::SelectItem parse_select_item();
  ast::GroupingItem parse_grouping_item();
  ast::QueryBodyPtr parse_values();
  void parse_query_tail(ast::Query& query);
  std::vector<ast::SortItem> parse_order_by();
  ast::WindowSpec parse_window_spec();
  ast::WindowFrame parse_window_frame();
  ast::FrameBound parse_frame_bound(ast::ExprPtr& offset);
  std::vector<ast::Hint> parse_hints();
  ast::Hint parse_hint();
  bool at_query() const;

  // parse_table.cc
  ast::TableRefPtr parse_from();
  ast::TableRefPtr parse_join_chain();
  std::optional<ast::JoinType> accept_join();
  ast::TableRefPtr parse_join(ast::TableRefPtr left);
  ast::TableRefPtr parse_table_primary();
  ast::TableRefPtr parse_lateral();
  ast::TableRefPtr parse_wrapped_function(bool lateral, const SourceSpan& start_span);
  ast::TableRefPtr parse_unnest();
  ast::TableRefPtr parse_derived(bool lateral, const SourceSpan& start_span);
  ast::TableRefPtr parse_named_table();
  ast::TableRefPtr with_alias(ast::TableRefPtr table);
  void refuse_table_suffix();

  // parse_expression.cc
  ast::ExprPtr parse_expr(int min_precedence = kPrecedenceOr);
  ast::ExprPtr placeholder() const;
  ast::ExprPtr parse_prefix();
  ast::ExprPtr parse_postfix(ast::ExprPtr base);
  int infix_precedence() const;
  ast::ExprPtr parse_infix(ast::ExprPtr left, int precedence);
  ast::ExprPtr parse_logical(ast::ExprPtr left, bool is_and);
  ast::ExprPtr parse_is(ast::ExprPtr left);
  ast::ExprPtr parse_range(ast::ExprPtr left);
  ast::ExprPtr parse_between(ast::ExprPtr left, bool negated);
  ast::ExprPtr parse_in(ast::ExprPtr left, bool negated);
  ast::ExprPtr parse_like_operator(ast::ExprPtr left, bool negated);
  ast::ExprPtr parse_binary(ast::ExprPtr left, int precedence);
  ast::ExprPtr parse_primary();
  ast::ExprPtr parse_literal(ast::LiteralKind kind);
  ast::ExprPtr parse_word_primary();
  ast::ExprPtr parse_typed_literal(ast::LiteralKind kind);
  ast::ExprPtr parse_interval();
  ast::ExprPtr parse_parenthesized();
  ast::ExprPtr parse_name_or_call();
  ast::ExprPtr parse_case();
  ast::ExprPtr parse_cast(bool is_try);
  ast::ExprPtr parse_exists();
  ast::ExprPtr parse_array();
  ast::ExprPtr parse_map();
  ast::ExprPtr parse_row();
  std::vector<ast::ExprPtr> parse_expr_list();

  // parse_call.cc
  ast::ExprPtr parse_call(ast::QualifiedName name);
  ast::ExprPtr parse_niladic();
  ast::ExprPtr parse_argument();
  ast::ExprPtr parse_table_argument();
  ast::ExprPtr parse_descriptor();
  void parse_arguments(ast::CallExpr& call);
  void parse_call_suffix(ast::CallExpr& call);
  bool parse_special_arguments(ast::CallExpr& call, const std::string& function);
  void parse_extract_arguments(ast::CallExpr& call);
  void parse_trim_arguments(ast::CallExpr& call);
  void parse_operand_words(ast::CallExpr& call, const std::vector<std::string_view>& words);
  void parse_rounding_arguments(ast::CallExpr& call);
  void parse_timestamp_arguments(ast::CallExpr& call);
  ast::ExprPtr parse_unit_symbol();
  std::optional<ast::TimeUnit> parse_time_unit();
  ast::ExprPtr parse_json_call();
  void parse_json_pairs(ast::JsonCallExpr& call);
  void parse_json_items(ast::JsonCallExpr& call);
  void parse_json_clauses(ast::JsonCallExpr& call);
  void parse_json_wrapper(ast::JsonCallExpr& call);
  std::optional<ast::JsonBehavior> parse_json_behavior();
  std::unique_ptr<ast::WindowSpec> parse_over();

  // parse_type.cc
  ast::TypeNamePtr parse_type();
  void parse_base_type(ast::TypeName& type);
  bool parse_simple_type(ast::TypeName& type);
  void parse_length(ast::TypeName& type, int largest);
  void parse_time_type(ast::TypeName& type);
  void parse_timestamp_type(ast::TypeName& type);
  void parse_interval_type(ast::TypeName& type);
  void parse_element_types(ast::TypeName& type, std::size_t count);
  void parse_row_type(ast::TypeName& type);
  void parse_nullability(ast::TypeName& type);
  ast::IntervalQualifier parse_interval_qualifier();

  int depth_ = 0;
  int tallest_ = 0;       // height of the tallest tree finished under the rule that is running
  std::string creating_;  // the name of the CREATE that is being read
  std::vector<std::string> broken_names_;
};

}  // namespace slipstream::sql
