// Admin: users and rules of access control, on every master.
#include <algorithm>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "rocketmq/client/admin_calls.h"
#include "rocketmq/protocol/access_requests.h"

namespace slipstream::rocketmq {
namespace {

constexpr int kCreateTries = 3;

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

// What an answer of a master means.
Result<Answer> understood(const Master& master, RequestCode request, Result<Answer> answer) {
  const std::string context = "broker '" + master.name + "'";
  if (answer.ok() && answer->header.code == response_code::kRequestCodeNotSupported) {
    return Error{ErrorCode::kUnsupported,
                 context +
                     " does not know requests about users and access rules: brokers from 5.3 "
                     "on do, older ones have their accounts in conf/plain_acl.yml"};
  }
  auto done = internal::succeed(request, answer);
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

Result<Answer> ask(internal::ClientCore& core, const Master& master, const Command& command) {
  return understood(master, static_cast<RequestCode>(command.header.code),
                    internal::call_broker(core, master.address, command));
}

Result<std::vector<AccessUser>> users_of(internal::ClientCore& core, const Master& master) {
  TRY_ASSIGN(const Answer answer, ask(core, master, encode_list_users()));
  TRY_ASSIGN(std::vector<AccessUser> users, parse_users(answer.body()));
  for (AccessUser& user : users) user.broker = master.name;
  return users;
}

Result<bool> has_user(internal::ClientCore& core, const Master& master, std::string_view name) {
  TRY_ASSIGN(const std::vector<AccessUser> users, users_of(core, master));
  return std::any_of(users.begin(), users.end(),
                     [&](const AccessUser& each) { return each.name == name; });
}

// Not as ask(): said twice, the broker would call what it has just made one that exists.
Status create_on(internal::ClientCore& core, const Master& master, std::string_view name,
                 const Command& command) {
  for (int tries_left = kCreateTries;; --tries_left) {
    auto answer = core.wait_call(master.address, command);
    const bool answered = answer.ok() || !answer.error().retryable;
    if (!answered) {
      auto made = has_user(core, master, name);
      if (!made.ok())
        return std::move(made).error().with_context("looking whether the user was created");
      if (*made) return {};
    }
    if (answered || tries_left == 1)
      return understood(master, RequestCode::kCreateUser, std::move(answer)).status();
  }
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
    TRY_ASSIGN(const std::vector<AccessUser> users, users_of(*core_, master));
    found.insert(found.end(), users.begin(), users.end());
  }
  return found;
}

Result<std::vector<std::string>> Admin::create_user(const AccessUser& user,
                                                    std::string_view password) {
  TRY_ASSIGN(const auto all, masters(*core_));
  // All are asked before the first one changes.
  std::vector<Master> without;
  std::vector<std::string> had;
  for (const Master& master : all) {
    TRY_ASSIGN(const bool there, has_user(*core_, master, user.name));
    if (there) {
      had.push_back(master.name);
    } else {
      without.push_back(master);
    }
  }
  if (without.empty()) return Error{ErrorCode::kAlreadyExists, "user '" + user.name + "' exists"};
  const Command command = encode_create_user(user, password);
  for (const Master& master : without) TRY(create_on(*core_, master, user.name, command));
  return had;
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
