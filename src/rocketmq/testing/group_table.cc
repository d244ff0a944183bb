#include "rocketmq/testing/group_table.h"

#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq::testing {
namespace {

JsonValue parse(std::string_view json) {
  auto value = parse_tolerant_json(json);
  return value.ok() ? std::move(*value) : JsonValue();
}

MessageQueue queue_of(const JsonValue& value) {
  return {value["topic"].string_or(""), value["brokerName"].string_or(""),
          static_cast<std::int32_t>(value["queueId"].integer_or(0))};
}

}  // namespace

std::set<std::string> GroupTable::heartbeat(std::uint64_t session, std::string_view json) {
  const JsonValue body = parse(json);
  Session& known = sessions_[session];
  known.client_id = body["clientID"].string_or("");
  std::set<std::string> changed;
  for (const JsonValue& each : body["consumerDataSet"].items) {
    const std::string group = each["groupName"].string_or("");
    if (known.consumer_groups.insert(group).second) changed.insert(group);
  }
  for (const JsonValue& each : body["producerDataSet"].items)
    known.producer_groups.insert(each["groupName"].string_or(""));
  return changed;
}

std::set<std::string> GroupTable::unregister(std::uint64_t session,
                                             const std::string& consumer_group,
                                             const std::string& producer_group) {
  sessions_[session].producer_groups.erase(producer_group);
  if (sessions_[session].consumer_groups.erase(consumer_group) == 0) return {};
  return {consumer_group};
}

std::set<std::string> GroupTable::lost(std::uint64_t session) {
  const auto known = sessions_.find(session);
  if (known == sessions_.end()) return {};
  std::set<std::string> groups = std::move(known->second.consumer_groups);
  sessions_.erase(known);
  return groups;
}

std::set<std::string> GroupTable::members(const std::string& consumer_group) const {
  std::set<std::string> ids;
  for (const auto& [id, session] : sessions_) {
    if (session.consumer_groups.contains(consumer_group)) ids.insert(session.client_id);
  }
  const auto extra = extra_.find(consumer_group);
  if (extra != extra_.end()) ids.insert(extra->second.begin(), extra->second.end());
  return ids;
}

std::vector<std::uint64_t> GroupTable::consumer_sessions(const std::string& group) const {
  std::vector<std::uint64_t> found;
  for (const auto& [id, session] : sessions_) {
    if (session.consumer_groups.contains(group)) found.push_back(id);
  }
  return found;
}

std::vector<std::uint64_t> GroupTable::producer_sessions(const std::string& group) const {
  std::vector<std::uint64_t> found;
  for (const auto& [id, session] : sessions_) {
    if (session.producer_groups.contains(group)) found.push_back(id);
  }
  return found;
}

std::optional<std::uint64_t> GroupTable::producer_session_of(std::string_view client_id) const {
  for (const auto& [id, session] : sessions_) {
    if (session.client_id == client_id && !session.producer_groups.empty()) return id;
  }
  return std::nullopt;
}

void GroupTable::add_member(const std::string& group, const std::string& client_id) {
  extra_[group].insert(client_id);
}

void GroupTable::remove_member(const std::string& group, const std::string& client_id) {
  extra_[group].erase(client_id);
}

std::string GroupTable::lock(std::string_view json) {
  const JsonValue body = parse(json);
  const std::string group = body["consumerGroup"].string_or("");
  const std::string client_id = body["clientId"].string_or("");
  std::string answer;
  JsonWriter writer(answer);
  writer.begin_object().key("lockOKMQSet").begin_array();
  for (const JsonValue& each : body["mqSet"].items) {
    const MessageQueue queue = queue_of(each);
    std::string& holder = locks_[{group, queue}];
    if (holder.empty()) holder = client_id;
    if (holder != client_id) continue;
    writer.begin_object().key("brokerName").string(queue.broker);
    writer.key("queueId").integer(queue.id).key("topic").string(queue.topic).end_object();
  }
  writer.end_array().end_object();
  return answer;
}

void GroupTable::unlock(std::string_view json) {
  const JsonValue body = parse(json);
  const std::string group = body["consumerGroup"].string_or("");
  for (const JsonValue& each : body["mqSet"].items) {
    const auto held = locks_.find({group, queue_of(each)});
    if (held != locks_.end() && held->second == body["clientId"].string_or("")) locks_.erase(held);
  }
}

std::string GroupTable::holder(const std::string& group, const MessageQueue& queue) const {
  const auto held = locks_.find({group, queue});
  return held == locks_.end() ? std::string() : held->second;
}

void GroupTable::set_holder(const std::string& group, const MessageQueue& queue,
                            const std::string& client_id) {
  locks_[{group, queue}] = client_id;
}

}  // namespace slipstream::rocketmq::testing
