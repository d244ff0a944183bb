// The connections of one process to one RocketMQ cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "slipstream/rocketmq/security.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

namespace internal {
class ClientCore;
}

struct ClientOptions {
  std::string name_servers{};               // "host:port;host:port"
  std::int64_t connect_timeout_ms = 3'000;  // of one connection
  std::int64_t call_timeout_ms = 3'000;     // of one request; pulls and sends have their own
  std::int64_t start_timeout_ms = 10'000;   // connect() gives up after this
  std::int64_t route_refresh_ms =
      30'000;  // how old the known place of a topic may become; sources use 5 s
  std::int64_t heartbeat_interval_ms = 30'000;  // keeps connections open that nothing else uses
  std::string unit_name{};                      // a part of the client id that brokers see
  Security security{};
};

// Owner:   the caller; must outlive every Producer, Consumer and Admin made from it.
// Thread:  any. All network work happens on one thread that connect() starts.
// Failure: connect() fails within start_timeout_ms, naming the addresses, when no name server
// answers; at once when credentials or TLS files cannot be read or a certificate is refused.
//          Afterwards lost connections are re-made with back-off for as long as it takes, which is
//          logged; single requests fail with retryable errors meanwhile.
class Client {
 public:
  static Result<std::unique_ptr<Client>> connect(const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Fails what is in flight and stops the thread. Idempotent; the destructor calls it.
  void close();

  internal::ClientCore& core() const { return *core_; }

 private:
  explicit Client(std::shared_ptr<internal::ClientCore> core);
  std::shared_ptr<internal::ClientCore> core_;
};

}  // namespace slipstream::rocketmq
