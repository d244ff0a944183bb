// slipstream record and replay: a slice of a topic to a file, and back to a topic.
#pragma once

#include <cstdint>
#include <string>

#include "cli/cluster.h"
#include "cli/progress.h"

namespace slipstream::cli {

struct RecordArguments {
  ClusterArguments cluster;
  std::string topic;
  std::string from = "earliest";  // positions
  std::string to = "latest";      // exclusive
  std::string file;
  bool overwrite = false;
  ProgressArguments progress{};
};
// Messages of all queues by the time when they were stored. The file appears when it is whole.
int record_command(const RecordArguments& arguments);

struct ReplayArguments {
  ClusterArguments cluster;
  std::string file;
  std::string topic;
  std::string speed = "1";  // how many times as fast as it was recorded; "max"
  ProgressArguments progress{};
};
// Messages of one recorded queue go to one queue, in their order.
int replay_command(const ReplayArguments& arguments);

}  // namespace slipstream::cli
