#include "cli/group_commands.h"

#include <algorithm>
#include <set>

#include <unistd.h>

#include "base/output.h"
#include "base/suggest.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/position.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

Listing::Cell offset_cell(std::int64_t offset) {
  return offset < 0 ? Listing::Cell("-") : Listing::Cell(offset);
}

Result<std::vector<std::string>> topics_of(mq::Admin& admin, const GroupArguments& arguments) {
  if (!arguments.topic.empty()) return std::vector<std::string>{arguments.topic};
  TRY_ASSIGN(const auto groups, admin.list_groups());
  const auto found = groups.find(arguments.group);
  if (found != groups.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, topics] : groups) names.push_back(name);
  return Error{ErrorCode::kNotFound, "no group '" + arguments.group +
                                         "' has offsets or members in this cluster" +
                                         did_you_mean(arguments.group, names)};
}

Status describe(mq::Admin& admin, const GroupArguments& arguments) {
  TRY_ASSIGN(const std::vector<std::string> topics, topics_of(admin, arguments));
  Listing listing({"topic", "broker", "queue", "offset", "end", "lag"});
  std::int64_t total = 0;
  std::set<std::string> online;
  for (const std::string& topic : topics) {
    TRY_ASSIGN(const auto queues, admin.lag(arguments.group, topic));
    for (const mq::QueueLag& each : queues) {
      const std::int64_t lag = each.committed < 0 ? -1 : each.max_offset - each.committed;
      total += std::max<std::int64_t>(lag, 0);
      listing.add({topic, each.queue.broker, each.queue.id, offset_cell(each.committed),
                   each.max_offset, offset_cell(lag)});
    }
    TRY_ASSIGN(const auto members, admin.group_members(arguments.group, topic));
    online.insert(members.begin(), members.end());
  }
  TRY(listing.print(arguments.output));
  if (arguments.output != OutputFormat::kTable) return {};
  std::string text = std::to_string(total) + " messages behind\n" +
                     (online.empty() ? "no member is online\n" : "members online:\n");
  for (const std::string& member : online) text += "  " + member + "\n";
  return write_output(STDOUT_FILENO, text);
}

Status reset(mq::Admin& admin, const GroupArguments& arguments, const Position& to) {
  TRY_ASSIGN(const auto members, admin.group_members(arguments.group, arguments.topic));
  if (!members.empty() && !arguments.force && !arguments.dry_run) {
    return Error{ErrorCode::kInvalidArgument,
                 "group '" + arguments.group + "' has " + std::to_string(members.size()) +
                     " members online, first '" + members.front() +
                     "'; they would overwrite the offsets: stop them first, or add --force"};
  }
  TRY_ASSIGN(auto queues, admin.bounds(arguments.topic));
  TRY(keep_queue(to, arguments.topic, queues));
  Listing listing({"topic", "broker", "queue", "from", "to"});
  for (const mq::OffsetRange& range : queues) {
    TRY_ASSIGN(const auto before, admin.group_offset(arguments.group, range.queue));
    TRY_ASSIGN(const std::int64_t offset, offset_of(admin, to, range));
    if (!arguments.dry_run) TRY(admin.set_group_offset(arguments.group, range.queue, offset));
    listing.add({arguments.topic, range.queue.broker, range.queue.id,
                 offset_cell(before.value_or(-1)), offset});
  }
  TRY(listing.print(arguments.output));
  if (arguments.dry_run) notify("nothing was changed (--dry-run)");
  return {};
}

}  // namespace

int group_list_command(const GroupArguments& arguments) {
  return with_admin(arguments.cluster, [&](mq::Admin& admin) -> Status {
    TRY_ASSIGN(const auto groups, admin.list_groups());
    Listing listing({"group", "topics"});
    for (const auto& [group, topics] : groups) {
      std::string names;
      for (const std::string& topic : topics) names += (names.empty() ? "" : ", ") + topic;
      listing.add({group, names});
    }
    return listing.print(arguments.output);
  });
}

int group_describe_command(const GroupArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return describe(admin, arguments); });
}

int group_reset_command(const GroupArguments& arguments) {
  const auto to = parse_position(arguments.to);
  if (!to.ok()) return fail(to.error(), kExitUsage);
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return reset(admin, arguments, *to); });
}

}  // namespace slipstream::cli
