#include "slipstream/rocketmq/pop_consumer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "base/log_limit.h"
#include "base/retry.h"
#include "base/try.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/pop_calls.h"
#include "rocketmq/client/pop_decoder.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {

using internal::ChannelRole;
using internal::ClientCore;
using internal::PopCalls;
using internal::PopDecoder;
using internal::PoppedAnswer;
using internal::Route;

namespace {

constexpr std::int32_t kBatchMax = 32;       // brokers refuse more
constexpr std::int64_t kPollMsMax = 30'000;  // a connection that is silent for longer is dead
constexpr std::int64_t kRouteAgeMs = 5'000;  // how soon a broker that came is seen
constexpr std::int64_t kRefusalPatienceMs = 60'000;
constexpr std::int64_t kTroubleWaitMs = 2'000;
constexpr std::int64_t kNothingWaitMs = 20;  // after an empty answer that came at once

Status validate(const PopOptions& options) {
  TRY(validate_group(options.group).with_context("consumer group"));
  TRY(validate_topic(options.topic));
  const auto refuse = [](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, "popping messages: " + what};
  };
  if (options.batch_max < 1 || options.batch_max > kBatchMax)
    return refuse("batch_max is " + std::to_string(options.batch_max) + "; it may be 1 to 32");
  if (options.invisible_ms < 1)
    return refuse("invisible_ms is " + std::to_string(options.invisible_ms) +
                  "; it must be at least 1");
  if (options.poll_ms < 1 || options.poll_ms > kPollMsMax)
    return refuse("poll_ms is " + std::to_string(options.poll_ms) + "; it may be 1 to 30000");
  if (options.reconsume_times_max < 0)
    return refuse("reconsume_times_max is " + std::to_string(options.reconsume_times_max) +
                  "; it must be at least 0");
  if (options.from.kind != StartPosition::Kind::kEarliest &&
      options.from.kind != StartPosition::Kind::kLatest)
    return refuse("a group begins at the earliest message or at the latest");
  return {};
}

std::string random_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += std::to_string(random()) + "-";
  return id;
}

bool stores_batches(const Answer& answer) {
  const auto config = parse_topic_config(answer.body());
  if (!config.ok()) return false;
  const auto& attributes = config->attributes;
  return std::any_of(attributes.begin(), attributes.end(), [](const Property& each) {
    return each.name == "queue.type" && each.value == "BatchCQ";
  });
}

}  // namespace

// Two sides: brokers and their pops on the loop, what they brought under the mutex.
class PopConsumer::State : public std::enable_shared_from_this<State> {
 public:
  State(ClientCore& core, PopOptions options)
      : core_(core),
        options_(std::move(options)),
        route_age_ms_(std::min(kRouteAgeMs, core.options().route_refresh_ms)),
        decoder_(options_),
        calls_(std::make_shared<PopCalls>(core, options_.group, options_.topic)) {}

  void end_with_client() {
    listener_ = core_.when_closed([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->fail(ClientCore::closed_error());
      self->stop();
    });
  }

  // --- any thread ---

  Result<std::vector<PoppedMessage>> poll(std::int64_t timeout_ms) {
    const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
    while (true) {
      TRY_ASSIGN(const std::optional<Arrived> arrived, wait_for_answer(deadline_ms));
      if (!arrived) return std::vector<PoppedMessage>();
      PoppedAnswer popped = decoder_.decode(arrived->answer, arrived->broker);
      calls_->ack_later(popped.unwanted);
      for (const PoppedMessage& dead : popped.dead) calls_->put_into_dead_letters(dead);
      keep(std::move(popped.unreadable));
      if (!popped.messages.empty()) return std::move(popped.messages);
    }
  }

  PopCalls& calls() { return *calls_; }

  void close() {
    core_.forget(listener_);
    fail(Error{ErrorCode::kCancelled, "the consumer was closed"});
    core_.loop().run_and_wait([this] { stop(); });
    std::deque<Arrived> arrived;
    {
      MutexLock lock(mutex_);
      arrived = std::exchange(arrived_, {});
    }
    for (const Arrived& each : arrived) give_back(each.answer, each.broker);
  }

