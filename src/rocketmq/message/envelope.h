// Messages as lines of JSON: what record and consume write, and produce and replay read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

bool is_utf8(std::string_view text);
// The bytes as they are where they are UTF-8 without control characters; else base64, marked as such.
std::string printable(std::string_view bytes);

// One object and a line end: topic, broker, queue, offset, id, time; tags, keys, properties (the
// user's own); sharding_key and flag where there is one; body, or body_base64 where it is not UTF-8.
// Failure: kUnsupported, names message and part: what is not UTF-8 besides the body has no place in
//          JSON. Nothing is appended.
Status append_envelope(const ReceivedMessage& message, std::string& out);

// What an envelope says a message has: tags, keys, properties, sharding key, flag and the body. Where
// the message was found does not count.
// Failure: kInvalidArgument, names the field.
Status read_envelope(std::string_view line, Message& message);

// A message of a recording and where it was; absent: the line does not say.
struct RecordedMessage {
  Message message{};  // without topic and unique key
  std::string id{};
  std::optional<std::string> topic{};
  std::optional<std::string> broker{};
  std::optional<std::int32_t> queue_id{};
  std::optional<std::int64_t> offset{};
  std::optional<std::int64_t> stored_ms{};
};

// Failure: kInvalidArgument, names the field.
Result<RecordedMessage> read_recorded(std::string_view line);

}  // namespace slipstream::rocketmq
