// io::TcpNet and io::TcpListener over the scheduler's time.
#include "network.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "event_queue.h"
#include "io/tcp.h"

namespace slipstream::sim {
namespace {

constexpr std::int64_t kMicrosecondNs = 1'000;
constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr std::uint16_t kFirstPort = 20'000;

NetworkFaults faults;

// 0 to `most`, both included.
std::int64_t draw(std::int64_t most) {
  if (most <= 0) return 0;
  return static_cast<std::int64_t>(scheduler::random() % static_cast<std::uint64_t>(most + 1));
}

bool hits(std::uint32_t one_of) { return one_of != 0 && scheduler::random() % one_of == 0; }

std::int64_t latency_ns() { return (50 + draw(faults.latency_us_max)) * kMicrosecondNs; }

Error broken(const std::string& what, const std::string& peer) {
  return Error::retry(ErrorCode::kUnavailable, what + " " + peer);
}

// One end of a connection.
class End : public std::enable_shared_from_this<End> {
 public:
  End(EventQueue& queue, const io::ConnectionOptions& options, io::ConnectionHandler& handler,
      std::string name)
      : queue_(&queue),
        options_(options),
        handler_(&handler),
        name_(std::move(name)),
        process_(scheduler::process()) {}

  static void join(const std::shared_ptr<End>& one, const std::shared_ptr<End>& other) {
    one->peer_ = other;
    other->peer_ = one;
  }

  bool is_closed() const { return handler_ == nullptr; }
  scheduler::Process process() const { return process_; }
  std::size_t queued_bytes() const { return outgoing_.size(); }

  void opened() {
    if (is_closed()) return;
    open_ = true;
    handler_->on_open();
    if (!is_closed() && !outgoing_.empty()) flush_soon();
  }

  Status write(const std::string& head, const std::shared_ptr<const std::string>& body,
               std::int64_t leave_by_ms) {
    if (is_closed()) return broken("connection closed to", name_);
    const std::size_t size = head.size() + (body ? body->size() : 0);
    if (outgoing_.size() + size > options_.write_queue_bytes_max)
      return Error::retry(ErrorCode::kResourceExhausted, "write queue to " + name_ + " is full");
    outgoing_ += head;
    if (body) outgoing_ += *body;
    leave_by_ms_ = std::min(leave_by_ms_, leave_by_ms);
    if (open_) flush_soon();
    return {};
  }

  // By the owner: nothing is called any more.
  void close() {
    if (is_closed()) return;
    handler_ = nullptr;
    notify_peer();
    queue_ = nullptr;
  }

  void fail_at(std::int64_t time_ns, const std::string& what) {
    if (is_closed()) return;
    queue_->at(time_ns, [self = shared_from_this(), what] { self->fail(what); });
  }

  void fail(const std::string& what) {
    if (is_closed()) return;
    io::ConnectionHandler* handler = std::exchange(handler_, nullptr);
    notify_peer();
    queue_ = nullptr;
    handler->on_closed(broken(what, name_));
  }

 private:
  void notify_peer() {
    const auto peer = peer_.lock();
    if (!peer || peer->is_closed()) return;
    const std::int64_t time_ns = std::max(arrival_ns_ + 1, scheduler::now_ns() + latency_ns());
    peer->fail_at(time_ns, "connection closed by");
  }

  void flush_soon() {
    if (flush_posted_) return;
    flush_posted_ = true;
    queue_->post([self = shared_from_this()] {
      self->flush_posted_ = false;
      if (!self->is_closed()) self->flush();
    });
  }

  void flush() {
    if (SystemClock().now_ms() >= leave_by_ms_)
      return fail("what was to be sent could not leave in time to");
    leave_by_ms_ = io::Connection::kNoDeadline;
    transmit(std::exchange(outgoing_, {}));
  }

