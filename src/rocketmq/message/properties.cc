#include "rocketmq/message/properties.h"

#include <algorithm>
#include <array>

#include "base/try.h"

namespace slipstream::rocketmq {

namespace {

constexpr char kNameEnd = '\x01';
constexpr char kPairEnd = '\x02';
constexpr std::string_view kReplyTopicEnd = "_REPLY_TOPIC";

// Sorted. Names that clients and brokers of 4.x and 5.x give a meaning to.
constexpr auto kReserved = std::to_array<std::string_view>({
    "1ST_POP_TIME",
    "ARRIVE_TIME",
    "BORN_TIMESTAMP",
    "BUYER_ID",
    "CHECK_IMMUNITY_TIME_IN_SECONDS",
    "CLUSTER",
    "CONSUME_START_TIME",
    "CORRECTION_FLAG",
    "CORRELATION_ID",
    "DELAY",
    "DLQ_ORIGIN_MESSAGE_ID",
    "DLQ_ORIGIN_TOPIC",
    "INNER_BASE",
    "INNER_MULTI_DISPATCH",
    "INNER_MULTI_QUEUE_OFFSET",
    "INNER_NUM",
    "INSTANCE_ID",
    "KEYS",
    "MAX_OFFSET",
    "MAX_RECONSUME_TIMES",
    "MIN_OFFSET",
    "MQ2_FLAG",
    "MSG_REGION",
    "MSG_TYPE",
    "ORIGIN_MESSAGE_ID",
    "PGROUP",
    "POP_CK",
    "POP_CK_OFFSET",
    "PUSH_REPLY_TIME",
    "REAL_QID",
    "REAL_TOPIC",
    "RECONSUME_TIME",
    "REPLY_TO_CLIENT",
    "RETRY_TOPIC",
    "TAGS",
    "TIMER_DELAY_MS",
    "TIMER_DELAY_SEC",
    "TIMER_DELIVER_MS",
    "TIMER_DEL_UNIQKEY",
    "TIMER_DEQUEUE_MS",
    "TIMER_ENQUEUE_MS",
    "TIMER_OUT_MS",
    "TIMER_ROLL_TIMES",
    "TRACE_CONTEXT",
    "TRACE_ON",
    "TRANSACTION_CHECK_TIMES",
    "TRANSFER_FLAG",
    "TRAN_MSG",
    "TRAN_PREPARED_QUEUE_OFFSET",
    "TTL",
    "UNIQ_KEY",
    "WAIT",
    "__BORNHOST",
    "__CRC32#",
    "__SHARDINGKEY",
    "__transactionId__",
});
static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));

bool is_of_reply(std::string_view name) {
  return name == property::kMessageType || name == property::kCorrelationId ||
         name == property::kReplyTo || name == property::kTimeToLive;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// Length of the UTF-8 character at `text[i]` and its code point; a byte that is not UTF-8 counts as
// U+FFFD.
std::uint32_t next_point(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]));
  };
  const std::uint32_t first = byte(i++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 && first < 0xF5   ? 3
                   : first >= 0xE0 && first < 0xF0 ? 2
                   : first >= 0xC2 && first < 0xE0 ? 1
                                                   : 0;
  if (more == 0 || text.size() - i < static_cast<std::size_t>(more)) return 0xFFFD;
  std::uint32_t point = first & (0x3FU >> static_cast<unsigned>(more));
  for (int k = 0; k < more; ++k) {
    const std::uint32_t next = byte(i);
    if ((next & 0xC0U) != 0x80) return 0xFFFD;
    point = (point << 6U) | (next & 0x3FU);
    ++i;
  }
  return point;
}

}  // namespace

std::string reply_topic(std::string_view cluster) {
  return std::string(cluster) + std::string(kReplyTopicEnd);
}

bool is_reply(const Message& message) {
  return message.topic.ends_with(kReplyTopicEnd) &&
         std::find(message.properties.begin(), message.properties.end(),
                   Property{std::string(property::kMessageType), std::string(kReplyType)}) !=
             message.properties.end();
}

bool is_reserved_property(std::string_view name) {
  return std::binary_search(kReserved.begin(), kReserved.end(), name);
}

bool PropertyCursor::next(PropertyView& out) {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find(kPairEnd), rest_.size());
    const std::string_view pair = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    const std::size_t separator = pair.find(kNameEnd);
    if (separator == std::string_view::npos || separator == 0) continue;
    out.name = pair.substr(0, separator);
    out.value = pair.substr(separator + 1);
    return true;
  }
  return false;
}

