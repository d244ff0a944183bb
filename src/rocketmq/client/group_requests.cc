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

// The one whose master stored a message; empty: none of the route.
std::string broker_at(const Result<Route>& route, const std::string& store_host) {
  if (!route.ok()) return {};
  for (const BrokerData& broker : (*route)->brokers) {
    if (broker.master() != nullptr && *broker.master() == store_host) return broker.name;
  }
  return {};
}

// How a broker says that the group has no member, at this broker.
bool says_no_member(const FrameHeader& header) {
  return header.code == response_code::kSystemError &&
         header.remark.find("no consumer for this group") != std::string::npos;
}

}  // namespace

Result<std::vector<std::string>> GroupRequests::members(const RouteData& route) {
  std::vector<const BrokerData*> brokers;
  for (const BrokerData& broker : route.brokers) {
    if (broker.master() != nullptr) brokers.push_back(&broker);
  }
  // One that does not answer is not waited for each time.
  std::stable_partition(brokers.begin(), brokers.end(),
                        [&](const BrokerData* each) { return each->name == answered_last_; });
  Error failure = Error::retry(ErrorCode::kUnavailable, "no broker of the topic has a master now");
  std::size_t without_member = 0;
  for (const BrokerData* broker : brokers) {
    const auto answer = core_.wait_call(*broker->master(), encode_consumer_list(group_));
    if (!answer.ok()) {
      failure = answer.error();
      continue;
    }
    const FrameHeader& header = answer->header;
    if (says_no_member(header)) {
      ++without_member;
      continue;
    }
    if (header.code != response_code::kSuccess) {
      failure = answer_error(RequestCode::kConsumerListByGroup, header.code, header.remark);
      continue;
    }
    auto ids = parse_consumer_list(answer->body());
    if (!ids.ok()) {
      failure = ids.error();
      continue;
    }
    answered_last_ = broker->name;
    std::sort(ids->begin(), ids->end());
    return ids;
  }
  if (!brokers.empty() && without_member == brokers.size()) return std::vector<std::string>();
  return failure;
}

template <typename T>
std::vector<Result<T>> GroupRequests::wait_for_all(
    std::size_t count, std::function<void(std::size_t, std::function<void(Result<T>)>)> begin) {
  struct Pending {
    std::vector<Result<T>> results;
    std::size_t unanswered = 0;
  };
  if (count == 0) return {};
  const std::int64_t limit_ms =
      core_.options().call_timeout_ms + core_.options().connect_timeout_ms;
  const auto pending = std::make_shared<Pending>();  // loop
  pending->unanswered = count;
  pending->results.assign(
      count,
      Error::retry(ErrorCode::kTimeout, "no answer within " + std::to_string(limit_ms) + " ms"));
  const auto all = core_.wait<bool>(
      [count, pending, begin = std::move(begin)](const std::function<void(Result<bool>)>& done) {
        for (std::size_t i = 0; i < count; ++i) {
          begin(i, [pending, i, done](Result<T> result) {
            pending->results[i] = std::move(result);
            if (--pending->unanswered == 0) done(true);
          });
        }
      },
      limit_ms);
  std::vector<Result<T>> results(count, all.ok() ? ClientCore::closed_error() : all.error());
  core_.loop().run_and_wait([&] { results = pending->results; });
  return results;
}

std::string GroupRequests::serving(const MessageQueue& queue) {
  if (!is_logical(queue)) return queue.broker;
  const auto route = core_.wait_route(queue.topic, core_.options().route_refresh_ms);
  const BrokerData* broker = route.ok() ? (*route)->serving(queue) : nullptr;
  return broker == nullptr ? queue.broker : broker->name;
}

void GroupRequests::ask_masters(const std::vector<MessageQueue>& queues, RequestCode code,
                                const TakeAnswer& take) {
  const bool locks = code == RequestCode::kLockQueues;
  const auto encode = locks ? encode_lock_queues : encode_unlock_queues;
  std::map<std::string, std::vector<MessageQueue>> by_broker;
  for (const MessageQueue& queue : queues) by_broker[serving(queue)].push_back(queue);
  std::vector<std::string> brokers;
  std::vector<std::vector<MessageQueue>> asked;
  for (auto& [broker, some] : by_broker) {
    brokers.push_back(broker);
    asked.push_back(std::move(some));
  }
  const auto answers = wait_for_all<Answer>(
      asked.size(), [&core = core_, group = group_, brokers, asked, encode](
                        std::size_t i, const std::function<void(Result<Answer>)>& done) {
        const std::vector<MessageQueue>& some = asked[i];
        Command command =
            encode({.group = group, .client_id = core.memberships().client_id(), .queues = some});
        core.route(some.front().topic, core.options().route_refresh_ms,
                   [&core, broker = brokers[i], command = std::move(command),
                    done](const Result<Route>& route) {
                     const std::string* master = master_of(route, broker);
                     if (master == nullptr) return done(no_master(broker));
                     core.call(*master, ChannelRole::kControl, command, nullptr,
                               core.options().call_timeout_ms,
                               [done](CallOutcome outcome) { done(std::move(outcome.answer)); });
                   });
      });
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Result<Answer>& answer = answers[i];
    if (answer.ok() && answer->header.code == response_code::kSuccess) {
      take(asked[i], *answer);
      continue;
    }
    const Error failure = answer.ok()
                              ? answer_error(code, answer->header.code, answer->header.remark)
                              : answer.error();
    const std::string& broker = brokers[i];
    LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "locks of " + group_ + " at " + broker,
                               std::string(locks ? "locking" : "unlocking") +
                                   " queues of broker '" + broker + "' for group '" + group_ +
                                   "': " + failure.message);
  }
}

GroupRequests::Locks GroupRequests::lock(const std::vector<MessageQueue>& queues) {
  Locks locks;
  ask_masters(queues, RequestCode::kLockQueues,
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
  ask_masters(queues, RequestCode::kUnlockQueues,
              [](const std::vector<MessageQueue>&, const Answer&) {});
}

std::vector<Status> GroupRequests::write_offsets(const std::vector<GroupOffset>& offsets) {
  const auto results = wait_for_all<bool>(
      offsets.size(), [&core = core_, group = group_, offsets](
                          std::size_t i, const std::function<void(Result<bool>)>& done) {
        core.write_group_offset(
            group, offsets[i].queue, offsets[i].offset, [done](const Status& status) {
              done(status.ok() ? Result<bool>(true) : Result<bool>(status.error()));
            });
      });
  std::vector<Status> written;
  for (const Result<bool>& result : results) written.push_back(result.status());
  return written;
}

void GroupRequests::send_back(const MessageQueue& queue, const std::string& store_host,
                              SendBack request, SentBack done) {
  core_.loop().post([&core = core_, queue, store_host, request = std::move(request),
                     done = std::move(done)]() mutable {
    core.route(queue.topic, core.options().route_refresh_ms,
               [&core, queue, store_host, request = std::move(request),
                done = std::move(done)](const Result<Route>& route) mutable {
                 request.broker = is_logical(queue) ? broker_at(route, store_host) : queue.broker;
                 const std::string* master = master_of(route, request.broker);
                 if (master == nullptr) {
                   return done(no_master(request.broker.empty() ? store_host : request.broker));
                 }
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
