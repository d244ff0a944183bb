#include "cli/message_format.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include "base/suggest.h"
#include "base/try.h"
#include "base/utf8.h"
#include "data/text/temporal.h"
#include "rocketmq/message/properties.h"

namespace slipstream::cli {

namespace mq = rocketmq;
using nlohmann::ordered_json;

namespace {

constexpr std::string_view kParts = "tbqokgiTs%";

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

Status read_field(const std::string& field, const ordered_json& value, mq::Message& message) {
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
    if (!value.is_number_integer() || value < INT32_MIN || value > INT32_MAX)
      return bad("'flag' is no number of 32 bits");
    message.flag = value.get<std::int32_t>();
  } else if (field == "body") {
    TRY_ASSIGN(message.body, text_of(value, field));
  } else if (field == "body_base64") {
    TRY_ASSIGN(const std::string text, text_of(value, field));
    TRY_ASSIGN(message.body, from_base64(text));
  } else {
    static const std::vector<std::string> kWhere = {"topic",  "broker", "queue",
                                                    "offset", "id",     "time"};
    if (std::find(kWhere.begin(), kWhere.end(), field) != kWhere.end()) return {};
    static const std::array<std::string, 7> kKnown = {"tags", "keys", "properties", "sharding_key",
                                                      "flag", "body", "body_base64"};
    return bad("unknown field '" + field + "'" + did_you_mean(field, kKnown));
  }
  return {};
}

// Of the parts that an envelope has besides the body; empty: all are UTF-8.
std::string part_without_utf8(const mq::ReceivedMessage& message) {
  if (!is_utf8(message.message_id)) return "id";
  if (!is_utf8(message.tags)) return "tag";
  if (!is_utf8(message.sharding_key)) return "sharding key";
  for (const std::string& key : message.keys) {
    if (!is_utf8(key)) return "key '" + printable(key) + "'";
  }
  for (const mq::Property& property : message.properties) {
    if (mq::is_reserved_property(property.name)) continue;
    if (!is_utf8(property.name) || !is_utf8(property.value))
      return "property '" + printable(property.name) + "'";
  }
  return {};
}

}  // namespace

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    out += next == 'n' ? '\n' : next == 't' ? '\t' : next == '0' ? '\0' : next;
  }
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (decode_utf8(text, at) == kInvalidCodePoint) return false;
  }
  return true;
}

std::string time_text(std::int64_t ms) {
  std::string text;
  text::append_timestamp(ms * 1'000, 3, text);
  return text;
}

std::string printable(std::string_view bytes) {
  const bool controls = std::any_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t';
  });
  return !controls && is_utf8(bytes) ? std::string(bytes) : "base64 " + to_base64(bytes);
}

Result<MessageFormat> MessageFormat::parse(std::string_view format) {
  MessageFormat made;
  const std::string text = unescaped(format);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const std::string part = text.substr(i + 1, 1);
    if (part.empty() || kParts.find(part) == std::string_view::npos) {
      return bad("format '" + std::string(format) + "': there is no %" + part +
                 "; there are %t topic, %b broker, %q queue, %o offset, %k keys, %g tags, %i id, "
                 "%T time, %s body and %% for a percent sign");
    }
    ++i;
    if (part == "%") {
      plain += '%';
      continue;
    }
    made.parts_.push_back({0, std::exchange(plain, {})});
    made.parts_.push_back({part[0], {}});
  }
  made.parts_.push_back({0, std::move(plain)});
  return made;
}

void MessageFormat::append(const mq::ReceivedMessage& message, std::string& out) const {
  for (const Part& part : parts_) {
    switch (part.letter) {
      case 't':
        out += message.topic;
        break;
      case 'b':
        out += message.broker;
        break;
      case 'q':
        out += std::to_string(message.queue_id);
        break;
      case 'o':
        out += std::to_string(message.queue_offset);
        break;
      case 'k':
        for (std::size_t k = 0; k < message.keys.size(); ++k)
          out += (k == 0 ? "" : " ") + message.keys[k];
        break;
      case 'g':
        out += message.tags;
        break;
      case 'i':
        out += message.message_id;
        break;
      case 'T':
        out += std::to_string(message.stored_ms);
        break;
      case 's':
        out += message.body;
        break;
      default:
        out += part.text;
    }
  }
}

Status append_envelope(const mq::ReceivedMessage& message, std::string& out) {
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
  for (const mq::Property& property : message.properties) {
    if (!mq::is_reserved_property(property.name))
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

Status read_envelope(std::string_view line, mq::Message& message) {
  const ordered_json envelope = ordered_json::parse(line, nullptr, false);
  if (!envelope.is_object()) return bad("it is no JSON object");
  for (const auto& [field, value] : envelope.items()) TRY(read_field(field, value, message));
  if (envelope.contains("body") == envelope.contains("body_base64"))
    return bad("exactly one of 'body' and 'body_base64' is needed");
  return {};
}

}  // namespace slipstream::cli
