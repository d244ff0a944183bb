#include "rocketmq/testing/pop_table.h"

#include <algorithm>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq::testing {
namespace {

constexpr std::int32_t kOldVersion = 407;  // 4.9.7
constexpr std::int32_t kReviveQueue = 3;
constexpr std::size_t kPhysicalOffsetAt = 28;  // in a record

std::string text(const FrameHeader& header, std::string_view field) {
  return std::string(header.ext.find(field).value_or(""));
}
std::int64_t number(const FrameHeader& header, std::string_view field) {
  return header.ext.find_number(field).value_or(0);
}

void add_property(std::string& properties, std::string_view name, std::string_view value) {
  properties.append(name).append("\x01").append(value).append("\x02");
}

std::string decode_base64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  CHECK(size >= 0);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

std::string origin_text(PopOrigin origin) { return std::to_string(static_cast<int>(origin)); }

}  // namespace

bool PopTable::knows(const FrameHeader& header) {
  switch (static_cast<RequestCode>(header.code)) {
    case RequestCode::kPopMessage:
    case RequestCode::kAckMessage:
    case RequestCode::kBatchAckMessage:
    case RequestCode::kChangeInvisibleTime:
      return true;
    default:
      return false;
  }
}

std::optional<Command> PopTable::answer(const Question& question) {
  const auto code = static_cast<RequestCode>(question.header.code);
  const bool batch = code == RequestCode::kBatchAckMessage;
  if (settings_.old_broker || (batch && !settings_.batch_acks)) {
    Command refusal =
        make_answer(question.header, response_code::kRequestCodeNotSupported,
                    " request type " + std::to_string(question.header.code) + " not supported");
    refusal.header.version = kOldVersion;
    return refusal;
  }
  revive();
  if (batch) return acknowledge_batch(question);
  if (code == RequestCode::kAckMessage) return acknowledge(question);
  if (code == RequestCode::kChangeInvisibleTime) return change_invisible(question);
  if (auto popped = pop(question.header, question.broker)) return popped;
  park(question);
  return std::nullopt;
}

void PopTable::wake() {
  for (auto each = parked_.begin(); each != parked_.end();) {
    const auto popped = pop(each->second.header, each->second.broker);
    if (popped) ways_.send(each->second.session, *popped);
    each = popped ? parked_.erase(each) : std::next(each);
  }
}

void PopTable::lost(std::uint64_t session) {
  std::erase_if(parked_, [&](const auto& each) { return each.second.session == session; });
}

void PopTable::advance_ms(std::int64_t by_ms) {
  advanced_ms_ += by_ms;
  revive();
  wake();
}

std::vector<std::string> PopTable::check_points() const {
  std::vector<std::string> all;
  for (const auto& [key, flight] : flights_) all.push_back(flight.check_point.text());
  return all;
}

void PopTable::park(const Question& question) {
  const std::uint64_t id = ++last_parked_;
  parked_[id] = Parked{question.session, question.header, question.broker};
  ways_.run_after(number(question.header, "pollTime"), [this, id] {
    const auto parked = parked_.find(id);
    if (parked == parked_.end()) return;
    ways_.send(parked->second.session,
               make_answer(parked->second.header, response_code::kPollingTimeout));
    parked_.erase(parked);
  });
}

std::optional<Command> PopTable::pop(const FrameHeader& header, const std::string& broker) {
  const std::string topic = text(header, "topic");
  const std::string group = text(header, "consumerGroup");
  Taken taken;
  taken.pop_ms = now_ms();
  const PopOrigin retried = settings_.retry_topic_v2 ? PopOrigin::kRetryV2 : PopOrigin::kRetryV1;
  const bool ordered = text(header, "order") == "true";
  if (!ordered) take(header, retried, {pop_topic(retried, topic, group), broker, 0}, taken);
  for (const auto& [queue, stored] : store_.queues) {
    if (queue.topic != topic || queue.broker != broker) continue;
    ordered ? take_in_order(header, queue, taken) : take(header, PopOrigin::kTopic, queue, taken);
  }
  if (taken.count == 0) return std::nullopt;
  Command done = make_answer(header, 0);
  ExtFields& ext = done.header.ext;
  ext.add_number("popTime", taken.pop_ms);
  ext.add_number("invisibleTime", number(header, "invisibleTime"));
  ext.add_number("reviveQid", ordered ? kOrderedReviveQueue : kReviveQueue);
  ext.add_number("restNum", 0);
  if (!taken.times.empty()) ext.add("orderCountInfo", taken.times);
  ext.add("startOffsetInfo", taken.starts);
  ext.add("msgOffsetInfo", taken.offsets);
  done.body = std::move(taken.records);
  if (settings_.change) settings_.change(done);
  return done;
}

