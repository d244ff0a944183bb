#include "cli/access_commands.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>

#include "base/suggest.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

Error wrong(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// "PUB" -> "Pub": as brokers write names of kinds and actions.
std::string capitalized(std::string word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto c = static_cast<unsigned char>(word[i]);
    word[i] = static_cast<char>(i == 0 ? std::toupper(c) : std::tolower(c));
  }
  return word;
}

template <std::size_t N>
Result<std::string> one_of_names(const std::string& word, const char* what,
                                 const std::array<std::string, N>& names) {
  std::string name = capitalized(word);
  if (std::find(names.begin(), names.end(), name) != names.end()) return name;
  std::string known;
  for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
  const std::string near = did_you_mean(name, names);
  return wrong("'" + word + "' is no " + what + (near.empty() ? "; there are " + known : near));
}

// "topic:orders*" -> "Topic:orders*"
Result<std::string> parse_resource(const std::string& text) {
  static const std::array<std::string, 3> kKinds = {"Topic", "Group", "Cluster"};
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) {
    return wrong("resource '" + text +
                 "': topic:NAME, group:NAME or cluster:NAME is expected; NAME may end in *");
  }
  TRY_ASSIGN(std::string kind, one_of_names(text.substr(0, colon), "kind of resource", kKinds));
  return kind + text.substr(colon);
}

Result<std::vector<std::string>> parse_actions(const std::string& text) {
  static const std::array<std::string, 8> kActions = {"All",    "Pub",    "Sub", "Create",
                                                      "Update", "Delete", "Get", "List"};
  std::vector<std::string> actions;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    TRY_ASSIGN(std::string action,
               one_of_names(text.substr(begin, end - begin), "action", kActions));
    actions.push_back(std::move(action));
    begin = end + 1;
  }
  return actions;
}

// The first line. What it holds is never shown.
Result<std::string> read_password(const std::string& file) {
  std::string password;
  if (file == "-") {
    std::getline(std::cin, password);
  } else {
    std::ifstream stream(file);
    if (!stream) return wrong("the password file '" + file + "' cannot be read");
    std::getline(stream, password);
  }
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty()) return wrong("the first line of the password file is empty");
  return password;
}

// kNotFound, with the nearest name, where no broker knows the user.
Status check_user(mq::Admin& admin, const std::string& name) {
  TRY_ASSIGN(const auto users, admin.users());
  std::set<std::string> names;
  for (const mq::AccessUser& user : users) names.insert(user.name);
  if (names.contains(name)) return {};
  const std::vector<std::string> known(names.begin(), names.end());
  return Error{ErrorCode::kNotFound, "there is no user '" + name + "'" + did_you_mean(name, known)};
}

Status list_users(mq::Admin& admin, const AccessArguments& arguments) {
  TRY_ASSIGN(const auto users, admin.users());
  Listing listing({"broker", "user", "kind", "state"});
  for (const mq::AccessUser& user : users) {
    listing.add({user.broker, user.name, user.super ? "super" : "normal",
                 user.enabled ? "enabled" : "disabled"});
  }
  return listing.print(arguments.output);
}

Status list_rules(mq::Admin& admin, const AccessArguments& arguments) {
  if (!arguments.user.empty()) TRY(check_user(admin, arguments.user));
  TRY_ASSIGN(const auto rules, admin.access_rules(arguments.user));
  Listing listing({"broker", "user", "resource", "actions", "from", "decision", "policy"});
  for (const mq::AccessRule& rule : rules) {
    listing.add({rule.broker, rule.user, rule.resource, joined(rule.actions),
                 joined(rule.source_ips), rule.deny ? "deny" : "allow", rule.policy});
  }
  return listing.print(arguments.output);
}

Status grant(mq::Admin& admin, const AccessArguments& arguments,
             const std::vector<std::string>& resources, const std::vector<std::string>& actions) {
  TRY(check_user(admin, arguments.user));
  for (const std::string& resource : resources) {
    TRY(admin.grant({.user = arguments.user,
                     .resource = resource,
                     .actions = actions,
                     .source_ips = arguments.source_ips,
                     .deny = arguments.deny}));
    notify("user '" + arguments.user + "' " + (arguments.deny ? "may not " : "may ") +
           joined(actions) + " " + resource);
  }
  return {};
}

// Those of the user that can be revoked; the rules of other policies stay whatever is asked.
Result<std::vector<mq::AccessRule>> custom_rules(mq::Admin& admin, const std::string& user) {
  TRY_ASSIGN(std::vector<mq::AccessRule> rules, admin.access_rules(user));
  std::erase_if(rules, [](const mq::AccessRule& rule) { return rule.policy != "Custom"; });
  return rules;
}

Status revoke(mq::Admin& admin, const AccessArguments& arguments,
              const std::vector<std::string>& resources) {
  TRY(check_user(admin, arguments.user));
  TRY_ASSIGN(const auto rules, custom_rules(admin, arguments.user));
  std::vector<std::string> known;
  for (const mq::AccessRule& rule : rules) known.push_back(rule.resource);
  for (const std::string& resource : resources) {
    if (std::find(known.begin(), known.end(), resource) == known.end()) {
      return Error{ErrorCode::kNotFound, "user '" + arguments.user + "' has no rule for " +
                                             resource + did_you_mean(resource, known)};
    }
    TRY(admin.revoke(arguments.user, resource));
    TRY_ASSIGN(const auto left, custom_rules(admin, arguments.user));
    for (const mq::AccessRule& rule : left) {
      if (rule.resource != resource) continue;
      return Error{ErrorCode::kUnavailable,
                   "broker '" + rule.broker + "' took the request and still has a rule of user '" +
                       arguments.user + "' for " + resource};
    }
    notify("user '" + arguments.user + "' has no rule for " + resource + " any more");
  }
  return {};
}

Result<std::vector<std::string>> parse_resources(const AccessArguments& arguments) {
  std::vector<std::string> resources;
  for (const std::string& text : arguments.resources) {
    TRY_ASSIGN(std::string resource, parse_resource(text));
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace

int acl_user_list_command(const AccessArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return list_users(admin, arguments); });
}

int acl_user_create_command(const AccessArguments& arguments) {
  const auto password = read_password(arguments.password_file);
  if (!password.ok()) return fail(password.error(), kExitUsage);
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const std::vector<std::string> had,
               admin.create_user({.name = arguments.user, .super = arguments.super}, *password));
    notify("user '" + arguments.user + "' created" +
           (had.empty() ? ""
                        : "; broker " + joined(had) +
                              " had it already: its password and kind there were not changed"));
    return {};
  });
}

int acl_user_delete_command(const AccessArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY(check_user(admin, arguments.user));
    TRY(admin.delete_user(arguments.user));
    notify("user '" + arguments.user + "' deleted");
    return {};
  });
}

int acl_list_command(const AccessArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return list_rules(admin, arguments); });
}

int acl_grant_command(const AccessArguments& arguments) {
  const auto resources = parse_resources(arguments);
  if (!resources.ok()) return fail(resources.error(), kExitUsage);
  const auto actions = parse_actions(arguments.actions);
  if (!actions.ok()) return fail(actions.error(), kExitUsage);
  return with_admin(arguments.cluster, [&](mq::Admin& admin) {
    return grant(admin, arguments, *resources, *actions);
  });
}

int acl_revoke_command(const AccessArguments& arguments) {
  const auto resources = parse_resources(arguments);
  if (!resources.ok()) return fail(resources.error(), kExitUsage);
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return revoke(admin, arguments, *resources); });
}

}  // namespace slipstream::cli
