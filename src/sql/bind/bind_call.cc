// Function calls: the special forms of SQL become ordinary functions with plain arguments.
#include <algorithm>

#include "base/suggest.h"
#include "base/try.h"
#include "expr/function.h"
#include "sql/bind/expr_binder.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

using expr::ExprPtr;

ExprPtr symbol_text(const ast::Expr& e) {
  const auto* symbol = ast::as_if<ast::SymbolExpr>(e);
  return symbol == nullptr ? nullptr : expr::string_literal(symbol->name);
}

std::vector<SourceSpan> spans_of(const std::vector<ast::ExprPtr>& nodes) {
  std::vector<SourceSpan> spans;
  for (const ast::ExprPtr& node : nodes) spans.push_back(node->span);
  return spans;
}

using Visit = std::function<void(const ast::Expr&)>;

void visit(const Visit& each, const ast::ExprPtr& node) {
  if (node) for_each_expr(*node, each);
}

void visit(const Visit& each, const std::vector<ast::ExprPtr>& nodes) {
  for (const auto& node : nodes) visit(each, node);
}

template <typename Node, typename... Members>
void visit_members(const Visit& each, const ast::Expr& e, Members Node::*... members) {
  (visit(each, ast::as<Node>(e).*members), ...);
}

void visit_case(const Visit& each, const ast::CaseExpr& node) {
  visit(each, node.operand);
  visit(each, node.otherwise);
  for (const auto& branch : node.branches) {
    visit(each, branch.condition);
    visit(each, branch.result);
  }
}

void visit_children(const ast::Expr& e, const Visit& each) {
  using namespace ast;
  using K = ast::ExprKind;
  switch (e.kind) {
    case K::kUnary:
      return visit_members(each, e, &UnaryExpr::operand);
    case K::kBinary:
      return visit_members(each, e, &BinaryExpr::left, &BinaryExpr::right);
    case K::kLogical:
      return visit_members(each, e, &LogicalExpr::operands);
    case K::kIs:
      return visit_members(each, e, &IsExpr::operand);
    case K::kIsDistinct:
      return visit_members(each, e, &IsDistinctExpr::left, &IsDistinctExpr::right);
    case K::kBetween:
      return visit_members(each, e, &BetweenExpr::operand, &BetweenExpr::low, &BetweenExpr::high);
    case K::kInList:
      return visit_members(each, e, &InListExpr::operand, &InListExpr::items);
    case K::kLike:
      return visit_members(each, e, &LikeExpr::operand, &LikeExpr::pattern, &LikeExpr::escape);
    case K::kCase:
      return visit_case(each, as<CaseExpr>(e));
    case K::kCast:
      return visit_members(each, e, &CastExpr::operand);
    case K::kCall:
      return visit_members(each, e, &CallExpr::arguments, &CallExpr::filter);
    case K::kJsonCall:
      return visit_members(each, e, &JsonCallExpr::arguments);
    case K::kRow:
      return visit_members(each, e, &RowExpr::fields);
    case K::kArray:
      return visit_members(each, e, &ArrayExpr::elements);
    case K::kMap:
      return visit_members(each, e, &MapExpr::entries);
    case K::kSubscript:
      return visit_members(each, e, &SubscriptExpr::base, &SubscriptExpr::index);
    case K::kFieldAccess:
      return visit_members(each, e, &FieldAccessExpr::base);
    default:
      return;
  }
}

}  // namespace

void for_each_expr(const ast::Expr& e, const std::function<void(const ast::Expr&)>& visit) {
  visit(e);
  visit_children(e, visit);
}

bool contains_aggregate(const ast::Expr& e) {
  bool found = false;
  for_each_expr(e, [&](const ast::Expr& node) {
    const auto* call = ast::as_if<ast::CallExpr>(node);
    found = found || (call != nullptr && !call->over &&
                      expr::find_aggregate(call->simple_name()) != nullptr);
  });
  return found;
}

ExprPtr ExprBinder::bind_conditional(const std::string& name, const ast::CallExpr& e) {
  bool ok = true;
  std::vector<ExprPtr> arguments = bind_all(e.arguments, &ok);
  if (!ok) return nullptr;
  const std::size_t wanted = name == "IF" ? 3 : 2;
  if (name == "COALESCE" ? arguments.empty() : arguments.size() != wanted) {
    report(e.span, name + " takes " +
                       (name == "COALESCE" ? "one argument or more"
                                           : std::to_string(wanted) + " arguments"));
    return nullptr;
  }
  Type type;
  if (name == "IF") {
    ExprPtr condition = coerce(arguments[0], Type::boolean(), e.arguments[0]->span, "IF");
    arguments = unify({arguments[1], arguments[2]}, e, &type);
    if (!condition || arguments.empty()) return nullptr;
    return expr::case_when({std::move(condition), arguments[0], arguments[1]}, type);
  }
  if (name == "NULLIF") {
    ExprPtr same = compare("=", arguments[0], arguments[1], e);
    if (!same) return nullptr;
    type = arguments[0]->type.with_nullable(true);
    return expr::case_when({std::move(same), expr::null_literal(type), arguments[0]}, type);
  }
  const bool nullable = std::all_of(arguments.begin(), arguments.end(),
                                    [](const ExprPtr& value) { return value->type.nullable(); });
  arguments = unify(std::move(arguments), e, &type);
  if (arguments.empty()) return nullptr;
  return expr::coalesce(std::move(arguments), type.with_nullable(nullable));
}

