#include "io/tcp.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/try.h"
#include "io/tls.h"

namespace slipstream::io {
namespace {

using asio::ip::tcp;

// What asio passes to one system call.
constexpr std::size_t kPiecesPerWriteMax = 64;
// TLS: plain bytes that are encrypted at once, and room for encrypted ones (four records).
constexpr std::size_t kEncryptBytesMax = std::size_t{1} << 20;
constexpr std::size_t kEncryptedSpace = std::size_t{64} << 10;

Error network_error(std::string_view what, const std::string& peer, const asio::error_code& error) {
  return Error::retry(ErrorCode::kUnavailable,
                      std::string(what) + " " + peer + ": " + error.message());
}

void set_option(int fd, int level, int name, int value) {
  // Best effort: an old kernel without the option still works, only slower to notice a dead peer.
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

struct Outgoing {
  std::string head;
  std::shared_ptr<const std::string> body;
  std::int64_t leave_by_ms = Connection::kNoDeadline;
  std::size_t size() const { return head.size() + (body ? body->size() : 0); }
};

// Shared by the Connection and the handlers that asio still holds. `handler` is null once closed.
class TcpState : public std::enable_shared_from_this<TcpState> {
 public:
  TcpState(EventLoop& loop, const ConnectionOptions& options, ConnectionHandler& handler,
           std::string peer)
      : loop_(loop),
        options_(options),
        handler_(&handler),
        peer_(std::move(peer)),
        socket_(loop.context()),
        resolver_(loop.context()),
        deadline_(loop.context()) {}

  void connect(const Endpoint& endpoint) {
    host_ = endpoint.host;
    deadline_.expires_after(std::chrono::milliseconds(options_.connect_timeout_ms));
    deadline_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (error || self->open_) return;
      self->fail(Error::retry(ErrorCode::kUnavailable,
                              (self->tls_ ? "TLS handshake with " : "connecting to ") +
                                  self->peer_ + ": no answer within " +
                                  std::to_string(self->options_.connect_timeout_ms) + " ms"));
    });
    asio::error_code not_literal;
    const auto address = asio::ip::make_address(endpoint.host, not_literal);
    if (!not_literal) {
      const std::array<tcp::endpoint, 1> literal{tcp::endpoint(address, endpoint.port)};
      start_connect(
          tcp::resolver::results_type::create(literal.begin(), literal.end(), endpoint.host, ""));
      return;
    }
    resolver_.async_resolve(
        endpoint.host, std::to_string(endpoint.port),
        [self = shared_from_this()](const asio::error_code& error,
                                    const tcp::resolver::results_type& found) {
          if (self->handler_ == nullptr) return;
          if (error) return self->fail(network_error("finding the host of", self->peer_, error));
          self->start_connect(found);
        });
  }

  void adopt(tcp::socket socket) {
    socket_ = std::move(socket);
    loop_.post([self = shared_from_this()] { self->connected(); });
  }

  Status write(std::string head, std::shared_ptr<const std::string> body,
               std::int64_t leave_by_ms) {
    if (handler_ == nullptr)
      return Error::retry(ErrorCode::kUnavailable, "connection to " + peer_ + " is closed");
    Outgoing piece{std::move(head), std::move(body), leave_by_ms};
    if (queued_bytes_ + piece.size() > options_.write_queue_bytes_max) {
      return Error::retry(
          ErrorCode::kResourceExhausted,
          "write queue to " + peer_ + " is full (" + std::to_string(queued_bytes_) + " bytes)");
    }
    queued_bytes_ += piece.size();
    waiting_.push_back(std::move(piece));
    schedule_flush();
    return {};
  }

  void close() {
    handler_ = nullptr;
    asio::error_code ignored;
    deadline_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
    waiting_.clear();
    end_batch();
    queued_bytes_ = 0;
  }

  std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  void start_connect(const tcp::resolver::results_type& candidates) {
    asio::async_connect(
        socket_, candidates,
        [self = shared_from_this()](const asio::error_code& error, const tcp::endpoint&) {
          if (self->handler_ == nullptr) return;
          if (error) return self->fail(network_error("connecting to", self->peer_, error));
          self->connected();
        });
  }

  void connected() {
    if (handler_ == nullptr) return;
    set_socket_options();
    if (options_.tls) return start_tls();
    opened();
    if (handler_ != nullptr) read();
  }

  void opened() {
    open_ = true;
    deadline_.cancel();
    handler_->on_open();
    if (handler_ != nullptr) schedule_flush();
  }

  void start_tls() {
    tls_ = std::make_unique<TlsSession>(options_.tls, host_, peer_);
    encrypted_.resize(kEncryptedSpace);
    advance_tls();
    if (handler_ != nullptr) read_encrypted();
  }

