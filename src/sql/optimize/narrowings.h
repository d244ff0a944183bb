// What the filters of a plan say of elements of maps.
#pragma once

#include <vector>

#include "slipstream/connector/element_condition.h"

#include "sql/plan/rel.h"

namespace slipstream::sql {

struct Narrowing {
  const Rel* scan = nullptr;
  std::vector<ElementCondition> conditions;  // all hold of every row that is used
};

// Of scans with a filter over them, and no watermark between: event time must not depend on how many
// rows a source leaves out, which it may or may not do. The filters stay.
std::vector<Narrowing> narrowings_of(const Rel& root);

// Tells the sources. REQUIRES: they were made, and no reader of them.
void narrow_sources(const Rel& root);

}  // namespace slipstream::sql
