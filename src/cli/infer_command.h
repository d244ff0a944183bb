// slipstream infer: a topic as a table, guessed from its newest messages.
#pragma once

#include <cstdint>
#include <string>

#include "cli/cluster.h"

namespace slipstream::cli {

struct InferArguments {
  ClusterArguments cluster;
  std::string topic;
  std::string name{};                               // of the table; empty = the topic's
  std::int64_t count = 200;                         // messages of the sample
  std::int64_t bytes_max = std::int64_t{64} << 20;  // of their bodies
};
// Prints CREATE TABLE.
int infer_command(const InferArguments& arguments);

}  // namespace slipstream::cli
