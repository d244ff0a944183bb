#include "slipstream/rocketmq/admin.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/try.h"
#include "rocketmq/client/admin_calls.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/queue_choice.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/pop_requests.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {
namespace {

using internal::ask_cluster;
using internal::broker_names;
using internal::call_broker;
using internal::ClientCore;
using internal::pause;
using internal::Route;
using internal::succeed;

// A new topic is in the route within half a second, unless a name server is slow.
constexpr std::int64_t kRouteWaitMs = 10'000;
constexpr std::int64_t kRoutePollMs = 50;
constexpr int kMovedAttempts = 20;
constexpr std::int64_t kBrokerWaitMs = 10'000;
constexpr std::int64_t kBrokerPollMs = 100;
constexpr std::int64_t kDispatchWaitMs = 10'000;
constexpr std::int64_t kDispatchPollMs = 20;

Error no_master(const MessageQueue& queue) {
  return Error::retry(ErrorCode::kUnavailable,
                      is_logical(queue)
                          ? "no broker that serves queue " + queue.to_string() + " is there now"
                          : "broker '" + queue.broker + "' of topic '" + queue.topic +
                                "' has no master in the route now");
}

Result<std::string> master_of(ClientCore& core, const std::string& topic, const std::string& name) {
  TRY_ASSIGN(const Route route, core.wait_route(topic, core.options().route_refresh_ms));
  const BrokerData* broker = route->broker(name);
  if (broker == nullptr || broker->master() == nullptr) {
    return Error::retry(ErrorCode::kUnavailable, "broker '" + name + "' of topic '" + topic +
                                                     "' has no master in the route now");
  }
  return *broker->master();
}

// With the name of the broker that serves the queue.
using Encode = std::function<Command(const MessageQueue& queue)>;

// To the master of the queue. A logical queue may just move to another broker.
Result<Answer> call_queue(ClientCore& core, const MessageQueue& queue, const Encode& encode) {
  for (int attempt = 1;; ++attempt) {
    const std::int64_t age_max_ms = attempt == 1 ? core.options().route_refresh_ms : -1;
    TRY_ASSIGN(const Route route, core.wait_route(queue.topic, age_max_ms));
    const BrokerData* broker = route->serving(queue);
    if (broker == nullptr || broker->master() == nullptr) return no_master(queue);
    auto answer =
        call_broker(core, *broker->master(), encode({queue.topic, broker->name, queue.id}));
    const bool moved = answer.ok() && answer->header.code == response_code::kNotLeaderForQueue;
    if (!moved || attempt == kMovedAttempts) return answer;
    pause(core, kRoutePollMs);
  }
}

Result<std::int64_t> ask_offset(ClientCore& core, const MessageQueue& queue, RequestCode code,
                                const Encode& encode) {
  auto answer = call_queue(core, queue, encode);
  if (!answer.ok()) return std::move(answer).error().with_context("queue " + queue.to_string());
  auto offset = parse_offset(code, answer->header);
  if (!offset.ok()) return std::move(offset).error().with_context("queue " + queue.to_string());
  return *offset;
}

// Brokers 4.x answer 0 also for groups that have no offset in a young queue: the table of all
// offsets tells. Who may not ask for it gets the 0 when the group has read the topic. A broker is
// asked once for each.
class ZeroOffsets {
 public:
  ZeroOffsets(ClientCore& core, std::string_view group) : core_(core), group_(group) {}

  bool is_offset(const MessageQueue& queue, const Answer& zero) {
    if (is_logical(queue)) return true;  // what was written may lie on another broker than this one
    if (!reads_topic(queue)) return false;
    if (zero.header.version >= kVersion5) return true;
    const Result<GroupOffsets>& offsets = offsets_at(queue);
    return !offsets.ok() || offsets->contains({queue.topic, queue.id});
  }