  void transmit(std::string bytes) {
    const auto peer = peer_.lock();
    if (!peer || peer->is_closed() || bytes.empty()) return;
    const std::int64_t now_ns = scheduler::now_ns();
    std::int64_t wanted_ns = now_ns + latency_ns();
    if (hits(faults.stall_one_of)) wanted_ns += draw(faults.stall_ms_max) * kMillisecondNs;
    std::int64_t arrival_ns = std::max(arrival_ns_ + 1, wanted_ns);
    const std::int64_t user_timeout_ns = options_.user_timeout_ms * kMillisecondNs;
    if (user_timeout_ns > 0 && arrival_ns - now_ns >= user_timeout_ns)
      return fail_at(now_ns + user_timeout_ns, "time-out of what was sent to");
    if (hits(faults.cut_one_of)) return cut(*peer, std::move(bytes), arrival_ns);
    if (bytes.size() > 1 && draw(3) == 0) {
      const auto middle =
          static_cast<std::size_t>(1 + draw(static_cast<std::int64_t>(bytes.size()) - 2));
      deliver(*peer, bytes.substr(0, middle), arrival_ns);
      bytes.erase(0, middle);
      arrival_ns += latency_ns();
    }
    deliver(*peer, std::move(bytes), arrival_ns);
  }

  void cut(End& peer, std::string bytes, std::int64_t arrival_ns) {
    scheduler::trace("cut", bytes.size());
    const std::int64_t now_ns = scheduler::now_ns();
    if (draw(3) == 0)
      arrival_ns = std::max(arrival_ns, now_ns + draw(network::kLateMs) * kMillisecondNs);
    switch (draw(3)) {
      case 0:
        bytes.clear();
        break;
      case 1:
        bytes.resize(static_cast<std::size_t>(draw(static_cast<std::int64_t>(bytes.size()))));
        break;
      default:
        break;
    }
    if (!bytes.empty()) deliver(peer, std::move(bytes), arrival_ns);
    peer.fail_at(arrival_ns + 1, "connection reset by");
    // Behind what is under way: the peer gets it once.
    arrival_ns_ = std::max(arrival_ns_, arrival_ns);
    fail_at(now_ns + draw(20) * kMillisecondNs, "connection reset by");
  }

  void deliver(End& peer, std::string bytes, std::int64_t arrival_ns) {
    arrival_ns_ = arrival_ns;
    peer.queue_->at(arrival_ns, [to = peer.shared_from_this(), bytes = std::move(bytes)] {
      to->receive(bytes);
    });
  }

  void receive(const std::string& bytes) {
    std::size_t position = 0;
    while (position < bytes.size() && !is_closed()) {
      const auto space = handler_->read_space();
      const std::size_t count = std::min(space.size(), bytes.size() - position);
      std::memcpy(space.data(), bytes.data() + position, count);
      position += count;
      handler_->on_read(count);
    }
  }

  EventQueue* queue_;  // null once closed
  const io::ConnectionOptions options_;
  io::ConnectionHandler* handler_;  // null once closed
  const std::string name_;          // of the peer
  const scheduler::Process process_;
  std::weak_ptr<End> peer_;
  bool open_ = false;
  bool flush_posted_ = false;
  std::string outgoing_;
  std::int64_t leave_by_ms_ = io::Connection::kNoDeadline;  // the earliest of outgoing_
  std::int64_t arrival_ns_ = 0;                             // of the last piece that was sent
};

std::vector<std::weak_ptr<End>>& ends() {
  static std::vector<std::weak_ptr<End>> all;
  return all;
}

std::shared_ptr<End> make_end(EventQueue& queue, const io::ConnectionOptions& options,
                              io::ConnectionHandler& handler, std::string name) {
  auto end = std::make_shared<End>(queue, options, handler, std::move(name));
  std::erase_if(ends(), [](const std::weak_ptr<End>& each) { return each.expired(); });
  ends().push_back(end);
  return end;
}

class SimulatedConnection final : public io::Connection {
 public:
  explicit SimulatedConnection(std::shared_ptr<End> end) : end_(std::move(end)) {}
  ~SimulatedConnection() override { end_->close(); }
  SimulatedConnection(const SimulatedConnection&) = delete;
  SimulatedConnection& operator=(const SimulatedConnection&) = delete;