  // The handshake, then what can be read.
  void advance_tls() {
    if (!open_) {
      const Result<bool> done = tls_->handshake();
      if (!done.ok()) return fail(done.error());
      schedule_flush();
      if (!*done) return;
      opened();
    }
    while (handler_ != nullptr) {
      if (space_.empty()) space_ = handler_->read_space();
      const Result<std::size_t> count = tls_->read(space_);
      if (!count.ok()) return fail(count.error());
      if (*count == 0) return schedule_flush();
      space_ = {};
      handler_->on_read(*count);
    }
  }

  void read_encrypted() {
    socket_.async_read_some(
        asio::buffer(encrypted_),
        [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
          if (self->handler_ == nullptr) return;
          if (error) return self->fail(self->read_error(error));
          self->tls_->received(std::span(self->encrypted_).first(count));
          self->advance_tls();
          if (self->handler_ != nullptr) self->read_encrypted();
        });
  }

  Error read_error(const asio::error_code& error) const {
    if (tls_ && !open_) {
      return Error::retry(ErrorCode::kUnavailable,
                          "TLS handshake with " + peer_ + ": " + error.message() +
                              "; does the server take TLS (tls.server.mode), and does it ask for "
                              "a client certificate (tls.cert-file)?");
    }
    if (error == asio::error::eof)
      return Error::retry(ErrorCode::kUnavailable, "connection closed by " + peer_);
    return network_error("reading from", peer_, error);
  }

  void set_socket_options() {
    asio::error_code ignored;  // without it a full socket holds up the loop, and nothing is lost
    socket_.non_blocking(true, ignored);
    const int fd = socket_.native_handle();
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // A silent peer is noticed after 10 + 3 x 5 s even when nothing is being sent.
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    if (options_.user_timeout_ms > 0) {
      set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options_.user_timeout_ms));
    }
    if (options_.reset_on_close) {
      const linger reset{.l_onoff = 1, .l_linger = 0};
      static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    }
  }

  void read() {
    const std::span<std::uint8_t> space = handler_->read_space();
    socket_.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
          if (self->handler_ == nullptr) return;
          if (error) return self->fail(self->read_error(error));
          self->handler_->on_read(count);
          if (self->handler_ != nullptr) self->read();
        });
  }

  // One turn's writes leave together: the flush runs after what is already queued on the loop.
  void schedule_flush() {
    if (is_blocked_ || flush_posted_ || !something_leaves()) return;
    flush_posted_ = true;
    loop_.post([self = shared_from_this()] {
      self->flush_posted_ = false;
      self->flush();
    });
  }

  bool something_leaves() const {
    return (open_ && !waiting_.empty()) || (tls_ && tls_->has_outgoing());
  }

  // Gives one batch to the operating system, as far as that has room. What is not there after the
  // look at the clock does not leave: asynchronous writes of asio would, without another look.
  void flush() {
    if (handler_ == nullptr || is_blocked_) return;
    if (unsent_bytes_ == 0) {
      const Status gathered = gather();
      if (!gathered.ok()) return fail(gathered.error());
    }
    if (loop_.clock().now_ms() >= leave_by_ms_) {
      return fail(Error::retry(ErrorCode::kTimeout, "writing to " + peer_ +
                                                        ": what was to be sent could not leave "
                                                        "in time"));
    }
    asio::error_code error;
    const std::size_t count = socket_.write_some(std::span(gather_).subspan(sent_pieces_), error);
    if (error && error != asio::error::would_block && error != asio::error::interrupted)
      return fail(network_error("writing to", peer_, error));
    sent(count);
    if (unsent_bytes_ > 0) return wait_for_room();
    queued_bytes_ -= leaving_bytes_;
    end_batch();
    schedule_flush();
  }

  // What waits becomes the batch: as it is, or as records.
  Status gather() {
    if (tls_) {
      TRY(encrypt());
    } else {
      while (!waiting_.empty() && gather_.size() + 2 <= kPiecesPerWriteMax) {
        leaving_.push_back(take_waiting());
        const Outgoing& piece = leaving_.back();
        gather_.push_back(asio::buffer(piece.head));
        if (piece.body && !piece.body->empty()) gather_.push_back(asio::buffer(*piece.body));
      }
    }
    unsent_bytes_ = asio::buffer_size(gather_);
    return {};
  }

  Outgoing take_waiting() {
    Outgoing piece = std::move(waiting_.front());
    waiting_.pop_front();
    leaving_bytes_ += piece.size();
    leave_by_ms_ = std::min(leave_by_ms_, piece.leave_by_ms);
    return piece;
  }

  Status encrypt() {
    while (open_ && !waiting_.empty() && leaving_bytes_ < kEncryptBytesMax) {
      const Outgoing piece = take_waiting();
      TRY(tls_->write(piece.head));
      if (piece.body) TRY(tls_->write(*piece.body));
    }
    records_ = tls_->take_outgoing();
    gather_.push_back(asio::buffer(records_));
    return {};
  }

  void sent(std::size_t count) {
    unsent_bytes_ -= count;
    while (count > 0) {
      asio::const_buffer& piece = gather_[sent_pieces_];
      const std::size_t taken = std::min(count, piece.size());
      piece += taken;
      count -= taken;
      if (piece.size() == 0) ++sent_pieces_;
    }
  }

  void wait_for_room() {
    is_blocked_ = true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](const asio::error_code& error) {
                         self->is_blocked_ = false;
                         if (self->handler_ == nullptr) return;
                         if (error)
                           return self->fail(network_error("writing to", self->peer_, error));
                         self->flush();
                       });
  }

  void end_batch() {
    gather_.clear();
    leaving_.clear();
    sent_pieces_ = 0;
    unsent_bytes_ = 0;
    leaving_bytes_ = 0;
    leave_by_ms_ = Connection::kNoDeadline;
  }

  void fail(const Error& error) {
    if (handler_ == nullptr) return;
    ConnectionHandler* handler = handler_;
    close();
    handler->on_closed(error);
  }

  EventLoop& loop_;
  const ConnectionOptions options_;
  ConnectionHandler* handler_;
  const std::string peer_;
  std::string host_;
  tcp::socket socket_;
  tcp::resolver resolver_;
  asio::steady_timer deadline_;
  bool open_ = false;
  bool is_blocked_ = false;  // the socket had no room for all of the batch
  bool flush_posted_ = false;
  std::size_t queued_bytes_ = 0;
  std::deque<Outgoing> waiting_;
  // The batch on its way out. A deque: its elements do not move while `gather_` points at their
  // (maybe inline) text.
  std::deque<Outgoing> leaving_;
  std::vector<asio::const_buffer> gather_;
  std::size_t sent_pieces_ = 0;                         // of gather_
  std::size_t unsent_bytes_ = 0;                        // of gather_; 0: there is no batch
  std::size_t leaving_bytes_ = 0;                       // of the batch, before encryption
  std::int64_t leave_by_ms_ = Connection::kNoDeadline;  // the earliest of the batch
  std::unique_ptr<TlsSession> tls_;                     // null: plain
  std::vector<std::uint8_t> encrypted_;
  std::span<std::uint8_t> space_;  // where the handler wants the next plain bytes
  std::string records_;            // the batch, encrypted
};

