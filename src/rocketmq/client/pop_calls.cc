#include "rocketmq/client/pop_calls.h"

#include <map>
#include <utility>

#include "base/log_limit.h"
#include "base/try.h"
#include "rocketmq/client/pop_batch.h"
#include "rocketmq/client/pop_decoder.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr int kAttempts = 3;

Error no_master(const std::string& broker) {
  return Error::retry(ErrorCode::kUnavailable, "broker '" + broker + "' has no master now");
}

Status status_of(RequestCode request, const CallOutcome& outcome) {
  if (!outcome.answer.ok()) return outcome.answer.status();
  const FrameHeader& header = outcome.answer->header;
  if (header.code == response_code::kSuccess) return {};
  Error error = answer_error(request, header.code, header.remark);
  if (header.code == response_code::kNoMessage) error.code = ErrorCode::kNotFound;
  return error;
}

void log_failure(const std::string& what, const Status& status) {
  if (status.ok()) return;
  LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", what,
                             what + ": " + status.error().message + "; it comes again");
}

}  // namespace

// Acknowledgements that go out together.
struct PopCalls::Acks {
  std::vector<Status> statuses;                                     // one for each handle
  std::vector<std::pair<std::size_t, PopCheckPoint>> check_points;  // with the place of the handle
  std::size_t left = 0;                                             // without an answer
  AckDone done;

  void finish(std::size_t index, const Status& status) {
    statuses[check_points[index].first] = status;
    if (--left == 0) done(std::move(statuses));
  }
};

PopCalls::AcksPtr PopCalls::make_acks(std::span<const PopHandle> handles) const {
  auto acks = std::make_shared<Acks>();
  acks->statuses.resize(handles.size());
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const auto& batch = handles[i].batch;
    if (batch && !batch->acknowledge(handles[i].offset)) continue;
    auto check_point = parse_check_point(batch ? batch->check_point() : handles[i].check_point);
    if (check_point.ok()) {
      acks->check_points.emplace_back(i, std::move(*check_point));
    } else {
      acks->statuses[i] = Error{ErrorCode::kInvalidArgument,
                                "a handle that is none: " + check_point.error().message};
    }
  }
  acks->left = acks->check_points.size();
  return acks;
}

std::vector<Status> PopCalls::ack(std::span<const PopHandle> handles) {
  const AcksPtr acks = make_acks(handles);
  if (acks->check_points.empty()) return acks->statuses;
  const std::vector<Status> unknown = acks->statuses;
  const auto statuses = core_.wait<std::vector<Status>>(
      [self = shared_from_this(), acks](AckDone done) { self->begin(acks, std::move(done)); },
      kAttempts * (core_.options().call_timeout_ms + core_.options().connect_timeout_ms));
  if (statuses.ok()) return *statuses;
  std::vector<Status> failed = unknown;
  for (Status& each : failed) {
    if (each.ok()) each = statuses.error();
  }
  return failed;
}

void PopCalls::ack_later(std::span<const PopHandle> handles) {
  const AcksPtr acks = make_acks(handles);
  if (acks->check_points.empty()) return;
  core_.loop().post([self = shared_from_this(), acks] {
    self->begin(acks, [topic = self->topic_](const Result<std::vector<Status>>& statuses) {
      for (const Status& each : *statuses)
        log_failure("acknowledging a message of topic '" + topic + "' that is not wanted", each);
    });
  });
}

void PopCalls::begin(const AcksPtr& acks, AckDone done) {
  acks->done = std::move(done);
  core_.route(topic_, core_.options().route_refresh_ms,
              [self = shared_from_this(), acks](const Result<Route>& route) {
                self->route_arrived(acks, route);
              });
}

void PopCalls::route_arrived(const AcksPtr& acks, const Result<Route>& route) {
  std::map<std::string, Indices> batches;
  Indices singles;
  for (std::size_t i = 0; i < acks->check_points.size(); ++i) {
    const PopCheckPoint& check_point = acks->check_points[i].second;
    if (fits_batch_ack(check_point) && !without_batches_.contains(check_point.broker))
      batches[check_point.broker].push_back(i);
    else
      singles.push_back(i);
  }
  const auto master_of = [&](const std::string& name) -> const std::string* {
    const BrokerData* broker = route.ok() ? (*route)->broker(name) : nullptr;
    return broker == nullptr ? nullptr : broker->master();
  };
  const auto refuse = [&](std::size_t index) {
    acks->finish(index, route.ok() ? Status(no_master(acks->check_points[index].second.broker))
                                   : route.status());
  };
  for (const auto& [broker, indices] : batches) {
    const std::string* master = master_of(broker);
    if (master == nullptr) {
      for (const std::size_t index : indices) refuse(index);
    } else if (indices.size() == 1) {
      send_single(acks, *master, indices.front());
    } else {
      send_batch(acks, *master, broker, indices);
    }
  }
  for (const std::size_t index : singles) {
    const std::string* master = master_of(acks->check_points[index].second.broker);
    master == nullptr ? refuse(index) : send_single(acks, *master, index);
  }
}

void PopCalls::send_batch(const AcksPtr& acks, const std::string& address,
                          const std::string& broker, const Indices& indices) {
  std::vector<PopCheckPoint> check_points;
  for (const std::size_t index : indices) check_points.push_back(acks->check_points[index].second);
  call(address, encode_batch_ack(group_, topic_, broker, check_points), kAttempts,
       [self = shared_from_this(), acks, address, broker, indices](const CallOutcome& outcome) {
         if (outcome.answer.ok() &&
             outcome.answer->header.code == response_code::kRequestCodeNotSupported) {
           self->without_batches_.insert(broker);
           for (const std::size_t index : indices) self->send_single(acks, address, index);
           return;
         }
         const Status status = status_of(RequestCode::kBatchAckMessage, outcome);
         for (const std::size_t index : indices) acks->finish(index, status);
       });
}

