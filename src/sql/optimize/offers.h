// What conditions on rows have in common when sources are told of them.
#pragma once

#include <cstddef>

#include "expr/expr.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// A cast to a text that is as long or longer changes nothing, and is left away. One that cuts, adds
// blanks (CHAR) or leads to another type does.
inline const expr::Expr& without_text_cast(const expr::Expr& e) {
  const expr::Expr* inner = &e;
  while (inner->kind == expr::ExprKind::kCast && inner->type.kind() == TypeKind::kVarChar &&
         inner->args[0]->type.is_text() &&
         inner->type.precision() >= inner->args[0]->type.precision())
    inner = inner->args[0].get();
  return *inner;
}

// What the column of the scan is called in its table.
template <typename Condition>
void name_column(const ScanSpec& scan, std::size_t index, Condition& condition) {
  condition.is_metadata = index >= scan.physical.size();
  condition.column = condition.is_metadata
                         ? scan.table.metadata[scan.metadata[index - scan.physical.size()]].key
                         : scan.table.physical[scan.physical[index]].name;
}

}  // namespace slipstream::sql