void PopTable::take(const FrameHeader& header, PopOrigin origin, const MessageQueue& queue,
                    Taken& taken) {
  const StoredQueue* stored = store_.find(queue);
  if (stored == nullptr) return;
  const std::string group = text(header, "consumerGroup");
  const std::int64_t end = store_.visible_end(*stored);
  std::int64_t& position = position_of(header, origin, queue, *stored);
  const std::int64_t start = position;
  std::vector<std::int64_t> hashes;
  for (const std::string& tag : parse_tag_expression(text(header, "exp")))
    hashes.push_back(tag_hash(tag));
  std::string offsets;
  while (position < end && taken.count < number(header, "maxMsgNums")) {
    const std::int64_t offset = position - stored->at(position).batch_index;
    const StoredRecord& record = stored->at(offset);
    position = offset + record.batch_count;
    if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), record.tag_hash) == hashes.end())
      continue;
    const PopCheckPoint check_point{start,        taken.pop_ms, number(header, "invisibleTime"),
                                    kReviveQueue, origin,       queue.broker,
                                    queue.id,     offset};
    flights_[{group, queue, offset}] = {check_point, check_point.pop_ms + check_point.invisible_ms};
    taken.records += record_as_given(record, text(header, "topic"), check_point);
    offsets += (offsets.empty() ? "" : ",") + std::to_string(offset);
    ++taken.count;
  }
  if (offsets.empty()) return;
  const std::string item = (taken.starts.empty() ? "" : ";") + origin_text(origin) + " " +
                           std::to_string(queue.id) + " ";
  taken.starts += item + std::to_string(start);
  taken.offsets += item + offsets;
}

std::int64_t& PopTable::position_of(const FrameHeader& header, PopOrigin origin,
                                    const MessageQueue& queue, const StoredQueue& stored) {
  const bool at_end = origin == PopOrigin::kTopic && number(header, "initMode") == 1;
  const std::int64_t last = std::max(store_.visible_end(stored) - 1, stored.min_offset);
  const GroupQueue place{text(header, "consumerGroup"), queue};
  return positions_.try_emplace(place, at_end ? last : stored.min_offset).first->second;
}

std::int64_t PopTable::position(const std::string& group, const MessageQueue& queue) const {
  const auto known = positions_.find({group, queue});
  return known == positions_.end() ? -1 : known->second;
}

bool PopTable::Run::holds(std::int64_t now_ms) const {
  return std::any_of(until_ms.begin(), until_ms.end(), [&](const auto& each) {
    return each.second > now_ms && !acknowledged.contains(each.first);
  });
}

