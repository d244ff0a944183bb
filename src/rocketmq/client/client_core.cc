#include "rocketmq/client/client_core.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>

#include <unistd.h>

#include "base/log.h"
#include "base/retry.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {
namespace internal {
namespace {

// Servers close connections that are idle for 120 s.
constexpr std::int64_t kFencedUserTimeoutMs = 5'000;
constexpr std::int64_t kSignOffTimeoutMs = 1'000;
constexpr std::size_t kRoutesMax = 10'000;
constexpr std::size_t kWaitingCallsMax = 65'536;
constexpr int kCallsBeforePullMax = 8;
// Older than any age that is asked for.
constexpr std::int64_t kLongAgo = std::numeric_limits<std::int64_t>::min() / 2;
constexpr std::size_t kRounds = 3;  // over all name servers, for requests whose connection was lost
// For so long those who ask again are told the same: many sends wait for one broker.
constexpr std::int64_t kAwayMs = 100;

ChannelOptions channel_options(const ClientOptions& options, ChannelRole role) {
  ChannelOptions result;
  result.connection.connect_timeout_ms = options.connect_timeout_ms;
  if (role == ChannelRole::kFencedSend) {
    result.connection.reset_on_close = true;
    result.connection.user_timeout_ms = kFencedUserTimeoutMs;
    result.drop_on_timeout = true;
  }
  return result;
}

Result<std::shared_ptr<const io::TlsContext>> make_tls(const TlsOptions& options) {
  if (!options.enabled) return std::shared_ptr<const io::TlsContext>();
  io::TlsSettings settings{.ca_file = options.ca_file,
                           .cert_file = options.cert_file,
                           .key_file = options.key_file,
                           .key_password = options.key_password,
                           .check = io::TlsCheck::kHostName,
                           .server_name = options.server_name};
  if (options.verify == TlsVerify::kCa) settings.check = io::TlsCheck::kAuthority;
  if (options.verify == TlsVerify::kNone) settings.check = io::TlsCheck::kNothing;
  return io::TlsContext::make(settings);
}

std::string address_list(const std::vector<io::Endpoint>& endpoints) {
  std::string text;
  for (const io::Endpoint& endpoint : endpoints)
    text += (text.empty() ? "" : ", ") + endpoint.to_string();
  return text;
}

// Processes of one number are told apart by their hosts, the clients of a process by a number.
std::string client_id(const std::string& unit_name) {
  static std::atomic<int> clients{0};
  const int number = ++clients;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {};
  return std::string(host.data()) + "@" + std::to_string(::getpid()) + "@slipstream" +
         (number == 1 ? "" : "#" + std::to_string(number)) +
         (unit_name.empty() ? "" : "@" + unit_name);
}

}  // namespace

Result<std::vector<io::Endpoint>> parse_name_servers(std::string_view text) {
  std::vector<io::Endpoint> servers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(";, \t\r\n"), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    constexpr std::string_view kScheme = "http://";
    if (item.substr(0, kScheme.size()) == kScheme) item.remove_prefix(kScheme.size());
    TRY_ASSIGN(io::Endpoint endpoint, io::Endpoint::parse(item));
    servers.push_back(std::move(endpoint));
  }
  if (servers.empty()) {
    return Error{ErrorCode::kInvalidArgument, "no name server given; write host:port;host:port"};
  }
  return servers;
}

namespace {

std::vector<std::string> names_of(const std::string& name_servers) {
  std::vector<std::string> names;
  const auto servers = parse_name_servers(name_servers);
  if (!servers.ok()) return names;
  for (const io::Endpoint& server : *servers) names.push_back(server.to_string());
  return names;
}

}  // namespace

