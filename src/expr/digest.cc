#include "expr/digest.h"

#include "data/digest.h"
#include "expr/function.h"
#include "expr/one_row.h"

namespace slipstream::expr {
namespace {

std::vector<std::uint64_t> digests(const Expr& e, std::span<const std::uint64_t> columns) {
  std::vector<std::uint64_t> all;
  for (const ExprPtr& arg : e.args) all.push_back(digest(*arg, columns));
  return all;
}

std::uint64_t ordered(std::string_view word, std::string_view detail,
                      const std::vector<std::uint64_t>& args) {
  Digest digest;
  digest.add(word).add(detail);
  for (const std::uint64_t arg : args) digest.add(arg);
  return digest.value();
}

std::uint64_t literal_digest(const Expr& e) {
  if (e.literal->is_null(0)) return Digest().add("null").value();
  const bool quoted = e.type.is_text() || e.type.is_binary();
  return Digest().add(quoted ? "text" : "value").add(value_text(*e.literal)).value();
}

std::uint64_t cast_digest(const Expr& e, std::span<const std::uint64_t> columns) {
  const std::uint64_t arg = digest(*e.args[0], columns);
  const Type& from = e.args[0]->type;
  if (!e.try_cast && cast_rule(from, e.type) == CastRule::kImplicit &&
      from.is_text() == e.type.is_text())
    return arg;
  return ordered(e.try_cast ? "try-cast" : "cast", e.type.with_nullable(true).to_string(), {arg});
}

std::uint64_t call_digest(const Expr& e, std::span<const std::uint64_t> columns) {
  const std::string& name = e.function->name;
  const auto args = digests(e, columns);
  const Relation relation = e.function->relation;
  if (relation == Relation::kEqual || relation == Relation::kNotEqual)
    return Digest().add("call").add(name).add_set(args).value();
  return ordered("call", name, args);
}

}  // namespace

std::uint64_t digest(const Expr& e, std::span<const std::uint64_t> columns) {
  switch (e.kind) {
    case ExprKind::kColumn:
      return columns[e.index];
    case ExprKind::kLiteral:
      return literal_digest(e);
    case ExprKind::kCall:
      return call_digest(e, columns);
    case ExprKind::kCast:
      return cast_digest(e, columns);
    case ExprKind::kCase:
      return ordered("case", "", digests(e, columns));
    case ExprKind::kAnd:
      return Digest().add("and").add_set(digests(e, columns)).value();
    case ExprKind::kOr:
      return Digest().add("or").add_set(digests(e, columns)).value();
    case ExprKind::kNot:
      return ordered("not", "", digests(e, columns));
    case ExprKind::kIsNull:
      return ordered(e.negated ? "is-not-null" : "is-null", "", digests(e, columns));
    case ExprKind::kCoalesce:
      return ordered("coalesce", "", digests(e, columns));
    case ExprKind::kField:
      return ordered("field", e.args[0]->type.children()[e.index].name, digests(e, columns));
  }
  return 0;
}

}  // namespace slipstream::expr
