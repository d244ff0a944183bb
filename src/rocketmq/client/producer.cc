#include "slipstream/rocketmq/producer.h"

#include <algorithm>
#include <optional>
#include <random>
#include <unordered_set>
#include <utility>

#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/retry.h"
#include "rocketmq/client/callback.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/queue_choice.h"
#include "rocketmq/client/trace_sender.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {
namespace {

using internal::ChannelRole;
using internal::ClientCore;
using internal::Route;
using internal::TraceSender;

constexpr std::size_t kUniqueKeyBytes = 32;  // of make_key_maker()
constexpr int kReplyAttemptsMax = 3;         // whoever asked may be gone; as the Java client
constexpr RetryPolicy kSendRetry{.first_wait_ms = 50, .wait_ms_max = 500};

UniqueKeyMaker make_key_maker() {
  std::random_device random;
  // Any four bytes serve as the address: only uniqueness counts, and a random one asks for no list of
  // interfaces.
  const std::uint32_t number = random();
  const std::uint8_t ip[4] = {
      static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
      static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
  return UniqueKeyMaker(
      {.ip = ip, .process_id = static_cast<std::uint16_t>(::getpid()), .hash = random()});
}

// One send from acceptance to its outcome.
// Thread: loop, once accepted.
struct Sending {
  std::string topic;
  std::optional<MessageQueue> fixed;
  std::string sharding_key;
  std::shared_ptr<const std::string> body;
  std::string properties;
  std::int32_t flag = 0;
  std::int32_t sys_flag = 0;
  bool batch = false;
  bool once = false;
  bool reply = false;  // to a request
  int attempts_max = 0;
  std::int64_t total_timeout_ms = 0;
  std::int64_t accepted_ms = 0;
  SendCallback done;
  std::optional<Retry> retry;
  SendResult result;
  bool maybe_stored = false;
  std::string failed_broker;
  std::string address;  // of the last attempt; traces only
};

enum class MessageKind : std::uint8_t {
  kOrdinary,
  kHalf,    // of a transaction
  kSystem,  // for a topic of RocketMQ's own
};

struct SendTerms {
  MessageKind kind = MessageKind::kOrdinary;
  std::string properties{};  // encoded, besides those of the message
  std::int64_t total_timeout_ms = INT64_MAX;
};

std::string_view trace_type(std::string_view properties) {
  if (find_property(properties, property::kTransactionPrepared)) return "half";
  const bool delayed = find_property(properties, property::kDelay) ||
                       find_property(properties, property::kTimerDeliverMs);
  return delayed ? "delay" : "normal";
}

SendResult refused(const Error& error) {
  SendResult result;
  const bool never_sent = error.retryable || error.code == ErrorCode::kCancelled;
  result.outcome = never_sent ? SendOutcome::kNotStored : SendOutcome::kRefused;
  result.error = error;
  return result;
}

}  // namespace

class Producer::State : public std::enable_shared_from_this<State> {
 public:
  State(Client& client, ProducerOptions options)
      : core_(internal::core_of(client)),
        options_(std::move(options)),
        tracer_(TraceSender::make(client, options_.group, "PRODUCE", options_.trace)),
        turn_(std::random_device{}()),
        keys_(make_key_maker()) {}

  void end_with_client() {
    listener_ = core_.when_closed([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->close_with("the client was closed");
    });
  }