void PopTable::take_in_order(const FrameHeader& header, const MessageQueue& queue, Taken& taken) {
  const StoredQueue* stored = store_.find(queue);
  const GroupQueue place{text(header, "consumerGroup"), queue};
  const std::string attempt = text(header, "attemptId");
  const auto before = runs_.find(place);
  const bool same = before != runs_.end() && !attempt.empty() && before->second.attempt == attempt;
  if (before != runs_.end() && !same && before->second.holds(now_ms())) return;
  const std::int64_t start = position_of(header, PopOrigin::kTopic, queue, *stored);
  Run run{.attempt = attempt, .pop_ms = taken.pop_ms};
  const std::string item =
      (taken.starts.empty() ? "" : ";") + std::string("0 ") + std::to_string(queue.id) + " ";
  std::string offsets;
  for (std::int64_t offset = start;
       offset < store_.visible_end(*stored) && taken.count < number(header, "maxMsgNums");
       ++offset, ++taken.count) {
    run.until_ms[offset] = taken.pop_ms + number(header, "invisibleTime");
    if (before != runs_.end() && before->second.until_ms.contains(offset))
      run.times[offset] = before->second.times[offset] + (same ? 0 : 1);
    taken.records += stored->at(offset).bytes;
    offsets += (offsets.empty() ? "" : ",") + std::to_string(offset);
  }
  if (offsets.empty()) return;
  taken.starts += item + std::to_string(start);
  taken.offsets += item + offsets;
  for (const auto& [offset, times] : run.times) {
    taken.times += (taken.times.empty() ? "0 qo" : ";0 qo") + std::to_string(queue.id) + "%" +
                   std::to_string(offset) + " " + std::to_string(times);
  }
  taken.times += (taken.times.empty() ? "0 " : ";0 ") + std::to_string(queue.id) + " 0";
  runs_[place] = std::move(run);
}

void PopTable::acknowledge_in_order(const GroupQueue& place, std::int64_t offset,
                                    std::int64_t pop_ms) {
  std::int64_t& position = positions_[place];
  Run& run = runs_[place];
  if (offset < position || run.pop_ms != pop_ms || !run.until_ms.contains(offset)) return;
  run.acknowledged.insert(offset);
  while (run.acknowledged.contains(position)) ++position;
  wake();
}

Command PopTable::change_in_order(const FrameHeader& header, const GroupQueue& place,
                                  const PopCheckPoint& before) {
  Command done = make_answer(header, 0);
  const bool open = before.offset >= positions_[place];
  const std::int64_t until_ms = now_ms() + number(header, "invisibleTime");
  Run& run = runs_[place];
  if (open && run.pop_ms == before.pop_ms) run.until_ms[before.offset] = until_ms;
  done.header.ext.add_number("popTime", open ? before.pop_ms : 0);
  done.header.ext.add_number("invisibleTime", open ? until_ms - before.pop_ms : 0);
  done.header.ext.add_number("reviveQid", open ? kOrderedReviveQueue : 0);
  wake();
  return done;
}

std::string PopTable::record_as_given(const StoredRecord& stored, const std::string& topic,
                                      const PopCheckPoint& check_point) const {
  if (check_point.origin == PopOrigin::kTopic || settings_.own_retry_topic) return stored.bytes;
  const RecordView record = *decode_record(as_bytes(stored.bytes));
  std::string properties(record.properties);
  add_property(properties, kPopCheckPointProperty, check_point.text());
  BrokerStore renamed;
  const MessageQueue queue{topic, check_point.broker, check_point.queue_id};
  renamed.queues[queue].min_offset = check_point.offset;
  renamed.append(queue, {.body = as_text(record.body),
                         .properties = properties,
                         .flag = record.flag,
                         .sys_flag = record.sys_flags,
                         .born_ms = record.born_ms,
                         .store_ms = record.store_ms,
                         .reconsume_times = record.reconsume_times});
  std::string bytes = renamed.queues[queue].records.front().bytes;
  bytes.replace(kPhysicalOffsetAt, 8, stored.bytes, kPhysicalOffsetAt, 8);
  return bytes;
}

void PopTable::land(const std::string& group, const MessageQueue& queue, std::int64_t offset,
                    std::int64_t pop_ms) {
  const auto flight = flights_.find({group, queue, offset});
  if (flight != flights_.end() && flight->second.check_point.pop_ms == pop_ms)
    flights_.erase(flight);
}

Command PopTable::acknowledge(const Question& question) {
  const auto check_point = parse_check_point(text(question.header, "extraInfo"));
  CHECK(check_point.ok());
  const MessageQueue queue{text(question.header, "topic"), question.broker,
                           static_cast<std::int32_t>(number(question.header, "queueId"))};
  const StoredQueue* stored = store_.find(queue);
  const std::int64_t offset = number(question.header, "offset");
  if (stored == nullptr || offset < stored->min_offset || offset > stored->max_offset())
    return make_answer(question.header, response_code::kNoMessage, "offset is illegal");
  const std::string group = text(question.header, "consumerGroup");
  if (check_point->ordered())
    acknowledge_in_order({group, queue}, offset, check_point->pop_ms);
  else
    land(group, queue, offset, check_point->pop_ms);
  return make_answer(question.header, 0);
}