Result<std::shared_ptr<ClientCore>> ClientCore::start(const ClientOptions& options) {
  TRY_ASSIGN(std::vector<io::Endpoint> servers, parse_name_servers(options.name_servers));
  if (options.calls_per_second < 0) {
    return Error{
        ErrorCode::kInvalidArgument,
        "a quota of " + std::to_string(options.calls_per_second) + " calls per second; 0 is none"};
  }
  if (options.heartbeat_interval_ms < 1) {
    return Error{ErrorCode::kInvalidArgument, "a heartbeat interval of " +
                                                  std::to_string(options.heartbeat_interval_ms) +
                                                  " ms; it must be at least 1"};
  }
  TRY_ASSIGN(std::shared_ptr<Signer> signer, Signer::make(options.security));
  TRY_ASSIGN(std::shared_ptr<const io::TlsContext> tls, make_tls(options.security.tls));
  std::shared_ptr<ClientCore> core(new ClientCore(options));
  core->signer_ = std::move(signer);
  core->tls_ = std::move(tls);
  core->name_servers_ = std::move(servers);
  if (options.calls_per_second > 0)
    core->quota_->declare(options.calls_per_second, core->clock_.now_ms());
  // Not all clients of a site ask the same name server.
  core->current_name_server_ = std::random_device{}() % core->name_servers_.size();
  const Status reached = core->reach_name_servers();
  if (!reached.ok()) {
    core->close();
    return reached;
  }
  core->loop_.post([raw = core.get()] { raw->heartbeat_later(); });
  return core;
}

ClientCore::ClientCore(const ClientOptions& options)
    : options_(options),
      pool_(ReceivePool::create(std::size_t{1} << 20)),
      quota_(CallQuota::of_cluster(names_of(options.name_servers))),
      memberships_(*this, client_id(options.unit_name)),
      loop_(clock_, "rocketmq-io"),
      net_(loop_) {}

ClientCore::~ClientCore() { close(); }

ClientCore::CloseListener ClientCore::when_closed(std::function<void()> closed) {
  {
    MutexLock lock(listeners_mutex_);
    if (!listeners_called_) {
      listeners_.emplace(++last_listener_, std::move(closed));
      return last_listener_;
    }
  }
  closed();
  return 0;
}

void ClientCore::forget(CloseListener listener) {
  MutexLock lock(listeners_mutex_);
  listeners_.erase(listener);
}

void ClientCore::close() {
  if (closed_.exchange(true)) return;
  loop_.run_and_wait([this] {
    std::map<CloseListener, std::function<void()>> listeners;
    {
      MutexLock lock(listeners_mutex_);
      listeners_called_ = true;
      listeners = std::exchange(listeners_, {});
    }
    for (const auto& [id, closed] : listeners) closed();
  });
  wait_for_sign_off();
  loop_.run_and_wait([this] {
    if (options_.calls_per_second > 0) quota_->withdraw(options_.calls_per_second, clock_.now_ms());
    auto channels = std::exchange(channels_, {});
    fail_waiting_calls();  // call() refuses now
    channels.clear();
    for (auto& [topic, cached] : routes_) {
      for (RouteDone& done : std::exchange(cached.waiters, {})) done(closed_error());
    }
  });
  loop_.stop();
}

void ClientCore::wait_for_sign_off() {
  if (loop_.in_loop()) return;
  struct Slot {
    Mutex mutex;
    Condition changed;
    bool settled SLIPSTREAM_GUARDED_BY(mutex) = false;
  };
  auto slot = std::make_shared<Slot>();
  loop_.post([this, slot] {
    memberships_.when_settled([slot] {
      MutexLock lock(slot->mutex);
      slot->settled = true;
      slot->changed.notify_all();
    });
  });
  const std::int64_t deadline_ms = clock_.now_ms() + kSignOffTimeoutMs;
  MutexLock lock(slot->mutex);
  while (!slot->settled && clock_.now_ms() < deadline_ms)
    slot->changed.wait_for_ms(slot->mutex, deadline_ms - clock_.now_ms());
}

