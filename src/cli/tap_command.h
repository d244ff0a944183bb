// slipstream tap: rows that an operator of a running job emits.
#pragma once

#include <cstdint>
#include <string>

#include "cli/server_address.h"

namespace slipstream::cli {

struct TapArguments {
  ServerArguments server;
  std::string job;
  std::string operator_name;  // empty: what a sink takes
  std::int64_t rows = 10;
};
// Prints rows as lines of JSON until there are enough or the job ends.
int tap_command(const TapArguments& arguments);

}  // namespace slipstream::cli
