// One aggregate of a grouped query, as operators take it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/types.h"

#include "expr/function.h"

namespace slipstream::flow {

struct AggregateCallSpec {
  const expr::AggregateFunction* function = nullptr;
  // Input columns, already of the types in `arg_types`; COUNT(*): none.
  std::vector<std::size_t> args;
  std::vector<Type> arg_types;
  Type result;
  bool distinct = false;              // exactly one arg
  std::optional<std::size_t> filter;  // input column, BOOLEAN: only rows where it is TRUE count
  std::string name;                   // for people
};

}  // namespace slipstream::flow
