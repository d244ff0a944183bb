#include "slipstream/rocketmq/requester.h"

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/log_limit.h"
#include "base/mutex.h"
#include "base/try.h"
#include "rocketmq/client/callback.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {
namespace {

using internal::ClientCore;
using internal::Route;

// What all ids of one maker begin with; the rest tells its ids apart (message_id.h).
constexpr std::size_t kMakerHexDigits = 20;

void run_reply_callback(const ReplyCallback& done, const Result<ReceivedMessage>& reply) {
  internal::run_callback("the callback of a request", done, reply);
}

}  // namespace

class Requester::State : public std::enable_shared_from_this<State> {
 public:
  State(Client& client, RequesterOptions options)
      : core_(internal::core_of(client)),
        group_(options.producer.group),
        pending_max_(options.pending_max),
        producer_(client, std::move(options.producer)),
        own_prefix_(producer_.new_unique_key().substr(0, kMakerHexDigits)) {}

  void listen() {
    closed_listener_ = core_.when_closed([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->fail_all("the client was closed");
    });
    core_.loop().post([self = shared_from_this()] {
      if (self->is_closed()) return;
      self->request_listener_ = self->core_.listen(
          RequestCode::kPushReplyToClient,
          [weak = self->weak_from_this()](const std::string&,
                                          const Answer& reply) -> std::optional<Command> {
            const auto state = weak.lock();
            if (!state || !state->answered(reply)) return std::nullopt;
            return make_answer(reply.header, response_code::kSuccess);
          });
    });
  }

  void close() {
    core_.forget(closed_listener_);
    fail_all("the requester was closed");
    core_.loop().run_and_wait([this] {
      core_.forget_requests(std::exchange(request_listener_, 0));
      for (const auto& [id, timer] : std::exchange(timers_, {})) core_.loop().cancel(timer);
      for (const std::uint64_t id : std::exchange(memberships_, {})) core_.memberships().leave(id);
    });
  }

  Status request(Message message, std::int64_t timeout_ms, ReplyCallback done) {
    TRY(validate_message(message));
    TRY(validate_group(group_));
    if (timeout_ms < 1)
      return Error{ErrorCode::kInvalidArgument, "a request needs a time-out of at least 1 ms"};
    std::string id = producer_.new_unique_key();
    const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
    {
      MutexLock lock(mutex_);
      if (!closed_.empty()) return Error{ErrorCode::kCancelled, closed_};
      if (pending_.size() >= pending_max_) {
        return Error::retry(ErrorCode::kResourceExhausted,
                            std::to_string(pending_.size()) + " requests have no answer yet");
      }
      pending_.emplace(id, std::move(done));
    }
    core_.loop().post(
        [self = shared_from_this(), message = std::move(message), id = std::move(id), timeout_ms,
         deadline_ms]() mutable { self->begin(std::move(message), id, timeout_ms, deadline_ms); });
    return {};
  }

  std::size_t pending_count() const {
    MutexLock lock(mutex_);
    return pending_.size();
  }
  std::uint64_t dropped() const { return dropped_; }
  ClientCore& core() { return core_; }

 private:
  bool is_closed() const {
    MutexLock lock(mutex_);
    return !closed_.empty();
  }
  bool is_pending(const std::string& id) const {
    MutexLock lock(mutex_);
    return pending_.contains(id);
  }

  void begin(Message message, const std::string& id, std::int64_t timeout_ms,
             std::int64_t deadline_ms) {
    if (!is_pending(id)) return;
    timers_[id] = core_.loop().run_after(
        deadline_ms - core_.clock().now_ms(), [weak = weak_from_this(), id, timeout_ms] {
          const auto self = weak.lock();
          if (!self) return;
          self->finish(id, Error::retry(ErrorCode::kTimeout,
                                        "no answer within " + std::to_string(timeout_ms) + " ms"));
        });
    const std::string topic = message.topic;
    prepare(topic, [self = shared_from_this(), message = std::move(message), id, timeout_ms,
                    deadline_ms] { self->send(message, id, timeout_ms, deadline_ms); });
  }

