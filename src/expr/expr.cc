#include "expr/expr.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

#include "expr/function.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

std::shared_ptr<Expr> node(ExprKind kind, Type type, std::vector<ExprPtr> args = {}) {
  auto made = std::make_shared<Expr>();
  made->kind = kind;
  made->type = std::move(type);
  made->args = std::move(args);
  return made;
}

bool any_nullable(const std::vector<ExprPtr>& args) {
  return std::any_of(args.begin(), args.end(),
                     [](const ExprPtr& arg) { return arg->type.nullable(); });
}

ExprPtr logical(ExprKind kind, std::vector<ExprPtr> args, bool neutral) {
  if (args.empty()) return bool_literal(neutral);
  if (args.size() == 1) return args[0];
  // Nested nodes of the same kind become one, so that evaluation narrows the rows in one place.
  std::vector<ExprPtr> flat;
  for (ExprPtr& arg : args) {
    if (arg->kind == kind) {
      flat.insert(flat.end(), arg->args.begin(), arg->args.end());
    } else {
      flat.push_back(std::move(arg));
    }
  }
  const bool nullable = any_nullable(flat);
  return node(kind, Type::boolean().with_nullable(nullable), std::move(flat));
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  seed ^= value + 0x9E3779B97F4A7C15ULL + (seed << 6U) + (seed >> 2U);
  seed *= 0xFF51AFD7ED558CCDULL;
  return seed ^ (seed >> 33U);
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return value;
}

std::string infix(const Expr& e, std::string_view word) {
  std::string text = "(";
  for (std::size_t i = 0; i < e.args.size(); ++i) {
    if (i != 0) text.append(" ").append(word).append(" ");
    text += to_string(*e.args[i]);
  }
  return text + ")";
}

std::string list(const std::vector<ExprPtr>& args) {
  std::string text;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i != 0) text += ", ";
    text += to_string(*args[i]);
  }
  return text;
}

std::string case_text(const Expr& e) {
  std::string text = "CASE";
  for (std::size_t i = 0; i + 1 < e.args.size(); i += 2) {
    text += " WHEN " + to_string(*e.args[i]) + " THEN " + to_string(*e.args[i + 1]);
  }
  return text + " ELSE " + to_string(*e.args.back()) + " END";
}

