// Constant expressions become literals, so that plans show them and connectors can be offered them.
#include <algorithm>

#include "expr/program.h"
#include "sql/optimize/optimize.h"

namespace slipstream::sql {

using expr::ExprKind;
using expr::ExprPtr;

namespace {

bool is_literal(const ExprPtr& e) { return e->kind == ExprKind::kLiteral; }

bool is_boolean(const ExprPtr& e, bool value) {
  return is_literal(e) && e->type.kind() == TypeKind::kBoolean && !e->literal->is_null(0) &&
         (e->literal->data<std::uint8_t>()[0] != 0) == value;
}

// AND without its TRUEs, or FALSE; OR without its FALSEs, or TRUE.
ExprPtr simplify_logic(ExprPtr e) {
  const bool is_and = e->kind == ExprKind::kAnd;
  std::vector<ExprPtr> kept;
  for (const ExprPtr& arg : e->args) {
    if (is_boolean(arg, !is_and)) return arg;
    if (!is_boolean(arg, is_and)) kept.push_back(arg);
  }
  if (kept.size() == e->args.size()) return e;
  return is_and ? expr::conjunction(std::move(kept)) : expr::disjunction(std::move(kept));
}

// What fails stays as it is: the error belongs to the row that meets it, and there may be none.
ExprPtr fold(const ExprPtr& e, const expr::EvalContext& eval) {
  if (e->args.empty()) return e;
  ExprPtr result = e;
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : e->args) args.push_back(fold(arg, eval));
  if (args != e->args) {
    auto changed = std::make_shared<expr::Expr>(*e);
    changed->args = std::move(args);
    result = std::move(changed);
  }
  if (expr::deterministic(*result) &&
      std::all_of(result->args.begin(), result->args.end(), is_literal)) {
    const auto value = expr::evaluate_constant(result, eval);
    if (value.ok() && same_type((*value)->type(), result->type)) return expr::literal(*value);
  }
  const bool logic = result->kind == ExprKind::kAnd || result->kind == ExprKind::kOr;
  return logic ? simplify_logic(std::move(result)) : result;
}

}  // namespace

RelPtr fold_constants(RelPtr rel, const expr::EvalContext& eval) {
  for (RelPtr& input : rel->inputs) input = fold_constants(std::move(input), eval);
  if (rel->predicate) {
    rel->predicate = fold(rel->predicate, eval);
    if (is_boolean(rel->predicate, true)) rel->predicate = nullptr;
  }
  for (ExprPtr& projection : rel->projections) projection = fold(projection, eval);
  return rel;
}

}  // namespace slipstream::sql
