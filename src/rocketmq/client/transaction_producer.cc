#include "slipstream/rocketmq/transaction_producer.h"

#include <map>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/thrown.h"
#include "base/try.h"
#include "rocketmq/client/callback_pool.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/trace_sender.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {
namespace {

using internal::CallbackPool;
using internal::ChannelRole;
using internal::ClientCore;
using internal::Route;

constexpr int kEndTries = 3;
constexpr std::int64_t kEndPauseMs = 200;

ProducerOptions half_options(ProducerOptions options) {
  options.retry_unknown = false;  // a second half message would be a second transaction
  return options;
}

template <typename Function>
TransactionState run_user_function(const char* what, Function function) {
  try {
    return function();
  } catch (...) {
    log(LogLevel::kError, "rocketmq", std::string(what) + " " + error_of_exception().message);
    return TransactionState::kUnknown;
  }
}

}  // namespace

class TransactionProducer::State : public std::enable_shared_from_this<State> {
 public:
  State(Client& client, TransactionProducerOptions options, Check check)
      : core_(internal::core_of(client)),
        group_(options.producer.group),
        check_(std::move(check)),
        producer_(client, half_options(options.producer)),
        pool_("mq-tx-check", options.check_threads, options.checks_waiting_max) {}

  void listen() {
    core_.loop().post([self = shared_from_this()] {
      if (self->closed_) return;
      self->listener_ = self->core_.listen(
          RequestCode::kCheckTransactionState,
          [weak = self->weak_from_this()](const std::string& address,
                                          const Answer& request) -> std::optional<Command> {
            const auto state = weak.lock();
            if (!state || !state->asked(address, request)) return std::nullopt;
            return make_answer(request.header, response_code::kSuccess);
          });
    });
  }

  void close() {
    core_.loop().run_and_wait([this] {
      closed_ = true;
      core_.forget_requests(std::exchange(listener_, 0));
      for (const auto& [topic, id] : memberships_) core_.memberships().leave(id);
      memberships_.clear();
    });
    pool_.close();
  }

  Status answer_checks(const std::string& topic) {
    TRY(validate_group(group_));
    TRY(validate_topic(topic));
    core_.loop().post([self = shared_from_this(), topic] {
      if (self->closed_ || self->memberships_.contains(topic)) return;
      self->memberships_[topic] = self->core_.memberships().join_producers(self->group_, topic);
    });
    return {};
  }

  TransactionResult send(Message message, const LocalTransaction& transaction) {
    TransactionResult result;
    result.sent.outcome = SendOutcome::kRefused;
    if (message.delay_level != 0 || message.deliver_at_ms != 0) {
      result.sent.error = Error{ErrorCode::kUnsupported,
                                "a message of a transaction cannot be delayed; send it without a "
                                "delay level and a delivery time"};
      return result;
    }
    if (const Status joined = answer_checks(message.topic); !joined.ok()) {
      result.sent.error = joined.error();
      return result;
    }
    if (message.unique_key.empty()) message.unique_key = producer_.new_unique_key();
    result.transaction_id = message.unique_key;
    result.sent = producer_.send_half_and_wait(message);
    if (!result.sent.stored()) return result;
    const auto place = decode_offset_message_id(result.sent.offset_message_id);
    if (!place.ok()) {
      result.ended = place.error();
      return result;
    }
    result.state = run_user_function("a local transaction",
                                     [&] { return transaction(message, result.transaction_id); });
    trace_end({.topic = message.topic,
               .message_id = message.unique_key,
               .tags = message.tags,
               .keys = joined_keys(message.keys),
               .store_host = HostView{place->ip_bytes(), place->port}.to_string()},
              result.state);
    if (result.state == TransactionState::kUnknown) return result;
    result.ended =
        end_and_wait({.producer_group = group_,
                      .topic = message.topic,
                      .broker = result.sent.queue.broker,
                      .message_id = message.unique_key,
                      .transaction_id = message.unique_key,
                      .half_queue_offset = result.sent.queue_offset,
                      .physical_offset = static_cast<std::int64_t>(place->physical_offset),
                      .commit = result.state == TransactionState::kCommit});
    return result;
  }

 private:
  using EndDone = std::function<void(const Status&)>;

  Status end_and_wait(EndTransaction request) {
    const std::int64_t limit_ms =
        kEndTries * (core_.options().call_timeout_ms + core_.options().connect_timeout_ms) + 1'000;
    return core_
        .wait<bool>(
            [self = shared_from_this(),
             request = std::move(request)](std::function<void(Result<bool>)> done) {
              self->end(request, kEndTries, [done = std::move(done)](const Status& status) {
                done(status.ok() ? Result<bool>(true) : Result<bool>(status.error()));
              });
            },
            limit_ms)
        .status();
  }

  // Each commit that arrives stores one more copy: what may have been done is not asked for again.
  void end(const EndTransaction& request, int tries, EndDone done) {
    core_.route(
        request.topic, tries < kEndTries ? 0 : core_.options().route_refresh_ms,
        [self = shared_from_this(), request, tries,
         done = std::move(done)](const Result<Route>& route) {
          const BrokerData* broker = route.ok() ? (*route)->broker(request.broker) : nullptr;
          const std::string* master = broker == nullptr ? nullptr : broker->master();
          if (master != nullptr) return self->send_end(*master, request, tries, done);
          self->end_failed(request, tries,
                           Error::retry(ErrorCode::kUnavailable,
                                        "broker '" + request.broker + "' has no master now"),
                           done);
        });
  }