 private:
  struct Arrived {
    Answer answer;
    std::string broker;
    std::int64_t expires_ms = 0;  // others may get its messages then
  };
  struct Broker {
    Broker(const Clock& clock, std::uint64_t seed)
        : retry({.first_wait_ms = 50, .wait_ms_max = kTroubleWaitMs}, clock, {}, seed) {}
    bool under_way = false;
    io::TimerId timer = io::TimerId::kNone;  // it is not asked before
    Retry retry;
    bool in_trouble = false;
    bool worked = false;
    bool kind_known = false;  // whether its topic stores batches
    std::string attempt;      // ordered: of the pops since the last answer
    std::int64_t refused_since_ms = -1;
  };

  // --- any thread ---

  // Nothing: the deadline has passed.
  Result<std::optional<Arrived>> wait_for_answer(std::int64_t deadline_ms) {
    MutexLock lock(mutex_);
    while (true) {
      if (closed_) return *failure_;
      if (!errors_.empty()) {
        Error first = std::move(errors_.front());
        errors_.pop_front();
        return first;
      }
      if (std::optional<Arrived> next = take()) return next;
      if (failure_) return *failure_;
      ask();
      const std::int64_t left_ms = deadline_ms - core_.clock().now_ms();
      if (left_ms <= 0) return std::optional<Arrived>();
      ++waiting_;
      changed_.wait_for_ms(mutex_, left_ms);
      --waiting_;
    }
  }

  // The first whose messages are still this consumer's.
  std::optional<Arrived> take() SLIPSTREAM_REQUIRES(mutex_) {
    while (!arrived_.empty()) {
      Arrived next = std::move(arrived_.front());
      arrived_.pop_front();
      if (core_.clock().now_ms() < next.expires_ms) return next;
    }
    return std::nullopt;
  }

  void ask() SLIPSTREAM_REQUIRES(mutex_) {
    wanted_ = true;
    core_.loop().post([self = shared_from_this()] { self->pump(); });
  }

  void keep(std::vector<Error> errors) {
    MutexLock lock(mutex_);
    for (Error& error : errors) errors_.push_back(std::move(error));
  }

  void fail(const Error& error) {
    MutexLock lock(mutex_);
    if (!failure_ || error.code == ErrorCode::kCancelled) failure_ = error;
    closed_ = closed_ || error.code == ErrorCode::kCancelled;
    changed_.notify_all();
  }

  // --- loop ---

  void stop() {
    for (auto& [name, broker] : brokers_)
      core_.loop().cancel(std::exchange(broker->timer, io::TimerId::kNone));
    core_.loop().cancel(std::exchange(route_timer_, io::TimerId::kNone));
    brokers_.clear();
  }

  // Somebody waits, and nothing is here.
  bool is_wanted() {
    MutexLock lock(mutex_);
    const bool wanted = std::exchange(wanted_, false) || waiting_ > 0;
    return wanted && arrived_.empty() && !failure_;
  }

  // Asks each broker that is not being asked.
  void pump() {
    if (resolving_ || !is_wanted()) return;
    resolving_ = true;
    core_.route(options_.topic, route_age_ms_,
                [self = shared_from_this()](const Result<Route>& route) {
                  self->resolving_ = false;
                  self->route_arrived(route);
                });
  }

  void route_arrived(const Result<Route>& route) {
    if (has_failed()) return;
    pump_later(route.ok() ? route_age_ms_ : kTroubleWaitMs);
    if (!route.ok()) {
      if (route.error().code == ErrorCode::kNotFound && !is_passing(topic_missing_since_ms_))
        return fail(route.error());
      return log_trouble("", route.error());
    }
    topic_missing_since_ms_ = -1;
    if ((*route)->static_topic) {
      return fail(Error{ErrorCode::kUnsupported, "topic '" + options_.topic +
                                                     "' is static (has logical queues): its "
                                                     "messages cannot be popped"});
    }
    for (const QueueData& queues : (*route)->queues) {
      const BrokerData* broker = queues.readable() ? (*route)->broker(queues.broker) : nullptr;
      const std::string* master = broker == nullptr ? nullptr : broker->master();
      if (master != nullptr) pop(queues.broker, *master);
    }
  }

