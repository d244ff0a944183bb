#include "sql/bind/expr_binder.h"

#include <algorithm>

#include "base/suggest.h"
#include "base/try.h"
#include "data/text/value.h"
#include "expr/function.h"
#include "expr/program.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

using expr::ExprPtr;

ExprPtr text_literal(const ast::Literal& e, Type type, std::string_view what,
                     std::vector<Diagnostic>& diagnostics) {
  ColumnBuilder builder(type.not_null());
  if (!text::parse(e.text, TimeZone(), builder)) {
    diagnostics.push_back(Diagnostic::at(e.span, "'" + e.text + "' is no " + std::string(what)));
    return nullptr;
  }
  return expr::literal(builder.finish(), to_sql(e));
}

int fraction_digits(std::string_view text) {
  const std::size_t point = text.find('.');
  return point == std::string_view::npos
             ? 0
             : static_cast<int>(std::min<std::size_t>(text.size() - point - 1, 9));
}

ExprPtr number_literal(const std::string& digits, const SourceSpan& span,
                       std::vector<Diagnostic>& diagnostics) {
  for (const Type& type : {Type::integer(), Type::bigint()}) {
    ColumnBuilder builder(type.not_null());
    if (text::parse(digits, TimeZone(), builder)) return expr::literal(builder.finish(), digits);
  }
  diagnostics.push_back(Diagnostic::at(span, "the number " + digits + " does not fit BIGINT",
                                       "CAST('" + digits + "' AS DECIMAL(38, 0))"));
  return nullptr;
}

ExprPtr decimal_literal(const ast::Literal& e, std::vector<Diagnostic>& diagnostics) {
  if (e.text.ends_with('.'))
    return number_literal(e.text.substr(0, e.text.size() - 1), e.span, diagnostics);
  // Every written digit counts, leading zeros too: 0.5 is a DECIMAL(2, 1).
  const auto digits = static_cast<int>(e.text.size() - 1);
  const int scale = digits - static_cast<int>(e.text.find('.'));
  const int precision = digits;
  if (precision > 38) {
    diagnostics.push_back(Diagnostic::at(e.span, "the number has more than 38 digits"));
    return nullptr;
  }
  return text_literal(e, Type::decimal(precision, scale), "number", diagnostics);
}

}  // namespace

void ExprBinder::report(const SourceSpan& span, std::string message, std::string fix) {
  diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
}

ExprPtr ExprBinder::bind(const ast::Expr& e) {
  if (intercept_) {
    bool handled = false;
    ExprPtr answer = intercept_(e, &handled);
    if (handled) return answer;
  }
  return bind_node(e);
}

ExprPtr ExprBinder::bind_node(const ast::Expr& e) {
  using K = ast::ExprKind;
  switch (e.kind) {
    case K::kLiteral:
      return bind_literal(ast::as<ast::Literal>(e));
    case K::kInterval:
      return bind_interval(ast::as<ast::IntervalLiteral>(e), diagnostics_);
    case K::kColumn:
      return bind_column(ast::as<ast::ColumnRef>(e));
    case K::kUnary:
      return bind_unary(ast::as<ast::UnaryExpr>(e));
    case K::kBinary:
      return bind_binary(ast::as<ast::BinaryExpr>(e));
    case K::kLogical:
      return bind_logical(ast::as<ast::LogicalExpr>(e));
    case K::kIs:
      return bind_is(ast::as<ast::IsExpr>(e));
    case K::kIsDistinct: {
      const auto& node = ast::as<ast::IsDistinctExpr>(e);
      ExprPtr left = bind(*node.left);
      ExprPtr right = bind(*node.right);
      if (!left || !right) return nullptr;
      return compare(node.negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", std::move(left),
                     std::move(right), e);
    }
    case K::kBetween:
      return bind_between(ast::as<ast::BetweenExpr>(e));
    case K::kInList:
      return bind_in_list(ast::as<ast::InListExpr>(e));
    case K::kLike:
      return bind_like(ast::as<ast::LikeExpr>(e));
    case K::kCase:
      return bind_case(ast::as<ast::CaseExpr>(e));
    case K::kCast:
      return bind_cast(ast::as<ast::CastExpr>(e));
    case K::kCall:
      return bind_call(ast::as<ast::CallExpr>(e));
    case K::kJsonCall:
      return bind_json_value(ast::as<ast::JsonCallExpr>(e));
    case K::kFieldAccess:
      return bind_field(ast::as<ast::FieldAccessExpr>(e));
    case K::kSubscript:
      return bind_subscript(ast::as<ast::SubscriptExpr>(e));
    case K::kStar:
      report(e.span, "'*' is not an expression");
      return nullptr;
    case K::kInSubquery:
    case K::kExists:
    case K::kSubquery:
      report(e.span, "a subquery as part of an expression is not supported",
             "write it as a join in FROM");
      return nullptr;
    default:
      report(e.span, "this expression is not supported: " + to_sql(e));
      return nullptr;
  }
}

