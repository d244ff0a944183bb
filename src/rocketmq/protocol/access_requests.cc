#include "rocketmq/protocol/access_requests.h"

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {
namespace {

constexpr std::string_view kUserPrefix = "User:";

Command make(RequestCode code) {
  Command command;
  command.header.code = static_cast<std::int32_t>(code);
  return command;
}

std::string subject_of(std::string_view user) { return std::string(kUserPrefix).append(user); }

void write_list(const std::vector<std::string>& values, JsonWriter& json) {
  json.begin_array();
  for (const std::string& value : values) json.string(value);
  json.end_array();
}

std::vector<std::string> read_list(const JsonValue& value) {
  std::vector<std::string> values;
  for (const JsonValue& each : value.items) values.push_back(each.string_or(""));
  return values;
}

Result<JsonValue> parse_list(BodyBytes body, std::string_view what) {
  // Nothing there: some brokers answer without a body.
  if (body.empty()) return JsonValue{};
  Result<JsonValue> value = parse_tolerant_json(as_text(body));
  if (!value.ok()) return value.error().with_context(what);
  if (!value->is_array() && !value->is_null())
    return Error{ErrorCode::kCorrupt, std::string(what) + " is no JSON list"};
  return value;
}

}  // namespace

Command encode_create_user(const AccessUser& user, std::string_view password) {
  Command command = make(RequestCode::kCreateUser);
  command.header.ext.add("username", user.name);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("username").string(user.name).key("password").string(password);
  json.key("userType").string(user.super ? "Super" : "Normal");
  json.key("userStatus").string(user.enabled ? "enable" : "disable");
  json.end_object();
  return command;
}

Command encode_delete_user(std::string_view name) {
  Command command = make(RequestCode::kDeleteUser);
  command.header.ext.add("username", name);
  return command;
}

Command encode_list_users() { return make(RequestCode::kListUsers); }

Command encode_create_rule(const AccessRule& rule) {
  Command command = make(RequestCode::kCreateAcl);
  command.header.ext.add("subject", subject_of(rule.user));
  JsonWriter json(command.body);
  json.begin_object().key("subject").string(subject_of(rule.user));
  json.key("policies").begin_array().begin_object();
  json.key("policyType").string(rule.policy).key("entries").begin_array().begin_object();
  json.key("resource").string(rule.resource).key("actions");
  write_list(rule.actions, json);
  if (!rule.source_ips.empty()) {
    json.key("sourceIps");
    write_list(rule.source_ips, json);
  }
  json.key("decision").string(rule.deny ? "Deny" : "Allow");
  json.end_object().end_array().end_object().end_array().end_object();
  return command;
}

Command encode_delete_rule(std::string_view user, std::string_view resource) {
  Command command = make(RequestCode::kDeleteAcl);
  command.header.ext.add("subject", subject_of(user));
  command.header.ext.add("policyType", "Custom");
  command.header.ext.add("resource", resource);
  return command;
}

Command encode_list_rules(std::string_view user) {
  Command command = make(RequestCode::kListAcls);
  if (!user.empty()) command.header.ext.add("subjectFilter", subject_of(user));
  return command;
}

Result<std::vector<AccessUser>> parse_users(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_list(body, "list of users"));
  std::vector<AccessUser> users;
  for (const JsonValue& each : root.items) {
    users.push_back({.name = each["username"].string_or(""),
                     .super = each["userType"].string_or("") == "Super",
                     .enabled = each["userStatus"].string_or("enable") != "disable",
                     .broker = {}});
  }
  return users;
}

Result<std::vector<AccessRule>> parse_rules(BodyBytes body) {
  TRY_ASSIGN(const JsonValue root, parse_list(body, "list of access rules"));
  std::vector<AccessRule> rules;
  for (const JsonValue& acl : root.items) {
    std::string user = acl["subject"].string_or("");
    if (user.starts_with(kUserPrefix)) user.erase(0, kUserPrefix.size());
    for (const JsonValue& policy : acl["policies"].items) {
      for (const JsonValue& entry : policy["entries"].items) {
        rules.push_back({.user = user,
                         .resource = entry["resource"].string_or(""),
                         .actions = read_list(entry["actions"]),
                         .source_ips = read_list(entry["sourceIps"]),
                         .deny = entry["decision"].string_or("Allow") == "Deny",
                         .policy = policy["policyType"].string_or("Custom"),
                         .broker = {}});
      }
    }
  }
  return rules;
}

}  // namespace slipstream::rocketmq
