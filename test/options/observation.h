// What an option changes, shown by two values of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "slipstream/options.h"

namespace slipstream::test {

// `effect` is run with `others` and each value in turn; it must answer what stands beside it.
struct Observation {
  struct Side {
    std::string value;
    std::string seen;
  };
  std::string owner;  // "format json", "connector print", "table"
  std::string option;
  Side one;
  Side other;
  OptionMap others;
  std::function<std::string(const OptionMap&)> effect;
};

std::vector<Observation> format_observations();
std::vector<Observation> connector_observations();
std::vector<Observation> rocketmq_observations();
std::vector<Observation> table_observations();

}  // namespace slipstream::test