  void send(const Message& message, const std::string& id, std::int64_t timeout_ms,
            std::int64_t deadline_ms) {
    const std::int64_t left_ms = deadline_ms - core_.clock().now_ms();
    if (left_ms <= 0 || !is_pending(id)) return;
    PropertiesBuilder properties;
    Status built = properties.add(property::kCorrelationId, id);
    if (built.ok()) built = properties.add(property::kReplyTo, core_.memberships().client_id());
    if (built.ok()) built = properties.add(property::kTimeToLive, std::to_string(timeout_ms));
    if (built.ok()) {
      built = producer_.send_request(message, properties.text(), left_ms,
                                     [weak = weak_from_this(), id](const SendResult& result) {
                                       const auto self = weak.lock();
                                       if (self && !result.stored()) self->finish(id, result.error);
                                     });
    }
    if (!built.ok()) finish(id, built.error());
  }

  // Brokers hand an answer to the connection that they know this client by: `then` runs once those of
  // the topic do, and those of its clusters where answers are sent. Without a route at once: the
  // producer looks for it as long as there is time.
  void prepare(const std::string& topic, std::function<void()> then) {
    if (prepared_.contains(topic)) return then();
    auto& waiting = preparing_[topic];
    waiting.push_back(std::move(then));
    if (waiting.size() > 1) return;
    core_.route(topic, core_.options().route_refresh_ms,
                [self = shared_from_this(), topic](const Result<Route>& route) {
                  if (!route.ok()) return self->run_prepared(topic);
                  std::set<std::string> topics{topic};
                  for (const BrokerData& broker : (*route)->brokers) {
                    if (!broker.cluster.empty()) topics.insert(reply_topic(broker.cluster));
                  }
                  self->prepared_.insert(topic);
                  self->join(topic, {topics.begin(), topics.end()});
                });
  }

  // One after the other; once their routes are known, joining asks the brokers at once.
  void join(const std::string& topic, std::vector<std::string> topics) {
    if (is_closed()) return run_prepared(topic);
    if (topics.empty()) {
      return core_.memberships().when_settled(
          [self = shared_from_this(), topic] { self->run_prepared(topic); });
    }
    const std::string next = topics.back();
    topics.pop_back();
    core_.route(next, core_.options().route_refresh_ms,
                [self = shared_from_this(), topic, topics = std::move(topics),
                 next](const Result<Route>&) mutable {
                  if (!self->is_closed() && self->joined_.insert(next).second) {
                    self->memberships_.push_back(
                        self->core_.memberships().join_producers(self->group_, next));
                  }
                  self->join(topic, std::move(topics));
                });
  }

  void run_prepared(const std::string& topic) {
    const auto found = preparing_.find(topic);
    if (found == preparing_.end()) return;
    const std::vector<std::function<void()>> waiting = std::move(found->second);
    preparing_.erase(found);
    for (const auto& then : waiting) then();
  }

