#include "rocketmq/testing/static_topics.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/try.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::testing {
namespace {

constexpr std::int32_t kPhysicalQueues = 64;  // of each broker
constexpr std::int64_t kSuspendBit = 2;

using Changes = std::map<std::string, std::string, std::less<>>;

FrameHeader changed(const FrameHeader& header, const Changes& changes) {
  FrameHeader copy = header;
  copy.ext = ExtFields();
  for (std::size_t i = 0; i < header.ext.size(); ++i) {
    const auto change = changes.find(header.ext.key(i));
    copy.ext.add(header.ext.key(i),
                 change == changes.end() ? header.ext.value(i) : std::string_view(change->second));
  }
  return copy;
}

// As brokers say it to each other: this is about a queue of yours.
FrameHeader physical(const FrameHeader& header, Changes changes) {
  FrameHeader copy = changed(header, changes);
  copy.ext.add("lo", "false");
  return copy;
}

bool is_send(const FrameHeader& header) {
  const auto code = static_cast<RequestCode>(header.code);
  return code == RequestCode::kSendMessageV2 || code == RequestCode::kSendBatchMessage;
}

const std::set<RequestCode>& codes_of_queues() {
  static const std::set<RequestCode> codes{
      RequestCode::kSendMessageV2,       RequestCode::kSendBatchMessage,
      RequestCode::kPullMessage,         RequestCode::kMaxOffset,
      RequestCode::kMinOffset,           RequestCode::kSearchOffsetByTimestamp,
      RequestCode::kQueryConsumerOffset, RequestCode::kUpdateConsumerOffset};
  return codes;
}

MessageQueue logical_queue(const FrameHeader& header) {
  const bool send = is_send(header);
  return {std::string(header.ext.find(send ? "b" : "topic").value_or("")),
          std::string(kLogicalBroker),
          static_cast<std::int32_t>(header.ext.find_number(send ? "e" : "queueId").value_or(0))};
}

void shift(Command& answer, std::string_view field, std::int64_t by) {
  const auto value = answer.header.ext.find_number(field);
  if (!value) return;
  answer.header = changed(answer.header, {{std::string(field), std::to_string(*value + by)}});
}

}  // namespace

StaticTopics::Part StaticTopics::new_part(const std::string& name, Topic& topic,
                                          const std::string& broker, std::int64_t begin) {
  return {{name, broker, topic.next_ids[broker]++}, begin, -1};
}

void StaticTopics::create(const std::string& topic, std::int32_t queues,
                          const std::vector<std::string>& brokers) {
  store_.create_topic(topic, kPhysicalQueues, brokers);
  Topic& made = topics_[topic];
  for (std::int32_t id = 0; id < queues; ++id) {
    const std::string& broker = brokers[static_cast<std::size_t>(id) % brokers.size()];
    made.queues.push_back({new_part(topic, made, broker, 0)});
  }
}

void StaticTopics::move(const std::string& topic, std::int32_t id, const std::string& broker,
                        std::int64_t offset, std::int64_t unseen) {
  Topic& moved = topics_.at(topic);
  Parts& parts = moved.queues.at(static_cast<std::size_t>(id));
  CHECK(offset >= parts.back().begin + length(parts.back()));
  parts.back().end = length(parts.back()) - unseen;
  parts.push_back(new_part(topic, moved, broker, offset));
  ++moved.epoch;
}

bool StaticTopics::covers(const FrameHeader& header) const {
  return codes_of_queues().contains(static_cast<RequestCode>(header.code)) &&
         header.ext.find("lo") != "false" && has(logical_queue(header).topic);
}

const StaticTopics::Parts* StaticTopics::parts_of(const MessageQueue& logical) const {
  const auto topic = topics_.find(logical.topic);
  const auto id = static_cast<std::size_t>(logical.id);
  const bool known =
      topic != topics_.end() && is_logical(logical) && id < topic->second.queues.size();
  return known ? &topic->second.queues[id] : nullptr;
}

MessageQueue StaticTopics::first_part(const MessageQueue& logical) const {
  const Parts* parts = parts_of(logical);
  return parts == nullptr ? logical : parts->front().queue;
}

MessageQueue StaticTopics::last_part(const MessageQueue& logical) const {
  const Parts* parts = parts_of(logical);
  return parts == nullptr ? logical : parts->back().queue;
}

MessageQueue StaticTopics::logical_of(const MessageQueue& part) const {
  const auto topic = topics_.find(part.topic);
  if (topic == topics_.end()) return part;
  for (std::size_t id = 0; id < topic->second.queues.size(); ++id) {
    for (const Part& each : topic->second.queues[id]) {
      if (each.queue == part)
        return {part.topic, std::string(kLogicalBroker), static_cast<std::int32_t>(id)};
    }
  }
  return part;
}

