#include "connector_kit/predicates.h"

#include <utility>

namespace slipstream::connector_kit {

std::optional<EqualsAnyOf> equals_any_of(const Predicate& predicate) {
  std::optional<EqualsAnyOf> all;
  switch (predicate.kind) {
    case Predicate::Kind::kAnd:
      return std::nullopt;
    case Predicate::Kind::kOr:
      for (const Predicate& operand : predicate.operands) {
        auto one = equals_any_of(operand);
        if (!one || (all && (one->column != all->column || one->is_metadata != all->is_metadata)))
          return std::nullopt;
        if (all) {
          all->texts.insert(all->texts.end(), one->texts.begin(), one->texts.end());
        } else {
          all = std::move(one);
        }
      }
      return all;
    case Predicate::Kind::kCompare:
      if (predicate.comparison != Predicate::Comparison::kEqual) return std::nullopt;
      break;
    case Predicate::Kind::kIn:
      break;
  }
  if (!predicate.values->type().is_text()) return std::nullopt;
  all = EqualsAnyOf{predicate.column, predicate.is_metadata, {}};
  for (std::size_t i = 0; i < predicate.values->size(); ++i)
    all->texts.emplace_back(predicate.values->text(i));
  return all;
}

}  // namespace slipstream::connector_kit
