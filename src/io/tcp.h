// TCP over an EventLoop.
#pragma once

#include <functional>
#include <memory>

#include "io/event_loop.h"
#include "io/net.h"

namespace slipstream::io {

// Owner: one wiring place; the loop must outlive it and all its connections.
class TcpNet final : public Net {
 public:
  explicit TcpNet(EventLoop& loop) : loop_(loop) {}
  std::unique_ptr<Connection> connect(const Endpoint& endpoint, const ConnectionOptions& options,
                                      ConnectionHandler& handler) override;

 private:
  EventLoop& loop_;
};

// Accepts connections on a local address.
//
// Thread: loop, construction and destruction included.
class TcpListener {
 public:
  // Attaches the accepted connection to the handler that the function returns; null refuses it.
  // The function gets the connection by `adopt`, called with the handler:
  //   [&](TcpListener::Adopt adopt) { session.connection = adopt(session); }
  using Adopt = std::function<std::unique_ptr<Connection>(ConnectionHandler&)>;
  using Accept = std::function<void(Adopt)>;

  // Port 0 takes a free one.
  static Result<std::unique_ptr<TcpListener>> listen(EventLoop& loop, const Endpoint& local,
                                                     Accept accept);
  ~TcpListener();
  std::uint16_t port() const;

 private:
  struct State;
  explicit TcpListener(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::io
