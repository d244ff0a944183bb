#include "cli/group_commands.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include <unistd.h>

#include "base/output.h"
#include "base/suggest.h"
#include "base/try.h"
#include "cli/listing.h"
#include "cli/position.h"
#include "cli/progress.h"
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

// Where brokers keep what the group is to be given again. Its members read it from the begin on when
// the group has no offset there.
bool is_retry_topic(const std::string& topic) { return topic.starts_with("%RETRY%"); }

// topics_of, and where there are some the retry topics that POP has for them; the group's own, which
// is for all of its topics, unless one topic was asked for.
Result<std::vector<std::string>> all_topics_of(mq::Admin& admin, const GroupArguments& arguments) {
  TRY_ASSIGN(std::vector<std::string> topics, topics_of(admin, arguments));
  TRY_ASSIGN(auto retry_topics, admin.retry_topics({{arguments.group, topics}}));
  for (const std::string& retry : retry_topics[arguments.group]) {
    if (!arguments.topic.empty() && retry == "%RETRY%" + arguments.group) continue;
    const auto there = admin.describe_topic(retry);
    if (!there.ok() && there.error().code != ErrorCode::kNotFound) return there.status();
    if (there.ok() && !there->readable_queues().empty()) topics.push_back(retry);
  }
  return topics;
}

Status describe(mq::Admin& admin, const GroupArguments& arguments) {
  TRY_ASSIGN(const std::vector<std::string> topics, all_topics_of(admin, arguments));
  Listing listing({"topic", "broker", "queue", "offset", "end", "lag"});
  std::int64_t total = 0;
  std::set<std::string> online;
  for (const std::string& topic : topics) {
    TRY_ASSIGN(const auto queues, admin.lag(arguments.group, topic));
    for (const mq::QueueLag& each : queues) {
      const bool from_begin = is_retry_topic(topic) && each.committed < 0;
      if (from_begin && each.max_offset == 0) continue;
      const std::int64_t begin = from_begin ? 0 : each.committed;
      const std::int64_t lag = begin < 0 ? -1 : each.max_offset - begin;
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

// Who is online writes the group's offsets every few seconds.
Status refuse_online(mq::Admin& admin, const GroupArguments& arguments, const std::string& topic) {
  TRY_ASSIGN(const auto members, admin.group_members(arguments.group, topic));
  if (members.empty() || arguments.force || arguments.dry_run) return {};
  return Error{ErrorCode::kInvalidArgument,
               "group '" + arguments.group + "' has " + std::to_string(members.size()) +
                   " members online, first '" + members.front() +
                   "'; they would overwrite the offsets: stop them first, or add --force"};
}

// A group offset that is to be written.
struct OffsetChange {
  mq::OffsetRange range;
  std::int64_t to = 0;
};

// What became of the group's offsets, and what that means.
class ChangedOffsets {
 public:
  // `before`: the offset that the group has.
  Status apply(mq::Admin& admin, const GroupArguments& arguments, const OffsetChange& change,
               std::optional<std::int64_t> before) {
    const mq::MessageQueue& queue = change.range.queue;
    // Nothing waits, and there is no offset to move.
    const bool retry = is_retry_topic(queue.topic);
    if (retry && !before && change.range.min_offset == change.range.max_offset) return {};
    if (!arguments.dry_run) TRY(admin.set_group_offset(arguments.group, queue, change.to));
    const std::int64_t from = before.value_or(retry ? change.range.min_offset : -1);
    listing_.add({queue.topic, queue.broker, queue.id, offset_cell(from), change.to,
                  from < 0 ? Listing::Cell("-") : Listing::Cell(change.to - from)});
    if (from >= 0) (change.to < from ? again_ : skipped_) += std::abs(change.to - from);
    return {};
  }
  Status print(const GroupArguments& arguments) {
    TRY(listing_.print(arguments.output));
    const std::string again = counted(again_, "message") + " will be read again";
    const std::string skipped = counted(skipped_, "message") + " will not be read";
    if (again_ > 0) notify(again);
    if (skipped_ > 0) notify(skipped);
    if (arguments.dry_run) notify("nothing was changed (--dry-run)");
    return {};
  }

 private:
  Listing listing_{{"topic", "broker", "queue", "from", "to", "difference"}};
  std::int64_t again_ = 0;
  std::int64_t skipped_ = 0;
};

// In their order up to the first failure; what was written before it is shown.
Status apply(mq::Admin& admin, const GroupArguments& arguments,
             const std::vector<OffsetChange>& changes) {
  std::vector<mq::MessageQueue> queues;
  for (const OffsetChange& each : changes) queues.push_back(each.range.queue);
  TRY_ASSIGN(const auto before, admin.group_offsets(arguments.group, queues));
  ChangedOffsets changed;
  Status done;
  for (std::size_t i = 0; i < changes.size() && done.ok(); ++i)
    done = changed.apply(admin, arguments, changes[i], before[i]);
  const Status printed = changed.print(arguments);
  if (!done.ok() && !arguments.dry_run)
    return done.with_context("the offsets above were written; behind them");
  return done.ok() ? printed : done;
}

Status reset(mq::Admin& admin, const GroupArguments& arguments, const Position& to) {
  auto queues = admin.bounds(arguments.topic);
  if (!queues.ok()) return with_nearest_topic(admin, arguments.topic, std::move(queues).error());
  TRY(refuse_online(admin, arguments, arguments.topic));
  TRY(keep_queue(to, arguments.topic, *queues));
  std::vector<OffsetChange> changes;
  for (const mq::OffsetRange& range : *queues) {
    TRY_ASSIGN(const std::int64_t offset, offset_of(admin, to, range));
    changes.push_back({range, offset});
  }
  return apply(admin, arguments, changes);
}

Status skip_backlog(mq::Admin& admin, const GroupArguments& arguments) {
  TRY_ASSIGN(const std::vector<std::string> topics, all_topics_of(admin, arguments));
  std::vector<OffsetChange> changes;
  for (const std::string& topic : topics) {
    auto queues = admin.bounds(topic);
    if (!queues.ok()) return with_nearest_topic(admin, topic, std::move(queues).error());
    TRY(refuse_online(admin, arguments, topic));
    for (const mq::OffsetRange& range : *queues) changes.push_back({range, range.max_offset});
  }
  return apply(admin, arguments, changes);
}

Status connections(mq::Admin& admin, const GroupArguments& arguments) {
  TRY_ASSIGN(const mq::GroupConnections group, admin.group_connections(arguments.group));
  // Nobody is online: is there such a group at all?
  if (group.members.empty()) TRY(topics_of(admin, arguments).status());
  std::string reads;
  for (const mq::GroupConnections::Subscription& each : group.subscriptions) {
    reads += (reads.empty() ? "" : "; ") + each.topic + ": " + (each.sql92 ? "SQL92 " : "") +
             each.filter;
  }
  Listing listing({"client", "address", "language", "version", "consumes", "model", "reads"});
  for (const mq::GroupConnections::Member& each : group.members) {
    listing.add({each.client_id, each.address, each.language, each.version, group.consume_type,
                 group.message_model, reads});
  }
  TRY(listing.print(arguments.output));
  if (group.members.empty()) notify("no member of group '" + arguments.group + "' is online");
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

int group_skip_backlog_command(const GroupArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return skip_backlog(admin, arguments); });
}

int group_connections_command(const GroupArguments& arguments) {
  return with_admin(arguments.cluster,
                    [&](mq::Admin& admin) { return connections(admin, arguments); });
}

}  // namespace slipstream::cli
