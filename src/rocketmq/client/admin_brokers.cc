// Admin: what brokers tell of their clients.
#include <algorithm>
#include <map>
#include <utility>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "rocketmq/client/admin_calls.h"

namespace slipstream::rocketmq {
namespace {

using internal::call_broker;
using internal::succeed;

// Of one broker; without members when it knows none.
Result<ConsumerConnections> connections_at(internal::ClientCore& core, const BrokerData& broker,
                                           std::string_view group) {
  const auto answer = call_broker(core, *broker.master(), encode_consumer_connections(group));
  if (answer.ok() && answer->header.code == response_code::kConsumerNotOnline)
    return ConsumerConnections{};
  const auto done = succeed(RequestCode::kConsumerConnections, answer);
  if (!done.ok()) return done.error().with_context("broker '" + broker.name + "'");
  return parse_consumer_connections(done->body());
}

}  // namespace

Result<GroupConnections> Admin::group_connections(std::string_view group) {
  TRY_ASSIGN(const ClusterView cluster, internal::ask_cluster(*core_));
  GroupConnections all;
  std::map<std::string, GroupConnections::Member> members;
  std::map<std::string, GroupConnections::Subscription> subscriptions;
  for (const BrokerData& broker : cluster.brokers) {
    if (broker.master() == nullptr) continue;
    TRY_ASSIGN(const ConsumerConnections told, connections_at(*core_, broker, group));
    for (const ClientConnection& each : told.connections) {
      members.try_emplace(each.client_id,
                          GroupConnections::Member{each.client_id, each.address, each.language,
                                                   version_text(each.version)});
    }
    for (const Subscription& each : told.subscriptions) {
      subscriptions.try_emplace(
          each.topic, GroupConnections::Subscription{each.topic, each.expression, each.sql92});
    }
    if (told.connections.empty()) continue;
    all.consume_type = told.consume_type;
    all.message_model = told.message_model;
  }
  for (auto& [id, member] : members) all.members.push_back(std::move(member));
  for (auto& [topic, each] : subscriptions) all.subscriptions.push_back(std::move(each));
  return all;
}

}  // namespace slipstream::rocketmq
