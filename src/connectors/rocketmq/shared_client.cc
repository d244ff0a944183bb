#include "connectors/rocketmq/shared_client.h"

#include <map>

#include "base/mutex.h"
#include "base/try.h"

namespace slipstream::connectors {
namespace {

constexpr std::int64_t kRouteAgeMaxMs = 5'000;

struct Clients {
  Mutex mutex;
  std::map<std::string, std::weak_ptr<rocketmq::Client>> by_address SLIPSTREAM_GUARDED_BY(mutex);
};

Clients& clients() {
  static Clients all;
  return all;
}

}  // namespace

Result<std::shared_ptr<rocketmq::Client>> shared_client(const std::string& name_servers) {
  Clients& all = clients();
  MutexLock lock(all.mutex);
  std::weak_ptr<rocketmq::Client>& known = all.by_address[name_servers];
  if (auto client = known.lock()) return client;
  rocketmq::ClientOptions options;
  options.name_servers = name_servers;
  options.route_refresh_ms = kRouteAgeMaxMs;
  TRY_ASSIGN(std::unique_ptr<rocketmq::Client> made, rocketmq::Client::connect(options));
  std::shared_ptr<rocketmq::Client> client = std::move(made);
  known = client;
  return client;
}

}  // namespace slipstream::connectors