  Status send(Message message, const SendTerms& terms, SendCallback done) {
    if (terms.kind == MessageKind::kSystem)
      TRY(validate_content(message, options_.message_bytes_max));
    else
      TRY(validate_message(message, options_.message_bytes_max));
    auto sending = std::make_shared<Sending>();
    TRY_ASSIGN(sending->properties,
               encode_properties(message, message.unique_key.empty() ? unique_key() : ""));
    sending->reply = is_reply(message);
    sending->topic = std::move(message.topic);
    sending->fixed = std::move(message.queue);
    sending->sharding_key = std::move(message.sharding_key);
    sending->flag = message.flag;
    sending->properties += terms.properties;
    sending->total_timeout_ms = std::min(options_.total_timeout_ms, terms.total_timeout_ms);
    if (terms.kind == MessageKind::kHalf) {
      PropertiesBuilder transaction;
      TRY(transaction.add(property::kTransactionPrepared, "true"));
      TRY(transaction.add(property::kProducerGroup, options_.group));
      sending->properties += transaction.text();
      sending->sys_flag |= sys_flag::kTransactionPrepared;
    }
    TRY(set_body(*sending, std::move(message.body)));
    sending->done = std::move(done);
    return accept(std::move(sending));
  }

  Status send_batch(const std::vector<Message>& messages, SendCallback done) {
    if (messages.empty())
      return Error{ErrorCode::kInvalidArgument, "a batch needs at least one message"};
    const Message& first = messages.front();
    auto sending = std::make_shared<Sending>();
    TRY_ASSIGN(sending->body, encode(messages));
    sending->topic = first.topic;
    sending->fixed = first.queue;
    sending->sharding_key = first.sharding_key;
    sending->batch = true;
    sending->done = std::move(done);
    return accept(std::move(sending));
  }

  // The body of a batch.
  Result<std::shared_ptr<const std::string>> encode(const std::vector<Message>& messages) {
    const Message& first = messages.front();
    BatchEncoder encoder(options_.message_bytes_max);
    for (const Message& message : messages) {
      TRY(validate_message(message, options_.message_bytes_max));
      if (message.topic != first.topic) {
        return Error{
            ErrorCode::kInvalidArgument,
            "a batch has one topic, not both '" + first.topic + "' and '" + message.topic + "'"};
      }
      if (is_reply(message))
        return Error{ErrorCode::kUnsupported, "a reply cannot be in a batch; send it alone"};
      if (message.delay_level != 0 || message.deliver_at_ms != 0) {
        return Error{ErrorCode::kUnsupported,
                     "a delayed message cannot be in a batch; send it alone"};
      }
      TRY_ASSIGN(const std::string properties,
                 encode_properties(message, message.unique_key.empty() ? unique_key() : ""));
      TRY(encoder.add(message.body, properties, message.flag));
    }
    return std::make_shared<const std::string>(encoder.take());
  }

  Status send_encoded(EncodedBatch batch, SendRetry retry, SendCallback done) {
    if (!batch.body || batch.body->empty() || batch.count == 0) {
      return Error{ErrorCode::kInvalidArgument, "a batch needs at least one message"};
    }
    if (batch.body->size() > options_.message_bytes_max) {
      return Error{ErrorCode::kInvalidArgument, "batch of " + std::to_string(batch.body->size()) +
                                                    " bytes for " + batch.queue.to_string() +
                                                    " is above the limit of " +
                                                    std::to_string(options_.message_bytes_max)};
    }
    TRY(validate_writable_topic(batch.queue.topic));
    auto sending = std::make_shared<Sending>();
    sending->topic = batch.queue.topic;
    sending->fixed = std::move(batch.queue);
    sending->batch = true;
    sending->once = retry == SendRetry::kOnce;
    sending->body = std::move(batch.body);
    sending->done = std::move(done);
    return accept(std::move(sending));
  }

  void set_room_callback(std::function<void()> room) {
    MutexLock lock(mutex_);
    room_callback_ = std::move(room);
  }

  Status wait_for_room() {
    MutexLock lock(mutex_);
    while (closed_.empty() && full(0)) changed_.wait(mutex_);
    if (!closed_.empty()) return Error{ErrorCode::kCancelled, closed_};
    return {};
  }

  Status flush(std::int64_t timeout_ms) {
    const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
    MutexLock lock(mutex_);
    while (count_ > 0) {
      const std::int64_t left_ms = deadline_ms - core_.clock().now_ms();
      if (left_ms <= 0) {
        return Error::retry(ErrorCode::kTimeout, std::to_string(count_) +
                                                     " sends have no outcome after " +
                                                     std::to_string(timeout_ms) + " ms");
      }
      changed_.wait_for_ms(mutex_, left_ms);
    }
    return {};
  }