 private:
  // Which groups have offsets in a topic brokers do know. Who may not ask that: yes.
  bool reads_topic(const MessageQueue& queue) {
    const auto [known, first] = reads_topic_.try_emplace({queue.broker, queue.topic}, true);
    if (!first) return known->second;
    const auto answer = succeed(RequestCode::kGroupsOfTopic,
                                call_queue(core_, queue, [](const MessageQueue& served) {
                                  return encode_groups_of_topic(served.topic);
                                }));
    if (!answer.ok()) return true;
    const auto groups = parse_group_list(answer->body());
    known->second =
        !groups.ok() || std::find(groups->begin(), groups->end(), group_) != groups->end();
    return known->second;
  }

  const Result<GroupOffsets>& offsets_at(const MessageQueue& queue) {
    const auto known = offsets_.find(queue.broker);
    if (known != offsets_.end()) return known->second;
    const auto answer =
        succeed(RequestCode::kAllConsumerOffsets, call_queue(core_, queue, [](const MessageQueue&) {
                  return encode_all_consumer_offsets();
                }));
    return offsets_
        .emplace(queue.broker, answer.ok() ? parse_all_consumer_offsets(answer->body(), group_)
                                           : Result<GroupOffsets>(answer.status()))
        .first->second;
  }

  ClientCore& core_;
  const std::string group_;
  std::map<std::pair<std::string, std::string>, bool> reads_topic_;  // by broker and topic
  std::map<std::string, Result<GroupOffsets>> offsets_;              // by broker
};

// A broker that has just started registers after a moment.
Result<ClusterView> await_brokers(ClientCore& core) {
  const std::int64_t deadline_ms = core.clock().now_ms() + kBrokerWaitMs;
  bool logged = false;
  while (true) {
    TRY_ASSIGN(ClusterView cluster, ask_cluster(core));
    const bool some = std::any_of(cluster.brokers.begin(), cluster.brokers.end(),
                                  [](const BrokerData& each) { return each.master() != nullptr; });
    if (some) return cluster;
    if (core.clock().now_ms() >= deadline_ms) {
      return Error::retry(ErrorCode::kUnavailable,
                          "no broker was registered at the name server in " +
                              std::to_string(kBrokerWaitMs) + " ms; is one running?");
    }
    if (!std::exchange(logged, true)) {
      log(LogLevel::kInfo, "rocketmq",
          "no broker is registered at the name server; waiting for one, at most " +
              std::to_string(kBrokerWaitMs) + " ms");
    }
    pause(core, kBrokerPollMs);
  }
}

TopicDescription describe(const RouteData& route, const std::string& topic) {
  TopicDescription description;
  description.topic = topic;
  description.static_topic = route.static_topic;
  if (route.static_topic) description.logical_queues = internal::readable_queues(route, topic);
  for (const QueueData& each : route.queues) {
    const BrokerData* broker = route.broker(each.broker);
    const std::string* master = broker == nullptr ? nullptr : broker->master();
    description.brokers.push_back({.name = each.broker,
                                   .master = master == nullptr ? std::string() : *master,
                                   .read_queues = each.read_queues,
                                   .write_queues = each.write_queues,
                                   .perm = each.perm});
  }
  return description;
}

// Whether the route shows what was asked for on every broker of `names`.
bool shows(const TopicDescription& description, const TopicSpec& spec,
           const std::set<std::string>& names) {
  std::size_t matching = 0;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (names.contains(broker.name) && broker.read_queues == spec.read_queues &&
        broker.write_queues == spec.write_queues) {
      ++matching;
    }
  }
  return matching == names.size();
}

std::vector<MessageQueue> queues_with(const TopicDescription& description, std::int32_t perm) {
  if (description.static_topic) return description.logical_queues;
  std::vector<MessageQueue> queues;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if ((broker.perm & perm) == 0) continue;
    if (perm == kPermWrite && broker.master.empty()) continue;
    const std::int32_t count = perm == kPermWrite ? broker.write_queues : broker.read_queues;
    for (std::int32_t id = 0; id < count; ++id)
      queues.push_back({description.topic, broker.name, id});
  }
  return queues;
}

}  // namespace

std::vector<MessageQueue> TopicDescription::readable_queues() const {
  return queues_with(*this, kPermRead);
}
std::vector<MessageQueue> TopicDescription::writable_queues() const {
  return queues_with(*this, kPermWrite);
}

