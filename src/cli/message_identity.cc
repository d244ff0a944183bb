#include "cli/message_identity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <xxhash.h>

#include "cli/message_format.h"
#include "data/text/civil.h"
#include "data/text/temporal.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {

namespace mq = rocketmq;
using nlohmann::json;

namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr double kExactMax = 9e15;

// Null: it is not there, or is an object or an array.
const json* find_field(const json& body, std::string_view path) {
  const json* value = &body;
  while (true) {
    const std::size_t dot = path.find('.');
    const auto found = value->is_object() ? value->find(path.substr(0, dot)) : value->end();
    if (found == value->end()) return nullptr;
    value = &*found;
    if (dot == std::string_view::npos) return value->is_primitive() ? value : nullptr;
    path.remove_prefix(dot + 1);
  }
}

std::int64_t checked_time(std::int64_t ms) {
  return is_calendar_time(ms) ? ms : MessageIdentity::kNoTime;
}

std::int64_t time_of(const json& value) {
  if (value.is_number()) {
    const double ms = std::floor(value.get<double>());  // exact for all that fits
    const bool fits = std::abs(ms) < kExactMax;
    return fits ? checked_time(static_cast<std::int64_t>(ms)) : MessageIdentity::kNoTime;
  }
  if (!value.is_string()) return MessageIdentity::kNoTime;
  const std::string& written = value.get_ref<const std::string&>();
  for (const text::TimestampForm& form : {text::kSqlForm, text::kIsoForm}) {
    auto time = text::parse_timestamp_as(form, written, 3);
    if (!time) time = text::parse_instant_as(form, written, 3);
    if (time) return checked_time(text::floor_div(*time, 1'000));
  }
  return MessageIdentity::kNoTime;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Empty: one of them is not there.
std::string text_of(const json& body, const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) {
    const json* value = find_field(body, column);
    if (value == nullptr) return {};
    text += (text.empty() ? "" : ",") + dump(*value);
  }
  return text;
}

}  // namespace

MessageIdentity::Identity MessageIdentity::of(const mq::ReceivedMessage& message) const {
  Identity identity;
  const json body = options_.columns.empty() && options_.time.empty()
                        ? json()
                        : json::parse(message.body, nullptr, false);
  if (options_.time.empty()) {
    identity.time_ms = checked_time(message.stored_ms);
  } else if (const json* time = find_field(body, options_.time)) {
    identity.time_ms = time_of(*time);
  }
  if (options_.keys) {
    identity.text = joined_keys(message);
  } else {
    identity.text = text_of(body, options_.columns);
  }
  if (identity.text.empty()) {
    identity.by_body = options_.keys || !options_.columns.empty();
    identity.text = message.body;
  }
  return identity;
}

CountedMessage MessageIdentity::counted(const mq::ReceivedMessage& message,
                                        const Identity& identity) const {
  CountedMessage counted;
  counted.bytes = std::ssize(message.body);
  counted.minute_ms = identity.time_ms == kNoTime
                          ? kNoTime
                          : text::floor_div(identity.time_ms, kMinuteMs) * kMinuteMs;
  const auto seed = options_.time.empty() ? 0 : static_cast<std::uint64_t>(counted.minute_ms);
  counted.hash = XXH3_64bits_withSeed(identity.text.data(), identity.text.size(), seed);
  return counted;
}

void restore_dead_letter(mq::ReceivedMessage& message) {
  static constexpr auto kFields = std::to_array<std::string_view>(
      {"body", "reason", "topic", "broker", "queue_id", "queue_offset"});
  const json letter = json::parse(message.body, nullptr, false);
  if (!letter.is_object() || letter.size() != kFields.size()) return;
  if (!std::all_of(kFields.begin(), kFields.end(),
                   [&](std::string_view field) { return letter.contains(field); })) {
    return;
  }
  mq::Message held;
  if (!letter["body"].is_string()) return;
  if (mq::read_envelope(json{{"body_base64", letter["body"]}}.dump(), held).ok())
    message.body = std::move(held.body);
}

}  // namespace slipstream::cli