class TcpConnection final : public Connection {
 public:
  explicit TcpConnection(std::shared_ptr<TcpState> state) : state_(std::move(state)) {}
  ~TcpConnection() override { state_->close(); }
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  Status write(std::string head, std::shared_ptr<const std::string> body,
               std::int64_t leave_by_ms) override {
    return state_->write(std::move(head), std::move(body), leave_by_ms);
  }
  void close() override { state_->close(); }
  std::size_t queued_bytes() const override { return state_->queued_bytes(); }

 private:
  std::shared_ptr<TcpState> state_;
};

}  // namespace

std::unique_ptr<Connection> TcpNet::connect(const Endpoint& endpoint,
                                            const ConnectionOptions& options,
                                            ConnectionHandler& handler) {
  auto state = std::make_shared<TcpState>(loop_, options, handler, endpoint.to_string());
  // Posted, so that on_closed() never comes from inside connect().
  loop_.post([state, endpoint] { state->connect(endpoint); });
  return std::make_unique<TcpConnection>(std::move(state));
}

struct TcpListener::State : std::enable_shared_from_this<State> {
  State(EventLoop& event_loop, Accept on_accept)
      : loop(event_loop), accept(std::move(on_accept)), acceptor(event_loop.context()) {}

  Status open(const Endpoint& local) {
    asio::error_code error;
    const auto address = asio::ip::make_address(local.host, error);
    if (error)
      return Error{ErrorCode::kInvalidArgument, "'" + local.host + "' is not an IP address"};
    const tcp::endpoint endpoint(address, local.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return network_error("listening on", local.to_string(), error);
    port = acceptor.local_endpoint(error).port();
    return {};
  }

  void next() {
    acceptor.async_accept(
        [self = shared_from_this()](const asio::error_code& error, tcp::socket socket) {
          if (self->closed) return;
          if (!error) self->hand_over(std::move(socket));
          self->next();
        });
  }

  void hand_over(tcp::socket socket) {
    auto shared = std::make_shared<tcp::socket>(std::move(socket));
    accept([this, shared](ConnectionHandler& handler) -> std::unique_ptr<Connection> {
      auto state = std::make_shared<TcpState>(loop, ConnectionOptions{}, handler, "client");
      state->adopt(std::move(*shared));
      return std::make_unique<TcpConnection>(std::move(state));
    });
  }

  EventLoop& loop;
  Accept accept;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  bool closed = false;
};

Result<std::unique_ptr<TcpListener>> TcpListener::listen(EventLoop& loop, const Endpoint& local,
                                                         Accept accept) {
  auto state = std::make_shared<State>(loop, std::move(accept));
  TRY(state->open(local));
  state->next();
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(state)));
}

TcpListener::~TcpListener() {
  state_->closed = true;
  asio::error_code ignored;
  state_->acceptor.close(ignored);
}

std::uint16_t TcpListener::port() const { return state_->port; }

}  // namespace slipstream::io