std::size_t StaticTopics::part_at(const Parts& parts, std::int64_t offset) const {
  std::size_t part = parts.size() - 1;
  while (part > 0 && offset < parts[part].begin) --part;
  return part;
}

std::size_t StaticTopics::part_at_time(const Parts& parts, std::int64_t store_ms) const {
  std::size_t part = 0;
  while (part + 1 < parts.size()) {
    const StoredQueue& queue = store_.queues[parts[part].queue];
    if (!queue.records.empty() && queue.records.back().store_ms >= store_ms) break;
    ++part;
  }
  return part;
}

std::optional<Command> StaticTopics::answer(const FrameHeader& header, const std::string& broker,
                                            const Serve& serve) {
  const Parts* parts = parts_of(logical_queue(header));
  if (parts == nullptr || parts->back().queue.broker != broker)
    return make_answer(header, response_code::kNotLeaderForQueue, "the broker is not the leader");
  const auto code = static_cast<RequestCode>(header.code);
  if (code == RequestCode::kPullMessage) return pull(*parts, header, serve);
  const Part* part = &parts->back();
  // What a group has read of a queue lies in one place here.
  const bool of_group =
      code == RequestCode::kQueryConsumerOffset || code == RequestCode::kUpdateConsumerOffset;
  if (of_group || code == RequestCode::kMinOffset) part = &parts->front();
  if (code == RequestCode::kSearchOffsetByTimestamp)
    part = &(*parts)[part_at_time(*parts, header.ext.find_number("timestamp").value_or(0))];
  const std::string id = std::to_string(part->queue.id);
  auto done =
      serve(part->queue.broker, physical(header, {{is_send(header) ? "e" : "queueId", id}}));
  if (!done || of_group) return done;
  shift(*done, is_send(header) ? "queueOffset" : "offset", part->begin);
  return done;
}

std::optional<Command> StaticTopics::pull(const Parts& parts, const FrameHeader& header,
                                          const Serve& serve) {
  const std::int64_t offset = header.ext.find_number("queueOffset").value_or(0);
  const std::int64_t flags = header.ext.find_number("sysFlag").value_or(0);
  const std::size_t index = part_at(parts, offset);
  const Part& part = parts[index];
  auto done = serve(part.queue.broker,
                    physical(header, {{"queueId", std::to_string(part.queue.id)},
                                      {"queueOffset", std::to_string(offset - part.begin)},
                                      {"sysFlag", std::to_string(flags & ~kSuspendBit)}}));
  if (!done) return done;
  const bool last = index + 1 == parts.size();
  const std::int64_t end = last ? part.begin + length(part) : parts.back().begin;
  Changes changes;
  for (const char* field : {"nextBeginOffset", "minOffset", "maxOffset"}) {
    const auto value = done->header.ext.find_number(field).value_or(0);
    changes[field] = std::to_string(part.begin + (last ? value : std::min(value, part.end)));
  }
  if (!last) {
    changes["maxOffset"] = std::to_string(std::max(end, length(parts.back()) + end));
    if (done->header.code != response_code::kSuccess && offset >= part.begin + length(part)) {
      done->header.code = response_code::kPullRetryImmediately;
      changes["nextBeginOffset"] = std::to_string(parts[index + 1].begin);
    }
  }
  done->header = changed(done->header, changes);
  done->header.ext.add_number("offsetDelta", part.begin);
  return done;
}

void StaticTopics::write(const std::string& topic, JsonWriter& json) const {
  const Topic& known = topics_.at(topic);
  std::map<std::string, std::map<std::int32_t, std::int32_t>> served;
  for (std::size_t id = 0; id < known.queues.size(); ++id) {
    const MessageQueue& last = known.queues[id].back().queue;
    served[last.broker][static_cast<std::int32_t>(id)] = last.id;
  }
  json.key("topicQueueMappingByBroker").begin_object();
  for (const auto& [broker, ids] : served) {
    json.key(broker).begin_object().key("topic").string(topic).key("scope").string("__global__");
    json.key("totalQueues").integer(static_cast<std::int64_t>(known.queues.size()));
    json.key("bname").string(broker).key("epoch").integer(known.epoch);
    json.key("dirty").boolean(false).key("currIdMap").begin_object();
    for (const auto& [logical, id] : ids) json.key(std::to_string(logical)).integer(id);
    json.end_object().end_object();
  }
  json.end_object();
}

}  // namespace slipstream::rocketmq::testing
