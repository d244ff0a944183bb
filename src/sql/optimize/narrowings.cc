#include "sql/optimize/narrowings.h"

#include <optional>
#include <utility>

#include "expr/function.h"
#include "sql/optimize/offers.h"

namespace slipstream::sql {
namespace {

using expr::ExprPtr;
using Element = ElementCondition;

// m['key'] of a MAP of texts.
std::optional<Element> as_element(const expr::Expr& e, const Rel& scan) {
  const expr::Expr& call = without_text_cast(e);
  if (call.kind != expr::ExprKind::kCall || call.function->name != "[KEY]") return std::nullopt;
  const expr::Expr& map = *call.args[0];
  const expr::Expr& key = *call.args[1];
  if (map.kind != expr::ExprKind::kColumn || key.kind != expr::ExprKind::kLiteral ||
      key.literal->is_null(0) || !key.type.is_text() || !call.type.is_text())
    return std::nullopt;
  Element element;
  name_column(*scan.scan, map.index, element);
  element.key = key.literal->text(0);
  return element;
}

// "m['key'] = 'a'", "'a' <> m['key']", "m['key'] IN ('a', 'b')"; `negated`: the opposite.
std::optional<Element> as_element_comparison(const expr::Expr& e, const Rel& scan, bool negated) {
  const expr::Relation relation = e.function->relation;
  const bool equality = relation == expr::Relation::kEqual || relation == expr::Relation::kNotEqual;
  if ((!equality && relation != expr::Relation::kIn) || e.args.size() < 2) return std::nullopt;
  std::optional<Element> element = as_element(*e.args[0], scan);
  const std::size_t at = element || !equality ? 0 : 1;
  if (at == 1) element = as_element(*e.args[1], scan);
  if (!element) return std::nullopt;
  for (std::size_t i = 0; i < e.args.size(); ++i) {
    if (i == at) continue;
    const expr::Expr& value = without_text_cast(*e.args[i]);
    if (value.kind != expr::ExprKind::kLiteral || value.literal->is_null(0) ||
        !value.type.is_text())
      return std::nullopt;
    element->texts.emplace_back(value.literal->text(0));
  }
  const bool unequal = (relation == expr::Relation::kNotEqual) != negated;
  element->kind = unequal ? Element::Kind::kEqualsNone : Element::Kind::kEqualsAny;
  return element;
}

// What follows from `e` (`negated`: from its opposite) being TRUE. An AND says less without some of
// its operands, an OR says nothing.
std::optional<Element> as_condition(const expr::Expr& e, const Rel& scan, bool negated) {
  switch (e.kind) {
    case expr::ExprKind::kNot:
      return as_condition(*e.args[0], scan, !negated);
    case expr::ExprKind::kCall:
      return as_element_comparison(e, scan, negated);
    case expr::ExprKind::kIsNull: {
      auto element = as_element(*e.args[0], scan);
      if (element)
        element->kind = e.negated != negated ? Element::Kind::kIsNotNull : Element::Kind::kIsNull;
      return element;
    }
    case expr::ExprKind::kAnd:
    case expr::ExprKind::kOr:
      break;
    default:
      return std::nullopt;
  }
  const bool is_and = (e.kind == expr::ExprKind::kAnd) != negated;
  Element all;
  all.kind = is_and ? Element::Kind::kAnd : Element::Kind::kOr;
  for (const ExprPtr& argument : e.args) {
    auto operand = as_condition(*argument, scan, negated);
    if (operand) {
      all.operands.push_back(std::move(*operand));
    } else if (!is_and) {
      return std::nullopt;
    }
  }
  if (all.operands.empty()) return std::nullopt;
  return all.operands.size() == 1 ? std::move(all.operands.front()) : std::move(all);
}

void add_narrowing(const Rel& filter, std::vector<Narrowing>& out) {
  std::vector<ExprPtr> conjuncts = expr::split_conjunction(filter.predicate);
  const Rel* below = filter.inputs[0].get();
  for (; below->kind == RelKind::kCalc && !below->predicate; below = below->inputs[0].get()) {
    for (ExprPtr& e : conjuncts) e = expr::substitute(e, below->projections);
  }
  if (below->kind != RelKind::kScan) return;
  Narrowing narrowing{below, {}};
  for (const ExprPtr& e : conjuncts) {
    if (auto condition = as_condition(*e, *below, false))
      narrowing.conditions.push_back(std::move(*condition));
  }
  if (!narrowing.conditions.empty()) out.push_back(std::move(narrowing));
}

void add_narrowings(const Rel& rel, std::vector<Narrowing>& out) {
  for (const RelPtr& input : rel.inputs) add_narrowings(*input, out);
  if (rel.kind == RelKind::kCalc && rel.predicate) add_narrowing(rel, out);
}

}  // namespace

std::vector<Narrowing> narrowings_of(const Rel& root) {
  std::vector<Narrowing> all;
  add_narrowings(root, all);
  return all;
}

void narrow_sources(const Rel& root) {
  for (const Narrowing& narrowing : narrowings_of(root)) {
    auto* const source = dynamic_cast<NarrowedByElements*>(narrowing.scan->scan->source.get());
    if (source != nullptr) source->narrow(narrowing.conditions);
  }
}

}  // namespace slipstream::sql
