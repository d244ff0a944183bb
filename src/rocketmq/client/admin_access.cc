// Admin: users and rules of access control, on every master.
#include <algorithm>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "rocketmq/client/admin_calls.h"
#include "rocketmq/protocol/access_requests.h"

namespace slipstream::rocketmq {
namespace {

struct Master {
  std::string name;
  std::string address;
};

Result<std::vector<Master>> masters(internal::ClientCore& core) {
  TRY_ASSIGN(const ClusterView cluster, internal::ask_cluster(core));
  std::vector<Master> all;
  for (const BrokerData& broker : cluster.brokers) {
    if (broker.master() == nullptr) {
      return Error::retry(ErrorCode::kUnavailable,
                          "broker '" + broker.name + "' has no master now");
    }
    all.push_back({broker.name, *broker.master()});
  }
  if (!all.empty()) return all;
  return Error::retry(ErrorCode::kUnavailable, "no broker is registered at the name server");
}

Result<Answer> ask(internal::ClientCore& core, const Master& master, const Command& command) {
  const std::string context = "broker '" + master.name + "'";
  const auto answer = internal::call_broker(core, master.address, command);
  if (answer.ok() && answer->header.code == response_code::kRequestCodeNotSupported) {
    return Error{ErrorCode::kUnsupported,
                 context +
                     " does not know requests about users and access rules: brokers from 5.3 "
                     "on do, older ones have their accounts in conf/plain_acl.yml"};
  }
  auto done = internal::succeed(static_cast<RequestCode>(command.header.code), answer);
  if (done.ok() || !answer.ok()) return std::move(done).with_context(context);
  Error error = std::move(done).error().with_context(context);
  // What brokers answer that are set up without it says nothing.
  if (answer->header.code == response_code::kSystemError) {
    error.message +=
        "; is access control configured there (authenticationMetadataProvider, "
        "authorizationMetadataProvider)?";
  }
  return error;
}

Status ask_all(internal::ClientCore& core, const Command& command) {
  TRY_ASSIGN(const auto all, masters(core));
  for (const Master& master : all) TRY(ask(core, master, command).status());
  return {};
}

}  // namespace

Result<std::vector<AccessUser>> Admin::users() {
  TRY_ASSIGN(const auto all, masters(*core_));
  std::vector<AccessUser> found;
  for (const Master& master : all) {
    TRY_ASSIGN(const Answer answer, ask(*core_, master, encode_list_users()));
    TRY_ASSIGN(const std::vector<AccessUser> users, parse_users(answer.body()));
    for (AccessUser user : users) {
      user.broker = master.name;
      found.push_back(std::move(user));
    }
  }
  return found;
}

Status Admin::create_user(const AccessUser& user, std::string_view password) {
  TRY_ASSIGN(const auto all, masters(*core_));
  TRY_ASSIGN(const auto known, users());
  bool created = false;
  for (const Master& master : all) {
    const bool there = std::any_of(known.begin(), known.end(), [&](const AccessUser& each) {
      return each.name == user.name && each.broker == master.name;
    });
    if (there) continue;
    TRY(ask(*core_, master, encode_create_user(user, password)).status());
    created = true;
  }
  if (created) return {};
  return Error{ErrorCode::kAlreadyExists, "user '" + user.name + "' exists"};
}

Status Admin::delete_user(std::string_view name) {
  return ask_all(*core_, encode_delete_user(name));
}

Result<std::vector<AccessRule>> Admin::access_rules(std::string_view user) {
  TRY_ASSIGN(const auto all, masters(*core_));
  std::vector<AccessRule> found;
  for (const Master& master : all) {
    TRY_ASSIGN(const Answer answer, ask(*core_, master, encode_list_rules(user)));
    TRY_ASSIGN(const std::vector<AccessRule> rules, parse_rules(answer.body()));
    for (AccessRule rule : rules) {
      // Brokers filter by a part of the name.
      if (!user.empty() && rule.user != user) continue;
      rule.broker = master.name;
      found.push_back(std::move(rule));
    }
  }
  return found;
}

Status Admin::grant(const AccessRule& rule) { return ask_all(*core_, encode_create_rule(rule)); }

Status Admin::revoke(std::string_view user, std::string_view resource) {
  return ask_all(*core_, encode_delete_rule(user, resource));
}

}  // namespace slipstream::rocketmq