  std::string unique_key() {
    MutexLock lock(mutex_);
    return keys_.make(core_.clock().wall_ms());
  }

  std::size_t count() const {
    MutexLock lock(mutex_);
    return count_;
  }
  std::size_t bytes() const {
    MutexLock lock(mutex_);
    return bytes_;
  }

  Result<std::vector<MessageQueue>> queues(const std::string& topic) {
    TRY_ASSIGN(const Route route, core_.wait_route(topic, core_.options().route_refresh_ms));
    return internal::writable_queues(*route, topic);
  }

  // Thread: any but the loop.
  void close() {
    core_.forget(listener_);
    core_.loop().run_and_wait([this] { close_with("the producer was closed"); });
    close_with("the producer was closed");  // the loop was stopped before: nothing runs there
    if (tracer_) tracer_->close();
  }

  TraceSender* tracer() const { return tracer_.get(); }

 private:
  void close_with(const char* why) {
    {
      MutexLock lock(mutex_);
      if (closed_.empty()) closed_ = why;
      changed_.notify_all();
    }
    fail_all();
  }

  // A broker stores what it commits in the queue that it had when the half message came: when the
  // logical queue has moved meanwhile, nobody reads it there.
  static Error static_topic_error(const std::string& topic) {
    return Error{ErrorCode::kUnsupported,
                 "topic '" + topic +
                     "' is a static topic (logical queues): a transaction that is committed when "
                     "its queue has moved would be lost; send it to an ordinary topic"};
  }

  Status set_body(Sending& sending, std::string body) {
    if (options_.compress_above_bytes > 0 && body.size() > options_.compress_above_bytes) {
      std::string smaller;
      TRY(compress_body(Compression::kZlib, body, smaller));
      if (smaller.size() < body.size()) {
        body = std::move(smaller);
        sending.sys_flag |= compression_flags(Compression::kZlib);
      }
    }
    sending.body = std::make_shared<const std::string>(std::move(body));
    return {};
  }

  bool full(std::size_t bytes) const SLIPSTREAM_REQUIRES(mutex_) {
    if (count_ == 0) return false;  // one message always passes
    return count_ >= options_.in_flight_count_max || bytes_ + bytes > options_.in_flight_bytes_max;
  }

  Status accept(std::shared_ptr<Sending> sending) {
    if (sending->total_timeout_ms == 0) sending->total_timeout_ms = options_.total_timeout_ms;
    sending->attempts_max = options_.attempts_max;
    sending->accepted_ms = core_.clock().now_ms();
    if (sending->reply && (sending->attempts_max <= 0 || sending->attempts_max > kReplyAttemptsMax))
      sending->attempts_max = kReplyAttemptsMax;
    {
      MutexLock lock(mutex_);
      if (!closed_.empty()) return Error{ErrorCode::kCancelled, closed_};
      if (full(sending->body->size())) {
        room_wanted_ = true;
        return Error::retry(ErrorCode::kResourceExhausted, "sends in flight are at their limit (" +
                                                               std::to_string(count_) + " sends, " +
                                                               std::to_string(bytes_) + " bytes)");
      }
      ++count_;
      bytes_ += sending->body->size();
      sending_.insert(sending);
    }
    core_.loop().post([self = shared_from_this(), sending = std::move(sending)] {
      if (self->is_live(sending)) self->begin(sending);
    });
    return {};
  }

  bool is_live(const std::shared_ptr<Sending>& sending) const {
    MutexLock lock(mutex_);
    return sending_.contains(sending);
  }

  void begin(const std::shared_ptr<Sending>& sending) {
    RetryPolicy policy = kSendRetry;
    policy.total_ms_max = sending->total_timeout_ms;
    sending->retry.emplace(policy, core_.clock(), std::stop_token(), ++sends_);
    attempt(sending);
  }

