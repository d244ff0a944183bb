#include "cli/broker_commands.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/message_format.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

using Settings = std::map<std::string, std::string>;

std::string counter(const mq::BrokerState& state, const char* name) {
  const auto found = state.counters.find(name);
  return found == state.counters.end() ? std::string() : found->second;
}

// The first of "10.0 9.5 9.1": the mean of the last ten seconds.
std::string rate_of(const mq::BrokerState& state, const char* name, const char* older_name) {
  std::string rates = counter(state, name);
  if (rates.empty()) rates = counter(state, older_name);
  return rates.substr(0, rates.find_first_of(".,"));
}

// "V5_5_0" as people write it.
std::string release_of(std::string version) {
  if (version.starts_with('V')) version.erase(0, 1);
  std::replace(version.begin(), version.end(), '_', '.');
  return version;
}

Status describe_cluster(mq::Admin& admin, const BrokerArguments& arguments) {
  TRY_ASSIGN(const auto nodes, admin.brokers());
  Listing listing({"cluster", "broker", "id", "role", "address", "version", "started", "in per s",
                   "out per s", "log bytes", "disk used", "state"});
  for (const mq::BrokerNode& node : nodes) {
    const auto state = admin.broker_state_at(node.address);
    const mq::BrokerState told = state.ok() ? *state : mq::BrokerState{};
    listing.add({node.cluster, node.name, node.id, node.id == 0 ? "master" : "slave", node.address,
                 release_of(told.version), told.boot_ms ? time_text(*told.boot_ms) : std::string(),
                 rate_of(told, "putTps", "putTps"),
                 rate_of(told, "getTransferredTps", "getTransferedTps"),
                 told.log_end ? std::to_string(*told.log_end) : std::string(),
                 counter(told, "commitLogDiskRatio").substr(0, 4),
                 state.ok() ? std::string("ok") : state.error().message});
  }
  TRY(listing.print(arguments.output));
  if (nodes.empty()) notify("no broker is registered at the name server");
  return {};
}

// By its address, or its name: the master then.
Result<std::string> address_of(mq::Admin& admin, const std::string& broker) {
  TRY_ASSIGN(const auto nodes, admin.brokers());
  std::vector<std::string> names;
  for (const mq::BrokerNode& node : nodes) {
    if (node.address == broker || (node.name == broker && node.id == 0)) return node.address;
    if (std::find(names.begin(), names.end(), node.name) == names.end()) names.push_back(node.name);
  }
  if (std::find(names.begin(), names.end(), broker) != names.end()) {
    return Error::retry(ErrorCode::kUnavailable,
                        "broker '" + broker + "' has no master now; name a slave by its address");
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  const std::string near = did_you_mean(broker, names);
  return Error{ErrorCode::kNotFound,
               "no broker '" + broker + "' is registered" +
                   (near.empty() ? "; there are " + (known.empty() ? "none" : known) : near)};
}

bool is_secret(std::string name) {
  static constexpr auto kParts = std::to_array<std::string_view>(
      {"password", "secret", "credential", "authenticationuser", "accesskey", "token"});
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

std::string shown(const std::string& name, const std::string& value) {
  return is_secret(name) && !value.empty() ? "***" : value;
}

Result<std::string> value_of(const Settings& settings, const std::string& name,
                             const std::string& broker) {
  const auto found = settings.find(name);
  if (found != settings.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, value] : settings) names.push_back(known);
  return Error{ErrorCode::kInvalidArgument,
               "broker '" + broker + "' has no setting '" + name + "'" + did_you_mean(name, names)};
}

Status get_config(mq::Admin& admin, const BrokerArguments& arguments) {
  TRY_ASSIGN(const std::string address, address_of(admin, arguments.broker));
  TRY_ASSIGN(const Settings settings, admin.broker_config(address));
  Listing listing({"setting", "value"});
  for (const std::string& name : arguments.settings) {
    TRY_ASSIGN(const std::string value, value_of(settings, name, arguments.broker));
    listing.add({name, shown(name, value)});
  }
  if (arguments.settings.empty()) {
    for (const auto& [name, value] : settings) listing.add({name, shown(name, value)});
  }
  return listing.print(arguments.output);
}

template <typename T>
std::optional<T> number_of(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "72" and "072", "0.5" and "0.50": brokers show numbers in their own way.
bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto whole_a = number_of<std::int64_t>(a);
  const auto whole_b = number_of<std::int64_t>(b);
  if (whole_a && whole_b) return *whole_a == *whole_b;
  const auto number_a = number_of<double>(a);
  const auto number_b = number_of<double>(b);
  return number_a && number_b && *number_a == *number_b;
}

// What became of the settings is shown, also when the broker did not take one.
Status set_config(mq::Admin& admin, const BrokerArguments& arguments,
                  const std::vector<mq::Property>& wanted) {
  TRY_ASSIGN(const std::string address, address_of(admin, arguments.broker));
  TRY_ASSIGN(const Settings before, admin.broker_config(address));
  std::vector<mq::Property> changed;
  for (const mq::Property& each : wanted) {
    TRY_ASSIGN(const std::string value, value_of(before, each.name, arguments.broker));
    if (!same_value(value, each.value)) changed.push_back(each);
  }
  Settings after = before;
  if (!arguments.dry_run && !changed.empty()) {
    TRY(admin.set_broker_config(address, changed));
    TRY_ASSIGN(after, admin.broker_config(address));
  }
  Listing listing({"setting", "before", "after"});
  std::string refused;
  for (const mq::Property& each : wanted) {
    TRY_ASSIGN(const std::string value, value_of(before, each.name, arguments.broker));
    TRY_ASSIGN(const std::string now, value_of(after, each.name, arguments.broker));
    const std::string& shown_now = arguments.dry_run ? each.value : now;
    listing.add({each.name, shown(each.name, value), shown(each.name, shown_now)});
    if (!arguments.dry_run && !same_value(now, each.value)) {
      refused += (refused.empty() ? "" : ", ") + each.name + "=" + shown(each.name, each.value) +
                 " (it is " + shown(each.name, now) + ")";
    }
  }
  TRY(listing.print(arguments.output));
  if (!refused.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "broker '" + arguments.broker + "' did not take " + refused};
  }
  if (arguments.dry_run) {
    notify("nothing was changed (--dry-run)");
  } else if (changed.empty()) {
    notify("broker '" + arguments.broker + "' is set so already");
  }
  return {};
}

Status connections(mq::Admin& admin, const BrokerArguments& arguments) {
  TRY_ASSIGN(const std::string address, address_of(admin, arguments.broker));
  TRY_ASSIGN(const auto clients, admin.broker_clients(address));
  Listing listing({"role", "group", "client", "address", "language", "version"});
  for (const mq::BrokerClient& each : clients) {
    listing.add({each.producer ? "producer" : "consumer", each.group, each.client_id, each.address,
                 each.language, each.version});
  }
  return listing.print(arguments.output);
}

}  // namespace

int cluster_describe_command(const BrokerArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return describe_cluster(admin, arguments); });
}

int broker_config_get_command(const BrokerArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return get_config(admin, arguments); });
}

int broker_config_set_command(const BrokerArguments& arguments) {
  std::vector<mq::Property> wanted;
  for (const std::string& setting : arguments.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Error{ErrorCode::kInvalidArgument, setting + ": NAME=VALUE is expected"},
                  kExitUsage);
    }
    wanted.push_back({setting.substr(0, equals), setting.substr(equals + 1)});
  }
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return set_config(admin, arguments, wanted); });
}

int broker_connections_command(const BrokerArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return connections(admin, arguments); });
}

}  // namespace slipstream::cli