  void end_failed(const EndTransaction& request, int tries, const Error& error,
                  const EndDone& done) {
    if (!error.retryable || tries <= 1) return done(error);
    core_.loop().run_after(kEndPauseMs, [self = shared_from_this(), request, tries, done] {
      self->end(request, tries - 1, done);
    });
  }

  void send_end(const std::string& address, const EndTransaction& request, int tries,
                EndDone done) {
    core_.call(address, ChannelRole::kControl, encode_end_transaction(request), nullptr,
               core_.options().call_timeout_ms,
               [self = shared_from_this(), request, tries,
                done = std::move(done)](const CallOutcome& outcome) {
                 if (!outcome.answer.ok()) {
                   return self->end_failed(request, outcome.maybe_done ? 1 : tries,
                                           outcome.answer.error(), done);
                 }
                 const FrameHeader& header = outcome.answer->header;
                 if (header.code == response_code::kSuccess) return done({});
                 self->end_failed(
                     request, tries,
                     answer_error(RequestCode::kEndTransaction, header.code, header.remark), done);
               });
  }

  // False: about another group.
  bool asked(const std::string& address, const Answer& request) {
    const auto check = parse_transaction_check(request.header);
    const auto record = decode_record(request.body());
    if (!check.ok() || !record.ok()) return false;
    if (find_property(record->properties, property::kProducerGroup) != group_) return false;
    auto message = to_received_message(*record, check->broker);
    if (!message.ok()) {
      log(LogLevel::kError, "rocketmq",
          message.error().with_context("a message whose transaction is asked about").message);
      return true;
    }
    EndTransaction end{.producer_group = group_,
                       .topic = message->topic,
                       .broker = check->broker,
                       .message_id = check->message_id,
                       .transaction_id = check->transaction_id,
                       .half_queue_offset = check->half_queue_offset,
                       .physical_offset = check->physical_offset,
                       .commit = false,
                       .from_check = true};
    const bool taken = pool_.run(
        [self = shared_from_this(), address, end = std::move(end),
         message = std::move(*message)]() mutable { self->check(address, end, message); });
    if (!taken) {
      LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "checks of group " + group_,
                                 "too many questions about transactions of group '" + group_ +
                                     "' wait: one is left for the broker to ask again");
    }
    return true;
  }

  // Thread: of the pool.
  void check(const std::string& address, EndTransaction end, const ReceivedMessage& message) {
    const TransactionState state =
        run_user_function("the check of a transaction", [&] { return check_(message); });
    trace_end({.region = std::string(message.property(property::kRegion).value_or("")),
               .topic = message.topic,
               .message_id = message.message_id,
               .tags = message.tags,
               .keys = std::string(message.property(property::kKeys).value_or("")),
               .store_host = address,
               .from_check = true},
              state);
    if (state == TransactionState::kUnknown) return;
    end.commit = state == TransactionState::kCommit;
    core_.loop().post([self = shared_from_this(), address, end = std::move(end)] {
      self->send_end(address, end, 1, [end](const Status& status) {
        if (status.ok()) return;
        log(LogLevel::kWarn, "rocketmq",
            "ending transaction " + end.transaction_id + ": " + status.error().message +
                "; the broker asks again");
      });
    });
  }

  // Reports what the local transaction or the check has answered.
  void trace_end(TraceEvent event, TransactionState state) {
    internal::TraceSender* tracer = producer_.trace_sender();
    if (tracer == nullptr || !tracer->covers(event.topic)) return;
    event.kind = TraceEvent::Kind::kTransactionEnded;
    event.time_ms = core_.clock().wall_ms();
    event.group = group_;
    event.message_type = "commit";  // of such a report, however it ends
    event.transaction_id = event.message_id;
    event.transaction_state = state == TransactionState::kCommit     ? "COMMIT_MESSAGE"
                              : state == TransactionState::kRollback ? "ROLLBACK_MESSAGE"
                                                                     : "UNKNOW";
    tracer->add(std::move(event));
  }

  ClientCore& core_;
  const std::string group_;
  const Check check_;
  Producer producer_;
  CallbackPool pool_;

  // loop
  bool closed_ = false;
  std::uint64_t listener_ = 0;
  std::map<std::string, std::uint64_t> memberships_;  // by topic
};

TransactionProducer::TransactionProducer(Client& client, TransactionProducerOptions options,
                                         Check check)
    : state_(std::make_shared<State>(client, std::move(options), std::move(check))) {
  state_->listen();
}

TransactionProducer::~TransactionProducer() { state_->close(); }

TransactionResult TransactionProducer::send_and_wait(Message message,
                                                     const LocalTransaction& transaction) {
  return state_->send(std::move(message), transaction);
}

Status TransactionProducer::answer_checks(std::string_view topic) {
  return state_->answer_checks(std::string(topic));
}

}  // namespace slipstream::rocketmq