ExprPtr ExprBinder::bind_literal(const ast::Literal& e) {
  using L = ast::LiteralKind;
  switch (e.literal) {
    case L::kNull:
      return expr::null_literal(Type::null());
    case L::kUnknown:
      return expr::null_literal(Type::boolean());
    case L::kTrue:
      return expr::bool_literal(true);
    case L::kFalse:
      return expr::bool_literal(false);
    case L::kInteger:
      return number_literal(e.text, e.span, diagnostics_);
    case L::kDecimal:
      return decimal_literal(e, diagnostics_);
    case L::kApproximate:
      return text_literal(e, Type::float64(), "number", diagnostics_);
    case L::kString: {
      const auto length = static_cast<int>(std::max<std::size_t>(text::code_points(e.text), 1));
      return text_literal(e, e.text.empty() ? Type::varchar(1) : Type::character(length), "text",
                          diagnostics_);
    }
    case L::kBinary: {
      ColumnBuilder builder(
          Type::binary(static_cast<int>(std::max<std::size_t>(e.text.size(), 1))).not_null());
      builder.append_text(e.text);
      return expr::literal(builder.finish(), to_sql(e));
    }
    case L::kDate:
      return text_literal(e, Type::date(), "date (yyyy-MM-dd)", diagnostics_);
    case L::kTime:
      if (std::count(e.text.begin(), e.text.end(), ':') != 2) {
        report(e.span, "'" + e.text + "' is no time (HH:mm:ss)");
        return nullptr;
      }
      return text_literal(e, Type::time(fraction_digits(e.text)), "time (HH:mm:ss)", diagnostics_);
    case L::kTimestamp:
      return text_literal(e, Type::timestamp(fraction_digits(e.text)),
                          "timestamp (yyyy-MM-dd HH:mm:ss)", diagnostics_);
    case L::kTimestampLtz:
      return text_literal(e, Type::timestamp_ltz(fraction_digits(e.text)),
                          "timestamp (yyyy-MM-dd HH:mm:ss)", diagnostics_);
  }
  return nullptr;
}

void ExprBinder::report_ambiguous(const ast::QualifiedName& name, const std::string& first,
                                  const ScopeColumn& second) {
  const std::string& column = name.parts.back().name;
  if (first == second.qualifier) {
    report(name.span, "column '" + column + "' is ambiguous: its input has two of that name",
           "rename one of them in a subquery: SELECT " + column + " AS ...");
  } else {
    report(name.span,
           "column '" + column + "' is ambiguous: '" + first + "' and '" + second.qualifier +
               "' have one",
           "write " + second.qualifier + "." + column);
  }
}

std::optional<std::size_t> ExprBinder::find_column(const ast::QualifiedName& name,
                                                   bool should_report) {
  const std::string& column = name.parts.back().name;
  const std::string qualifier = name.parts.size() == 2 ? name.parts[0].name : "";
  std::optional<std::size_t> found;
  std::vector<std::string> candidates;
  bool qualifier_known = qualifier.empty();
  for (std::size_t i = 0; i < scope_.columns.size() && name.parts.size() <= 2; ++i) {
    const ScopeColumn& candidate = scope_.columns[i];
    if (!qualifier.empty() && candidate.qualifier != qualifier) continue;
    qualifier_known = true;
    candidates.push_back(candidate.name);
    if (candidate.name != column) continue;
    if (found) {
      if (should_report) report_ambiguous(name, scope_.columns[*found].qualifier, candidate);
      return std::nullopt;
    }
    found = i;
  }
  if (found || !should_report) return found;
  if (qualifier_known) {
    report_unknown(name.parts.back(), candidates);
    return std::nullopt;
  }
  std::vector<std::string> tables;
  for (const ScopeColumn& candidate : scope_.columns) tables.push_back(candidate.qualifier);
  const auto near = nearest_name(qualifier, tables);
  report(name.parts[0].span, "no table or alias '" + qualifier + "' in FROM",
         near ? "did you mean '" + *near + "'?" : "");
  return std::nullopt;
}