Admin::Admin(Client& client) : core_(&internal::core_of(client)) {}

namespace {

Status check_new(Admin& admin, const std::string& topic) {
  const auto there = admin.describe_topic(topic);
  if (!there.ok()) return there.error().code == ErrorCode::kNotFound ? Status() : there.status();
  std::string queues;
  for (const TopicDescription::Broker& broker : there->brokers) {
    queues += (queues.empty() ? "" : ", ") + std::to_string(broker.read_queues) + " to read and " +
              std::to_string(broker.write_queues) + " to write on " + broker.name;
  }
  return Error{ErrorCode::kAlreadyExists,
               "topic '" + topic + "' exists already, its queues are " + queues +
                   ": widen_topic() gives it more, shrink_topic() fewer, and "
                   "TopicSpec::change_existing all that the spec says"};
}

}  // namespace

Status Admin::wait_for_brokers() { return await_brokers(*core_).status(); }

Status Admin::create_topic(const TopicSpec& spec) {
  TRY(validate_writable_topic(spec.topic));
  if (spec.read_queues < 1 || spec.write_queues < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "topic '" + spec.topic + "' needs at least one queue"};
  }
  TRY_ASSIGN(const ClusterView cluster, await_brokers(*core_));
  if (!spec.change_existing) TRY(check_new(*this, spec.topic));
  std::set<std::string> names(spec.brokers.begin(), spec.brokers.end());
  const bool all = names.empty();
  std::size_t hosts = 0;
  const TopicConfig config{.topic = spec.topic,
                           .read_queues = spec.read_queues,
                           .write_queues = spec.write_queues,
                           .perm = spec.perm,
                           .order = spec.order,
                           .sys_flag = 0,
                           .filter_type = "SINGLE_TAG",
                           .attributes = spec.attributes};
  for (const BrokerData& broker : cluster.brokers) {
    if (!all && !names.contains(broker.name)) continue;
    if (broker.master() == nullptr) {
      if (all) continue;
      return Error::retry(ErrorCode::kUnavailable,
                          "broker '" + broker.name + "' has no master now");
    }
    const Status done = succeed(RequestCode::kUpdateTopic,
                                call_broker(*core_, *broker.master(), encode_update_topic(config)))
                            .status();
    TRY(done.with_context("creating topic '" + spec.topic + "' on broker '" + broker.name + "'"));
    if (all) names.insert(broker.name);
    ++hosts;
  }
  if (hosts == 0 || hosts < names.size()) {
    return Error{ErrorCode::kNotFound, "no such broker in the cluster for topic '" + spec.topic +
                                           "'; known: " + broker_names(cluster)};
  }
  for (std::int64_t waited_ms = 0; waited_ms < kRouteWaitMs; waited_ms += kRoutePollMs) {
    const auto seen = describe_topic(spec.topic);
    if (seen.ok() && shows(*seen, spec, names)) return {};
    pause(*core_, kRoutePollMs);
  }
  return Error::retry(ErrorCode::kTimeout,
                      "topic '" + spec.topic +
                          "' was created, but the name server does not show it after " +
                          std::to_string(kRouteWaitMs) + " ms");
}

namespace {

// On every broker that has the topic; `changed` makes the new number of queues out of the old one.
Status change_queues(Admin& admin, std::string_view topic,
                     const std::function<std::int32_t(std::int32_t)>& changed) {
  TRY_ASSIGN(const TopicDescription now, admin.describe_topic(topic));
  for (const TopicDescription::Broker& broker : now.brokers) {
    TopicSpec spec;
    spec.topic = now.topic;
    spec.read_queues = changed(broker.read_queues);
    spec.write_queues = changed(broker.write_queues);
    spec.perm = broker.perm;
    spec.brokers = {broker.name};
    spec.change_existing = true;
    TRY(admin.create_topic(spec));
  }
  return {};
}

}  // namespace

Status Admin::widen_topic(std::string_view topic, std::int32_t queues_per_broker) {
  return change_queues(*this, topic,
                       [=](std::int32_t queues) { return std::max(queues, queues_per_broker); });
}