Status ClientCore::reach_name_servers() {
  const std::int64_t deadline_ms = clock_.now_ms() + options_.start_timeout_ms;
  Retry retry({.first_wait_ms = 100, .wait_ms_max = 500, .total_ms_max = options_.start_timeout_ms},
              clock_, {}, 1);
  while (true) {
    const std::int64_t left_ms = std::max<std::int64_t>(deadline_ms - clock_.now_ms(), 1);
    const Result<Answer> answer = wait<Answer>(
        [this](std::function<void(Result<Answer>)> done) {
          call_name_server(
              encode_plain(RequestCode::kBrokerCluster),
              [done = std::move(done)](CallOutcome outcome) { done(std::move(outcome.answer)); });
        },
        left_ms);
    if (answer.ok()) return {};
    if (!answer.error().retryable) {
      return answer.error().with_context("reaching the name server at " +
                                         address_list(name_servers_));
    }
    const auto wait_ms = retry.next_wait_ms(answer.error());
    if (!wait_ms) {
      return Error::retry(
          ErrorCode::kUnavailable,
          "no RocketMQ name server answered within " + std::to_string(options_.start_timeout_ms) +
              " ms; asked: " + address_list(name_servers_) + " (last: " + cause_of(answer.error()) +
              "). Is it running and is the address right?");
    }
    if (retry.attempts() == 1) {
      log(LogLevel::kWarn, "rocketmq",
          cause_of(answer.error()) + "; trying again for at most " +
              std::to_string(options_.start_timeout_ms) + " ms");
    }
    // A timer of the loop, so that close() from elsewhere is not needed to interrupt a sleep.
    static_cast<void>(wait<bool>(
        [this, wait_ms](std::function<void(Result<bool>)> done) {
          loop_.run_after(*wait_ms, [done = std::move(done)] { done(true); });
        },
        options_.start_timeout_ms));
  }
}

void ClientCore::call_name_server(const Command& command, CallDone done) {
  try_name_server(command, current_name_server_, name_servers_.size() * kRounds, std::move(done));
}

void ClientCore::try_name_server(const Command& command, std::size_t index, std::size_t tries_left,
                                 CallDone done) {
  call_one_name_server(
      index, command,
      [this, command, index, tries_left, done = std::move(done)](CallOutcome outcome) {
        {
          MutexLock lock(failure_mutex_);
          name_server_failure_ =
              outcome.answer.ok() ? std::string() : outcome.answer.error().message;
        }
        if (outcome.answer.ok()) {
          current_name_server_ = index;
          return done(std::move(outcome));
        }
        const ErrorCode code = outcome.answer.error().code;
        const bool lost = outcome.answer.error().retryable && code == ErrorCode::kUnavailable;
        const bool last_of_first_round = tries_left <= name_servers_.size() * (kRounds - 1) + 1;
        if (tries_left <= 1 || code == ErrorCode::kCancelled || (last_of_first_round && !lost))
          return done(std::move(outcome));
        try_name_server(command, (index + 1) % name_servers_.size(), tries_left - 1, done);
      });
}

void ClientCore::call_one_name_server(std::size_t index, const Command& command, CallDone done) {
  if (closed_) return done(CallOutcome{closed_error(), false});
  const io::Endpoint& endpoint = name_servers_[index];
  transmit(channel("ns " + endpoint.to_string(), ChannelRole::kControl, endpoint),
           ChannelRole::kControl, command, nullptr, options_.call_timeout_ms, std::move(done));
}

Channel& ClientCore::channel(const std::string& address, ChannelRole role,
                             const io::Endpoint& endpoint) {
  auto& slot = channels_[{address, role}];
  if (!slot) {
    ChannelOptions how = channel_options(options_, role);
    how.signer = signer_;
    how.connection.tls = tls_;
    slot = std::make_unique<Channel>(loop_, net_, pool_, endpoint, std::move(how));
    if (role == ChannelRole::kControl) {
      slot->set_connected_callback([this, address] { memberships_.connected(address); });
      slot->set_request_callback(
          [this, address](const Answer& request) { return asked(address, request); });
    }
  }
  return *slot;
}

