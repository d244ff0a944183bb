#include "connectors/rocketmq/shared_client.h"

#include <atomic>
#include <cstdint>
#include <deque>

#include "base/mutex.h"
#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

constexpr std::int64_t kRouteAgeMaxMs = 5'000;

// The client of one cluster and one user. Who waits while another connects gets the same outcome.
struct Entry {
  explicit Entry(rocketmq::ClientOptions with) : options(std::move(with)) {}
  bool is_for(const rocketmq::ClientOptions& wanted) const {
    return options.name_servers == wanted.name_servers && options.security == wanted.security &&
           options.heartbeat_interval_ms == wanted.heartbeat_interval_ms &&
           options.unit_name == wanted.unit_name &&
           options.calls_per_second == wanted.calls_per_second;
  }
  const rocketmq::ClientOptions options;
  Mutex mutex;
  std::weak_ptr<rocketmq::Client> client SLIPSTREAM_GUARDED_BY(mutex);
  Status failure SLIPSTREAM_GUARDED_BY(mutex);
  std::atomic<std::uint64_t> failures = 0;  // grows with the lock only
  bool ever_reached SLIPSTREAM_GUARDED_BY(mutex) = false;
};

struct Clients {
  Mutex mutex;
  std::deque<Entry> entries SLIPSTREAM_GUARDED_BY(mutex);  // never move
};

Entry& entry_of(const rocketmq::ClientOptions& options) {
  static Clients all;
  MutexLock lock(all.mutex);
  for (Entry& entry : all.entries) {
    if (entry.is_for(options)) return entry;
  }
  return all.entries.emplace_back(options);
}

}  // namespace

Result<std::shared_ptr<rocketmq::Client>> shared_client(const rocketmq::ClientOptions& options) {
  Entry& entry = entry_of(options);
  const std::uint64_t failures_before = entry.failures;
  MutexLock lock(entry.mutex);
  if (auto client = entry.client.lock()) return client;
  if (entry.failures != failures_before) return entry.failure.error();
  rocketmq::ClientOptions wanted = options;
  wanted.route_refresh_ms = kRouteAgeMaxMs;
  auto made = rocketmq::Client::connect(wanted);
  if (!made.ok()) {
    Error error = made.error();
    // An address that never worked is taken for a wrong one, not for an outage.
    if (!entry.ever_reached) {
      if (error.retryable) error.code = ErrorCode::kInvalidArgument;
      error.retryable = false;
    }
    entry.failure = error;
    ++entry.failures;
    return error;
  }
  entry.ever_reached = true;
  std::shared_ptr<rocketmq::Client> client = std::move(*made);
  entry.client = client;
  return client;
}

}  // namespace slipstream::rocketmq_connector
