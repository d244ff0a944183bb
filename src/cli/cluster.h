// The RocketMQ cluster that a command works on.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/security.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// Where it is, who asks, and how it is reached, as options say it. A secret is in a file or the
// environment.
struct ClusterArguments {
  std::string name_server;
  rocketmq::Security security;  // without tls.enabled and tls.verify
  std::optional<bool> tls;
  std::string tls_verify;
};

// What the options leave open comes from the environment; an option always wins.
// Failure: kInvalidArgument, naming the option or the variable.
Result<rocketmq::ClientOptions> client_options(const ClusterArguments& cluster);

// Connects, acts, reports. The exit code.
int with_client(const ClusterArguments& cluster,
                const std::function<Status(rocketmq::Client&)>& action);
int with_admin(const ClusterArguments& cluster,
               const std::function<Status(rocketmq::Admin&)>& action);

// The error of a call about the topic; with the nearest name when there is no such topic.
Error with_nearest_topic(rocketmq::Admin& admin, const std::string& topic, Error error);

}  // namespace slipstream::cli