std::optional<std::string_view> find_property(std::string_view raw, std::string_view name) {
  PropertyCursor cursor(raw);
  PropertyView each;
  while (cursor.next(each)) {
    if (each.name == name) return each.value;
  }
  return std::nullopt;
}

Status PropertiesBuilder::add(std::string_view name, std::string_view value) {
  constexpr std::string_view kSeparators = "\x01\x02";
  if (name.empty() || value.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "property '" + std::string(name) +
                     "' has an empty name or value, which brokers drop: leave it out"};
  }
  if (name.find_first_of(kSeparators) != std::string_view::npos ||
      value.find_first_of(kSeparators) != std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 "property '" + std::string(name) +
                     "' contains 0x01 or 0x02, which separate properties: encode it"};
  }
  text_.append(name).push_back(kNameEnd);
  text_.append(value).push_back(kPairEnd);
  return {};
}

std::string joined_keys(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) {
    if (!text.empty()) text.push_back(' ');
    text.append(key);
  }
  return text;
}

std::vector<std::string> split_keys(std::string_view value) {
  std::vector<std::string> keys;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    if (end != 0) keys.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return keys;
}

Result<std::string> encode_properties(const Message& message, std::string_view unique_key) {
  PropertiesBuilder builder;
  const bool reply = is_reply(message);
  for (const Property& each : message.properties) {
    if (is_reserved_property(each.name) && !(reply && is_of_reply(each.name))) {
      return Error{ErrorCode::kInvalidArgument,
                   "property name '" + each.name +
                       "' is RocketMQ's own: use the message's field or another name"};
    }
    TRY(builder.add(each.name, each.value));
  }
  for (const std::string& key : message.keys) {
    if (key.empty() || key.find(' ') != std::string::npos) {
      return Error{ErrorCode::kInvalidArgument,
                   "key '" + key + "' is empty or contains a space, which separates keys"};
    }
  }
  if (!message.keys.empty()) TRY(builder.add(property::kKeys, joined_keys(message.keys)));
  if (!message.tags.empty()) TRY(builder.add(property::kTags, message.tags));
  if (!message.sharding_key.empty()) TRY(builder.add(property::kShardingKey, message.sharding_key));
  if (message.delay_level != 0)
    TRY(builder.add(property::kDelay, std::to_string(message.delay_level)));
  if (message.deliver_at_ms != 0)
    TRY(builder.add(property::kTimerDeliverMs, std::to_string(message.deliver_at_ms)));
  const std::string_view unique =
      unique_key.empty() ? std::string_view(message.unique_key) : unique_key;
  if (!unique.empty()) TRY(builder.add(property::kUniqueKey, unique));
  TRY(builder.add(property::kWait, message.wait_stored ? "true" : "false"));
  if (builder.text().size() > kPropertiesBytesMax) {
    return Error{ErrorCode::kInvalidArgument,
                 "properties of a message take " + std::to_string(builder.text().size()) +
                     " bytes, allowed are " + std::to_string(kPropertiesBytesMax)};
  }
  return builder.text();
}

std::int32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < utf8.size();) {
    const std::uint32_t point = next_point(utf8, i);
    if (point >= 0x10000) {
      hash = 31 * hash + (0xD800 + ((point - 0x10000) >> 10U));
      hash = 31 * hash + (0xDC00 + ((point - 0x10000) & 0x3FFU));
    } else {
      hash = 31 * hash + point;
    }
  }
  return static_cast<std::int32_t>(hash);
}

std::vector<std::string> parse_tag_expression(std::string_view expression) {
  std::vector<std::string> tags;
  if (trimmed(expression) == "*") return tags;
  while (!expression.empty()) {
    const std::size_t end = std::min(expression.find("||"), expression.size());
    const std::string_view tag = trimmed(expression.substr(0, end));
    if (!tag.empty()) tags.emplace_back(tag);
    expression.remove_prefix(std::min(end + 2, expression.size()));
  }
  return tags;
}

std::vector<std::string> parse_topic_list(std::string_view text) {
  std::vector<std::string> topics;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(";,"), text.size());
    const std::string_view topic = trimmed(text.substr(0, end));
    if (!topic.empty()) topics.emplace_back(topic);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return topics;
}

}  // namespace slipstream::rocketmq