void ClientCore::transmit(Channel& channel, ChannelRole role, Command command,
                          std::shared_ptr<const std::string> body, std::int64_t timeout_ms,
                          CallDone done, std::int64_t leave_by_ms) {
  if (!signer_->from_file()) {
    return send_now({&channel, role, std::move(command), std::move(body), timeout_ms, leave_by_ms,
                     std::move(done)});
  }
  Command again = command;
  std::shared_ptr<const std::string> same_body = body;
  const std::uint64_t signed_with = signer_->generation();
  send_now({&channel, role, std::move(command), std::move(body), timeout_ms, leave_by_ms,
            [this, &channel, role, again = std::move(again), same_body = std::move(same_body),
             timeout_ms, leave_by_ms, signed_with, done = std::move(done)](CallOutcome outcome) {
              const bool refused =
                  outcome.answer.ok() &&
                  is_access_refusal(outcome.answer->header.code, outcome.answer->header.remark);
              if (!refused || closed_) return done(std::move(outcome));
              if (signer_->generation() == signed_with) signer_->reload();
              if (signer_->generation() == signed_with) return done(std::move(outcome));
              send_now({&channel, role, again, same_body, timeout_ms, leave_by_ms, done});
            }});
}

void ClientCore::send_now(WaitingCall call) {
  const std::int64_t now_ms = clock_.now_ms();
  const bool pull = call.role == ChannelRole::kPull;
  const bool next = waiting_calls_.empty() &&
                    (waiting_pulls_.empty() || (!pull && calls_before_pull_ < kCallsBeforePullMax));
  if (next && quota_->take_or_wait_ms(now_ms) == 0) {
    if (!waiting_pulls_.empty()) ++calls_before_pull_;
    return call.channel->call(std::move(call.command), std::move(call.body), call.timeout_ms,
                              std::move(call.done), call.leave_by_ms);
  }
  if (waiting_calls_.size() + waiting_pulls_.size() >= kWaitingCallsMax) {
    Error error = Error::retry(ErrorCode::kResourceExhausted,
                               "too many calls wait for the quota of calls per second");
    return loop_.post([error = std::move(error), done = std::move(call.done)] {
      done(CallOutcome{error, false});
    });
  }
  (pull ? waiting_pulls_ : waiting_calls_).push_back(std::move(call));
  calls_wait_ = !waiting_calls_.empty();
  if (release_is_set_) return;
  release_is_set_ = true;
  loop_.run_after(1, [this] { release_calls(); });
}

std::deque<ClientCore::WaitingCall>& ClientCore::next_line() {
  const bool pull_is_due = !waiting_pulls_.empty() && calls_before_pull_ >= kCallsBeforePullMax;
  return waiting_calls_.empty() || pull_is_due ? waiting_pulls_ : waiting_calls_;
}

void ClientCore::release_calls() {
  release_is_set_ = false;
  while (!waiting_calls_.empty() || !waiting_pulls_.empty()) {
    std::deque<WaitingCall>& line = next_line();
    const std::int64_t now_ms = clock_.now_ms();
    const bool in_time = line.front().leave_by_ms > now_ms;
    const std::int64_t wait_ms = in_time ? quota_->take_or_wait_ms(now_ms) : 0;
    if (wait_ms > 0) {
      if (!release_is_set_) loop_.run_after(wait_ms, [this] { release_calls(); });
      release_is_set_ = true;
      return;
    }
    if (&line == &waiting_pulls_)
      calls_before_pull_ = 0;
    else if (!waiting_pulls_.empty())
      ++calls_before_pull_;
    WaitingCall call = std::move(line.front());
    line.pop_front();
    if (calls_wait_) calls_waited_ms_ = now_ms;
    calls_wait_ = !waiting_calls_.empty();
    if (in_time) {
      call.channel->call(std::move(call.command), std::move(call.body),
                         std::min(call.timeout_ms, call.leave_by_ms - now_ms), std::move(call.done),
                         call.leave_by_ms);
    } else {
      call.done(CallOutcome{
          Error::retry(ErrorCode::kTimeout, "the quota of calls per second left no room in time"),
          false});
    }
  }
}

void ClientCore::fail_waiting_calls() {
  calls_wait_ = false;
  for (auto* line : {&waiting_calls_, &waiting_pulls_}) {
    for (WaitingCall& call : std::exchange(*line, {}))
      call.done(CallOutcome{closed_error(), false});
  }
}