  void attempt(const std::shared_ptr<Sending>& sending) {
    ++sending->result.attempts;
    // After a failure the route is looked at again: the broker may have moved.
    const std::int64_t age_max_ms =
        sending->result.attempts > 1 ? 1'000 : core_.options().route_refresh_ms;
    core_.route(sending->topic, age_max_ms,
                [self = shared_from_this(), sending](Result<Route> route) {
                  if (!self->is_live(sending)) return;
                  if (!route.ok()) return self->route_missing(sending, route.error());
                  self->dispatch(sending, **route);
                });
  }

  void route_missing(const std::shared_ptr<Sending>& sending, const Error& error) {
    // A topic that was just created may not be known everywhere yet.
    constexpr int kAttemptsForNewTopic = 4;
    if (error.code == ErrorCode::kNotFound && sending->result.attempts >= kAttemptsForNewTopic) {
      return finish(sending, SendOutcome::kRefused, error);
    }
    failed(sending, Error::retry(error.code, error.message), SendOutcome::kNotStored);
  }

  void dispatch(const std::shared_ptr<Sending>& sending, const RouteData& route) {
    if (route.static_topic && (sending->sys_flag & sys_flag::kTransactionPrepared) != 0)
      return finish(sending, SendOutcome::kRefused, static_topic_error(sending->topic));
    if (sending->fixed) {
      sending->result.queue = *sending->fixed;
    } else {
      const auto queues = internal::writable_queues(route, sending->topic);
      if (queues.empty()) {
        return failed(sending,
                      Error::retry(ErrorCode::kUnavailable,
                                   "topic '" + sending->topic + "' has no writable queue now"),
                      SendOutcome::kNotStored);
      }
      if (sending->sharding_key.empty()) {
        sending->result.queue = internal::round_robin(queues, ++turn_, sending->failed_broker);
      } else {
        sending->result.queue =
            queues[internal::queue_of_key(sending->sharding_key, queues.size())];
        sending->fixed = sending->result.queue;
      }
    }
    const BrokerData* broker = route.serving(sending->result.queue);
    if (broker == nullptr || broker->master() == nullptr) {
      const std::string& name = broker == nullptr ? sending->result.queue.broker : broker->name;
      return failed(
          sending, Error::retry(ErrorCode::kUnavailable, "broker '" + name + "' has no master now"),
          SendOutcome::kNotStored);
    }
    transmit(sending, broker->name, *broker->master());
  }

  void transmit(const std::shared_ptr<Sending>& sending, const std::string& broker,
                const std::string& address) {
    const SendRequest request{.producer_group = options_.group,
                              .topic = sending->topic,
                              .broker = broker,
                              .queue_id = sending->result.queue.id,
                              .sys_flag = sending->sys_flag,
                              .born_ms = core_.clock().wall_ms(),
                              .flag = sending->flag,
                              .properties = sending->properties,
                              .default_queues = 4,
                              .reply = sending->reply};
    Command command = sending->batch ? encode_send_batch(request, {}) : encode_send(request, {});
    std::int64_t timeout_ms =
        std::max<std::int64_t>(1, sending->retry->remaining_ms(options_.attempt_timeout_ms));
    std::int64_t leave_by_ms = io::Connection::kNoDeadline;
    if (options_.fenced) {
      // Whoever let it out did not let it out for later: routes may have been waited for since.
      leave_by_ms = sending->accepted_ms + options_.attempt_timeout_ms;
      timeout_ms = std::min(timeout_ms, leave_by_ms - core_.clock().now_ms());
      if (timeout_ms <= 0) {
        return failed(sending, Error::retry(ErrorCode::kTimeout, "it could not leave in time"),
                      SendOutcome::kNotStored);
      }
    }
    sending->result.last_attempt_ms = core_.clock().now_ms();
    if (tracer_) sending->address = address;
    core_.call(
        address, options_.fenced ? ChannelRole::kFencedSend : ChannelRole::kSend,
        std::move(command), sending->body, timeout_ms,
        [self = shared_from_this(), sending](CallOutcome outcome) {
          if (self->is_live(sending)) self->answered(sending, std::move(outcome));
        },
        leave_by_ms);
  }

