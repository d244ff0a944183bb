// slipstream acl: users and rules of access control, of brokers 5.3 and later.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/row_printer.h"

namespace slipstream::cli {

struct AccessArguments {
  ClusterArguments cluster;
  std::string user;                    // list: empty = all
  std::string password_file;           // user create; "-" = standard input
  bool super = false;                  // user create
  std::vector<std::string> resources;  // grant, revoke: topic:NAME, group:NAME, cluster:NAME
  std::string actions;                 // grant: pub,sub
  std::vector<std::string> source_ips;
  bool deny = false;
  OutputFormat output = OutputFormat::kTable;
};
int acl_user_list_command(const AccessArguments& arguments);
int acl_user_create_command(const AccessArguments& arguments);
int acl_user_delete_command(const AccessArguments& arguments);
int acl_list_command(const AccessArguments& arguments);
// Replaces what the user may do with the resource.
int acl_grant_command(const AccessArguments& arguments);
int acl_revoke_command(const AccessArguments& arguments);

}  // namespace slipstream::cli