Command PopTable::acknowledge_batch(const Question& question) {
  const auto body = parse_tolerant_json(question.body);
  CHECK(body.ok());
  for (const JsonValue& each : (*body)["acks"].items) {
    const std::string group = each["c"].string_or("");
    const auto origin = static_cast<PopOrigin>(each["r"].string_or("0").front() - '0');
    const MessageQueue queue{pop_topic(origin, each["t"].string_or(""), group), question.broker,
                             static_cast<std::int32_t>(each["q"].integer_or(0))};
    const std::string bits = decode_base64(each["b"].string_or(""));
    for (std::size_t bit = 0; bit < bits.size() * 8; ++bit) {
      if ((static_cast<unsigned char>(bits[bit / 8]) >> (bit % 8) & 1U) == 0) continue;
      const std::int64_t offset = each["so"].integer_or(0) + static_cast<std::int64_t>(bit);
      if (each["rq"].integer_or(0) == kOrderedReviveQueue)
        acknowledge_in_order({group, queue}, offset, each["pt"].integer_or(0));
      else
        land(group, queue, offset, each["pt"].integer_or(0));
    }
  }
  return make_answer(question.header, 0);
}

Command PopTable::change_invisible(const Question& question) {
  const auto before = parse_check_point(text(question.header, "extraInfo"));
  CHECK(before.ok());
  const std::string group = text(question.header, "consumerGroup");
  const MessageQueue queue{text(question.header, "topic"), question.broker, before->queue_id};
  if (before->ordered()) return change_in_order(question.header, {group, queue}, *before);
  const auto flight = flights_.find({group, queue, before->offset});
  if (flight == flights_.end() || flight->second.check_point.pop_ms != before->pop_ms)
    return make_answer(question.header, response_code::kNoMessage);
  Command done = make_answer(question.header, 0);
  done.header.ext.add_number("popTime", now_ms());
  done.header.ext.add_number("invisibleTime", number(question.header, "invisibleTime"));
  done.header.ext.add_number("reviveQid", kReviveQueue);
  const auto after = parse_changed_invisible(done.header, *before);
  CHECK(after.ok());
  flight->second = {*after, after->pop_ms + after->invisible_ms};
  return done;
}

void PopTable::revive() {
  for (auto each = flights_.begin(); each != flights_.end();) {
    if (each->second.until_ms > now_ms()) {
      ++each;
      continue;
    }
    const auto& [group, queue, offset] = each->first;
    const PopOrigin retried = settings_.retry_topic_v2 ? PopOrigin::kRetryV2 : PopOrigin::kRetryV1;
    const bool again = each->second.check_point.origin != PopOrigin::kTopic;
    const StoredRecord stored = store_.find(queue)->at(offset);
    const std::string& bytes = stored.bytes;
    const RecordView record = *decode_record(as_bytes(bytes));
    std::string properties(record.properties);
    if (!again) {
      add_property(properties, property::kRetryTopic, queue.topic);
      add_property(properties, kFirstPopTimeProperty,
                   std::to_string(each->second.check_point.pop_ms));
    }
    const std::string topic = again ? queue.topic : pop_topic(retried, queue.topic, group);
    store_.append({topic, queue.broker, 0}, {.body = as_text(record.body),
                                             .properties = properties,
                                             .flag = record.flag,
                                             .sys_flag = record.sys_flags,
                                             .born_ms = record.born_ms,
                                             .store_ms = now_ms(),
                                             .reconsume_times = record.reconsume_times + 1,
                                             .batch_count = stored.batch_count});
    store_.dispatch(store_.log_end());
    each = flights_.erase(each);
  }
}

}  // namespace slipstream::rocketmq::testing
