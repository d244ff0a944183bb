// Stream connections as callbacks: the seam between protocol code and sockets (real or simulated).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::io {

struct Endpoint {
  std::string host;  // name, IPv4 or IPv6 (without brackets)
  std::uint16_t port = 0;

  // "host:port", "[v6]:port"; also a bare IPv6 address with the port behind the last colon.
  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

class TlsContext;

struct ConnectionOptions {
  std::int64_t connect_timeout_ms = 3'000;  // the TLS handshake included
  std::size_t write_queue_bytes_max = std::size_t{128} << 20;
  // SO_LINGER{1,0}: close() sends a reset and throws away what the kernel has not sent yet.
  bool reset_on_close = false;
  // TCP_USER_TIMEOUT: the connection fails when sent bytes stay unacknowledged for so long. 0 =
  // off.
  std::int64_t user_timeout_ms = 0;
  // Null: plain. With TLS, on_open() comes after the handshake.
  std::shared_ptr<const TlsContext> tls = nullptr;
};

// Callbacks of a connection to its owner.
// Thread: loop.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void on_open() = 0;
  // Where the next bytes go; never empty, valid until the on_read() that follows.
  virtual std::span<std::uint8_t> read_space() = 0;
  virtual void on_read(std::size_t count) = 0;
  // Last call: connect failed, the peer closed, or an error. Not called after close().
  virtual void on_closed(const Error& error) = 0;
};

// Owner:  the handler's owner. Destruction closes; no callback comes afterwards.
// Thread: loop.
// Bounds: write_queue_bytes_max; write() is refused when full.
class Connection {
 public:
  static constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

  virtual ~Connection() = default;
  // Queues head, then body (may be null), as one unit. All that is queued in one turn of the loop
  // leaves with one system call. Allowed before on_open().
  // From `leave_by_ms` of the loop's clock on no byte of it is given to the operating system: the
  // connection fails instead. The clock is read before each system call, so that this holds for a
  // process that stood still meanwhile, too.
  virtual Status write(std::string head, std::shared_ptr<const std::string> body,
                       std::int64_t leave_by_ms) = 0;
  Status write(std::string head, std::shared_ptr<const std::string> body) {
    return write(std::move(head), std::move(body), kNoDeadline);
  }
  virtual void close() = 0;
  virtual std::size_t queued_bytes() const = 0;
};

// Thread: loop.
class Net {
 public:
  virtual ~Net() = default;
  // Never fails at once: failures come through on_closed().
  virtual std::unique_ptr<Connection> connect(const Endpoint& endpoint,
                                              const ConnectionOptions& options,
                                              ConnectionHandler& handler) = 0;
};

}  // namespace slipstream::io