  // False: about a request of somebody else.
  bool answered(const Answer& reply) {
    auto message = parse_reply(reply.header, reply.body());
    if (!message.ok()) {
      LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "replies of " + group_,
                                 "an answer to a request was dropped: " + message.error().message);
      return false;
    }
    const std::string id(message->property(property::kCorrelationId).value_or(""));
    if (!id.starts_with(own_prefix_)) return false;
    if (finish(id, std::move(*message))) return true;
    ++dropped_;
    LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "replies of " + group_,
                               "an answer to request " + id + " of group '" + group_ +
                                   "' was dropped: it came late, or there was one before");
    return true;
  }

  // On the loop. False: it has its answer already.
  bool finish(const std::string& id, const Result<ReceivedMessage>& reply) {
    ReplyCallback done;
    {
      MutexLock lock(mutex_);
      const auto found = pending_.find(id);
      if (found == pending_.end()) return false;
      done = std::move(found->second);
      pending_.erase(found);
    }
    const auto timer = timers_.find(id);
    if (timer != timers_.end()) {
      core_.loop().cancel(timer->second);
      timers_.erase(timer);
    }
    run_reply_callback(done, reply);
    return true;
  }

  void fail_all(const char* why) {
    std::map<std::string, ReplyCallback> left;
    {
      MutexLock lock(mutex_);
      if (closed_.empty()) closed_ = why;
      left = std::exchange(pending_, {});
    }
    for (const auto& [id, done] : left) run_reply_callback(done, Error{ErrorCode::kCancelled, why});
  }

  ClientCore& core_;
  const std::string group_;
  const std::size_t pending_max_;
  Producer producer_;
  const std::string own_prefix_;
  ClientCore::CloseListener closed_listener_ = 0;
  std::atomic<std::uint64_t> dropped_{0};

  // loop
  std::uint64_t request_listener_ = 0;
  std::map<std::string, io::TimerId> timers_;  // of pending requests
  std::vector<std::uint64_t> memberships_;
  std::set<std::string> joined_;    // topics
  std::set<std::string> prepared_;  // topics of requests
  std::map<std::string, std::vector<std::function<void()>>> preparing_;

  mutable Mutex mutex_;
  std::map<std::string, ReplyCallback> pending_ SLIPSTREAM_GUARDED_BY(mutex_);  // by correlation id
  std::string closed_ SLIPSTREAM_GUARDED_BY(mutex_);  // why; empty while it is not
};

Requester::Requester(Client& client, RequesterOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {
  state_->listen();
}

Requester::~Requester() { state_->close(); }

Status Requester::request(Message message, std::int64_t timeout_ms, ReplyCallback done) {
  return state_->request(std::move(message), timeout_ms, std::move(done));
}

Result<ReceivedMessage> Requester::request_and_wait(Message message, std::int64_t timeout_ms) {
  struct Slot {
    Mutex mutex;
    Condition ready;
    std::optional<Result<ReceivedMessage>> reply SLIPSTREAM_GUARDED_BY(mutex);
  };
  auto slot = std::make_shared<Slot>();
  TRY(state_->request(std::move(message), timeout_ms, [slot](Result<ReceivedMessage> reply) {
    MutexLock lock(slot->mutex);
    slot->reply.emplace(std::move(reply));
    slot->ready.notify_all();
  }));
  MutexLock lock(slot->mutex);
  while (!slot->reply) slot->ready.wait(slot->mutex);
  return std::move(*slot->reply);
}

std::size_t Requester::pending_count() const { return state_->pending_count(); }
std::uint64_t Requester::dropped_replies() const { return state_->dropped(); }

Result<Message> make_reply(const ReceivedMessage& request, std::string body) {
  const auto cluster = request.property(property::kCluster);
  const auto correlation_id = request.property(property::kCorrelationId);
  const auto reply_to = request.property(property::kReplyTo);
  if (!cluster || !correlation_id || !reply_to) {
    return Error{ErrorCode::kInvalidArgument,
                 "message " + request.message_id + " of " + request.queue().to_string() +
                     " is no request: one has the properties CLUSTER, CORRELATION_ID and "
                     "REPLY_TO_CLIENT"};
  }
  Message reply;
  reply.topic = reply_topic(*cluster);
  reply.body = std::move(body);
  reply.properties = {{std::string(property::kMessageType), std::string(kReplyType)},
                      {std::string(property::kCorrelationId), std::string(*correlation_id)},
                      {std::string(property::kReplyTo), std::string(*reply_to)}};
  if (const auto ttl = request.property(property::kTimeToLive))
    reply.properties.push_back({std::string(property::kTimeToLive), std::string(*ttl)});
  return reply;
}

}  // namespace slipstream::rocketmq