void ExprBinder::report_unknown(const ast::Identifier& column,
                                const std::vector<std::string>& candidates) {
  const auto near = nearest_name(column.name, candidates);
  std::string fix = near ? "did you mean '" + *near + "'?" : "";
  if (fix.empty() && !candidates.empty()) {
    fix = "columns are ";
    for (std::size_t i = 0; i < candidates.size() && i < 20; ++i)
      fix += (i == 0 ? "" : ", ") + candidates[i];
  }
  report(column.span, "unknown column '" + column.name + "'", std::move(fix));
}

ExprPtr ExprBinder::bind_fields(ExprPtr value, std::span<const ast::Identifier> path) {
  for (const ast::Identifier& name : path) {
    const auto& fields = value->type.children();
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& field) { return field.name == name.name; });
    if (value->type.kind() != TypeKind::kRow || found == fields.end()) {
      report(name.span, "no field '" + name.name + "' in " + value->type.to_string());
      return nullptr;
    }
    auto field = std::make_shared<expr::Expr>();
    field->kind = expr::ExprKind::kField;
    field->index = static_cast<std::size_t>(found - fields.begin());
    field->type = found->type;
    field->args = {value};
    value = field;
  }
  return value;
}

ExprPtr ExprBinder::bind_column(const ast::ColumnRef& e) {
  // r.field of a ROW column, when there is no table of that name
  if (e.name.parts.size() >= 2 && !find_column(e.name, false)) {
    for (std::size_t i = 0; i < scope_.columns.size(); ++i) {
      const ScopeColumn& candidate = scope_.columns[i];
      if (candidate.name != e.name.parts[0].name || candidate.type.kind() != TypeKind::kRow)
        continue;
      return bind_fields(expr::column(i, candidate.type, candidate.name),
                         std::span(e.name.parts).subspan(1));
    }
  }
  const auto index = find_column(e.name);
  if (!index) return nullptr;
  return expr::column(*index, scope_.columns[*index].type, scope_.columns[*index].name);
}

ExprPtr ExprBinder::bind_unary(const ast::UnaryExpr& e) {
  if (e.op == ast::UnaryOp::kMinus) {
    const auto* number = ast::as_if<ast::Literal>(*e.operand);
    if (number != nullptr && number->literal == ast::LiteralKind::kInteger) {
      return number_literal("-" + number->text, e.span, diagnostics_);
    }
  }
  ExprPtr operand = bind(*e.operand);
  if (!operand) return nullptr;
  switch (e.op) {
    case ast::UnaryOp::kPlus:
      return operand;
    case ast::UnaryOp::kMinus:
      return make_call("NEGATE", {std::move(operand)}, e);
    case ast::UnaryOp::kNot:
      break;
  }
  operand = coerce(std::move(operand), Type::boolean(), e.operand->span, "NOT");
  return operand ? expr::negation(std::move(operand)) : nullptr;
}

ExprPtr ExprBinder::bind_binary(const ast::BinaryExpr& e) {
  ExprPtr left = bind(*e.left);
  ExprPtr right = bind(*e.right);
  if (!left || !right) return nullptr;
  if (e.op <= ast::BinaryOp::kGreaterEqual)
    return compare(ast::binary_op_text(e.op), std::move(left), std::move(right), e);
  return make_call(ast::binary_op_text(e.op), {std::move(left), std::move(right)}, e);
}

ExprPtr ExprBinder::compare(std::string_view op, ExprPtr left, ExprPtr right, const ast::Expr& at) {
  return make_call(op, {std::move(left), std::move(right)}, at);
}

std::vector<ExprPtr> ExprBinder::bind_all(const std::vector<ast::ExprPtr>& nodes, bool* ok) {
  std::vector<ExprPtr> bound;
  *ok = true;
  for (const auto& node : nodes) {
    bound.push_back(bind(*node));
    *ok = *ok && bound.back() != nullptr;
  }
  return bound;
}

ExprPtr ExprBinder::bind_logical(const ast::LogicalExpr& e) {
  std::vector<ExprPtr> operands;
  bool ok = true;
  for (const auto& node : e.operands) {
    ExprPtr operand = bind(*node);
    if (operand)
      operand = coerce(std::move(operand), Type::boolean(), node->span, e.is_and ? "AND" : "OR");
    ok = ok && operand != nullptr;
    operands.push_back(std::move(operand));
  }
  if (!ok) return nullptr;
  return e.is_and ? expr::conjunction(std::move(operands)) : expr::disjunction(std::move(operands));
}

