#include <algorithm>
#include <array>

#include "base/try.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq {

namespace {

constexpr auto kSystemTopics = std::to_array<std::string_view>({
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "BenchmarkTest",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "RMQ_SYS_TRACE_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
    "CHECKPOINT_TOPIC",
});

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '%' ||
         c == '|' || c == '_' || c == '-';
}

struct NameRule {
  std::string_view what;
  std::size_t bytes_max;
};

Status validate_name(std::string_view name, const NameRule& rule) {
  const std::string what(rule.what);
  if (name.empty()) return Error{ErrorCode::kInvalidArgument, "the " + what + " is empty"};
  if (name.size() > rule.bytes_max) {
    return Error{ErrorCode::kInvalidArgument,
                 what + " '" + std::string(name) + "' has " + std::to_string(name.size()) +
                     " characters, allowed are " + std::to_string(rule.bytes_max)};
  }
  if (!std::all_of(name.begin(), name.end(), is_name_character)) {
    return Error{
        ErrorCode::kInvalidArgument,
        what + " '" + std::string(name) + "' contains a character other than a-z A-Z 0-9 _ - % |"};
  }
  return {};
}

}  // namespace

bool is_system_topic(std::string_view topic) {
  return std::find(kSystemTopics.begin(), kSystemTopics.end(), topic) != kSystemTopics.end() ||
         topic.substr(0, 8) == "rmq_sys_" || topic.substr(0, 8) == "RMQ_SYS_" ||
         (topic.size() > 12 && topic.substr(topic.size() - 12) == "_REPLY_TOPIC");
}

Status validate_topic(std::string_view topic) {
  return validate_name(topic, {"topic", kTopicBytesMax});
}

Status validate_writable_topic(std::string_view topic) {
  TRY(validate_topic(topic));
  if (is_system_topic(topic)) {
    return Error{
        ErrorCode::kInvalidArgument,
        "topic '" + std::string(topic) + "' belongs to RocketMQ itself: choose another name"};
  }
  return {};
}

Status validate_group(std::string_view group) {
  return validate_name(group, {"group", kGroupBytesMax});
}

Status validate_message(const Message& message, std::size_t message_bytes_max) {
  TRY(is_reply(message) ? validate_topic(message.topic) : validate_writable_topic(message.topic));
  return validate_content(message, message_bytes_max);
}

Status validate_content(const Message& message, std::size_t message_bytes_max) {
  if (message.body.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "the body of a message is empty, which 5.x brokers refuse"};
  }
  if (message.body.size() > message_bytes_max) {
    return Error{ErrorCode::kInvalidArgument,
                 "the body of a message has " + std::to_string(message.body.size()) +
                     " bytes, the broker allows " + std::to_string(message_bytes_max) +
                     " (maxMessageSize)"};
  }
  if (message.delay_level < 0 || message.delay_level > kDelayLevelMax) {
    return Error{ErrorCode::kInvalidArgument,
                 "delay level " + std::to_string(message.delay_level) + " is not between 0 and 18"};
  }
  if (message.deliver_at_ms < 0)
    return Error{ErrorCode::kInvalidArgument, "delivery time is before 1970"};
  if (message.delay_level != 0 && message.deliver_at_ms != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "a message has a delay level and a delivery time: give one of them"};
  }
  if (message.queue && (message.queue->id < 0 || message.queue->topic != message.topic)) {
    return Error{ErrorCode::kInvalidArgument, "queue " + message.queue->to_string() +
                                                  " is not one of topic '" + message.topic + "'"};
  }
  return encode_properties(message).status();
}

}  // namespace slipstream::rocketmq