Status Admin::shrink_topic(std::string_view topic, std::int32_t queues_per_broker) {
  return change_queues(*this, topic,
                       [=](std::int32_t queues) { return std::min(queues, queues_per_broker); });
}

Result<TopicDescription> Admin::describe_topic(std::string_view topic) {
  const std::string name(topic);
  TRY_ASSIGN(const Route route, core_->wait_route(name, -1));
  return describe(*route, name);
}

namespace {

Result<std::vector<std::string>> all_topics(ClientCore& core) {
  TRY_ASSIGN(const Answer answer,
             succeed(RequestCode::kTopicList,
                     core.wait_name_server(encode_plain(RequestCode::kTopicList))));
  return parse_topic_list(answer.body());
}

}  // namespace

Result<std::vector<std::string>> Admin::list_topics() {
  TRY_ASSIGN(const std::vector<std::string> all, all_topics(*core_));
  TRY_ASSIGN(const ClusterView cluster, ask_cluster(*core_));
  std::set<std::string> hidden;  // brokers and clusters have topics of their own name
  for (const BrokerData& broker : cluster.brokers) {
    hidden.insert({broker.name, broker.cluster, broker.cluster + "_REPLY_TOPIC"});
  }
  std::vector<std::string> topics;
  for (const std::string& topic : all) {
    if (hidden.contains(topic) || is_system_topic(topic)) continue;
    if (topic.starts_with("%RETRY%") || topic.starts_with("%DLQ%")) continue;
    topics.push_back(topic);
  }
  std::sort(topics.begin(), topics.end());
  return topics;
}

Status Admin::delete_topic(std::string_view topic) {
  TRY(validate_writable_topic(topic));
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) {
      return Error::retry(ErrorCode::kUnavailable,
                          "broker '" + broker.name + "' has no master now");
    }
    const auto done =
        succeed(RequestCode::kDeleteTopicInBroker,
                call_broker(*core_, broker.master, encode_delete_topic_in_broker(topic)));
    TRY(done.status().with_context("deleting topic '" + description.topic + "' on broker '" +
                                   broker.name + "'"));
  }
  std::string cluster_name;
  TRY_ASSIGN(const ClusterView cluster, ask_cluster(*core_));
  if (!cluster.brokers.empty()) cluster_name = cluster.brokers.front().cluster;
  // Name servers do not tell each other.
  for (std::size_t index = 0; index < core_->name_servers().size(); ++index) {
    const Command command = encode_delete_topic_in_name_server(topic, cluster_name);
    const auto answer = core_->wait<Answer>(
        [this, index, command](std::function<void(Result<Answer>)> done) {
          core_->call_one_name_server(
              index, command,
              [done = std::move(done)](CallOutcome outcome) { done(std::move(outcome.answer)); });
        },
        core_->options().call_timeout_ms + 1'000);
    TRY(succeed(RequestCode::kDeleteTopicInNameServer, answer)
            .status()
            .with_context("deleting topic '" + description.topic + "' at name server " +
                          core_->name_servers()[index].to_string()));
  }
  return {};
}

Result<std::map<std::string, std::vector<Property>>> Admin::topic_attributes(
    std::string_view topic) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  std::map<std::string, std::vector<Property>> all;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) continue;
    // Brokers 4.x do not know the request.
    const auto answer = call_broker(*core_, broker.master, encode_topic_config(topic));
    if (!answer.ok() || answer->header.code != response_code::kSuccess) continue;
    auto config = parse_topic_config(answer->body());
    if (config.ok()) all.emplace(broker.name, std::move(config->attributes));
  }
  return all;
}

Result<std::int64_t> Admin::min_offset(const MessageQueue& queue) {
  return ask_offset(*core_, queue, RequestCode::kMinOffset, encode_min_offset);
}

Result<std::int64_t> Admin::max_offset(const MessageQueue& queue, bool committed) {
  return ask_offset(*core_, queue, RequestCode::kMaxOffset, [=](const MessageQueue& served) {
    return encode_max_offset(served, committed);
  });
}

