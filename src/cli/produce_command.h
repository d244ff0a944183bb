// slipstream produce: lines as messages.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/progress.h"

namespace slipstream::cli {

struct ProduceArguments {
  ClusterArguments cluster;
  std::string topic;
  std::string tag;
  std::string key;
  std::vector<std::string> properties;  // NAME=VALUE
  std::string file = "-";
  std::string delay;          // level 1..18, or a duration; empty = none
  double rate = 0;            // messages per second; 0 = as fast as possible
  std::string key_separator;  // a line is KEY, this, BODY; empty = a line is a body
  bool json = false;          // a line is an envelope as consume --json writes it
  ProgressArguments progress;
};
// One message per line. Exit 0 only when every line is stored.
int produce_command(const ProduceArguments& arguments);

}  // namespace slipstream::cli
