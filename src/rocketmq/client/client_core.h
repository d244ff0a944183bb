// What producers, consumers and admins of one client share: the loop, the connections, the routes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/client.h"

#include "base/clock.h"
#include "base/mutex.h"
#include "base/try.h"
#include "io/event_loop.h"
#include "io/tcp.h"
#include "io/tls.h"
#include "rocketmq/client/call_quota.h"
#include "rocketmq/client/memberships.h"
#include "rocketmq/net/channel.h"
#include "rocketmq/net/signer.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::internal {

// Pulls, sends and small requests to one broker do not wait behind each other's bytes.
enum class ChannelRole : std::uint8_t { kControl, kPull, kSend, kFencedSend };

using Route = std::shared_ptr<const RouteData>;
using RouteDone = std::function<void(Result<Route>)>;

// "host:port;host:port"; spaces and commas are accepted too. So is "http://" in front of a host, as
// users of the Java client write it for managed services (NameServerAddressUtils, 4.9); the
// protocol is the same.
Result<std::vector<io::Endpoint>> parse_name_servers(std::string_view text);

// Owner:  the Client and what was made from it (shared).
// Thread: loop, where not said otherwise.
// Bounds: kWaitingCallsMax calls that wait for the quota of calls per second; kRoutesMax routes, of
//         which the one that was fetched longest ago makes room.
class ClientCore {
 public:
  // Fails when no name server answers within options.start_timeout_ms.
  // Thread: any.
  static Result<std::shared_ptr<ClientCore>> start(const ClientOptions& options);
  ~ClientCore();
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  // Thread: any but the loop.
  void close();

  // Runs `closed` on the loop as the first thing that close() does; at once, on this thread, when
  // that has passed. Any thread may ask. It must not hold what it belongs to: that may go first.
  using CloseListener = std::uint64_t;
  CloseListener when_closed(std::function<void()> closed);
  void forget(CloseListener listener);
  static Error closed_error() {
    return Error::retry(ErrorCode::kCancelled, "the client was closed");
  }

  const ClientOptions& options() const { return options_; }
  io::EventLoop& loop() { return loop_; }
  const Clock& clock() const { return clock_; }

  // Asks the current name server, then the others, until one answers; again where the connection
  // was lost.
  void call_name_server(const Command& command, CallDone done);
  // `address` as a route names it. From `leave_by_ms` of clock() on nothing of the request leaves.
  void call(const std::string& address, ChannelRole role, Command command,
            std::shared_ptr<const std::string> body, std::int64_t timeout_ms, CallDone done,
            std::int64_t leave_by_ms = io::Connection::kNoDeadline);
  // The route, asked for again when it is older than `age_max_ms`. While name servers do not
  // answer, an old one is given. kNotFound when they say that there is no such topic; a retryable
  // kUnavailable when they say so because its brokers are away: none is registered, or one that had
  // it is not. `done` may run at once.
  void route(const std::string& topic, std::int64_t age_max_ms, RouteDone done);
  // The route shows a broker that does not serve a queue any more: the next question fetches it.
  void outdate_route(const std::string& topic);
  // Writes where a group stands in a queue. A group's first write to a broker goes alone: brokers
  // that get several at once may lose some of them.
  void write_group_offset(const std::string& group, const MessageQueue& queue, std::int64_t offset,
                          std::function<void(const Status&)> done);
  Memberships& memberships() { return memberships_; }
  // Every request of a broker with this code is shown to the listeners for it until one has an
  // answer. `address`: the broker's, as call() takes it. The listener runs until forget_requests().
  using RequestListener =
      std::function<std::optional<Command>(const std::string& address, const Answer& request)>;
  std::uint64_t listen(RequestCode code, RequestListener listener);
  void forget_requests(std::uint64_t listener);
  const std::vector<io::Endpoint>& name_servers() const { return name_servers_; }
  void call_one_name_server(std::size_t index, const Command& command, CallDone done);

  // Runs `begin` on the loop and waits until it called its argument. The limit does not count while
  // the quota holds calls back.
  // Thread: any but the loop.
  template <typename T>
  Result<T> wait(std::function<void(std::function<void(Result<T>)>)> begin, std::int64_t limit_ms);
  Result<Answer> wait_call(const std::string& address, Command command);
  Result<Answer> wait_name_server(const Command& command);
  Result<Route> wait_route(const std::string& topic, std::int64_t age_max_ms);

 private:
  struct CachedRoute {
    Route route;
    std::int64_t fetched_ms = 0;
    std::vector<RouteDone> waiters;
    std::vector<std::string> brokers;  // that had the topic when it was known last
    std::optional<Error> away;         // why the last question had no answer
    std::int64_t away_ms = 0;
  };

