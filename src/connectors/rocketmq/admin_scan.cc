#include "connectors/rocketmq/admin_scan.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/try.h"

namespace slipstream::rocketmq_connector {
namespace {

using Shape = AdminColumn::Shape;
using Emit = std::function<Status(AdminRow)>;

constexpr std::array kTopicColumns{
    AdminColumn{"topic", Shape::kText},         AdminColumn{"broker", Shape::kText},
    AdminColumn{"read_queues", Shape::kNumber}, AdminColumn{"write_queues", Shape::kNumber},
    AdminColumn{"readable", Shape::kFlag},      AdminColumn{"writable", Shape::kFlag}};
constexpr std::array kQueueColumns{
    AdminColumn{"topic", Shape::kText}, AdminColumn{"broker", Shape::kText},
    AdminColumn{"queue", Shape::kNumber}, AdminColumn{"min_offset", Shape::kNumber},
    AdminColumn{"max_offset", Shape::kNumber}};
constexpr std::array kGroupColumns{
    AdminColumn{"group_name", Shape::kText}, AdminColumn{"topics", Shape::kTexts},
    AdminColumn{"members", Shape::kNumber}, AdminColumn{"consume_type", Shape::kText},
    AdminColumn{"message_model", Shape::kText}};
constexpr std::array kLagColumns{
    AdminColumn{"group_name", Shape::kText},     AdminColumn{"topic", Shape::kText},
    AdminColumn{"broker", Shape::kText},         AdminColumn{"queue", Shape::kNumber},
    AdminColumn{"group_offset", Shape::kNumber}, AdminColumn{"max_offset", Shape::kNumber},
    AdminColumn{"behind", Shape::kNumber}};

constexpr std::int32_t kPermRead = 4;
constexpr std::int32_t kPermWrite = 2;
constexpr std::string_view kRetryPrefix = "%RETRY%";

AdminCell text_or_null(std::string text) {
  return text.empty() ? AdminCell() : AdminCell(std::move(text));
}

AdminCell number_or_null(std::int64_t number) {
  return number < 0 ? AdminCell() : AdminCell(number);
}

bool wanted(const std::optional<std::set<std::string>>& names, const std::string& name) {
  return !names || names->contains(name);
}

// It was there when the list was made.
bool is_gone(const Error& error) { return error.code == ErrorCode::kNotFound; }

Result<std::vector<std::string>> topics_of(rocketmq::Admin& admin, const AdminFilter& filter) {
  if (!filter.topics) return admin.list_topics();
  return std::vector<std::string>(filter.topics->begin(), filter.topics->end());
}

Status scan_topics(rocketmq::Admin& admin, const AdminFilter& filter, const Emit& emit) {
  TRY_ASSIGN(const auto topics, topics_of(admin, filter));
  for (const std::string& topic : topics) {
    const auto description = admin.describe_topic(topic);
    if (!description.ok() && is_gone(description.error())) continue;
    TRY(description.status());
    for (const rocketmq::TopicDescription::Broker& broker : description->brokers) {
      TRY(emit({topic, broker.name, std::int64_t{broker.read_queues},
                std::int64_t{broker.write_queues}, (broker.perm & kPermRead) != 0,
                (broker.perm & kPermWrite) != 0}));
    }
  }
  return {};
}

Status scan_queues(rocketmq::Admin& admin, const AdminFilter& filter, const Emit& emit) {
  TRY_ASSIGN(const auto topics, topics_of(admin, filter));
  for (const std::string& topic : topics) {
    const auto bounds = admin.bounds(topic);
    if (!bounds.ok() && is_gone(bounds.error())) continue;
    TRY(bounds.status());
    for (const rocketmq::OffsetRange& range : *bounds) {
      TRY(emit({topic, range.queue.broker, std::int64_t{range.queue.id}, range.min_offset,
                range.max_offset}));
    }
  }
  return {};
}

Status scan_groups(rocketmq::Admin& admin, const AdminFilter& filter, const Emit& emit) {
  TRY_ASSIGN(const auto groups, admin.list_groups());
  for (const auto& [group, topics] : groups) {
    if (!wanted(filter.groups, group)) continue;
    TRY_ASSIGN(const auto online, admin.group_connections(group));
    TRY(emit({group, topics, std::ssize(online.members), text_or_null(online.consume_type),
              text_or_null(online.message_model)}));
  }
  return {};
}

// Members read a retry topic from its begin on where the group has no offset in it.
Status scan_lag_of(rocketmq::Admin& admin, const std::string& group, const std::string& topic,
                   const Emit& emit) {
  const auto queues = admin.lag(group, topic);
  if (!queues.ok() && is_gone(queues.error())) return {};
  TRY(queues.status());
  for (const rocketmq::QueueLag& each : *queues) {
    const bool from_begin = topic.starts_with(kRetryPrefix) && each.committed < 0;
    if (from_begin && each.max_offset == 0) continue;
    const std::int64_t begin = from_begin ? 0 : each.committed;
    TRY(emit({group, topic, each.queue.broker, std::int64_t{each.queue.id},
              number_or_null(each.committed), each.max_offset,
              begin < 0 ? AdminCell() : AdminCell(each.max_offset - begin)}));
  }
  return {};
}

Status scan_lag(rocketmq::Admin& admin, const AdminFilter& filter, const Emit& emit) {
  TRY_ASSIGN(auto groups, admin.list_groups());
  std::erase_if(groups, [&](const auto& each) { return !wanted(filter.groups, each.first); });
  TRY_ASSIGN(auto retry_topics, admin.retry_topics(groups));
  for (const auto& [group, topics] : groups) {
    std::set<std::string> all(topics.begin(), topics.end());
    all.insert(retry_topics[group].begin(), retry_topics[group].end());
    for (const std::string& topic : all) {
      if (wanted(filter.topics, topic)) TRY(scan_lag_of(admin, group, topic, emit));
    }
  }
  return {};
}

}  // namespace

std::span<const AdminColumn> columns_of(AdminTable table) {
  switch (table) {
    case AdminTable::kTopics:
      return kTopicColumns;
    case AdminTable::kQueues:
      return kQueueColumns;
    case AdminTable::kGroups:
      return kGroupColumns;
    case AdminTable::kLag:
      break;
  }
  return kLagColumns;
}

Status scan_cluster(rocketmq::Admin& admin, AdminTable table, const AdminFilter& filter,
                    const Emit& emit) {
  switch (table) {
    case AdminTable::kTopics:
      return scan_topics(admin, filter, emit);
    case AdminTable::kQueues:
      return scan_queues(admin, filter, emit);
    case AdminTable::kGroups:
      return scan_groups(admin, filter, emit);
    case AdminTable::kLag:
      break;
  }
  return scan_lag(admin, filter, emit);
}

}  // namespace slipstream::rocketmq_connector
