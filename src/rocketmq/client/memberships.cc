#include "rocketmq/client/memberships.h"

#include <algorithm>
#include <utility>

#include "base/log_limit.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/protocol/codes.h"

namespace slipstream::rocketmq::internal {

std::uint64_t Memberships::join(const std::string& group, Subscription subscription) {
  return join_all(group, {std::move(subscription)}, {}).front();
}

std::vector<std::uint64_t> Memberships::join_all(const std::string& group,
                                                 std::vector<Subscription> subscriptions,
                                                 const MemberKind& kind) {
  std::vector<std::uint64_t> ids;
  std::vector<std::string> topics;
  for (Subscription& subscription : subscriptions) {
    subscription.version_ms = core_.clock().wall_ms();
    topics.push_back(subscription.topic);
    members_.emplace(++last_id_, Member{group, false, std::move(subscription), kind});
    ids.push_back(last_id_);
  }
  for (const std::string& topic : topics) announce_topic(topic);
  return ids;
}

std::uint64_t Memberships::join_producers(const std::string& group, const std::string& topic) {
  Member member;
  member.group = group;
  member.producer = true;
  member.subscription.topic = topic;
  members_.emplace(++last_id_, std::move(member));
  announce_topic(topic);
  return last_id_;
}

bool Memberships::has_balanced_member(const std::string& group) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
    return each.second.group == group && each.second.kind.balanced;
  });
}

void Memberships::leave(std::uint64_t id) {
  const auto left = members_.find(id);
  if (left == members_.end()) return;
  const Group group{left->second.group, left->second.producer};
  members_.erase(left);
  if (has_member(group)) return;
  for (auto& [address, heartbeats] : heartbeats_) heartbeats.left.insert(group);
  for (const std::string& address : brokers_) {
    if (!heartbeats_.contains(address)) sign_off(address, group);
  }
  if (members_.empty()) brokers_.clear();
}

void Memberships::when_settled(std::function<void()> done) {
  if (under_way_ == 0) return done();
  when_settled_.push_back(std::move(done));
}

bool Memberships::has_member(const Group& group) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
    return each.second.group == group.name && each.second.producer == group.producer;
  });
}

void Memberships::sign_off(const std::string& address, const Group& group) {
  ++under_way_;
  ++sign_offs_[address].count;
  core_.call(address, ChannelRole::kControl,
             encode_unregister({.client_id = client_id_,
                                .producer_group = group.producer ? group.name : std::string(),
                                .consumer_group = group.producer ? std::string() : group.name}),
             nullptr, core_.options().call_timeout_ms, [this, address](const CallOutcome&) {
               signed_off(address);
               settle();
             });
}

void Memberships::signed_off(const std::string& address) {
  const auto sent = sign_offs_.find(address);
  if (--sent->second.count != 0) return;
  const bool wanted = sent->second.announce;
  sign_offs_.erase(sent);
  if (wanted && !members_.empty()) announce(address);
}

void Memberships::settle() {
  if (--under_way_ != 0) return;
  for (const auto& done : std::exchange(when_settled_, {})) done();
}

void Memberships::announce_all() {
  std::set<std::string> topics;
  for (const auto& [id, member] : members_) topics.insert(member.subscription.topic);
  for (const std::string& topic : topics) announce_topic(topic);
}

void Memberships::connected(const std::string& address) {
  if (!members_.empty() && brokers_.contains(address)) announce(address);
}

Heartbeat Memberships::heartbeat() const {
  // The newest of those for one topic: a group has one subscription of it.
  std::map<std::string, std::map<std::string, Subscription>> groups;
  std::map<std::string, MemberKind> kinds;
  std::set<std::string> producers;
  for (const auto& [id, member] : members_) {
    if (member.producer) {
      producers.insert(member.group);
      continue;
    }
    groups[member.group][member.subscription.topic] = member.subscription;
    MemberKind& kind = kinds[member.group];
    if (!kind.balanced) kind = member.kind;
  }
  Heartbeat heartbeat{.client_id = client_id_, .producer_groups = {}, .consumers = {}};
  heartbeat.producer_groups.assign(producers.begin(), producers.end());
  for (const auto& [group, topics] : groups) {
    const MemberKind& kind = kinds[group];
    ConsumerData data{.group = group,
                      .subscriptions = {},
                      .pushed = kind.pushed,
                      .broadcasting = kind.broadcasting,
                      .from_where = kind.from_where};
    for (const auto& [topic, subscription] : topics) data.subscriptions.push_back(subscription);
    heartbeat.consumers.push_back(std::move(data));
  }
  return heartbeat;
}

void Memberships::announce_topic(const std::string& topic) {
  core_.route(topic, core_.options().route_refresh_ms, [this](const Result<Route>& route) {
    if (!route.ok() || members_.empty()) return;
    std::set<std::string> addresses;
    for (const QueueData& each : (*route)->queues) {
      const BrokerData* broker = (*route)->broker(each.broker);
      const std::string* master = broker == nullptr ? nullptr : broker->master();
      if (master != nullptr) addresses.insert(*master);
    }
    for (const std::string& address : addresses) announce(address);
  });
}

void Memberships::announce(const std::string& address) {
  if (const auto leaving = sign_offs_.find(address); leaving != sign_offs_.end()) {
    leaving->second.announce = true;
    return;
  }
  ++under_way_;
  ++heartbeats_[address].count;
  core_.call(address, ChannelRole::kControl, encode_heartbeat(heartbeat()), nullptr,
             core_.options().call_timeout_ms, [this, address](const CallOutcome& outcome) {
               announced(address, outcome);
               settle();
             });
}

void Memberships::announced(const std::string& address, const CallOutcome& outcome) {
  const bool answered = outcome.answer.ok();  // if not: at the next heartbeat, or connection
  if (answered && outcome.answer->header.code == response_code::kSuccess) {
    if (!members_.empty()) brokers_.insert(address);
  } else if (answered) {
    const FrameHeader& header = outcome.answer->header;
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", "membership at " + address,
        "tools will not see who reads at " + address + ": " +
            answer_error(RequestCode::kHeartbeat, header.code, header.remark).message);
  }
  const auto sent = heartbeats_.find(address);
  if (--sent->second.count != 0) return;
  const std::set<Group> left = std::move(sent->second.left);
  heartbeats_.erase(sent);
  for (const Group& group : left) {
    if (!has_member(group)) sign_off(address, group);
  }
}

}  // namespace slipstream::rocketmq::internal
