#include "connectors/rocketmq/shared_client.h"

#include <map>

#include "base/clock.h"
#include "base/mutex.h"

namespace slipstream::connectors {
namespace {

constexpr std::int64_t kRouteAgeMaxMs = 5'000;

// The client of one cluster. Who waits while another connects gets the same outcome.
struct Entry {
  Mutex mutex;
  std::weak_ptr<rocketmq::Client> client SLIPSTREAM_GUARDED_BY(mutex);
  Status failure SLIPSTREAM_GUARDED_BY(mutex);
  std::int64_t failed_ms SLIPSTREAM_GUARDED_BY(mutex) = -1;
  bool ever_reached SLIPSTREAM_GUARDED_BY(mutex) = false;
};

struct Clients {
  Mutex mutex;
  std::map<std::string, Entry> by_address SLIPSTREAM_GUARDED_BY(mutex);  // nodes never move
};

Entry& entry_of(const std::string& name_servers) {
  static Clients all;
  MutexLock lock(all.mutex);
  return all.by_address[name_servers];
}

}  // namespace

Result<std::shared_ptr<rocketmq::Client>> shared_client(const std::string& name_servers) {
  const SystemClock clock;
  const std::int64_t asked_ms = clock.now_ms();
  Entry& entry = entry_of(name_servers);
  MutexLock lock(entry.mutex);
  if (auto client = entry.client.lock()) return client;
  if (entry.failed_ms >= asked_ms) return entry.failure.error();
  rocketmq::ClientOptions options;
  options.name_servers = name_servers;
  options.route_refresh_ms = kRouteAgeMaxMs;
  auto made = rocketmq::Client::connect(options);
  if (!made.ok()) {
    Error error = made.error();
    // An address that never worked is taken for a wrong one, not for an outage.
    if (!entry.ever_reached) {
      error.code = ErrorCode::kInvalidArgument;
      error.retryable = false;
    }
    entry.failure = error;
    entry.failed_ms = clock.now_ms();
    return error;
  }
  entry.ever_reached = true;
  std::shared_ptr<rocketmq::Client> client = std::move(*made);
  entry.client = client;
  return client;
}

}  // namespace slipstream::connectors