void ClientCore::call(const std::string& address, ChannelRole role, Command command,
                      std::shared_ptr<const std::string> body, std::int64_t timeout_ms,
                      CallDone done, std::int64_t leave_by_ms) {
  const auto known = channels_.find({address, role});
  if (known != channels_.end()) {
    return transmit(*known->second, role, std::move(command), std::move(body), timeout_ms,
                    std::move(done), leave_by_ms);
  }
  auto endpoint = io::Endpoint::parse(address);
  if (!endpoint.ok() || closed_) {
    Error error =
        endpoint.ok()
            ? closed_error()
            : std::move(endpoint).error().with_context("address of a broker in the route");
    loop_.post([error = std::move(error), done = std::move(done)] {
      done(CallOutcome{error, false});
    });
    return;
  }
  transmit(channel(address, role, *endpoint), role, std::move(command), std::move(body), timeout_ms,
           std::move(done), leave_by_ms);
}

void ClientCore::route(const std::string& topic, std::int64_t age_max_ms, RouteDone done) {
  const auto known = routes_.find(topic);
  if (known != routes_.end() && known->second.route &&
      clock_.now_ms() - known->second.fetched_ms <= age_max_ms) {
    return done(known->second.route);
  }
  if (known != routes_.end() && known->second.away && age_max_ms >= 0 &&
      clock_.now_ms() - known->second.away_ms < kAwayMs) {
    return done(*known->second.away);
  }
  if (known == routes_.end()) make_room_for_route();
  CachedRoute& cached = routes_[topic];
  cached.waiters.push_back(std::move(done));
  if (cached.waiters.size() == 1) fetch_route(topic, Asked::kOnce);
}

void ClientCore::make_room_for_route() {
  if (routes_.size() < kRoutesMax) return;
  auto oldest = routes_.end();
  for (auto each = routes_.begin(); each != routes_.end(); ++each) {
    if (!each->second.waiters.empty()) continue;
    if (oldest == routes_.end() || each->second.fetched_ms < oldest->second.fetched_ms)
      oldest = each;
  }
  if (oldest != routes_.end()) routes_.erase(oldest);
}

void ClientCore::fetch_route(const std::string& topic, Asked asked) {
  call_name_server(encode_route(topic), [this, topic, asked](CallOutcome outcome) {
    route_arrived(topic, asked, std::move(outcome));
  });
}

void ClientCore::route_arrived(const std::string& topic, Asked asked, CallOutcome outcome) {
  if (outcome.answer.ok() && outcome.answer->header.code == response_code::kTopicNotExist)
    return route_missing(topic, asked);
  CachedRoute& cached = routes_[topic];
  Result<Route> result = Error{};
  if (!outcome.answer.ok()) {
    result = cached.route ? Result<Route>(cached.route)
                          : Result<Route>(outcome.answer.error().with_context(
                                "asking for the route of topic '" + topic + "'"));
  } else if (outcome.answer->header.code != response_code::kSuccess) {
    result =
        cached.route
            ? Result<Route>(cached.route)
            : Result<Route>(answer_error(RequestCode::kRouteByTopic, outcome.answer->header.code,
                                         outcome.answer->header.remark));
  } else {
    auto parsed = parse_route(outcome.answer->body());
    if (parsed.ok()) {
      cached.route = std::make_shared<const RouteData>(std::move(*parsed));
      cached.fetched_ms = clock_.now_ms();
      cached.brokers.clear();
      for (const QueueData& each : cached.route->queues) cached.brokers.push_back(each.broker);
      result = cached.route;
    } else {
      result = parsed.error().with_context("route of topic '" + topic + "'");
    }
  }
  finish_route(topic, result);
}

void ClientCore::finish_route(const std::string& topic, const Result<Route>& result) {
  const std::vector<RouteDone> waiters = std::exchange(routes_[topic].waiters, {});
  for (const RouteDone& done : waiters) done(result);
}

