// Admin: brokers, their settings, and what they tell of their clients.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "rocketmq/client/admin_calls.h"

namespace slipstream::rocketmq {
namespace {

using internal::call_broker;
using internal::succeed;

constexpr std::int64_t kFirstSampleWaitMs = 10'000;
constexpr std::int64_t kFirstSamplePollMs = 100;

// Of one broker; without members when it knows none.
Result<ConsumerConnections> connections_at(internal::ClientCore& core, const std::string& address,
                                           std::string_view group) {
  const auto answer = call_broker(core, address, encode_consumer_connections(group));
  if (answer.ok() && answer->header.code == response_code::kConsumerNotOnline)
    return ConsumerConnections{};
  const auto done = succeed(RequestCode::kConsumerConnections, answer);
  if (!done.ok()) return done.error().with_context("broker at " + address);
  return parse_consumer_connections(done->body());
}

Result<Answer> ask(internal::ClientCore& core, std::string_view address, const Command& command) {
  const auto code = static_cast<RequestCode>(command.header.code);
  return succeed(code, call_broker(core, std::string(address), command))
      .with_context("broker at " + std::string(address));
}

// Brokers 4.x fail with this until they took their first sample of rates, a second after their
// start (StoreStatsService.getRuntimeInfo, 4.9.7).
bool has_no_sample_yet(const Result<Answer>& answer) {
  return answer.ok() && answer->header.code == response_code::kSystemError &&
         answer->header.remark.find("NoSuchElementException") != std::string::npos;
}

BrokerClient client_of(const ClientConnection& connection, bool producer,
                       const std::string& group) {
  return {.producer = producer,
          .group = group,
          .client_id = connection.client_id,
          .address = connection.address,
          .language = connection.language,
          .version = version_text(connection.version)};
}

bool is_setting_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// As a line of a Java properties file holds it.
Result<Property> as_property(const Property& setting) {
  const bool controls = std::any_of(setting.value.begin(), setting.value.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~';
  });
  if (!is_setting_name(setting.name) || controls) {
    return Error{ErrorCode::kInvalidArgument,
                 "broker setting '" + setting.name +
                     "': a name of letters and digits and a value of ASCII characters are "
                     "expected"};
  }
  Property escaped{setting.name, {}};
  for (const char c : setting.value) {
    // A blank at the begin would be cut.
    if (c == '\\' || (c == ' ' && escaped.value.empty())) escaped.value += '\\';
    escaped.value += c;
  }
  return escaped;
}

}  // namespace

Result<std::vector<BrokerNode>> Admin::brokers() {
  TRY_ASSIGN(const ClusterView cluster, internal::ask_cluster(*core_));
  std::vector<BrokerNode> nodes;
  for (const BrokerData& broker : cluster.brokers) {
    for (const BrokerAddress& each : broker.addresses)
      nodes.push_back({broker.cluster, broker.name, each.id, each.address});
  }
  std::sort(nodes.begin(), nodes.end(), [](const BrokerNode& a, const BrokerNode& b) {
    return std::tie(a.cluster, a.name, a.id) < std::tie(b.cluster, b.name, b.id);
  });
  return nodes;
}

Result<BrokerState> Admin::broker_state_at(std::string_view address) {
  const std::string to(address);
  const std::int64_t deadline_ms = core_->clock().now_ms() + kFirstSampleWaitMs;
  auto told = call_broker(*core_, to, encode_plain(RequestCode::kBrokerRuntime));
  while (has_no_sample_yet(told) && core_->clock().now_ms() < deadline_ms) {
    internal::pause(*core_, kFirstSamplePollMs);
    told = call_broker(*core_, to, encode_plain(RequestCode::kBrokerRuntime));
  }
  const auto answer =
      succeed(RequestCode::kBrokerRuntime, std::move(told)).with_context("broker at " + to);
  if (!answer.ok()) return answer.error();
  TRY_ASSIGN(const BrokerRuntime runtime, parse_broker_runtime(answer->body()));
  BrokerState state;
  state.version = runtime.version();
  state.boot_ms = runtime.boot_ms();
  state.log_end = runtime.log_end();
  state.dispatch_behind_bytes = runtime.dispatch_behind_bytes();
  for (const auto& [name, value] : runtime.table) state.counters.emplace(name, value);
  return state;
}

Result<std::map<std::string, std::string>> Admin::broker_config(std::string_view address) {
  TRY_ASSIGN(const Answer answer, ask(*core_, address, encode_plain(RequestCode::kBrokerConfig)));
  TRY_ASSIGN(const auto settings, parse_broker_config(answer.body()));
  return std::map<std::string, std::string>(settings.begin(), settings.end());
}

Status Admin::set_broker_config(std::string_view address, const std::vector<Property>& settings) {
  std::vector<Property> lines;
  for (const Property& setting : settings) {
    TRY_ASSIGN(Property line, as_property(setting));
    lines.push_back(std::move(line));
  }
  return ask(*core_, address, encode_update_broker_config(lines)).status();
}

Result<std::vector<BrokerClient>> Admin::broker_clients(std::string_view address) {
  std::vector<BrokerClient> clients;
  TRY_ASSIGN(const Answer producers,
             ask(*core_, address, encode_plain(RequestCode::kAllProducers)));
  TRY_ASSIGN(const auto producer_groups, parse_all_producers(producers.body()));
  for (const auto& [group, connections] : producer_groups) {
    for (const ClientConnection& each : connections)
      clients.push_back(client_of(each, true, group));
  }
  TRY_ASSIGN(const Answer groups,
             ask(*core_, address, encode_plain(RequestCode::kAllSubscriptionGroups)));
  TRY_ASSIGN(const auto names, parse_group_configs(groups.body()));
  for (const std::string& group : names) {
    TRY_ASSIGN(const ConsumerConnections told, connections_at(*core_, std::string(address), group));
    for (const ClientConnection& each : told.connections)
      clients.push_back(client_of(each, false, group));
  }
  std::sort(clients.begin(), clients.end(), [](const BrokerClient& a, const BrokerClient& b) {
    return std::tuple(!a.producer, a.group, a.client_id) <
           std::tuple(!b.producer, b.group, b.client_id);
  });
  return clients;
}

Result<GroupConnections> Admin::group_connections(std::string_view group) {
  TRY_ASSIGN(const ClusterView cluster, internal::ask_cluster(*core_));
  GroupConnections all;
  std::map<std::string, GroupConnections::Member> members;
  std::map<std::string, GroupConnections::Subscription> subscriptions;
  for (const BrokerData& broker : cluster.brokers) {
    if (broker.master() == nullptr) continue;
    TRY_ASSIGN(const ConsumerConnections told, connections_at(*core_, *broker.master(), group));
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