  // Brokers come and go while all others are being asked.
  void pump_later(std::int64_t wait_ms) {
    if (route_timer_ != io::TimerId::kNone) return;
    route_timer_ = core_.loop().run_after(wait_ms, [self = shared_from_this()] {
      self->route_timer_ = io::TimerId::kNone;
      self->pump();
    });
  }

  bool has_failed() {
    MutexLock lock(mutex_);
    return failure_.has_value();
  }

  Broker& broker(const std::string& name) {
    auto& found = brokers_[name];
    if (!found) found = std::make_shared<Broker>(core_.clock(), brokers_.size());
    return *found;
  }

  void pop(const std::string& name, const std::string& address) {
    Broker& asked = broker(name);
    if (asked.under_way || asked.timer != io::TimerId::kNone) return;
    asked.under_way = true;
    if (!asked.kind_known) return ask_kind(name, address, PopOrigin::kTopic);
    send_pop(name, address);
  }

  // What was not acknowledged is stored again in the group's retry topic. Brokers store no batches in
  // one that is not made for them, and go on trying: nobody gets them again.
  void ask_kind(const std::string& name, const std::string& address, PopOrigin origin) {
    core_.call(address, ChannelRole::kControl,
               encode_topic_config(pop_topic(origin, options_.topic, options_.group)), nullptr,
               core_.options().call_timeout_ms,
               [self = shared_from_this(), name, address, origin](const CallOutcome& outcome) {
                 self->kind_arrived(name, address, origin, outcome);
               });
  }

  void kind_arrived(const std::string& name, const std::string& address, PopOrigin origin,
                    const CallOutcome& outcome) {
    if (has_failed()) return;
    Broker& asked = broker(name);
    if (!outcome.answer.ok()) {
      asked.under_way = false;
      return unanswered(name, outcome.answer.error());
    }
    const FrameHeader& header = outcome.answer->header;
    if (classify(CallKind::kAdmin, header.code, header.remark) == Verdict::kRetrySame) {
      asked.under_way = false;
      return trouble(name, answer_error(RequestCode::kTopicConfig, header.code, header.remark));
    }
    // Brokers that do not tell are popped from.
    const bool batches = header.code == response_code::kSuccess && stores_batches(*outcome.answer);
    const bool own = origin == PopOrigin::kTopic;
    if (batches && own && options_.ordered) return refuse_ordered_batches(name);
    if (batches == own) {
      if (origin == PopOrigin::kRetryV2) return refuse_batches(name);
      return ask_kind(name, address, own ? PopOrigin::kRetryV1 : PopOrigin::kRetryV2);
    }
    asked.kind_known = true;
    send_pop(name, address);
  }

  // The offset behind a batch that was acknowledged is within it, for brokers 5.5.0.
  void refuse_ordered_batches(const std::string& name) {
    fail(Error{ErrorCode::kUnsupported,
               "topic '" + options_.topic + "' stores batches on broker '" + name +
                   "' (queue.type=BatchCQ), which gives them again and again in order, also when "
                   "they were acknowledged: pop it without `ordered`, or use an orderly "
                   "GroupConsumer"});
  }

  void refuse_batches(const std::string& name) {
    const auto retry = [&](PopOrigin origin) {
      return "'" + pop_topic(origin, options_.topic, options_.group) + "'";
    };
    fail(Error{ErrorCode::kUnsupported,
               "topic '" + options_.topic + "' stores batches on broker '" + name +
                   "' (queue.type=BatchCQ), which gives none of them again that was not "
                   "acknowledged, since the group's retry topic does not store batches: create " +
                   retry(PopOrigin::kRetryV1) + " there (with enableRetryTopicV2=true " +
                   retry(PopOrigin::kRetryV2) + ") with one queue and queue.type=BatchCQ"});
  }