ExprPtr ExprBinder::bind_is(const ast::IsExpr& e) {
  ExprPtr operand = bind(*e.operand);
  if (!operand) return nullptr;
  std::string name = e.negated ? "IS NOT " : "IS ";
  switch (e.test) {
    case ast::IsTest::kNull:
      return expr::is_null(std::move(operand), e.negated);
    case ast::IsTest::kTrue:
      name += "TRUE";
      break;
    case ast::IsTest::kFalse:
      name += "FALSE";
      break;
    case ast::IsTest::kUnknown:
      return expr::is_null(std::move(operand), e.negated);
    case ast::IsTest::kJson:
      report(e.span, "IS JSON is not supported");
      return nullptr;
  }
  return make_call(name, {std::move(operand)}, e);
}

ExprPtr ExprBinder::bind_between(const ast::BetweenExpr& e) {
  ExprPtr operand = bind(*e.operand);
  ExprPtr low = bind(*e.low);
  ExprPtr high = bind(*e.high);
  if (!operand || !low || !high) return nullptr;
  const auto within = [&](const ExprPtr& from, const ExprPtr& to) -> ExprPtr {
    ExprPtr above = compare(">=", operand, from, e);
    ExprPtr below = compare("<=", operand, to, e);
    if (!above || !below) return nullptr;
    return expr::conjunction({std::move(above), std::move(below)});
  };
  ExprPtr result = within(low, high);
  if (result && e.symmetric) {
    ExprPtr swapped = within(high, low);
    result = swapped ? expr::disjunction({std::move(result), std::move(swapped)}) : nullptr;
  }
  return result && e.negated ? expr::negation(std::move(result)) : result;
}

ExprPtr ExprBinder::bind_in_list(const ast::InListExpr& e) {
  bool ok = true;
  std::vector<ExprPtr> arguments = bind_all(e.items, &ok);
  ExprPtr operand = bind(*e.operand);
  if (!ok || !operand) return nullptr;
  arguments.insert(arguments.begin(), std::move(operand));
  ExprPtr result = make_call("IN", std::move(arguments), e);
  return result && e.negated ? expr::negation(std::move(result)) : result;
}

ExprPtr ExprBinder::bind_like(const ast::LikeExpr& e) {
  std::vector<ExprPtr> arguments = {bind(*e.operand), bind(*e.pattern)};
  if (e.escape) arguments.push_back(bind(*e.escape));
  for (const ExprPtr& argument : arguments) {
    if (!argument) return nullptr;
  }
  std::vector<SourceSpan> spans = {e.operand->span, e.pattern->span};
  if (e.escape) spans.push_back(e.escape->span);
  ExprPtr result = make_call(e.similar ? "SIMILAR TO" : "LIKE", std::move(arguments), e, spans);
  return result && e.negated ? expr::negation(std::move(result)) : result;
}

std::vector<ExprPtr> ExprBinder::unify(std::vector<ExprPtr> values, const ast::Expr& at,
                                       Type* result) {
  std::vector<Type> types;
  for (const ExprPtr& value : values) types.push_back(value->type);
  auto common = expr::common_type(types);
  if (!common.ok()) {
    report(at.span, common.error().message);
    return {};
  }
  *result = *common;
  for (ExprPtr& value : values)
    value = expr::cast(value, common->with_nullable(value->type.nullable()));
  return values;
}

ExprPtr ExprBinder::bind_case(const ast::CaseExpr& e) {
  ExprPtr operand = e.operand ? bind(*e.operand) : nullptr;
  bool ok = !e.operand || operand;
  std::vector<ExprPtr> conditions;
  std::vector<ExprPtr> results;
  for (const ast::CaseBranch& branch : e.branches) {
    ExprPtr condition = bind(*branch.condition);
    if (condition && operand) {
      condition = compare("=", operand, std::move(condition), *branch.condition);
    } else if (condition && !e.operand) {
      condition = coerce(std::move(condition), Type::boolean(), branch.condition->span, "WHEN");
    }
    ExprPtr result = bind(*branch.result);
    ok = ok && condition && result;
    conditions.push_back(std::move(condition));
    results.push_back(std::move(result));
  }
  results.push_back(e.otherwise ? bind(*e.otherwise) : expr::null_literal(Type::null()));
  if (!ok || !results.back()) return nullptr;
  Type type;
  results = unify(std::move(results), e, &type);
  if (results.empty()) return nullptr;
  std::vector<ExprPtr> arguments;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    arguments.push_back(std::move(conditions[i]));
    arguments.push_back(std::move(results[i]));
  }
  arguments.push_back(std::move(results.back()));
  return expr::case_when(std::move(arguments), type);
}

