// The connections of one process to one RocketMQ cluster.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "slipstream/rocketmq/security.h"
#include "slipstream/status.h"

namespace slipstream {
class Clock;
}

namespace slipstream::rocketmq {

class Client;

namespace internal {
class ClientCore;
ClientCore& core_of(const Client& client);
}  // namespace internal

struct ClientOptions {
  std::string name_servers{};               // "host:port;host:port"
  std::int64_t connect_timeout_ms = 3'000;  // of one connection
  std::int64_t call_timeout_ms = 3'000;     // of one request; pulls and sends have their own
  std::int64_t start_timeout_ms = 10'000;   // connect() gives up after this
  std::int64_t route_refresh_ms =
      30'000;  // how old the known place of a topic may become; sources use 5 s
  std::int64_t heartbeat_interval_ms = 30'000;  // keeps connections open that nothing else uses
  // Most calls to the cluster, name servers included, in any second; of all clients of the process
  // together, the smallest declared number counts. Their time-outs begin when they leave.
  // 0 = none is declared.
  std::int64_t calls_per_second = 0;
  std::string unit_name{};  // a part of the client id that brokers see
  Security security{};
};

// Owner:   the caller; must outlive every Producer, Consumer and Admin made from it.
// Thread:  any. All network work happens on one thread that connect() starts.
// Failure: connect() fails within start_timeout_ms, naming the addresses and the reason, when no
//          name server answers, and logs the reason at the first try; at once when credentials or
//          TLS files cannot be read or a certificate is refused. Afterwards
//          lost connections are re-made with back-off for as long as it takes, which is logged;
//          single requests fail with retryable errors meanwhile.
class Client {
 public:
  static Result<std::unique_ptr<Client>> connect(const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Ends what is in flight with kCancelled, its callbacks included, and stops the thread: every
  // later call answers kCancelled at once. Idempotent; the destructor calls it.
  void close();

  // Runs `work` on the client's thread after a while; never when the client is closed before. It
  // must be short and must not block. To be called on any thread.
  void run_after(std::int64_t delay_ms, std::function<void()> work);

  // What time-outs and the moments of answers are measured with.
  const Clock& clock() const;

 private:
  friend internal::ClientCore& internal::core_of(const Client& client);
  explicit Client(std::shared_ptr<internal::ClientCore> core);
  std::shared_ptr<internal::ClientCore> core_;
};

}  // namespace slipstream::rocketmq