ExprPtr ExprBinder::bind_special_call(const std::string& name, const ast::CallExpr& e,
                                      bool* handled) {
  *handled = true;
  const auto symbol_first = [&](std::string_view function) -> ExprPtr {
    std::vector<ExprPtr> arguments = {symbol_text(*e.arguments[0])};
    for (std::size_t i = 1; i < e.arguments.size(); ++i) arguments.push_back(bind(*e.arguments[i]));
    for (const ExprPtr& argument : arguments) {
      if (!argument) return nullptr;
    }
    return make_call(function, std::move(arguments), e, spans_of(e.arguments));
  };
  const bool first_is_symbol =
      !e.arguments.empty() && e.arguments[0]->kind == ast::ExprKind::kSymbol;
  if (first_is_symbol &&
      (name == "EXTRACT" || name == "TIMESTAMPADD" || name == "TIMESTAMPDIFF" || name == "TRIM")) {
    return symbol_first(name);
  }
  if ((name == "FLOOR" || name == "CEIL" || name == "CEILING") && e.arguments.size() == 2 &&
      e.arguments[1]->kind == ast::ExprKind::kSymbol) {
    ExprPtr value = bind(*e.arguments[0]);
    if (!value) return nullptr;
    return make_call(name == "FLOOR" ? "FLOOR_TO" : "CEIL_TO",
                     {std::move(value), symbol_text(*e.arguments[1])}, e, spans_of(e.arguments));
  }
  if (name == "COALESCE" || name == "IFNULL" || name == "IF" || name == "NULLIF")
    return bind_conditional(name, e);
  *handled = false;
  return nullptr;
}

ExprPtr ExprBinder::bind_call(const ast::CallExpr& e) {
  const std::string name = e.simple_name();
  if (e.over) {
    report(e.span, "OVER windows are not supported");
    return nullptr;
  }
  if (expr::find_aggregate(name) != nullptr) {
    report(e.span, "the aggregate " + name + " cannot stand here",
           "aggregates belong in SELECT and HAVING");
    return nullptr;
  }
  if (e.distinct || e.filter || e.star) {
    report(e.span, "DISTINCT, FILTER and * belong to aggregates, and " + name + " is none");
    return nullptr;
  }
  if (name == "TUMBLE" || name == "HOP" || name == "SESSION" || name == "CUMULATE") {
    report(e.span, "the window function " + name + " in GROUP BY is not supported",
           "use the table function: FROM " + name +
               "(TABLE t, DESCRIPTOR(ts), ...) GROUP BY window_start, window_end");
    return nullptr;
  }
  bool handled = false;
  ExprPtr special = bind_special_call(name, e, &handled);
  if (handled) return special;
  const expr::Function* function = expr::find_function(name);
  if (function == nullptr) {
    std::vector<std::string> names;
    for (const expr::Function* candidate : expr::all_functions()) names.push_back(candidate->name);
    const auto near = nearest_name(name, names);
    report(e.name.span, "unknown function " + e.name.text(),
           near ? "did you mean " + *near + "?" : "");
    return nullptr;
  }
  bool ok = true;
  std::vector<ExprPtr> arguments = bind_all(e.arguments, &ok);
  return ok ? make_call(name, std::move(arguments), e, spans_of(e.arguments)) : nullptr;
}

ExprPtr ExprBinder::bind_json_value(const ast::JsonCallExpr& e) {
  if (e.function != "JSON_VALUE") {
    report(e.span, e.function + " is not supported", "JSON_VALUE is");
    return nullptr;
  }
  std::string name = "JSON_VALUE";
  Type type = Type::string();
  if (e.returning) {
    const auto bound = bind_type(*e.returning, diagnostics_);
    if (!bound) return nullptr;
    type = *bound;
    switch (type.kind()) {
      case TypeKind::kVarChar:
        break;
      case TypeKind::kBoolean:
        name += "_BOOLEAN";
        break;
      case TypeKind::kInt:
        name += "_INTEGER";
        break;
      case TypeKind::kDouble:
        name += "_DOUBLE";
        break;
      default:
        report(e.returning->span, "JSON_VALUE cannot return " + type.to_string(),
               "STRING, BOOLEAN, INTEGER and DOUBLE are possible");
        return nullptr;
    }
  }
  bool ok = true;
  std::vector<ExprPtr> arguments = bind_all(e.arguments, &ok);
  const auto add = [&](const std::optional<ast::JsonBehavior>& behavior) {
    std::string word = "NULL";
    ExprPtr fallback = expr::null_literal(type.with_nullable(true));
    if (behavior && behavior->fallback == ast::JsonFallback::kError) word = "ERROR";
    if (behavior && behavior->fallback == ast::JsonFallback::kDefault) {
      word = "DEFAULT";
      fallback = bind(*behavior->value);
      if (fallback) fallback = coerce(std::move(fallback), type, behavior->value->span, "DEFAULT");
      ok = ok && fallback;
    }
    arguments.push_back(expr::string_literal(word));
    arguments.push_back(std::move(fallback));
  };
  if (e.on_empty || e.on_error) add(e.on_empty), add(e.on_error);
  return ok ? make_call(name, std::move(arguments), e, spans_of(e.arguments)) : nullptr;
}

}  // namespace slipstream::sql
