#include "rocketmq/client/pop_decoder.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/try.h"
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
  handle.invisible_until_ms = check_point.pop_ms + check_point.invisible_ms;
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

PoppedAnswer PopDecoder::decode(const Answer& answer, const std::string& broker) const {
  PoppedAnswer decoded;
  const std::string from = "popping from broker '" + broker + "'";
  const auto popped = parse_pop(answer.header);
  if (!popped.ok()) {
    decoded.unreadable.push_back(popped.error().with_context(from));
    return decoded;
  }
  RecordCursor cursor(answer.body(), {.check_crc = true, .queue_id = {}});
  RecordView record;
  while (true) {
    if (!cursor.next(record)) {
      if (cursor.status().ok()) return decoded;
      decoded.unreadable.push_back(cursor.status().error().with_context(from));
      if (!cursor.pass_over()) return decoded;
      continue;
    }
    const std::string message_at = from + ": message of queue " + std::to_string(record.queue_id) +
                                   " at offset " + std::to_string(record.queue_offset);
    const auto check_point = check_point_in(*popped, record, broker);
    auto message = to_received_message(record, broker);
    if (!check_point.ok() || !message.ok()) {
      const Error& error = check_point.ok() ? message.error() : check_point.error();
      decoded.unreadable.push_back(error.with_context(message_at));
      continue;
    }
    PopHandle handle = handle_of(*check_point, options_.topic, options_.group);
    handle.reconsume_times = record.reconsume_times;
    handle.first_pop_ms =
        number_property(record.properties, kFirstPopTimeProperty).value_or(check_point->pop_ms);
    message->topic = options_.topic;
    if (!tags_.empty() && std::find(tags_.begin(), tags_.end(), message->tags) == tags_.end()) {
      decoded.unwanted.push_back(std::move(handle));
      continue;
    }
    const bool dead = record.reconsume_times > options_.reconsume_times_max;
    (dead ? decoded.dead : decoded.messages).push_back({std::move(*message), std::move(handle)});
  }
}

}  // namespace slipstream::rocketmq::internal