  void send_pop(const std::string& name, const std::string& address) {
    const std::int64_t asked_ms = core_.clock().now_ms();
    Broker& asked = broker(name);
    // What a lost answer had is given to the same attempt at once.
    if (options_.ordered && asked.attempt.empty())
      asked.attempt = consumer_id_ + std::to_string(++attempts_);
    const bool sql = !options_.sql.empty();
    core_.call(address, ChannelRole::kPull,
               encode_pop({.group = options_.group,
                           .topic = options_.topic,
                           .broker = name,
                           .messages_max = options_.batch_max,
                           .invisible_ms = options_.invisible_ms,
                           .poll_ms = options_.poll_ms,
                           .from_latest = options_.from.kind == StartPosition::Kind::kLatest,
                           .expression = sql ? options_.sql : options_.tags,
                           .sql92 = sql,
                           .ordered = options_.ordered,
                           .attempt = asked.attempt}),
               nullptr, options_.poll_ms + core_.options().call_timeout_ms,
               [self = shared_from_this(), name, asked_ms](CallOutcome outcome) {
                 self->answered(name, asked_ms, std::move(outcome));
               });
  }

  void answered(const std::string& name, std::int64_t asked_ms, CallOutcome outcome) {
    if (has_failed()) {
      const bool popped =
          outcome.answer.ok() && outcome.answer->header.code == response_code::kSuccess;
      if (popped) give_back(*outcome.answer, name);
      return;
    }
    Broker& asked = broker(name);
    asked.under_way = false;
    if (!outcome.answer.ok()) return unanswered(name, outcome.answer.error());
    asked.attempt.clear();
    const FrameHeader& header = outcome.answer->header;
    switch (classify(CallKind::kPull, header.code, header.remark)) {
      case Verdict::kSuccess:
        fine(name);
        return arrived(name, std::move(*outcome.answer));
      case Verdict::kNormal:
        fine(name);
        if (core_.clock().now_ms() - asked_ms < kNothingWaitMs) return wait(name, kNothingWaitMs);
        return pump();
      default:
        return refused(name, header);
    }
  }

  void unanswered(const std::string& name, const Error& error) {
    // A refused certificate is a mistake at first, and an outage later.
    if (error.code == ErrorCode::kPermissionDenied && !error.retryable && !broker(name).worked)
      return fail(error.with_context(popping_from(name)));
    trouble(name, error);
  }

  // Nobody polls any more: others get the messages at once.
  void give_back(const Answer& answer, const std::string& broker) const {
    PoppedAnswer popped = decoder_.decode(answer, broker);
    std::vector<PopHandle> handles = std::move(popped.unwanted);
    for (const auto* messages : {&popped.messages, &popped.dead}) {
      for (const PoppedMessage& each : *messages) handles.push_back(each.handle);
    }
    calls_->give_back(handles);
  }

  void arrived(const std::string& name, Answer answer) {
    const std::int64_t expires_ms = core_.clock().now_ms() + options_.invisible_ms;
    MutexLock lock(mutex_);
    arrived_.push_back(Arrived{std::move(answer), name, expires_ms});
    changed_.notify_all();
  }

  void refused(const std::string& name, const FrameHeader& header) {
    const Error error = answer_error(RequestCode::kPopMessage, header.code, header.remark);
    switch (classify(CallKind::kPull, header.code, header.remark)) {
      case Verdict::kUnsupported:
        return fail(Error{ErrorCode::kUnsupported,
                          "broker '" + name + "' is RocketMQ " + version_text(header.version) +
                              " and does not know POP_MESSAGE, which is there from 5.0 on: use a "
                              "GroupConsumer"});
      case Verdict::kRetrySame:
        return trouble(name, error);
      case Verdict::kRetryOther:
      case Verdict::kResubscribe: {
        const bool goes_away = header.code == response_code::kServiceNotAvailable ||
                               header.code == response_code::kGoAway;
        if (goes_away || is_passing(broker(name).refused_since_ms)) return trouble(name, error);
        break;
      }
      default:
        break;
    }
    fail(error.with_context(popping_from(name)));
  }

