// slipstream message: single messages, by id or key, and their trace.
#pragma once

#include <string>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct MessageArguments {
  ClusterArguments cluster;
  std::string id;     // get, trace
  std::string topic;  // get: for unique keys; find
  std::string key;    // find: one of the two
  std::string unique_key;
  std::string trace_topic;  // empty = the brokers' own
  std::int64_t count = 32;  // find: at most so many of each broker
  OutputFormat output = OutputFormat::kTable;
};
// By the id that the broker gave (where it is stored) or, in a topic, the producer's (unique key).
int message_get_command(const MessageArguments& arguments);
int message_find_command(const MessageArguments& arguments);
// What clients whose trace is on reported of it: sent, delivered, consumed.
int message_trace_command(const MessageArguments& arguments);

}  // namespace slipstream::cli
