// What simple sources want to know of a predicate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector/table.h"

namespace slipstream::connector_kit {

// "column = 'a'", "column IN ('a', 'b')" and any OR of these over one text column.
struct EqualsAnyOf {
  std::string column;
  bool is_metadata = false;
  std::vector<std::string> texts;  // at least one
};
std::optional<EqualsAnyOf> equals_any_of(const Predicate& predicate);

}  // namespace slipstream::connector_kit
