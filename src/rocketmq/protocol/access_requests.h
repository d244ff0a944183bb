// Requests about users and rules of access control (3001 to 3010, brokers 5.3 and later), and their
// answers.
#pragma once

#include <string_view>
#include <vector>

#include "slipstream/rocketmq/access.h"
#include "slipstream/status.h"

#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq {

Command encode_create_user(const AccessUser& user, std::string_view password);
Command encode_delete_user(std::string_view name);
Command encode_list_users();
// Adds to what the user has; replaces what it has for the same resource.
Command encode_create_rule(const AccessRule& rule);
Command encode_delete_rule(std::string_view user, std::string_view resource);
Command encode_list_rules(std::string_view user);  // empty: of all users

// Passwords stay behind.
Result<std::vector<AccessUser>> parse_users(BodyBytes body);
Result<std::vector<AccessRule>> parse_rules(BodyBytes body);

}  // namespace slipstream::rocketmq
