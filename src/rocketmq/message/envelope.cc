#include "rocketmq/message/envelope.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include "base/suggest.h"
#include "base/try.h"
#include "base/utf8.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq {

using nlohmann::ordered_json;

namespace {

constexpr auto kWhere =
    std::to_array<std::string_view>({"topic", "broker", "queue", "offset", "id", "time"});

Error bad(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<std::string> from_base64(const std::string& text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) return bad("'body_base64' is no base64");
  // It counts the bytes that the padding stands for.
  const auto padding = static_cast<std::size_t>(
      std::count(text.end() - std::min<std::ptrdiff_t>(2, std::ssize(text)), text.end(), '='));
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

Result<std::string> text_of(const ordered_json& value, const std::string& field) {
  if (!value.is_string()) return bad("'" + field + "' is no string");
  return value.get<std::string>();
}

Status read_field(const std::string& field, const ordered_json& value, Message& message) {
  if (field == "tags") {
    TRY_ASSIGN(message.tags, text_of(value, field));
  } else if (field == "keys") {
    if (!value.is_array()) return bad("'keys' is no list of strings");
    message.keys.clear();
    for (const ordered_json& each : value) {
      TRY_ASSIGN(std::string key, text_of(each, field));
      message.keys.push_back(std::move(key));
    }
  } else if (field == "properties") {
    if (!value.is_object()) return bad("'properties' is no object");
    for (const auto& [name, each] : value.items()) {
      TRY_ASSIGN(std::string text, text_of(each, "properties." + name));
      message.properties.push_back({name, std::move(text)});
    }
  } else if (field == "sharding_key") {
    TRY_ASSIGN(message.sharding_key, text_of(value, field));
  } else if (field == "flag") {
    // Beyond 63 bits it would compare as a negative one.
    if (!value.is_number_integer() || value < INT32_MIN || value > INT32_MAX ||
        (value.is_number_unsigned() && value.get<std::uint64_t>() > INT32_MAX))
      return bad("'flag' is no number of 32 bits");
    message.flag = value.get<std::int32_t>();
  } else if (field == "body") {
    TRY_ASSIGN(message.body, text_of(value, field));
  } else if (field == "body_base64") {
    TRY_ASSIGN(const std::string text, text_of(value, field));
    TRY_ASSIGN(message.body, from_base64(text));
  } else {
    if (std::find(kWhere.begin(), kWhere.end(), field) != kWhere.end()) return {};
    static const std::array<std::string, 7> kKnown = {"tags", "keys", "properties", "sharding_key",
                                                      "flag", "body", "body_base64"};
    return bad("unknown field '" + field + "'" + did_you_mean(field, kKnown));
  }
  return {};
}

Result<ordered_json> parse(std::string_view line) {
  ordered_json envelope = ordered_json::parse(line, nullptr, false);
  if (!envelope.is_object()) return bad("it is no JSON object");
  return envelope;
}

Status read_message(const ordered_json& envelope, Message& message) {
  for (const auto& [field, value] : envelope.items()) TRY(read_field(field, value, message));
  if (envelope.contains("body") == envelope.contains("body_base64"))
    return bad("exactly one of 'body' and 'body_base64' is needed");
  return {};
}

Status read_text(const ordered_json& envelope, const char* field, std::optional<std::string>& out) {
  const auto found = envelope.find(field);
  if (found == envelope.end()) return {};
  TRY_ASSIGN(out, text_of(*found, field));
  return {};
}

template <std::integral Number>
Status read_number(const ordered_json& envelope, const char* field, std::optional<Number>& out) {
  const auto found = envelope.find(field);
  if (found == envelope.end()) return {};
  if (!found->is_number_integer() || *found < 0 || *found > std::numeric_limits<Number>::max()) {
    return bad(std::string("'") + field + "' is no number from 0 to " +
               std::to_string(std::numeric_limits<Number>::max()));
  }
  out = found->get<Number>();
  return {};
}

// Of the parts that an envelope has besides the body; empty: all are UTF-8.
std::string part_without_utf8(const ReceivedMessage& message) {
  if (!is_utf8(message.message_id)) return "id";
  if (!is_utf8(message.tags)) return "tag";
  if (!is_utf8(message.sharding_key)) return "sharding key";
  for (const std::string& key : message.keys) {
    if (!is_utf8(key)) return "key '" + printable(key) + "'";
  }
  for (const Property& property : message.properties) {
    if (is_reserved_property(property.name)) continue;
    if (!is_utf8(property.name) || !is_utf8(property.value))
      return "property '" + printable(property.name) + "'";
  }
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (decode_utf8(text, at) == kInvalidCodePoint) return false;
  }
  return true;
}

std::string printable(std::string_view bytes) {
  const bool controls = std::any_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t';
  });
  return !controls && is_utf8(bytes) ? std::string(bytes) : "base64 " + to_base64(bytes);
}

Status append_envelope(const ReceivedMessage& message, std::string& out) {
  if (const std::string part = part_without_utf8(message); !part.empty()) {
    return Error{ErrorCode::kUnsupported,
                 "message " + printable(message.message_id) + " at offset " +
                     std::to_string(message.queue_offset) + " of queue " + message.broker + ":" +
                     std::to_string(message.queue_id) + " of topic '" + message.topic +
                     "' cannot be written as JSON: its " + part + " is not UTF-8"};
  }
  ordered_json envelope = {{"topic", message.topic},
                           {"broker", message.broker},
                           {"queue", message.queue_id},
                           {"offset", message.queue_offset},
                           {"id", message.message_id},
                           {"time", message.stored_ms},
                           {"tags", message.tags},
                           {"keys", message.keys},
                           {"properties", ordered_json::object()}};
  if (!message.sharding_key.empty()) envelope["sharding_key"] = message.sharding_key;
  if (message.flag != 0) envelope["flag"] = message.flag;
  for (const Property& property : message.properties) {
    if (!is_reserved_property(property.name))
      envelope["properties"][property.name] = property.value;
  }
  if (is_utf8(message.body)) {
    envelope["body"] = message.body;
  } else {
    envelope["body_base64"] = to_base64(message.body);
  }
  out += envelope.dump();
  out += '\n';
  return {};
}

Status read_envelope(std::string_view line, Message& message) {
  TRY_ASSIGN(const ordered_json envelope, parse(line));
  return read_message(envelope, message);
}

Result<RecordedMessage> read_recorded(std::string_view line) {
  TRY_ASSIGN(const ordered_json envelope, parse(line));
  RecordedMessage recorded;
  TRY(read_message(envelope, recorded.message));
  std::optional<std::string> id;
  TRY(read_text(envelope, "id", id));
  recorded.id = std::move(id).value_or("");
  TRY(read_text(envelope, "topic", recorded.topic));
  TRY(read_text(envelope, "broker", recorded.broker));
  TRY(read_number(envelope, "queue", recorded.queue_id));
  TRY(read_number(envelope, "offset", recorded.offset));
  TRY(read_number(envelope, "time", recorded.stored_ms));
  return recorded;
}

}  // namespace slipstream::rocketmq
