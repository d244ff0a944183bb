// slipstream cluster and broker: what brokers are, how they are set, who is connected.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct BrokerArguments {
  ClusterArguments cluster;
  std::string broker;                 // a name (its master) or an address
  std::vector<std::string> settings;  // config get: names; config set: NAME=VALUE
  bool dry_run = false;
  OutputFormat output = OutputFormat::kTable;
};
int cluster_describe_command(const BrokerArguments& arguments);
// Secrets are shown as ***.
int broker_config_get_command(const BrokerArguments& arguments);
// Says what was and what is; refuses names that the broker does not know.
int broker_config_set_command(const BrokerArguments& arguments);
int broker_connections_command(const BrokerArguments& arguments);

}  // namespace slipstream::cli
