// slipstream topic: topics of a RocketMQ cluster.
#pragma once

#include <string>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct TopicArguments {
  ClusterArguments cluster;
  std::string topic;
  int queues = 0;    // per broker; 0 = not given
  bool yes = false;  // shrink: also when messages get out of reach
  OutputFormat output = OutputFormat::kTable;
};
// Each says what it did on standard error.
int topic_list_command(const TopicArguments& arguments);
// A topic that exists stays as it is; an error when it has another number of queues.
int topic_create_command(const TopicArguments& arguments);
int topic_describe_command(const TopicArguments& arguments);
int topic_delete_command(const TopicArguments& arguments);
int topic_widen_command(const TopicArguments& arguments);
// Fewer queues. What the queues that go still hold cannot be read any more: said, and refused
// without --yes.
int topic_shrink_command(const TopicArguments& arguments);

}  // namespace slipstream::cli
