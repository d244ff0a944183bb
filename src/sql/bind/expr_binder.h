// SQL expressions -> typed expression trees.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "expr/expr.h"
#include "sql/bind/scope.h"
#include "sql/parse/ast.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::sql {

// Binds expressions of one scope. Every problem is appended to `diagnostics`; the result is then
// null.
//
// `intercept` sees every node before it is bound and may answer in its place: how aggregate calls
// and grouped expressions become columns of an aggregate's output. It sets *handled; a null answer
// then means a reported error.
// Thread: one.
class ExprBinder {
 public:
  using Intercept = std::function<expr::ExprPtr(const ast::Expr&, bool* handled)>;

  ExprBinder(const Scope& scope, std::vector<Diagnostic>& diagnostics)
      : scope_(scope), diagnostics_(diagnostics) {}
  void set_intercept(Intercept intercept) { intercept_ = std::move(intercept); }

  expr::ExprPtr bind(const ast::Expr& e);
  // A predicate: BOOLEAN is required; `what` is "WHERE", "HAVING", "ON".
  expr::ExprPtr bind_predicate(const ast::Expr& e, std::string_view what);
  // Casts `e` to `to` as INSERT does; reports at `span` when the types do not go together.
  expr::ExprPtr coerce(expr::ExprPtr e, const Type& to, const SourceSpan& span,
                       std::string_view what);

  // The column a name means; nullopt after an error was reported.
  std::optional<std::size_t> find_column(const ast::QualifiedName& name, bool report = true);
  void report(const SourceSpan& span, std::string message, std::string fix = {});

 private:
  void report_unknown(const ast::Identifier& column, const std::vector<std::string>& candidates);
  void report_ambiguous(const ast::QualifiedName& name, const std::string& first,
                        const ScopeColumn& second);
  expr::ExprPtr bind_node(const ast::Expr& e);
  expr::ExprPtr bind_literal(const ast::Literal& e);
  expr::ExprPtr bind_column(const ast::ColumnRef& e);
  expr::ExprPtr bind_unary(const ast::UnaryExpr& e);
  expr::ExprPtr bind_binary(const ast::BinaryExpr& e);
  expr::ExprPtr bind_logical(const ast::LogicalExpr& e);
  expr::ExprPtr bind_is(const ast::IsExpr& e);
  expr::ExprPtr bind_between(const ast::BetweenExpr& e);
  expr::ExprPtr bind_in_list(const ast::InListExpr& e);
  expr::ExprPtr bind_like(const ast::LikeExpr& e);
  expr::ExprPtr bind_case(const ast::CaseExpr& e);
  expr::ExprPtr bind_cast(const ast::CastExpr& e);
  expr::ExprPtr bind_call(const ast::CallExpr& e);
  expr::ExprPtr bind_json_value(const ast::JsonCallExpr& e);
  expr::ExprPtr bind_field(const ast::FieldAccessExpr& e);
  expr::ExprPtr bind_subscript(const ast::SubscriptExpr& e);
  expr::ExprPtr bind_special_call(const std::string& name, const ast::CallExpr& e, bool* handled);
  // COALESCE, IFNULL, IF, NULLIF
  expr::ExprPtr bind_conditional(const std::string& name, const ast::CallExpr& e);
  expr::ExprPtr bind_fields(expr::ExprPtr value, std::span<const ast::Identifier> path);
  // Resolves, casts and checks constants; `arguments` are bound already. `spans`: where the
  // arguments stand, for as many as are known.
  expr::ExprPtr make_call(std::string_view function, std::vector<expr::ExprPtr> arguments,
                          const ast::Expr& at, std::span<const SourceSpan> spans = {});
  expr::ExprPtr compare(std::string_view op, expr::ExprPtr left, expr::ExprPtr right,
                        const ast::Expr& at);
  // Casts all to their common type; empty after an error.
  std::vector<expr::ExprPtr> unify(std::vector<expr::ExprPtr> values, const ast::Expr& at,
                                   Type* result);
  std::vector<expr::ExprPtr> bind_all(const std::vector<ast::ExprPtr>& nodes, bool* ok);

  const Scope& scope_;
  std::vector<Diagnostic>& diagnostics_;
  Intercept intercept_;
};

// A type as written -> Type; reports lengths and precisions that do not exist.
std::optional<Type> bind_type(const ast::TypeName& type, std::vector<Diagnostic>& diagnostics);

// Milliseconds of INTERVAL '10' SECOND (or months, for a year-month interval) as a literal.
expr::ExprPtr bind_interval(const ast::IntervalLiteral& e, std::vector<Diagnostic>& diagnostics);

// Calls `visit` for e and every expression below it, not into subqueries.
void for_each_expr(const ast::Expr& e, const std::function<void(const ast::Expr&)>& visit);
bool contains_aggregate(const ast::Expr& e);

}  // namespace slipstream::sql
