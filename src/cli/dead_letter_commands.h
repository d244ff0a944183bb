// slipstream group dead-letters: what a group gave up, and another try.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct DeadLetterArguments {
  ClusterArguments cluster;
  std::string group;
  // Positions in the dead-letter topic, one per queue when there are several; empty = earliest.
  std::vector<std::string> from{};
  std::int64_t count = -1;         // -1 = all
  std::vector<std::string> ids{};  // redrive: only these
  bool all = false;                // redrive: all of them
  bool yes = false;                // redrive: all of them from the first one on
  std::string to{};                // redrive: empty = where each came from
  bool dry_run = false;
  OutputFormat output = OutputFormat::kTable;
};
int dead_letters_list_command(const DeadLetterArguments& arguments);
// Sends copies; the dead letters stay until the broker deletes them. Each is printed when it is sent;
// SIGINT and SIGTERM end it behind one. What it says last is where a further run goes on.
int dead_letters_redrive_command(const DeadLetterArguments& arguments);

}  // namespace slipstream::cli
