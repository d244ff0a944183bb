// slipstream group: consumer groups and their offsets.
#pragma once

#include <string>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct GroupArguments {
  ClusterArguments cluster;
  std::string group;
  std::string topic;  // describe, skip-backlog: empty = all that the group reads
  std::string to{};   // reset: a position, as consume --from
  bool dry_run = false;
  bool force = false;  // although members are online
  OutputFormat output = OutputFormat::kTable;
};
int group_list_command(const GroupArguments& arguments);
int group_describe_command(const GroupArguments& arguments);
// Writes group offsets. A job that resumes from a checkpoint does not read them.
int group_reset_command(const GroupArguments& arguments);
// To the end of every queue: what waits is not read.
int group_skip_backlog_command(const GroupArguments& arguments);
// Members that are online, their versions and what they read.
int group_connections_command(const GroupArguments& arguments);

}  // namespace slipstream::cli
