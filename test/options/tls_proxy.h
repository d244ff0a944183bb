// What stands between a client and a server of this machine, and sees how the client speaks.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "io/testing/identity.h"

namespace slipstream::test {

// Takes connections with TLS or without, and hands what comes on to a port of this machine and back.
// Clients may show a certificate and need none.
//
// Owner:  a test, while its clients live.
// Thread: any; each connection has one of its own.
class TlsProxy {
 public:
  TlsProxy(const io::testing::Identity& identity, std::uint16_t target);
  ~TlsProxy();
  TlsProxy(const TlsProxy&) = delete;
  TlsProxy& operator=(const TlsProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // How the last client that got through spoke: "plain", "TLS", "TLS as NAME"; empty: none did.
  std::string seen();

 private:
  void accept_all();
  void serve(int socket);
  void note(std::string how);

  const std::uint16_t target_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  void* context_ = nullptr;  // SSL_CTX
  std::atomic<bool> ended_ = false;
  Mutex mutex_;
  std::string seen_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::vector<int> sockets_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::vector<std::thread> links_;  // of the accepting thread, until that has ended
  std::thread acceptor_;
};

}  // namespace slipstream::test