void Admin::max_offset_async(const MessageQueue& queue,
                             std::function<void(Result<std::int64_t>)> done) {
  // Once, by the answer or by the end of the client.
  struct Waiting {
    std::atomic<ClientCore::CloseListener> listener{0};
    std::function<void(Result<std::int64_t>)> done;
    void finish(ClientCore& core, Result<std::int64_t> result) {
      core.forget(listener);
      if (const auto call = std::exchange(done, {})) call(std::move(result));
    }
  };
  ClientCore* core = core_;
  const auto ask = [core, queue](const std::shared_ptr<Waiting>& waiting) {
    core->route(queue.topic, core->options().route_refresh_ms, [=](const Result<Route>& route) {
      if (!route.ok()) return waiting->finish(*core, route.error());
      const BrokerData* broker = (*route)->serving(queue);
      const std::string* master = broker == nullptr ? nullptr : broker->master();
      if (master == nullptr) return waiting->finish(*core, no_master(queue));
      core->call(
          *master, internal::ChannelRole::kControl,
          encode_max_offset({queue.topic, broker->name, queue.id}), nullptr,
          core->options().call_timeout_ms, [core, queue, waiting](const CallOutcome& outcome) {
            if (!outcome.answer.ok()) return waiting->finish(*core, outcome.answer.error());
            if (outcome.answer->header.code == response_code::kNotLeaderForQueue)
              core->outdate_route(queue.topic);
            waiting->finish(*core, parse_offset(RequestCode::kMaxOffset, outcome.answer->header));
          });
    });
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->done = std::move(done);
  waiting->listener =
      core->when_closed([core, waiting] { waiting->finish(*core, ClientCore::closed_error()); });
  core->loop().post([ask, waiting] { ask(waiting); });
}

Result<std::int64_t> Admin::offset_at(const MessageQueue& queue, std::int64_t timestamp_ms) {
  return ask_offset(
      *core_, queue, RequestCode::kSearchOffsetByTimestamp,
      [=](const MessageQueue& served) { return encode_search_offset(served, timestamp_ms); });
}

Result<bool> DispatchGoal::reached(const BrokerState& state) {
  if (!state.log_end || !state.dispatch_behind_bytes) {
    return Error{ErrorCode::kUnsupported,
                 "the broker does not tell how far its queues follow its log (commitLogMaxOffset, "
                 "dispatchBehindBytes)"};
  }
  // Others may write all the time: what counts is what was in the log at the first look.
  if (log_end_ < 0 || *state.log_end < log_end_) log_end_ = *state.log_end;
  return *state.log_end - *state.dispatch_behind_bytes >= log_end_;
}

Status Admin::await_dispatch(std::string_view topic, std::int64_t limit_ms) {
  const std::int64_t deadline_ms = core_->clock().now_ms() + limit_ms;
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  std::map<std::string, DispatchGoal> goals;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (!broker.master.empty()) goals.try_emplace(broker.name);
  }
  while (true) {
    for (auto each = goals.begin(); each != goals.end();) {
      TRY_ASSIGN(const BrokerState state, broker_state(topic, each->first));
      auto reached = each->second.reached(state);
      if (!reached.ok()) return reached.status().with_context("broker '" + each->first + "'");
      each = *reached ? goals.erase(each) : std::next(each);
    }
    if (goals.empty()) return {};
    if (core_->clock().now_ms() >= deadline_ms) {
      return Error::retry(ErrorCode::kTimeout, "broker '" + goals.begin()->first +
                                                   "' has not dispatched to its queues within " +
                                                   std::to_string(limit_ms) +
                                                   " ms what it had stored");
    }
    pause(*core_, kDispatchPollMs);
  }
}

void Admin::await_dispatch_or_log(std::string_view topic) {
  const Status reached = await_dispatch(topic, kDispatchWaitMs);
  if (reached.ok()) return;
  log(LogLevel::kWarn, "rocketmq",
      "topic '" + std::string(topic) +
          "': messages that were acknowledged just now may be missing behind the end of their "
          "queues: " +
          reached.error().message);
}

