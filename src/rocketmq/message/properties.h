// Message properties: name 0x01 value 0x02 name 0x01 value 0x02 ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

namespace property {
inline constexpr std::string_view kKeys = "KEYS";
inline constexpr std::string_view kTags = "TAGS";
inline constexpr std::string_view kUniqueKey = "UNIQ_KEY";
inline constexpr std::string_view kWait = "WAIT";
inline constexpr std::string_view kDelay = "DELAY";
inline constexpr std::string_view kTimerDeliverMs = "TIMER_DELIVER_MS";
inline constexpr std::string_view kTimerDelaySec = "TIMER_DELAY_SEC";
inline constexpr std::string_view kTimerDelayMs = "TIMER_DELAY_MS";
inline constexpr std::string_view kShardingKey = "__SHARDINGKEY";
inline constexpr std::string_view kTransactionPrepared = "TRAN_MSG";
inline constexpr std::string_view kProducerGroup = "PGROUP";
inline constexpr std::string_view kTransactionId = "__transactionId__";
inline constexpr std::string_view kRealTopic = "REAL_TOPIC";
inline constexpr std::string_view kRealQueueId = "REAL_QID";
inline constexpr std::string_view kRetryTopic = "RETRY_TOPIC";
inline constexpr std::string_view kOriginMessageId = "ORIGIN_MESSAGE_ID";
inline constexpr std::string_view kRegion = "MSG_REGION";
inline constexpr std::string_view kTraceOn = "TRACE_ON";
inline constexpr std::string_view kCluster = "CLUSTER";
inline constexpr std::string_view kInnerNum = "INNER_NUM";
inline constexpr std::string_view kInnerBase = "INNER_BASE";
inline constexpr std::string_view kCorrelationId = "CORRELATION_ID";
inline constexpr std::string_view kReplyTo = "REPLY_TO_CLIENT";
inline constexpr std::string_view kTimeToLive = "TTL";
inline constexpr std::string_view kMessageType = "MSG_TYPE";
}  // namespace property

// MSG_TYPE of what answers a request.
inline constexpr std::string_view kReplyType = "reply";
// Where brokers of a cluster take such messages.
std::string reply_topic(std::string_view cluster);
// One of that type for such a topic. It may say what its request said of it; any other message may not.
bool is_reply(const Message& message);

// Whether RocketMQ uses the name itself: a user's property may not have it.
bool is_reserved_property(std::string_view name);

struct PropertyView {
  std::string_view name;
  std::string_view value;
};

// Walks encoded properties without allocating. A missing last 0x02 is accepted; pairs without 0x01
// or with an empty name are passed over.
class PropertyCursor {
 public:
  explicit PropertyCursor(std::string_view raw) : rest_(raw) {}
  bool next(PropertyView& out);

 private:
  std::string_view rest_;
};

// Value of the first property of that name.
std::optional<std::string_view> find_property(std::string_view raw, std::string_view name);

inline constexpr std::size_t kPropertiesBytesMax = 32000;  // broker: 32767 with what it adds itself

// Builds encoded properties.
class PropertiesBuilder {
 public:
  // Failure: kInvalidArgument for an empty name or value, or 0x01 or 0x02 in either.
  Status add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  std::string text_;
};

// The value of KEYS: separated by spaces.
std::vector<std::string> split_keys(std::string_view value);
std::string joined_keys(const std::vector<std::string>& keys);

// All properties of a message to send, `unique_key` in place of the message's own when not empty.
// Failure: as validate_message() for what concerns properties.
Result<std::string> encode_properties(const Message& message, std::string_view unique_key = {});

// Java's String.hashCode of UTF-8 text (over UTF-16 units): what brokers filter tags by.
std::int32_t java_hash(std::string_view utf8);
inline std::int64_t tag_hash(std::string_view tag) { return tag.empty() ? 0 : java_hash(tag); }

// "A || B" -> {A, B}; "*" and "" -> {} = all.
std::vector<std::string> parse_tag_expression(std::string_view expression);
// "A;B" or "A, B" -> {A, B}; no name of a topic holds these characters.
std::vector<std::string> parse_topic_list(std::string_view text);

// --- checks before sending: what a broker would refuse forever ---
inline constexpr std::size_t kTopicBytesMax = 127;
inline constexpr std::size_t kGroupBytesMax = 120;
inline constexpr std::size_t kMessageBytesMax =
    4UL * 1024 * 1024;  // maxMessageSize of a stock broker
inline constexpr std::int32_t kDelayLevelMax = 18;

Status validate_topic(std::string_view topic);           // characters and length
Status validate_writable_topic(std::string_view topic);  // also refuses system topics
Status validate_group(std::string_view group);
bool is_system_topic(std::string_view topic);
// Everything but the queue, which only a route can check.
Status validate_message(const Message& message, std::size_t message_bytes_max = kMessageBytesMax);
// All of that but the topic.
Status validate_content(const Message& message, std::size_t message_bytes_max);

}  // namespace slipstream::rocketmq
