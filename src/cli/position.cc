#include "cli/position.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "cli/queue_scan.h"
#include "data/text/temporal.h"

namespace slipstream::cli {

namespace mq = rocketmq;

namespace {

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// [BROKER:]QUEUE:OFFSET
std::optional<Position> parse_place(std::string_view text) {
  const std::size_t last = text.rfind(':');
  if (last == std::string_view::npos) return std::nullopt;
  const auto offset = whole(text.substr(last + 1));
  std::string_view place = text.substr(0, last);
  Position position;
  if (const std::size_t colon = place.rfind(':'); colon != std::string_view::npos) {
    position.broker = place.substr(0, colon);
    place = place.substr(colon + 1);
  }
  const auto queue = whole(place);
  if (!offset || !queue || *queue > 65'535) return std::nullopt;
  position.queue = static_cast<int>(*queue);
  position.start = mq::StartPosition::offset(*offset);
  return position;
}

}  // namespace

Result<Position> parse_position(const std::string& text) {
  Position position;
  if (text == "earliest") return position;
  if (text == "latest") {
    position.start = mq::StartPosition::latest();
    return position;
  }
  if (const auto time = whole(text)) {
    position.start = mq::StartPosition::timestamp(*time);
    return position;
  }
  if (const auto time = text::parse_timestamp(text, 3)) {
    position.start = mq::StartPosition::timestamp(*time / 1000);
    return position;
  }
  if (auto place = parse_place(text)) return *std::move(place);
  return Error{ErrorCode::kInvalidArgument,
               "position '" + text +
                   "': earliest, latest, milliseconds since 1970, a time such as "
                   "'2026-11-21 10:00:00' (UTC), QUEUE:OFFSET or BROKER:QUEUE:OFFSET are expected"};
}

Status keep_queue(const Position& position, const std::string& topic,
                  std::vector<mq::OffsetRange>& queues) {
  if (!position.queue) return {};
  std::string known;
  for (const mq::OffsetRange& each : queues) {
    known += (known.empty() ? "" : ", ") + each.queue.broker + ":" + std::to_string(each.queue.id);
  }
  std::erase_if(queues, [&](const mq::OffsetRange& each) {
    return each.queue.id != *position.queue ||
           (!position.broker.empty() && each.queue.broker != position.broker);
  });
  if (queues.size() == 1) return {};
  const std::string name =
      (position.broker.empty() ? "" : position.broker + ":") + std::to_string(*position.queue);
  return Error{ErrorCode::kInvalidArgument,
               queues.empty() ? "topic '" + topic + "' has no queue " + name + "; it has " + known
                              : "queue " + name + " is on several brokers; name one of " + known};
}

namespace {

// Brokers 4.x answer a time behind the last message with that message.
Result<std::int64_t> offset_at_time(mq::Admin& admin, std::int64_t time_ms,
                                    const mq::OffsetRange& queue) {
  TRY_ASSIGN(const std::int64_t offset, admin.offset_at(queue.queue, time_ms));
  if (offset + 1 != queue.max_offset || offset < queue.min_offset) return offset;
  QueueCursor last(admin, {queue.queue, offset, queue.max_offset});
  TRY_ASSIGN(const mq::ReceivedMessage* message, last.next());
  return message != nullptr && message->stored_ms < time_ms ? queue.max_offset : offset;
}

}  // namespace

Result<std::int64_t> offset_of(mq::Admin& admin, const Position& position,
                               const mq::OffsetRange& queue) {
  switch (position.start.kind) {
    case mq::StartPosition::Kind::kEarliest:
      return queue.min_offset;
    case mq::StartPosition::Kind::kTimestamp:
      return offset_at_time(admin, position.start.value, queue);
    case mq::StartPosition::Kind::kOffset:
      if (position.start.value < queue.min_offset || position.start.value > queue.max_offset) {
        return Error{ErrorCode::kOutOfRange, "offset " + std::to_string(position.start.value) +
                                                 " of " + queue.queue.to_string() +
                                                 " is outside [" +
                                                 std::to_string(queue.min_offset) + ", " +
                                                 std::to_string(queue.max_offset) + "]"};
      }
      return position.start.value;
    default:
      return queue.max_offset;
  }
}

Status cut_queues(mq::Admin& admin, const std::string& topic, const Position& from,
                  const Position& to, std::vector<mq::OffsetRange>& queues) {
  TRY(keep_queue(from, topic, queues));
  TRY(keep_queue(to, topic, queues));
  for (mq::OffsetRange& queue : queues) {
    TRY_ASSIGN(const std::int64_t begin, offset_of(admin, from, queue));
    TRY_ASSIGN(const std::int64_t end, offset_of(admin, to, queue));
    queue.min_offset = begin;
    queue.max_offset = std::max(begin, end);
  }
  return {};
}

}  // namespace slipstream::cli
