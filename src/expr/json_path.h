// Paths of the SQL/JSON functions: "lax $.orders[0].id", "$['a b'].c". Wildcards and filters are
// refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::expr {

struct JsonStep {
  std::string member;      // of an object, when !is_index
  std::int64_t index = 0;  // of an array; negative: from its end
  bool is_index = false;
};

struct JsonPath {
  bool lax = false;  // what is missing is empty; strict, the default: an error
  std::vector<JsonStep> steps;

  static Result<JsonPath> parse(std::string_view text);
};

}  // namespace slipstream::expr
