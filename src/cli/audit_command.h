// slipstream audit: what went into a job against what came out of it, or one edge after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/progress.h"
#include "cli/row_printer.h"
#include "cli/server_address.h"

namespace slipstream::cli {

struct AuditArguments {
  ClusterArguments cluster;
  // Topics, or recordings by their paths.
  std::vector<std::string> in;
  std::vector<std::string> out;
  std::vector<std::string> minus;  // what was dropped on purpose
  // Which message it is: fields of its JSON, or its keys; else the body.
  std::vector<std::string> columns;
  bool keys = false;
  std::string time;               // field with its time; empty: when it was stored
  std::string from = "earliest";  // positions
  std::string to = "latest";      // exclusive
  std::int64_t show_max = 20;     // messages of each kind of difference
  bool all_minutes = false;
  // Instead of topics: the edges of a job of a server.
  std::string job;
  ServerArguments server;
  OutputFormat output = OutputFormat::kTable;
  ProgressArguments progress{};
};
// kExitOk: all that went in came out, once. kExitFailed: it did not, could not be read, changed
// meanwhile, or there was nothing to compare. kExitUsage: wrong options, a file that cannot be read.
int audit_command(const AuditArguments& arguments);

}  // namespace slipstream::cli