Result<std::vector<OffsetRange>> Admin::bounds(std::string_view topic) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  await_dispatch_or_log(topic);
  std::vector<OffsetRange> all;
  for (const MessageQueue& queue : description.readable_queues()) {
    TRY_ASSIGN(const std::int64_t min_offset_now, min_offset(queue));
    TRY_ASSIGN(const std::int64_t max_offset_now, max_offset(queue));
    all.push_back({queue, min_offset_now, max_offset_now});
  }
  return all;
}

Status Admin::check_filter(std::string_view topic, std::string_view group, std::string_view sql) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  const Subscription subscription{description.topic, std::string(sql), true,
                                  core_->clock().wall_ms()};
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) {
      return Error::retry(ErrorCode::kUnavailable,
                          "broker '" + broker.name + "' has no master now");
    }
    auto answer =
        call_broker(*core_, broker.master, encode_check_filter("slipstream", group, subscription));
    if (answer.ok() && answer->header.code == response_code::kSystemError) {
      return Error{ErrorCode::kUnsupported,
                   "broker '" + broker.name + "' does not filter by properties (" +
                       answer->header.remark +
                       "); its setting enablePropertyFilter switches it on"};
    }
    TRY(succeed(RequestCode::kCheckClientConfig, std::move(answer))
            .status()
            .with_context("filter '" + subscription.expression + "' on broker '" + broker.name +
                          "'"));
  }
  return {};
}

Result<std::optional<std::int64_t>> Admin::group_offset(std::string_view group,
                                                        const MessageQueue& queue) {
  TRY_ASSIGN(const auto offsets, group_offsets(group, std::span(&queue, 1)));
  return offsets.front();
}

Result<std::vector<std::optional<std::int64_t>>> Admin::group_offsets(
    std::string_view group, std::span<const MessageQueue> queues) {
  ZeroOffsets zeros(*core_, group);
  std::vector<std::optional<std::int64_t>> offsets;
  for (const MessageQueue& queue : queues) {
    TRY_ASSIGN(
        const Answer answer, call_queue(*core_, queue, [&](const MessageQueue& served) {
          return encode_query_consumer_offset({.group = std::string(group), .queue = served});
        }));
    auto offset = parse_consumer_offset(answer.header);
    if (!offset.ok()) {
      return std::move(offset).error().with_context("offset of group '" + std::string(group) +
                                                    "' in " + queue.to_string());
    }
    if (*offset && **offset == 0 && !zeros.is_offset(queue, answer)) offset->reset();
    offsets.push_back(*offset);
  }
  return offsets;
}

Status Admin::set_group_offset(std::string_view group, const MessageQueue& queue,
                               std::int64_t offset) {
  const auto encode = [&](const MessageQueue& served) {
    return encode_update_consumer_offset({.group = std::string(group), .queue = served}, offset);
  };
  const auto done = succeed(RequestCode::kUpdateConsumerOffset, call_queue(*core_, queue, encode));
  return done.status().with_context("setting the offset of group '" + std::string(group) + "' in " +
                                    queue.to_string());
}

Result<std::vector<QueueLag>> Admin::lag(std::string_view group, std::string_view topic) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  await_dispatch_or_log(topic);
  const std::vector<MessageQueue> queues = description.readable_queues();
  TRY_ASSIGN(const auto committed, group_offsets(group, queues));
  std::vector<QueueLag> all;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    TRY_ASSIGN(const std::int64_t max_offset_now, max_offset(queues[i]));
    all.push_back({queues[i], committed[i].value_or(-1), max_offset_now});
  }
  return all;
}

namespace {

// That have offsets or members, of all brokers of the topic.
Result<std::set<std::string>> groups_of(Admin& admin, ClientCore& core, const std::string& topic) {
  TRY_ASSIGN(const TopicDescription description, admin.describe_topic(topic));
  std::set<std::string> found;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) continue;
    TRY_ASSIGN(const Answer answer,
               succeed(RequestCode::kGroupsOfTopic,
                       call_broker(core, broker.master, encode_groups_of_topic(topic))));
    TRY_ASSIGN(const std::vector<std::string> groups, parse_group_list(answer.body()));
    found.insert(groups.begin(), groups.end());
  }
  return found;
}

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> Admin::list_groups() {
  TRY_ASSIGN(const std::vector<std::string> topics, list_topics());
  std::map<std::string, std::vector<std::string>> result;
  for (const std::string& topic : topics) {
    TRY_ASSIGN(const std::set<std::string> groups, groups_of(*this, *core_, topic));
    for (const std::string& group : groups) result[group].push_back(topic);
  }
  for (auto& [group, read] : result) std::sort(read.begin(), read.end());
  return result;
}