  void answered(const std::shared_ptr<Sending>& sending, CallOutcome outcome) {
    if (!outcome.answer.ok()) {
      return failed(sending, outcome.answer.error(),
                    outcome.maybe_done ? SendOutcome::kUnknown : SendOutcome::kNotStored);
    }
    const RequestCode code = sending->batch   ? RequestCode::kSendBatchMessage
                             : sending->reply ? RequestCode::kSendReplyV2
                                              : RequestCode::kSendMessageV2;
    const FrameHeader& header = outcome.answer->header;
    const Verdict verdict = classify(CallKind::kSend, header.code, header.remark);
    if (verdict == Verdict::kSuccess || verdict == Verdict::kStored) {
      if (verdict == Verdict::kStored) warn_of_weak_storage(*sending, header.code);
      auto answer = parse_send(code, header);
      if (answer.ok()) {
        sending->result.queue_offset = answer->queue_offset;
        sending->result.offset_message_id = answer->first_message_id();
        if (tracer_ && tracer_->covers(sending->topic)) trace(*sending, header, *answer);
      }
      return finish(sending, SendOutcome::kStored, {});
    }
    const Error error = answer_error(code, header.code, header.remark);
    if (header.code == response_code::kNotLeaderForQueue) core_.outdate_route(sending->topic);
    switch (verdict) {
      case Verdict::kRetrySame:
      case Verdict::kRetryOther:
        return failed(sending, Error::retry(error.code, error.message), SendOutcome::kNotStored);
      case Verdict::kUnknown:
        return failed(sending, error, SendOutcome::kUnknown);
      default:
        return finish(sending, SendOutcome::kRefused, error);
    }
  }

  // To send it again would double it.
  static void warn_of_weak_storage(const Sending& sending, std::int32_t code) {
    const MessageQueue& queue = sending.result.queue;
    const std::string answer = response_code_name(code);
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", answer + " of " + queue.topic + " at " + queue.broker,
        "sending to " + queue.to_string() + ": the broker answered " + answer +
            ": it has stored the message, and loses it if it fails before disk or replica have it");
  }

  // Each message of a batch is reported on its own, so that it is found by its own id.
  void trace(const Sending& sending, const FrameHeader& header, const SendAnswer& answer) {
    if (header.ext.find(property::kTraceOn) == "false") return;
    TraceEvent event;
    event.kind = TraceEvent::Kind::kSent;
    event.took_ms = core_.clock().now_ms() - sending.result.last_attempt_ms;
    event.time_ms = core_.clock().wall_ms() - event.took_ms;
    event.region = header.ext.find(property::kRegion).value_or("");
    event.group = options_.group;
    event.topic = sending.topic;
    event.store_host = sending.address;
    event.success = header.code == response_code::kSuccess;
    std::string_view ids = answer.message_ids;
    const auto report = [&](std::string_view properties, std::size_t body_bytes) {
      TraceEvent each = event;
      each.message_id = find_property(properties, property::kUniqueKey).value_or("");
      each.tags = find_property(properties, property::kTags).value_or("");
      each.keys = find_property(properties, property::kKeys).value_or("");
      each.body_bytes = static_cast<std::int64_t>(body_bytes);
      each.message_type = trace_type(properties);
      each.offset_message_id = ids.substr(0, ids.find(','));
      ids.remove_prefix(std::min(each.offset_message_id.size() + 1, ids.size()));
      tracer_->add(std::move(each));
    };
    if (!sending.batch) return report(sending.properties, sending.body->size());
    std::span<const std::uint8_t> rest = as_bytes(*sending.body);
    while (!rest.empty()) {
      const auto entry = decode_batch_entry(rest);
      if (!entry.ok()) return;
      report(entry->properties, entry->body.size());
    }
  }

