// slipstream topic, produce, consume: RocketMQ from the command line.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct TopicArguments {
  ClusterArguments cluster;
  std::string topic;
  int queues = 4;
  OutputFormat output = OutputFormat::kTable;
};
int topic_list_command(const TopicArguments& arguments);
int topic_create_command(const TopicArguments& arguments);
int topic_describe_command(const TopicArguments& arguments);
int topic_delete_command(const TopicArguments& arguments);
int topic_widen_command(const TopicArguments& arguments);

struct ProduceArguments {
  ClusterArguments cluster;
  std::string topic;
  std::string tag;
  std::string key;
  std::vector<std::string> properties;  // k=v
  std::string file = "-";
  std::string delay;  // level 1..18, or a duration; empty = none
  double rate = 0;    // messages per second; 0 = as fast as possible
};
// One message per line. Exit 0 only when every line is stored.
int produce_command(const ProduceArguments& arguments);

struct ConsumeArguments {
  ClusterArguments cluster;
  std::string topic;
  // earliest | latest | milliseconds since 1970 | a time | [BROKER:]QUEUE:OFFSET, of that queue
  // only
  std::string from = "earliest";
  std::string tag = "*";
  std::string format =
      "%s\\n";  // %t topic %b broker %q queue %o offset %k keys %g tags %i id %T store time %s body
  std::int64_t count = -1;
  bool follow = false;  // go on at the end
};
int consume_command(const ConsumeArguments& arguments);

}  // namespace slipstream::cli
