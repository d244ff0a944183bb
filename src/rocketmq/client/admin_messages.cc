// Admin: single messages, by where they are stored, by key, and what clients reported of them.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "slipstream/rocketmq/admin.h"

#include "base/try.h"
#include "rocketmq/client/admin_calls.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"

namespace slipstream::rocketmq {
namespace {

using internal::call_broker;
using internal::succeed;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int32_t kTraceMessagesMax = 64;  // brokers give no more for one key

// The name of the broker at the address; kNotFound says which there are.
Result<std::string> broker_at(internal::ClientCore& core, const std::string& address) {
  TRY_ASSIGN(const ClusterView cluster, internal::ask_cluster(core));
  std::string known;
  for (const BrokerData& broker : cluster.brokers) {
    for (const BrokerAddress& each : broker.addresses) {
      if (each.address == address) return broker.name;
      known += (known.empty() ? "" : ", ") + broker.name + " at " + each.address;
    }
  }
  return Error{ErrorCode::kNotFound, "no broker at " + address + " is registered; there are " +
                                         (known.empty() ? "none" : known)};
}

bool has_key(const RecordView& record, const MessageSearch& search) {
  if (search.unique_key)
    return find_property(record.properties, property::kUniqueKey) == search.key;
  const auto keys = split_keys(find_property(record.properties, property::kKeys).value_or(""));
  return std::find(keys.begin(), keys.end(), search.key) != keys.end();
}

bool concerns(const TraceEvent& event, std::string_view id) {
  if (event.message_id == id || event.offset_message_id == id) return true;
  const auto keys = split_keys(event.keys);
  return std::find(keys.begin(), keys.end(), id) != keys.end();
}

// Reports of the managed service's access channel say neither time nor group of what was consumed.
void complete(std::vector<TraceEvent>& events) {
  std::map<std::string, const TraceEvent*> delivered;
  for (const TraceEvent& event : events) {
    if (event.kind == TraceEvent::Kind::kDelivered) delivered[event.request_id] = &event;
  }
  for (TraceEvent& event : events) {
    if (event.kind != TraceEvent::Kind::kConsumed) continue;
    const auto found = delivered.find(event.request_id);
    if (found == delivered.end()) continue;
    if (event.group.empty()) event.group = found->second->group;
    // What it took is counted from the delivery on. Clients write what they want: no time then.
    if (__builtin_add_overflow(found->second->time_ms, event.took_ms, &event.time_ms))
      event.time_ms = 0;
  }
}

}  // namespace

Result<ReceivedMessage> Admin::message_at(std::string_view offset_id, std::string_view topic) {
  TRY_ASSIGN(const OffsetMessageId id, decode_offset_message_id(offset_id));
  const std::string address = HostView{id.ip_bytes(), id.port}.to_string();
  const std::string context = "message '" + std::string(offset_id) + "'";
  auto broker = broker_at(*core_, address);
  if (!broker.ok()) return std::move(broker).error().with_context(context);
  const auto offset = static_cast<std::int64_t>(id.physical_offset);
  const auto answer = call_broker(*core_, address, encode_view_by_offset(topic, offset));
  if (!answer.ok()) return answer.error().with_context(context);
  const auto code = answer->header.code;
  if (code == response_code::kSystemError && !is_access_refusal(code, answer->header.remark)) {
    return Error{ErrorCode::kNotFound,
                 context + ": broker '" + *broker +
                     "' stores no message there (any more): " + answer->header.remark};
  }
  TRY(succeed(RequestCode::kViewMessageById, answer).status().with_context(context));
  RecordCursor cursor(answer->body(), {});
  RecordView record;
  // An offset inside of another message gives bytes that are none.
  if (!cursor.next(record) || record.physical_offset != offset) {
    return Error{ErrorCode::kNotFound,
                 context + ": broker '" + *broker + "' has no message that begins there"};
  }
  return to_received_message(record, *broker);
}

Result<std::vector<ReceivedMessage>> Admin::find_messages(const MessageSearch& search) {
  TRY_ASSIGN(const TopicDescription description, describe_topic(search.topic));
  const std::int64_t end_ms = search.end_ms > 0 ? search.end_ms : core_->clock().wall_ms() + kDayMs;
  const Command command = encode_query_by_key({.topic = description.topic,
                                               .key = search.key,
                                               .messages_max = search.messages_max,
                                               .begin_ms = search.begin_ms,
                                               .end_ms = end_ms,
                                               .unique_key = search.unique_key});
  std::vector<ReceivedMessage> found;
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const TopicDescription::Broker& broker : description.brokers) {
    if (broker.master.empty()) continue;
    TRY_ASSIGN(const Answer answer, call_broker(*core_, broker.master, command));
    if (answer.header.code == response_code::kQueryNotFound) continue;
    TRY(succeed(RequestCode::kQueryMessage, answer).status());
    RecordCursor cursor(answer.body(), {});
    RecordView record;
    while (cursor.next(record)) {
      // The index holds hashes only, and may list a message twice.
      if (record.topic != description.topic || !has_key(record, search)) continue;
      if (!seen.insert({broker.name, record.physical_offset}).second) continue;
      TRY_ASSIGN(ReceivedMessage message, to_received_message(record, broker.name));
      found.push_back(std::move(message));
    }
    TRY(cursor.status());
  }
  return found;
}

Result<std::vector<ReceivedMessage>> Admin::find_by_unique_key(std::string_view topic,
                                                               std::string_view key) {
  return find_messages({.topic = std::string(topic), .key = std::string(key), .unique_key = true});
}

Result<TraceRecords> Admin::trace(std::string_view id, std::string_view trace_topic) {
  TRY_ASSIGN(const auto messages, find_messages({.topic = std::string(trace_topic),
                                                 .key = std::string(id),
                                                 .messages_max = kTraceMessagesMax}));
  TraceRecords all;
  for (const ReceivedMessage& message : messages) {
    TraceRecords records = decode_trace(message.body);
    all.unreadable += records.unreadable;
    for (TraceEvent& event : records.events) {
      if (!concerns(event, id)) continue;
      event.client_host = message.born_host.substr(0, message.born_host.rfind(':'));
      all.events.push_back(std::move(event));
    }
  }
  complete(all.events);
  std::stable_sort(all.events.begin(), all.events.end(),
                   [](const TraceEvent& a, const TraceEvent& b) {
                     return std::pair(a.time_ms, a.kind) < std::pair(b.time_ms, b.kind);
                   });
  return all;
}

}  // namespace slipstream::rocketmq