  void failed(const std::shared_ptr<Sending>& sending, Error error, SendOutcome outcome) {
    if (outcome == SendOutcome::kUnknown) sending->maybe_stored = true;
    sending->failed_broker = sending->result.queue.broker;
    const bool left =
        sending->attempts_max <= 0 || sending->result.attempts < sending->attempts_max;
    const bool again =
        !sending->once && left && (outcome == SendOutcome::kNotStored || options_.retry_unknown);
    // An unknown outcome is worth another try here although the request itself may not be
    // repeatable in general.
    const Error decided = Error::retry(error.code, error.message);
    const auto wait_ms = again ? sending->retry->next_wait_ms(decided) : std::nullopt;
    if (!wait_ms) return finish(sending, outcome, std::move(error));
    const std::int64_t backoff_ms = options_.retry_backoff_ms > 0
                                        ? sending->retry->remaining_ms(options_.retry_backoff_ms)
                                        : *wait_ms;
    core_.loop().run_after(backoff_ms, [self = shared_from_this(), sending] {
      if (self->is_live(sending)) self->attempt(sending);
    });
  }

  void finish(const std::shared_ptr<Sending>& sending, SendOutcome outcome, Error error) {
    // A refusal after an attempt that may have been stored does not undo that attempt.
    if (outcome != SendOutcome::kStored && sending->maybe_stored) outcome = SendOutcome::kUnknown;
    sending->result.outcome = outcome;
    if (outcome != SendOutcome::kStored) {
      const std::string where = sending->result.queue.topic.empty()
                                    ? "topic '" + sending->topic + "'"
                                    : sending->result.queue.to_string();
      sending->result.error = std::move(error).with_context("sending to " + where);
    }
    SendCallback done = std::move(sending->done);
    internal::run_callback("the callback of a send", done, sending->result);
    std::function<void()> room;
    {
      MutexLock lock(mutex_);
      sending_.erase(sending);
      --count_;
      bytes_ -= sending->body->size();
      if (room_wanted_ && !full(0)) {
        room_wanted_ = false;
        room = room_callback_;
      }
      changed_.notify_all();
    }
    internal::run_callback("the room callback of a producer", room);
  }

  void fail_all() {
    std::unordered_set<std::shared_ptr<Sending>> left;
    std::string why;
    {
      MutexLock lock(mutex_);
      left = sending_;
      why = closed_;
    }
    for (const auto& sending : left) {
      const bool sent = sending->result.last_attempt_ms > 0;
      finish(sending, sent ? SendOutcome::kUnknown : SendOutcome::kNotStored,
             Error{ErrorCode::kCancelled, why});
    }
  }

  ClientCore& core_;
  const ProducerOptions options_;
  const std::shared_ptr<TraceSender> tracer_;  // null: traces are off
  ClientCore::CloseListener listener_ = 0;
  std::uint64_t turn_;       // loop
  std::uint64_t sends_ = 0;  // loop
  mutable Mutex mutex_;
  Condition changed_;
  UniqueKeyMaker keys_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::unordered_set<std::shared_ptr<Sending>> sending_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t count_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool room_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::string closed_ SLIPSTREAM_GUARDED_BY(mutex_);  // why; empty while it is not
  std::function<void()> room_callback_ SLIPSTREAM_GUARDED_BY(mutex_);
};