void ClientCore::route_missing(const std::string& topic, Asked asked) {
  call_name_server(encode_plain(RequestCode::kBrokerCluster),
                   [this, topic, asked](const CallOutcome& outcome) {
                     CachedRoute& cached = routes_[topic];
                     Error error = missing_topic(topic, cached, outcome);
                     // Its broker may have come between the two answers.
                     if (error.code == ErrorCode::kNotFound && asked == Asked::kOnce)
                       return fetch_route(topic, Asked::kTwice);
                     cached.route.reset();
                     cached.away.reset();
                     if (error.code == ErrorCode::kUnavailable) {
                       cached.away = error;
                       cached.away_ms = clock_.now_ms();
                     }
                     finish_route(topic, error);
                   });
}

Error ClientCore::missing_topic(const std::string& topic, const CachedRoute& cached,
                                const CallOutcome& cluster) const {
  Error missing{ErrorCode::kNotFound,
                "topic '" + topic + "' does not exist; create it (or check its name)"};
  if (!cluster.answer.ok()) {
    return Error::retry(ErrorCode::kUnavailable,
                        "asking whether the brokers of topic '" + topic +
                            "' are registered: " + cluster.answer.error().message);
  }
  if (cluster.answer->header.code != response_code::kSuccess) return missing;
  const auto view = parse_cluster(cluster.answer->body());
  if (!view.ok()) return missing;
  // A name server forgets the topics of a broker that is away.
  if (view->brokers.empty()) {
    return Error::retry(ErrorCode::kUnavailable,
                        "no broker is registered at the name server now; without one topic '" +
                            topic + "' is not known");
  }
  for (const std::string& name : cached.brokers) {
    const bool there = std::any_of(view->brokers.begin(), view->brokers.end(),
                                   [&](const BrokerData& broker) { return broker.name == name; });
    if (there) continue;
    return Error::retry(ErrorCode::kUnavailable, "broker '" + name + "' of topic '" + topic +
                                                     "' is not registered at the name server now");
  }
  return missing;
}

std::string ClientCore::cause_of(const Error& error) {
  MutexLock lock(failure_mutex_);
  const bool known = error.code == ErrorCode::kTimeout && !name_server_failure_.empty();
  return known ? name_server_failure_ : error.message;
}

template <typename T>
Result<T> ClientCore::explained(Result<T> result) {
  if (result.ok()) return result;
  Error error = result.error();
  if (std::string cause = cause_of(error); cause != error.message)
    error.message += " (last: " + std::move(cause) + ")";
  return error;
}

void ClientCore::write_group_offset(const std::string& group, const MessageQueue& queue,
                                    std::int64_t offset, std::function<void(const Status&)> done) {
  route(queue.topic, options_.route_refresh_ms,
        [this, group, queue, offset, done = std::move(done)](const Result<Route>& route) {
          if (!route.ok()) return done(route.status());
          const BrokerData* broker = (*route)->serving(queue);
          const std::string* master = broker == nullptr ? nullptr : broker->master();
          if (master == nullptr) {
            const std::string& name = broker == nullptr ? queue.broker : broker->name;
            return done(
                Error::retry(ErrorCode::kUnavailable, "broker '" + name + "' has no master now"));
          }
          send_group_offset(*master, group, {queue.topic, broker->name, queue.id}, offset, done);
        });
}

void ClientCore::outdate_route(const std::string& topic) {
  const auto known = routes_.find(topic);
  if (known != routes_.end()) known->second.fetched_ms = kLongAgo;
}

void ClientCore::send_group_offset(const std::string& address, const std::string& group,
                                   const MessageQueue& served, std::int64_t offset,
                                   OffsetWritten done) {
  const std::string key = served.broker + "/" + served.topic + "/" + group;
  const auto [known, first] = group_writes_.try_emplace(key);
  if (first) known->second = std::make_unique<Writes>();
  if (!first && known->second) {
    known->second->push_back([this, address, group, served, offset, done = std::move(done)] {
      send_group_offset(address, group, served, offset, done);
    });
    return;
  }
  call(address, ChannelRole::kControl,
       encode_update_consumer_offset({.group = group, .queue = served}, offset), nullptr,
       options_.call_timeout_ms,
       [this, key, topic = served.topic, first = first,
        done = std::move(done)](const CallOutcome& outcome) {
         Status status = outcome.answer.status();
         if (status.ok() && outcome.answer->header.code != response_code::kSuccess) {
           if (outcome.answer->header.code == response_code::kNotLeaderForQueue)
             outdate_route(topic);
           status = answer_error(RequestCode::kUpdateConsumerOffset, outcome.answer->header.code,
                                 outcome.answer->header.remark);
         }
         const std::unique_ptr<Writes> waiting =
             first ? std::exchange(group_writes_[key], nullptr) : nullptr;
         if (!status.ok()) group_writes_.erase(key);  // the next one is a first one again
         done(status);
         if (!waiting) return;
         for (const auto& write : *waiting) write();
       });
}