ExprPtr ExprBinder::bind_cast(const ast::CastExpr& e) {
  ExprPtr operand = bind(*e.operand);
  const auto type = bind_type(*e.type, diagnostics_);
  if (!operand || !type) return nullptr;
  if (expr::cast_rule(operand->type, *type) == expr::CastRule::kNever) {
    report(e.span,
           "a value of type " + operand->type.with_nullable(true).to_string() +
               " cannot be cast to " + type->with_nullable(true).to_string(),
           type->is_interval() ? "multiply: n * INTERVAL '1' DAY" : "");
    return nullptr;
  }
  ExprPtr result = expr::cast(std::move(operand), *type, e.is_try);
  if (result->kind == expr::ExprKind::kCast && result->text.empty()) {
    auto named = std::make_shared<expr::Expr>(*result);
    named->text = to_sql(e);
    return named;
  }
  return result;
}

ExprPtr ExprBinder::bind_field(const ast::FieldAccessExpr& e) {
  ExprPtr base = bind(*e.base);
  if (!base) return nullptr;
  const auto& fields = base->type.children();
  for (std::size_t i = 0; base->type.kind() == TypeKind::kRow && i < fields.size(); ++i) {
    if (fields[i].name != e.field.name) continue;
    auto field = std::make_shared<expr::Expr>();
    field->kind = expr::ExprKind::kField;
    field->index = i;
    field->type = fields[i].type;
    field->args = {std::move(base)};
    return field;
  }
  report(e.field.span, "no field '" + e.field.name + "' in " + base->type.to_string());
  return nullptr;
}

ExprPtr ExprBinder::bind_subscript(const ast::SubscriptExpr& e) {
  ExprPtr base = bind(*e.base);
  ExprPtr index = bind(*e.index);
  if (!base || !index) return nullptr;
  const bool of_map = base->type.kind() == TypeKind::kMap;
  if (!of_map && base->type.kind() != TypeKind::kArray) {
    report(e.base->span, "only a MAP and an ARRAY have elements, and this is " +
                             base->type.with_nullable(true).to_string());
    return nullptr;
  }
  const std::string_view function = of_map ? "[KEY]" : "[INDEX]";
  const Type types[] = {base->type, index->type};
  if (const auto fits = expr::find_function(function)->resolve(types); !fits.ok()) {
    report(e.index->span, fits.error().message,
           of_map ? "CAST(... AS " + base->type.children()[0].type.to_string() + ")" : "");
    return nullptr;
  }
  const SourceSpan spans[] = {e.base->span, e.index->span};
  return make_call(function, {std::move(base), std::move(index)}, e, spans);
}

ExprPtr ExprBinder::make_call(std::string_view function, std::vector<ExprPtr> arguments,
                              const ast::Expr& at, std::span<const SourceSpan> spans) {
  const expr::Function* found = expr::find_function(function);
  if (found == nullptr) {
    report(at.span, "the operation " + std::string(function) + " is not supported");
    return nullptr;
  }
  auto call = expr::bind_call(*found, std::move(arguments), to_sql(at));
  if (!call.ok()) {
    report(at.span, call.error().message);
    return nullptr;
  }
  if (const auto fault = expr::constant_fault(**call)) {
    const bool placed = fault->argument && *fault->argument < spans.size();
    report(placed ? spans[*fault->argument] : at.span, fault->error.message);
    return nullptr;
  }
  return *std::move(call);
}

ExprPtr ExprBinder::bind_predicate(const ast::Expr& e, std::string_view what) {
  ExprPtr bound = bind(e);
  if (!bound) return nullptr;
  return coerce(std::move(bound), Type::boolean(), e.span, what);
}

ExprPtr ExprBinder::coerce(ExprPtr e, const Type& to, const SourceSpan& span,
                           std::string_view what) {
  if (e->type.kind() == TypeKind::kNull) return expr::null_literal(to.with_nullable(true));
  if (same_type(e->type, to)) return e;
  if (expr::cast_rule(e->type, to) != expr::CastRule::kImplicit) {
    report(span,
           std::string(what) + " needs " + to.with_nullable(true).to_string() + " but this is " +
               e->type.with_nullable(true).to_string(),
           expr::cast_rule(e->type, to) == expr::CastRule::kExplicit
               ? "CAST(... AS " + to.with_nullable(true).to_string() + ")"
               : "");
    return nullptr;
  }
  const bool nullable = e->type.nullable();
  return expr::cast(std::move(e), to.with_nullable(nullable));
}

}  // namespace slipstream::sql
