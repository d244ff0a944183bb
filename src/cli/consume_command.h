// slipstream consume: messages as lines.
#pragma once

#include <cstdint>
#include <string>

#include "cli/cluster.h"
#include "cli/progress.h"

namespace slipstream::cli {

struct ConsumeArguments {
  ClusterArguments cluster;
  std::string topic;
  std::string from = "earliest";  // as parse_position() reads it
  std::string tag = "*";
  std::string format = "%s\\n";  // as MessageFormat reads it
  bool json = false;             // envelopes instead
  std::int64_t count = -1;       // -1 = all
  bool follow = false;           // go on at the end
  ProgressArguments progress;
};
// Without --follow: what was there when it began. A reader that leaves ends it without an error.
int consume_command(const ConsumeArguments& arguments);

}  // namespace slipstream::cli