  Status write(std::string head, std::shared_ptr<const std::string> body,
               std::int64_t leave_by_ms) override {
    return end_->write(head, body, leave_by_ms);
  }
  void close() override { end_->close(); }
  std::size_t queued_bytes() const override { return end_->queued_bytes(); }

 private:
  std::shared_ptr<End> end_;
};

// Who listens, by port. Every host name leads to this machine.
struct Door {
  EventQueue* queue = nullptr;
  io::TcpListener::Accept accept;
};

std::map<std::uint16_t, std::shared_ptr<Door>>& doors() {
  static std::map<std::uint16_t, std::shared_ptr<Door>> all;
  return all;
}

std::shared_ptr<Door> door_at(std::uint16_t port) {
  const auto found = doors().find(port);
  return found == doors().end() ? nullptr : found->second;
}

void enter(Door& door, const std::shared_ptr<End>& client) {
  bool accepted = false;
  door.accept([&](io::ConnectionHandler& handler) -> std::unique_ptr<io::Connection> {
    const auto server = make_end(*door.queue, io::ConnectionOptions{}, handler, "client");
    End::join(client, server);
    door.queue->post([server] { server->opened(); });
    accepted = true;
    return std::make_unique<SimulatedConnection>(server);
  });
  if (!accepted) client->fail_at(scheduler::now_ns() + latency_ns(), "connection refused by");
}

}  // namespace

namespace network {

void set_faults(const NetworkFaults& wanted) { faults = wanted; }

void lose_process(scheduler::Process process) {
  for (const auto& each : ends()) {
    const auto end = each.lock();
    if (end && end->process() == process) end->close();
  }
}

}  // namespace network

// A connection that is asked for: on the client's queue first, then on the door's.
void connect_to(EventQueue& own, std::uint16_t port, const io::ConnectionOptions& options,
                const std::shared_ptr<End>& client) {
  const std::int64_t there_ns = scheduler::now_ns() + latency_ns();
  if (hits(faults.refuse_one_of) && draw(1) == 0) {
    return client->fail_at(scheduler::now_ns() + options.connect_timeout_ms * kMillisecondNs,
                           "no answer from");
  }
  const auto door = door_at(port);
  if (!door || hits(faults.refuse_one_of))
    return client->fail_at(there_ns, "connection refused by");
  door->queue->at(there_ns, [&own, port, door, client] {
    if (client->is_closed()) return;
    if (door_at(port) != door)
      return client->fail_at(scheduler::now_ns() + latency_ns(), "connection refused by");
    enter(*door, client);
    if (!client->is_closed())
      own.at(scheduler::now_ns() + latency_ns(), [client] { client->opened(); });
  });
}

}  // namespace slipstream::sim

namespace slipstream::io {

std::unique_ptr<Connection> TcpNet::connect(const Endpoint& endpoint,
                                            const ConnectionOptions& options,
                                            ConnectionHandler& handler) {
  sim::EventQueue& queue = sim::EventQueue::of(loop_);
  auto end = sim::make_end(queue, options, handler, endpoint.to_string());
  sim::connect_to(queue, endpoint.port, options, end);
  return std::make_unique<sim::SimulatedConnection>(std::move(end));
}

struct TcpListener::State {
  std::uint16_t port = 0;
};

Result<std::unique_ptr<TcpListener>> TcpListener::listen(EventLoop& loop, const Endpoint& local,
                                                         Accept accept) {
  auto state = std::make_shared<State>();
  state->port = local.port;
  if (state->port == 0) {
    state->port = sim::kFirstPort;
    while (sim::doors().contains(state->port)) ++state->port;
  }
  if (sim::doors().contains(state->port))
    return Error{ErrorCode::kUnavailable, "port " + std::to_string(state->port) + " is in use"};
  auto door = std::make_shared<sim::Door>();
  door->queue = &sim::EventQueue::of(loop);
  door->accept = std::move(accept);
  sim::doors().emplace(state->port, std::move(door));
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(state)));
}

TcpListener::~TcpListener() { sim::doors().erase(state_->port); }

std::uint16_t TcpListener::port() const { return state_->port; }

}  // namespace slipstream::io