std::uint64_t ClientCore::listen(RequestCode code, RequestListener listener) {
  request_listeners_.emplace(++last_request_listener_, std::pair(code, std::move(listener)));
  return last_request_listener_;
}

void ClientCore::forget_requests(std::uint64_t listener) { request_listeners_.erase(listener); }

std::optional<Command> ClientCore::asked(const std::string& address, const Answer& request) {
  for (const auto& [id, each] : request_listeners_) {
    if (static_cast<std::int32_t>(each.first) != request.header.code) continue;
    if (auto reply = each.second(address, request)) return reply;
  }
  return std::nullopt;
}

void ClientCore::heartbeat_later() {
  loop_.run_after(options_.heartbeat_interval_ms, [this] {
    if (signer_->from_file()) signer_->reload();
    for (auto& [key, each] : channels_) {
      if (key.first.starts_with("ns ") || !each->connected()) continue;
      if (!heartbeats_under_way_.insert(key).second) continue;
      send_now({each.get(), ChannelRole::kControl,
                encode_heartbeat(Heartbeat{
                    .client_id = memberships_.client_id(), .producer_groups = {}, .consumers = {}}),
                nullptr, options_.call_timeout_ms, io::Connection::kNoDeadline,
                [this, key = key](const CallOutcome&) { heartbeats_under_way_.erase(key); }});
    }
    if (!calls_wait_ || !memberships_.announcing()) memberships_.announce_all();
    heartbeat_later();
  });
}

Result<Answer> ClientCore::wait_call(const std::string& address, Command command) {
  return wait<Answer>(
      [this, address, command = std::move(command)](std::function<void(Result<Answer>)> done) {
        call(address, ChannelRole::kControl, command, nullptr, options_.call_timeout_ms,
             [done = std::move(done)](CallOutcome outcome) { done(std::move(outcome.answer)); });
      },
      options_.call_timeout_ms + options_.connect_timeout_ms + 1'000);
}

Result<Answer> ClientCore::wait_name_server(const Command& command) {
  return explained(wait<Answer>(
      [this, command](std::function<void(Result<Answer>)> done) {
        call_name_server(command, [done = std::move(done)](CallOutcome outcome) {
          done(std::move(outcome.answer));
        });
      },
      options_.call_timeout_ms * static_cast<std::int64_t>(name_servers_.size()) + 1'000));
}

Result<Route> ClientCore::wait_route(const std::string& topic, std::int64_t age_max_ms) {
  return explained(wait<Route>(
      [this, topic, age_max_ms](std::function<void(Result<Route>)> done) {
        route(topic, age_max_ms, std::move(done));
      },
      options_.call_timeout_ms * static_cast<std::int64_t>(name_servers_.size()) + 1'000));
}

}  // namespace internal

Result<std::unique_ptr<Client>> Client::connect(const ClientOptions& options) {
  TRY_ASSIGN(auto core, internal::ClientCore::start(options));
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

internal::ClientCore& internal::core_of(const Client& client) { return *client.core_; }

Client::Client(std::shared_ptr<internal::ClientCore> core) : core_(std::move(core)) {}

Client::~Client() { core_->close(); }

void Client::close() { core_->close(); }

const Clock& Client::clock() const { return core_->clock(); }

void Client::run_after(std::int64_t delay_ms, std::function<void()> work) {
  core_->loop().post([core = core_.get(), delay_ms, work = std::move(work)]() mutable {
    core->loop().run_after(delay_ms, std::move(work));
  });
}

}  // namespace slipstream::rocketmq