void PopCalls::send_single(const AcksPtr& acks, const std::string& address, std::size_t index) {
  call(address, encode_ack(group_, topic_, acks->check_points[index].second), kAttempts,
       [acks, index](const CallOutcome& outcome) {
         acks->finish(index, status_of(RequestCode::kAckMessage, outcome));
       });
}

void PopCalls::call(const std::string& address, const Command& command, int attempts_left,
                    const CallDone& done) {
  core_.call(
      address, ChannelRole::kControl, command, nullptr, core_.options().call_timeout_ms,
      [self = shared_from_this(), address, command, attempts_left, done](CallOutcome outcome) {
        const bool lost = !outcome.answer.ok() && outcome.answer.error().retryable &&
                          outcome.answer.error().code == ErrorCode::kUnavailable;
        if (!lost || attempts_left <= 1) return done(std::move(outcome));
        self->call(address, command, attempts_left - 1, done);
      });
}

void PopCalls::find_master(const std::string& broker,
                           std::function<void(Result<std::string>)> done) {
  core_.route(topic_, core_.options().route_refresh_ms,
              [broker, done = std::move(done)](const Result<Route>& route) {
                if (!route.ok()) return done(route.status());
                const BrokerData* found = (*route)->broker(broker);
                const std::string* master = found == nullptr ? nullptr : found->master();
                done(master == nullptr ? Result<std::string>(no_master(broker))
                                       : Result<std::string>(*master));
              });
}

Result<PopHandle> PopCalls::change_invisible(const PopHandle& handle, std::int64_t invisible_ms) {
  const auto before =
      parse_check_point(handle.batch ? handle.batch->check_point() : handle.check_point);
  if (!before.ok() || invisible_ms < 0) {
    return Error{ErrorCode::kInvalidArgument,
                 before.ok() ? "an invisible time of " + std::to_string(invisible_ms) + " ms"
                             : "a handle that is none: " + before.error().message};
  }
  TRY_ASSIGN(const Answer answer,
             core_.wait<Answer>(
                 [self = shared_from_this(), before = *before,
                  invisible_ms](const std::function<void(Result<Answer>)>& done) {
                   self->find_master(before.broker, [self, before, invisible_ms,
                                                     done](const Result<std::string>& master) {
                     if (!master.ok()) return done(master.status());
                     // Once: each that arrives makes the message come again.
                     self->call(
                         *master,
                         encode_change_invisible(self->group_, self->topic_, before, invisible_ms),
                         1, [done](CallOutcome outcome) { done(std::move(outcome.answer)); });
                   });
                 },
                 2 * (core_.options().call_timeout_ms + core_.options().connect_timeout_ms)));
  if (answer.header.code == response_code::kNoMessage) {
    return Error{ErrorCode::kNotFound, "the broker does not keep the message of " +
                                           handle.queue.to_string() + " at offset " +
                                           std::to_string(handle.offset) + " any more"};
  }
  TRY_ASSIGN(const PopCheckPoint after, parse_changed_invisible(answer.header, *before));
  PopHandle changed = handle_of(after, topic_, group_);
  changed.offset = handle.offset;
  changed.batch = handle.batch;
  if (handle.batch) handle.batch->set_check_point(changed.check_point);
  changed.reconsume_times = handle.reconsume_times;
  changed.first_pop_ms = handle.first_pop_ms;
  return changed;
}

void PopCalls::give_back(std::span<const PopHandle> handles) {
  std::set<const PopBatch*> batches;
  for (const PopHandle& handle : handles) {
    if (handle.batch && !batches.insert(handle.batch.get()).second) continue;
    const auto before = parse_check_point(handle.check_point);
    if (!before.ok()) continue;
    core_.loop().post([self = shared_from_this(), before = *before] {
      self->find_master(before.broker, [self, before](const Result<std::string>& master) {
        if (!master.ok()) return;
        self->call(*master, encode_change_invisible(self->group_, self->topic_, before, 0), 1,
                   [](const CallOutcome&) {});
      });
    });
  }
}

void PopCalls::put_into_dead_letters(const PoppedMessage& message) {
  const SendBack back{.group = group_,
                      .physical_offset = message.message.physical_offset,
                      .delay_level = -1,
                      .message_id = message.message.message_id,
                      .topic = message.handle.queue.topic,
                      .reconsume_times_max = 0,
                      .broker = message.handle.queue.broker};
  core_.loop().post([self = shared_from_this(), back, handle = message.handle] {
    self->find_master(back.broker, [self, back, handle](const Result<std::string>& master) {
      const std::string what = "putting a message of topic '" + self->topic_ +
                               "' into the dead letters of group '" + self->group_ + "'";
      if (!master.ok()) return log_failure(what, master.status());
      self->call(*master, encode_send_back(back), 1,
                 [self, handle, what](const CallOutcome& outcome) {
                   const Status status = status_of(RequestCode::kConsumerSendBack, outcome);
                   if (status.ok()) self->ack_later(std::span(&handle, 1));
                   log_failure(what, status);
                 });
    });
  });
}

}  // namespace slipstream::rocketmq::internal