  explicit ClientCore(const ClientOptions& options);
  Status reach_name_servers();
  // Until brokers have answered that the members of this client are gone, for a second at most:
  // whoever looks after close() sees them no more.
  void wait_for_sign_off();
  void try_name_server(const Command& command, std::size_t index, std::size_t tries_left,
                       CallDone done);
  enum class Asked : std::uint8_t { kOnce, kTwice };
  void fetch_route(const std::string& topic, Asked asked);
  void route_arrived(const std::string& topic, Asked asked, CallOutcome outcome);
  // No name server knows the topic: because there is none, or because its brokers are away.
  void route_missing(const std::string& topic, Asked asked);
  Error missing_topic(const std::string& topic, const CachedRoute& cached,
                      const CallOutcome& cluster) const;
  void finish_route(const std::string& topic, const Result<Route>& result);
  // What is behind a wait that ran out: the last failure of a name server; else the error itself.
  std::string cause_of(const Error& error);
  // With what is behind it.
  template <typename T>
  Result<T> explained(Result<T> result);
  void make_room_for_route();
  using OffsetWritten = std::function<void(const Status&)>;
  // `served`: with the name of the broker at `address`.
  void send_group_offset(const std::string& address, const std::string& group,
                         const MessageQueue& served, std::int64_t offset, OffsetWritten done);
  Channel& channel(const std::string& address, ChannelRole role, const io::Endpoint& endpoint);
  // Once more when access control refuses and the credentials file has changed.
  void transmit(Channel& channel, ChannelRole role, Command command,
                std::shared_ptr<const std::string> body, std::int64_t timeout_ms, CallDone done,
                std::int64_t leave_by_ms = io::Connection::kNoDeadline);
  // A call that the quota may hold back. Its time-out begins when it leaves; one that may not leave
  // any more fails.
  struct WaitingCall {
    Channel* channel;
    ChannelRole role;
    Command command;
    std::shared_ptr<const std::string> body;
    std::int64_t timeout_ms;
    std::int64_t leave_by_ms;
    CallDone done;
  };
  // At once, unless it must wait. Calls leave in their order, pulls after all others, so that a
  // reader does not hold up sends and heartbeats; but not after more than kCallsBeforePullMax.
  void send_now(WaitingCall call);
  std::deque<WaitingCall>& next_line();
  // Lets waiting calls go as far as the quota allows.
  void release_calls();
  void fail_waiting_calls();
  void heartbeat_later();
  std::optional<Command> asked(const std::string& address, const Answer& request);

  const ClientOptions options_;
  const SystemClock clock_{};
  std::vector<io::Endpoint> name_servers_;
  std::size_t current_name_server_ = 0;
  std::shared_ptr<ReceivePool> pool_;
  std::shared_ptr<Signer> signer_;
  std::shared_ptr<const io::TlsContext> tls_;  // null: plain
  std::map<std::pair<std::string, ChannelRole>, std::unique_ptr<Channel>> channels_;
  const std::shared_ptr<CallQuota> quota_;  // of the cluster; declared by options_
  std::deque<WaitingCall> waiting_calls_;   // all but pulls
  std::deque<WaitingCall> waiting_pulls_;
  int calls_before_pull_ = 0;  // that left since a pull waits
  // Any of waiting_calls_, and when one did last. For wait(), too.
  std::atomic<bool> calls_wait_{false};
  std::atomic<std::int64_t> calls_waited_ms_{0};
  bool release_is_set_ = false;  // a timer for release_calls()
  std::set<std::pair<std::string, ChannelRole>> heartbeats_under_way_;
  std::map<std::string, CachedRoute, std::less<>> routes_;
  Memberships memberships_;
  std::map<std::uint64_t, std::pair<RequestCode, RequestListener>> request_listeners_;
  std::uint64_t last_request_listener_ = 0;
  // Writes that wait for the first of their group, topic and broker; null when that is done.
  using Writes = std::vector<std::function<void()>>;
  std::map<std::string, std::unique_ptr<Writes>> group_writes_;
  std::atomic<bool> closed_{false};
  Mutex listeners_mutex_;
  bool listeners_called_ SLIPSTREAM_GUARDED_BY(listeners_mutex_) = false;
  CloseListener last_listener_ SLIPSTREAM_GUARDED_BY(listeners_mutex_) = 0;
  std::map<CloseListener, std::function<void()>> listeners_ SLIPSTREAM_GUARDED_BY(listeners_mutex_);
  Mutex failure_mutex_;
  std::string name_server_failure_ SLIPSTREAM_GUARDED_BY(failure_mutex_);  // empty: it answered
  io::EventLoop loop_;
  io::TcpNet net_;
};

template <typename T>
Result<T> ClientCore::wait(std::function<void(std::function<void(Result<T>)>)> begin,
                           std::int64_t limit_ms) {
  CHECK(!loop_.in_loop());
  struct Slot {
    Mutex mutex;
    Condition ready;
    std::optional<Result<T>> value SLIPSTREAM_GUARDED_BY(mutex);
  };
  auto slot = std::make_shared<Slot>();
  const auto set = [slot](Result<T> value) {
    MutexLock lock(slot->mutex);
    if (!slot->value.has_value()) slot->value.emplace(std::move(value));
    slot->ready.notify_all();
  };
  const CloseListener listener = when_closed([set] { set(closed_error()); });
  loop_.post([set, begin = std::move(begin)] { begin(set); });
  const std::int64_t begin_ms = clock_.now_ms();
  Result<T> result =
      Error::retry(ErrorCode::kTimeout, "no result within " + std::to_string(limit_ms) + " ms");
  {
    MutexLock lock(slot->mutex);
    while (!slot->value.has_value()) {
      const std::int64_t now_ms = clock_.now_ms();
      const std::int64_t held_ms = calls_wait_ ? now_ms : calls_waited_ms_.load();
      const std::int64_t left_ms = std::max(begin_ms, held_ms) + limit_ms - now_ms;
      if (left_ms <= 0) break;
      slot->ready.wait_for_ms(slot->mutex, left_ms);
    }
    if (slot->value.has_value()) result = std::move(*slot->value);
  }
  forget(listener);
  return result;
}

}  // namespace slipstream::rocketmq::internal
