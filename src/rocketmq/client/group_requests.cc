#include "rocketmq/client/group_requests.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/log_limit.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq::internal {
namespace {

Error no_master(const std::string& broker) {
  return Error::retry(ErrorCode::kUnavailable, "broker '" + broker + "' has no master now");
}

const std::string* master_of(const Result<Route>& route, const std::string& name) {
  const BrokerData* broker = route.ok() ? (*route)->broker(name) : nullptr;
  return broker == nullptr ? nullptr : broker->master();
}

}  // namespace

Result<std::vector<std::string>> GroupRequests::members(const RouteData& route) {
  Error failure = Error::retry(ErrorCode::kUnavailable, "no broker of the topic has a master now");
  for (const BrokerData& broker : route.brokers) {
    if (broker.master() == nullptr) continue;
    const auto answer = core_.wait_call(*broker.master(), encode_consumer_list(group_));
    if (!answer.ok()) {
      failure = answer.error();
      continue;
    }
    // A broker that knows no member answers with an error.
    if (answer->header.code != response_code::kSuccess) return std::vector<std::string>();
    auto ids = parse_consumer_list(answer->body());
    if (ids.ok()) std::sort(ids->begin(), ids->end());
    return ids;
  }
  return failure;
}

void GroupRequests::ask_masters(const std::vector<MessageQueue>& queues,
                                Command (*encode)(const QueueLock&), const TakeAnswer& take) {
  std::map<std::string, std::vector<MessageQueue>> by_broker;
  for (const MessageQueue& queue : queues) by_broker[queue.broker].push_back(queue);
  for (const auto& [broker, some] : by_broker) {
    const auto route = core_.wait_route(some.front().topic, core_.options().route_refresh_ms);
    const std::string* master = master_of(route, broker);
    Error failure = no_master(broker);
    if (master != nullptr) {
      const auto answer = core_.wait_call(
          *master,
          encode({.group = group_, .client_id = core_.memberships().client_id(), .queues = some}));
      if (answer.ok() && answer->header.code == response_code::kSuccess) {
        take(some, *answer);
        continue;
      }
      failure = answer.ok() ? answer_error(RequestCode::kLockQueues, answer->header.code,
                                           answer->header.remark)
                            : answer.error();
    }
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", "locks of " + group_ + " at " + broker,
        "locking queues of broker '" + broker + "' for group '" + group_ + "': " + failure.message);
  }
}

GroupRequests::Locks GroupRequests::lock(const std::vector<MessageQueue>& queues) {
  Locks locks;
  ask_masters(queues, encode_lock_queues,
              [&](const std::vector<MessageQueue>& asked, const Answer& answer) {
                const auto locked = parse_locked_queues(answer.body());
                if (!locked.ok()) return;
                const std::set<MessageQueue> ours(locked->begin(), locked->end());
                for (const MessageQueue& queue : asked)
                  (ours.contains(queue) ? locks.held : locks.refused).insert(queue);
              });
  return locks;
}

void GroupRequests::unlock(const std::vector<MessageQueue>& queues) {
  ask_masters(queues, encode_unlock_queues, [](const std::vector<MessageQueue>&, const Answer&) {});
}

std::vector<Status> GroupRequests::write_offsets(const std::vector<GroupOffset>& offsets) {
  struct Pending {
    std::vector<Status> written;
    std::size_t unanswered = 0;
  };
  if (offsets.empty()) return {};
  const std::int64_t limit_ms =
      core_.options().call_timeout_ms + core_.options().connect_timeout_ms;
  const auto pending = std::make_shared<Pending>();  // loop
  pending->unanswered = offsets.size();
  pending->written.assign(
      offsets.size(),
      Status(Error::retry(ErrorCode::kTimeout,
                          "not answered within " + std::to_string(limit_ms) + " ms")));
  const auto all = core_.wait<bool>(
      [&core = core_, group = group_, offsets,
       pending](const std::function<void(Result<bool>)>& done) {
        for (std::size_t i = 0; i < offsets.size(); ++i) {
          core.write_group_offset(group, offsets[i].queue, offsets[i].offset,
                                  [pending, i, done](const Status& status) {
                                    pending->written[i] = status;
                                    if (--pending->unanswered == 0) done(true);
                                  });
        }
      },
      limit_ms);
  std::vector<Status> written(offsets.size(), all.status());
  core_.loop().run_and_wait([&] { written = pending->written; });
  return written;
}

void GroupRequests::send_back(const MessageQueue& queue, SendBack request, SentBack done) {
  core_.loop().post(
      [&core = core_, queue, request = std::move(request), done = std::move(done)]() mutable {
        request.broker = queue.broker;
        core.route(queue.topic, core.options().route_refresh_ms,
                   [&core, queue, request = std::move(request),
                    done = std::move(done)](const Result<Route>& route) {
                     const std::string* master = master_of(route, queue.broker);
                     if (master == nullptr) return done(no_master(queue.broker));
                     core.call(*master, ChannelRole::kControl, encode_send_back(request), nullptr,
                               core.options().call_timeout_ms, [done](const CallOutcome& outcome) {
                                 if (!outcome.answer.ok()) return done(outcome.answer.status());
                                 const FrameHeader& header = outcome.answer->header;
                                 if (header.code == response_code::kSuccess) return done({});
                                 done(answer_error(RequestCode::kConsumerSendBack, header.code,
                                                   header.remark));
                               });
                   });
      });
}

}  // namespace slipstream::rocketmq::internal
