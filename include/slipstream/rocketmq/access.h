// Users and rules of access control as brokers 5.3 and later keep them (ACL 2.0).
#pragma once

#include <string>
#include <vector>

namespace slipstream::rocketmq {

struct AccessUser {
  std::string name{};
  bool super = false;  // may do everything
  bool enabled = true;
  std::string broker{};  // who told
};

// What a user may do with a resource, or may not.
struct AccessRule {
  std::string user{};
  std::string resource{};                 // "Topic:orders", "Group:billing*", "Cluster:*"
  std::vector<std::string> actions{};     // "Pub", "Sub", "Create", "Update", "Delete", "Get",
                                          // "List", "All"
  std::vector<std::string> source_ips{};  // from where; empty = anywhere
  bool deny = false;
  std::string policy = "Custom";  // or "Default", which counts where no other does
  std::string broker{};           // who told
};

}  // namespace slipstream::rocketmq
