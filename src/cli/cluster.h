// The RocketMQ cluster that a command works on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/security.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// Where it is, who asks, and how it is reached. A secret is in a file or the environment.
struct ClusterArguments {
  std::string name_server;
  rocketmq::Security security;
  std::string tls_verify = "full";
};

Result<std::unique_ptr<rocketmq::Client>> connect(const ClusterArguments& cluster);

// The exit code; an error goes to standard error.
int report(const Status& status);

// Connects, acts, reports.
int with_admin(const ClusterArguments& cluster,
               const std::function<Status(rocketmq::Admin&)>& action);

}  // namespace slipstream::cli