std::string call_text(const Expr& e) {
  const std::string& name = e.function->name;
  const bool is_word = !name.empty() && ((name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_');
  const bool is_infix_word = name == "LIKE" || name == "SIMILAR TO" || name == "NOT LIKE" ||
                             name == "IS DISTINCT FROM" || name == "IS NOT DISTINCT FROM";
  if (name == "[KEY]" || name == "[INDEX]")
    return to_string(*e.args[0]) + "[" + to_string(*e.args[1]) + "]";
  if (e.args.size() == 2 && (!is_word || is_infix_word)) return infix(e, name);
  if (e.args.size() == 1 && !is_word) return name + to_string(*e.args[0]);
  if (e.args.size() == 1 && name.starts_with("IS "))
    return "(" + to_string(*e.args[0]) + " " + name + ")";
  if (name == "IN" && e.args.size() > 1) {
    return "(" + to_string(*e.args[0]) + " IN (" +
           list(std::vector<ExprPtr>(e.args.begin() + 1, e.args.end())) + "))";
  }
  return name + "(" + list(e.args) + ")";
}

bool has_children_equal(const Expr& a, const Expr& b) {
  if (a.args.size() != b.args.size()) return false;
  for (std::size_t i = 0; i < a.args.size(); ++i) {
    if (a.args[i] != b.args[i] && !equal(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

void collect_columns(const Expr& e, std::set<std::size_t>& found) {
  if (e.kind == ExprKind::kColumn) found.insert(e.index);
  for (const ExprPtr& arg : e.args) collect_columns(*arg, found);
}

}  // namespace

ExprPtr column(std::size_t index, Type type, std::string name) {
  auto made = node(ExprKind::kColumn, std::move(type));
  made->index = index;
  made->text = std::move(name);
  return made;
}

ExprPtr literal(ColumnPtr one_row, std::string text) {
  auto made = node(ExprKind::kLiteral, one_row->type().with_nullable(one_row->is_null(0)));
  made->literal = std::move(one_row);
  made->text = std::move(text);
  return made;
}

ExprPtr null_literal(Type type) { return literal(one_null(type), "NULL"); }
ExprPtr bool_literal(bool value) {
  return literal(one_value<std::uint8_t>(Type::boolean().not_null(), value ? 1 : 0),
                 value ? "TRUE" : "FALSE");
}
ExprPtr int_literal(std::int32_t value) {
  return literal(one_value(Type::integer(), value), std::to_string(value));
}
ExprPtr bigint_literal(std::int64_t value) {
  return literal(one_value(Type::bigint(), value), std::to_string(value));
}
ExprPtr string_literal(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return literal(one_text(Type::string(), value), quoted + "'");
}

ExprPtr call(const Function* function, std::vector<ExprPtr> args, Type type, std::string text) {
  auto made = node(ExprKind::kCall, std::move(type), std::move(args));
  made->function = function;
  made->text = std::move(text);
  return made;
}

ExprPtr cast(ExprPtr arg, Type to, bool try_cast) {
  if (same_type(arg->type, to)) return arg;
  const bool nullable = arg->type.nullable() || try_cast || to.kind() == TypeKind::kDecimal;
  auto made = node(ExprKind::kCast, to.with_nullable(nullable), {std::move(arg)});
  made->try_cast = try_cast;
  return made;
}

ExprPtr conjunction(std::vector<ExprPtr> args) {
  return logical(ExprKind::kAnd, std::move(args), true);
}
ExprPtr disjunction(std::vector<ExprPtr> args) {
  return logical(ExprKind::kOr, std::move(args), false);
}

ExprPtr negation(ExprPtr arg) {
  const bool nullable = arg->type.nullable();
  return node(ExprKind::kNot, Type::boolean().with_nullable(nullable), {std::move(arg)});
}

ExprPtr is_null(ExprPtr arg, bool negated) {
  auto made = node(ExprKind::kIsNull, Type::boolean().not_null(), {std::move(arg)});
  made->negated = negated;
  return made;
}

ExprPtr case_when(std::vector<ExprPtr> args, Type type) {
  return node(ExprKind::kCase, std::move(type), std::move(args));
}
ExprPtr coalesce(std::vector<ExprPtr> args, Type type) {
  return node(ExprKind::kCoalesce, std::move(type), std::move(args));
}

bool equal(const Expr& a, const Expr& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.index != b.index || a.function != b.function ||
      a.try_cast != b.try_cast || a.negated != b.negated || !(a.type == b.type)) {
    return false;
  }
  if (a.kind == ExprKind::kLiteral && a.literal != b.literal && !same_value(*a.literal, *b.literal))
    return false;
  return has_children_equal(a, b);
}

std::uint64_t hash(const Expr& e) {
  std::uint64_t value = mix(static_cast<std::uint64_t>(e.kind), e.index);
  value = mix(value, hash_text(e.type.to_string()));
  value = mix(value, (e.try_cast ? 2U : 0U) | (e.negated ? 1U : 0U));
  if (e.function != nullptr) value = mix(value, hash_text(e.function->name));
  if (e.kind == ExprKind::kLiteral) value = mix(value, hash_text(value_bytes(*e.literal)));
  for (const ExprPtr& arg : e.args) value = mix(value, hash(*arg));
  return value;
}

std::vector<std::size_t> columns_read(const Expr& e) {
  std::set<std::size_t> found;
  collect_columns(e, found);
  return {found.begin(), found.end()};
}

ExprPtr substitute(const ExprPtr& e, const std::vector<ExprPtr>& replacements) {
  if (e->kind == ExprKind::kColumn) return replacements.at(e->index);
  if (e->args.empty()) return e;
  std::vector<ExprPtr> args;
  bool changed = false;
  for (const ExprPtr& arg : e->args) {
    args.push_back(substitute(arg, replacements));
    changed = changed || args.back() != arg;
  }
  if (!changed) return e;
  auto copy = std::make_shared<Expr>(*e);
  copy->args = std::move(args);
  return copy;
}

bool deterministic(const Expr& e) {
  if (e.kind == ExprKind::kCall && !e.function->deterministic) return false;
  return std::all_of(e.args.begin(), e.args.end(),
                     [](const ExprPtr& arg) { return deterministic(*arg); });
}

std::string to_string(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kColumn:
      return e.text.empty() ? "$" + std::to_string(e.index) : e.text;
    case ExprKind::kLiteral:
      return e.text.empty() ? value_text(*e.literal) : e.text;
    case ExprKind::kCall:
      return call_text(e);
    case ExprKind::kCast:
      return (e.try_cast ? "TRY_CAST(" : "CAST(") + to_string(*e.args[0]) + " AS " +
             e.type.with_nullable(true).to_string() + ")";
    case ExprKind::kCase:
      return case_text(e);
    case ExprKind::kAnd:
      return infix(e, "AND");
    case ExprKind::kOr:
      return infix(e, "OR");
    case ExprKind::kNot:
      return "NOT " + to_string(*e.args[0]);
    case ExprKind::kIsNull:
      return "(" + to_string(*e.args[0]) + (e.negated ? " IS NOT NULL)" : " IS NULL)");
    case ExprKind::kCoalesce:
      return "COALESCE(" + list(e.args) + ")";
    case ExprKind::kField: {
      const auto& fields = e.args[0]->type.children();
      return to_string(*e.args[0]) + "." + (e.index < fields.size() ? fields[e.index].name : "?");
    }
  }
  return "?";
}

std::vector<ExprPtr> split_conjunction(const ExprPtr& e) {
  if (e->kind != ExprKind::kAnd) return {e};
  std::vector<ExprPtr> parts;
  for (const ExprPtr& arg : e->args) {
    std::vector<ExprPtr> inner = split_conjunction(arg);
    parts.insert(parts.end(), inner.begin(), inner.end());
  }
  return parts;
}

}  // namespace slipstream::expr