  // For a while it may come from a server that does not know everything yet.
  bool is_passing(std::int64_t& since_ms) const {
    const std::int64_t now_ms = core_.clock().now_ms();
    if (since_ms < 0) since_ms = now_ms;
    return now_ms - since_ms <= kRefusalPatienceMs;
  }

  void trouble(const std::string& name, const Error& error) {
    Broker& asked = broker(name);
    asked.in_trouble = true;
    log_trouble(name, error);
    wait(name, asked.retry.next_wait_ms(Error::retry(error.code, {})).value_or(kTroubleWaitMs));
  }

  void fine(const std::string& name) {
    Broker& asked = broker(name);
    asked.worked = true;
    asked.refused_since_ms = -1;
    if (!std::exchange(asked.in_trouble, false)) return;
    asked.retry.reset();
    LogLimit::of_process().forget(popping_from(name));
    LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "again " + popping_from(name),
                               popping_from(name) + " works again");
  }

  void wait(const std::string& name, std::int64_t wait_ms) {
    broker(name).timer = core_.loop().run_after(wait_ms, [self = shared_from_this(), name] {
      self->broker(name).timer = io::TimerId::kNone;
      self->pump();
    });
  }

  void log_trouble(const std::string& name, const Error& error) const {
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", popping_from(name),
        popping_from(name) + ": " + error.message + "; trying again until it works");
  }

  std::string popping_from(const std::string& name) const {
    return "popping messages of topic '" + options_.topic + "'" +
           (name.empty() ? std::string() : " from broker '" + name + "'");
  }

  ClientCore& core_;
  const PopOptions options_;
  const std::int64_t route_age_ms_;
  const PopDecoder decoder_;
  const std::string consumer_id_ = random_id();
  const std::shared_ptr<PopCalls> calls_;
  ClientCore::CloseListener listener_ = 0;

  // loop
  std::map<std::string, std::shared_ptr<Broker>> brokers_;
  std::uint64_t attempts_ = 0;
  bool resolving_ = false;
  io::TimerId route_timer_ = io::TimerId::kNone;
  std::int64_t topic_missing_since_ms_ = -1;

  Mutex mutex_;
  Condition changed_;
  std::deque<Arrived> arrived_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::deque<Error> errors_ SLIPSTREAM_GUARDED_BY(mutex_);  // of what was taken
  std::optional<Error> failure_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;  // it or its client
  bool wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;  // asked for since the last pump
  int waiting_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;      // threads in poll()
};

Result<std::unique_ptr<PopConsumer>> PopConsumer::create(Client& client, PopOptions options) {
  TRY(validate(options));
  auto state = std::make_shared<State>(internal::core_of(client), std::move(options));
  state->end_with_client();
  return std::unique_ptr<PopConsumer>(new PopConsumer(std::move(state)));
}

PopConsumer::PopConsumer(std::shared_ptr<State> state) : state_(std::move(state)) {}
PopConsumer::~PopConsumer() { close(); }
Result<std::vector<PoppedMessage>> PopConsumer::poll(std::int64_t timeout_ms) {
  return state_->poll(timeout_ms);
}
Status PopConsumer::ack(const PopHandle& handle) {
  return state_->calls().ack(std::span(&handle, 1)).front();
}
std::vector<Status> PopConsumer::ack(std::span<const PopHandle> handles) {
  return state_->calls().ack(handles);
}
Result<PopHandle> PopConsumer::change_invisible(const PopHandle& handle,
                                                std::int64_t invisible_ms) {
  return state_->calls().change_invisible(handle, invisible_ms);
}
void PopConsumer::close() { state_->close(); }

}  // namespace slipstream::rocketmq
