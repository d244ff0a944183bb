#include "cli/cluster.h"

#include <iostream>

#include "base/try.h"
#include "cli/run_command.h"

namespace slipstream::cli {

Result<std::unique_ptr<rocketmq::Client>> connect(const ClusterArguments& cluster) {
  rocketmq::ClientOptions options;
  options.name_servers = cluster.name_server;
  options.security = rocketmq::completed_from_environment(cluster.security);
  TRY_ASSIGN(options.security.tls.verify, rocketmq::parse_tls_verify(cluster.tls_verify));
  return rocketmq::Client::connect(options);
}

int report(const Status& status) {
  if (status.ok()) return kExitOk;
  std::cerr << "error: " << status.error().message << '\n';
  return kExitFailed;
}

int with_admin(const ClusterArguments& cluster,
               const std::function<Status(rocketmq::Admin&)>& action) {
  const auto client = connect(cluster);
  if (!client.ok()) return report(client.status());
  rocketmq::Admin admin(**client);
  return report(action(admin));
}

}  // namespace slipstream::cli