Result<std::map<std::string, std::vector<std::string>>> Admin::retry_topics(
    const std::map<std::string, std::vector<std::string>>& groups) {
  TRY_ASSIGN(const std::vector<std::string> all, all_topics(*core_));
  const std::set<std::string> known(all.begin(), all.end());
  std::map<std::string, std::vector<std::string>> result;
  for (const auto& [group, topics] : groups) {
    std::set<std::string> names{"%RETRY%" + group};
    for (const std::string& topic : topics) {
      names.insert(pop_topic(PopOrigin::kRetryV2, topic, group));
      const std::string first = pop_topic(PopOrigin::kRetryV1, topic, group);
      if (!known.contains(first)) continue;
      TRY_ASSIGN(const std::set<std::string> readers, groups_of(*this, *core_, first));
      if (readers.contains(group)) names.insert(first);
    }
    for (const std::string& name : names) {
      if (known.contains(name)) result[group].push_back(name);
    }
  }
  return result;
}

Result<std::vector<std::string>> Admin::group_members(std::string_view group,
                                                      std::string_view topic) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(topic));
  std::set<std::string> members;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) continue;
    TRY_ASSIGN(const Answer answer,
               call_broker(*core_, broker.master, encode_consumer_list(group)));
    // A broker that knows no member answers with an error.
    if (answer.header.code != response_code::kSuccess) continue;
    TRY_ASSIGN(const std::vector<std::string> ids, parse_consumer_list(answer.body()));
    members.insert(ids.begin(), ids.end());
  }
  return std::vector<std::string>(members.begin(), members.end());
}

Result<PulledFrame> Admin::pull_once(std::string_view group, const MessageQueue& queue,
                                     std::int64_t offset, std::int32_t messages_max) {
  const std::int64_t requested_ms = core_->clock().now_ms();
  const std::string place = "reading " + queue.to_string() + " at offset " + std::to_string(offset);
  auto answer = call_queue(*core_, queue, [&](const MessageQueue& served) {
    return encode_pull({.group = std::string(group),
                        .queue = served,
                        .offset = offset,
                        .messages_max = messages_max,
                        .suspend_ms = 0,
                        .expression = "*",
                        .sql92 = false,
                        .subscription_version = 0});
  });
  if (!answer.ok()) return std::move(answer).error().with_context(place);
  auto pull = parse_pull(answer->header);
  if (!pull.ok()) return std::move(pull).error().with_context(place);
  if (pull->status == PullStatus::kOffsetMoved) {
    return Error{ErrorCode::kOutOfRange, place + ": outside [" + std::to_string(pull->min_offset) +
                                             ", " + std::to_string(pull->max_offset) + "]"};
  }
  const bool found = pull->status == PullStatus::kFound;
  const bool moved = found || pull->status == PullStatus::kRetryImmediately;
  return PulledFrame{.queue = std::make_shared<const MessageQueue>(queue),
                     .tag = 0,
                     .begin_offset = offset,
                     .next_offset = moved ? pull->next_offset : offset,
                     .min_offset = pull->min_offset,
                     .max_offset = pull->max_offset,
                     .offset_delta = pull->offset_delta,
                     .records = found ? answer->body() : std::span<const std::uint8_t>(),
                     .owner = answer->frame.buffer,
                     .requested_ms = requested_ms,
                     .received_ms = core_->clock().now_ms()};
}

Result<BrokerState> Admin::broker_state(std::string_view topic, std::string_view broker) {
  TRY_ASSIGN(const std::string address, master_of(*core_, std::string(topic), std::string(broker)));
  return broker_state_at(address);
}

}  // namespace slipstream::rocketmq
