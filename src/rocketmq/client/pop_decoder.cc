#include "rocketmq/client/pop_decoder.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/try.h"
#include "rocketmq/client/pop_batch.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq::internal {
namespace {

std::optional<std::int64_t> number_property(std::string_view properties, std::string_view name) {
  const auto text = find_property(properties, name);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

PopHandle handle_of(const PopCheckPoint& check_point, std::string_view topic,
                    std::string_view group) {
  PopHandle handle;
  handle.queue = {pop_topic(check_point.origin, topic, group), check_point.broker,
                  check_point.queue_id};
  handle.offset = check_point.offset;
  handle.first_pop_ms = check_point.pop_ms;
  // Any two numbers may come from a broker.
  if (__builtin_add_overflow(check_point.pop_ms, check_point.invisible_ms,
                             &handle.invisible_until_ms))
    handle.invisible_until_ms = std::numeric_limits<std::int64_t>::max();
  handle.check_point = check_point.text();
  return handle;
}

PopDecoder::PopDecoder(const PopOptions& options) : options_(options) {
  if (options.sql.empty()) tags_ = parse_tag_expression(options.tags);
}

Result<PopCheckPoint> PopDecoder::check_point_in(const PopAnswer& popped, const RecordView& record,
                                                 const std::string& broker) const {
  if (const auto text = find_property(record.properties, kPopCheckPointProperty)) {
    TRY_ASSIGN(PopCheckPoint check_point, parse_check_point(*text));
    if (check_point.queue_id == record.queue_id && check_point.offset == record.queue_offset)
      return check_point;
    return Error{ErrorCode::kCorrupt, "it says that it is " + check_point.text()};
  }
  for (const PopOrigin origin : {PopOrigin::kTopic, PopOrigin::kRetryV1, PopOrigin::kRetryV2}) {
    if (record.topic == pop_topic(origin, options_.topic, options_.group))
      return check_point_of(popped, {origin, record.queue_id}, record.queue_offset, broker);
  }
  return Error{ErrorCode::kCorrupt, "it is of topic '" + std::string(record.topic) + "'"};
}

// What its messages share.
Result<PopHandle> PopDecoder::handle_in(const PopAnswer& popped, const RecordView& record,
                                        const std::string& broker) const {
  TRY_ASSIGN(const PopCheckPoint check_point, check_point_in(popped, record, broker));
  PopHandle handle = handle_of(check_point, options_.topic, options_.group);
  const auto given =
      popped.times_given.find({{check_point.origin, check_point.queue_id}, check_point.offset});
  handle.reconsume_times =
      given == popped.times_given.end() ? record.reconsume_times : given->second;
  handle.first_pop_ms =
      number_property(record.properties, kFirstPopTimeProperty).value_or(check_point.pop_ms);
  if (record.inner_batch()) handle.batch = std::make_shared<PopBatch>(handle.check_point);
  return handle;
}

void PopDecoder::add(Result<ReceivedMessage> message, PopHandle handle,
                     PoppedAnswer& decoded) const {
  if (!message.ok()) return decoded.unreadable.push_back(message.error());
  message->topic = options_.topic;
  message->reconsume_times = handle.reconsume_times;
  if (!tags_.empty() && std::find(tags_.begin(), tags_.end(), message->tags) == tags_.end())
    return decoded.unwanted.push_back(std::move(handle));
  // Brokers refuse to keep a batch as a dead letter.
  const bool dead = !handle.batch && handle.reconsume_times > options_.reconsume_times_max;
  (dead ? decoded.dead : decoded.messages).push_back({std::move(*message), std::move(handle)});
}

Status PopDecoder::add_record(const PopAnswer& popped, const RecordView& record,
                              std::span<const std::uint8_t> bytes, const std::string& broker,
                              PoppedAnswer& decoded) const {
  TRY_ASSIGN(const PopHandle handle, handle_in(popped, record, broker));
  RecordCursor cursor(bytes, {.check_crc = true, .queue_id = {}});
  RecordView message;
  while (cursor.next(message)) {
    PopHandle own = handle;
    own.offset = message.queue_offset;
    if (own.batch) own.batch->add(own.offset);
    add(to_received_message(message, broker), std::move(own), decoded);
  }
  if (cursor.status().ok()) return {};
  if (handle.batch) handle.batch->keep_open();
  return cursor.failed() ? Status(cursor.failed()->error) : cursor.status();
}

PoppedAnswer PopDecoder::decode(const Answer& answer, const std::string& broker) const {
  PoppedAnswer decoded;
  const std::string from = "popping from broker '" + broker + "'";
  const auto popped = parse_pop(answer.header);
  if (!popped.ok()) {
    decoded.unreadable.push_back(popped.error().with_context(from));
    return decoded;
  }
  std::span<const std::uint8_t> rest = answer.body();
  while (!rest.empty()) {
    const auto record = decode_record(rest);
    if (!record.ok()) {
      decoded.unreadable.push_back(record.error().with_context(from));
      return decoded;
    }
    const auto size = static_cast<std::size_t>(record->total_size);
    const std::size_t known = decoded.unreadable.size();
    const Status added = add_record(*popped, *record, rest.first(size), broker, decoded);
    if (!added.ok()) decoded.unreadable.push_back(added.error());
    for (std::size_t i = known; i < decoded.unreadable.size(); ++i) {
      decoded.unreadable[i] = decoded.unreadable[i].with_context(
          from + ": message of queue " + std::to_string(record->queue_id) + " at offset " +
          std::to_string(record->queue_offset));
    }
    rest = rest.subspan(size);
  }
  return decoded;
}

}  // namespace slipstream::rocketmq::internal