Producer::Producer(Client& client, ProducerOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {
  state_->end_with_client();
}

Producer::~Producer() { state_->close(); }

Status Producer::send(Message message, SendCallback done) {
  return state_->send(std::move(message), {}, std::move(done));
}

Status Producer::send_batch(const std::vector<Message>& messages, SendCallback done) {
  return state_->send_batch(messages, std::move(done));
}

Result<EncodedBatch> Producer::encode(const MessageQueue& queue,
                                      const std::vector<Message>& messages) {
  if (messages.empty())
    return Error{ErrorCode::kInvalidArgument, "a batch needs at least one message"};
  if (messages.front().topic != queue.topic) {
    return Error{ErrorCode::kInvalidArgument, "messages of topic '" + messages.front().topic +
                                                  "' for the queue " + queue.to_string()};
  }
  TRY_ASSIGN(auto body, state_->encode(messages));
  return EncodedBatch{queue, std::move(body), messages.size()};
}

Result<std::size_t> Producer::bytes_in_batch(const Message& message) {
  const std::string key(message.unique_key.empty() ? kUniqueKeyBytes : 0, '0');
  TRY_ASSIGN(const std::string properties, encode_properties(message, key));
  return BatchEncoder::entry_size(message.body.size(), properties.size());
}

Status Producer::send_encoded(EncodedBatch batch, SendRetry retry, SendCallback done) {
  return state_->send_encoded(std::move(batch), retry, std::move(done));
}

namespace {

// Waits for the callback of `begin`, retrying while there is no room.
template <typename Begin, typename WaitForRoom>
SendResult wait_for_outcome(Begin begin, WaitForRoom wait_for_room) {
  struct Slot {
    Mutex mutex;
    Condition ready;
    std::optional<SendResult> result SLIPSTREAM_GUARDED_BY(mutex);
  };
  auto slot = std::make_shared<Slot>();
  while (true) {
    const Status begun = begin([slot](const SendResult& result) {
      MutexLock lock(slot->mutex);
      slot->result = result;
      slot->ready.notify_all();
    });
    if (begun.ok()) break;
    if (begun.error().code != ErrorCode::kResourceExhausted || !begun.error().retryable)
      return refused(begun.error());
    const Status room = wait_for_room();
    if (!room.ok()) return refused(room.error());
  }
  MutexLock lock(slot->mutex);
  while (!slot->result) slot->ready.wait(slot->mutex);
  return std::move(*slot->result);
}

}  // namespace

SendResult Producer::send_and_wait(Message message) {
  return wait_for_outcome(
      [&](SendCallback done) { return state_->send(message, {}, std::move(done)); },
      [&] { return state_->wait_for_room(); });
}

SendResult Producer::send_half_and_wait(Message message) {
  return wait_for_outcome(
      [&](SendCallback done) {
        return state_->send(message, {.kind = MessageKind::kHalf}, std::move(done));
      },
      [&] { return state_->wait_for_room(); });
}

Status Producer::send_request(Message message, std::string properties, std::int64_t timeout_ms,
                              SendCallback done) {
  return state_->send(std::move(message),
                      {.properties = std::move(properties), .total_timeout_ms = timeout_ms},
                      std::move(done));
}

Status Producer::send_to_system_topic(Message message, SendCallback done) {
  return state_->send(std::move(message), {.kind = MessageKind::kSystem}, std::move(done));
}

TraceSender* Producer::trace_sender() { return state_->tracer(); }
std::uint64_t Producer::dropped_traces() const {
  return state_->tracer() == nullptr ? 0 : state_->tracer()->dropped();
}

std::string Producer::new_unique_key() { return state_->unique_key(); }

SendResult Producer::send_batch_and_wait(const std::vector<Message>& messages) {
  return wait_for_outcome(
      [&](SendCallback done) { return state_->send_batch(messages, std::move(done)); },
      [&] { return state_->wait_for_room(); });
}

void Producer::set_room_callback(std::function<void()> room) {
  state_->set_room_callback(std::move(room));
}
Status Producer::flush(std::int64_t timeout_ms) { return state_->flush(timeout_ms); }
std::size_t Producer::in_flight_count() const { return state_->count(); }
std::size_t Producer::in_flight_bytes() const { return state_->bytes(); }

Result<std::vector<MessageQueue>> Producer::queues(std::string_view topic) {
  return state_->queues(std::string(topic));
}

std::size_t Producer::queue_of_key(std::string_view key, std::size_t queue_count) {
  return internal::queue_of_key(key, queue_count);
}

}  // namespace slipstream::rocketmq
