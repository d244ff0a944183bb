#include "rocketmq/protocol/pop_requests.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <tuple>

#include <openssl/evp.h>

#include "base/try.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::size_t kCheckPointItems = 8;
constexpr std::int64_t kBatchAckSpanMax = 65'536;

Error corrupt(std::string message) { return Error{ErrorCode::kCorrupt, std::move(message)}; }

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// From 0.
std::optional<std::int32_t> parse_small_number(std::string_view text) {
  const auto value = parse_number(text);
  if (!value || *value < 0 || *value > std::numeric_limits<std::int32_t>::max())
    return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

std::optional<PopOrigin> parse_origin(std::string_view text) {
  if (text == "0") return PopOrigin::kTopic;
  if (text == "1") return PopOrigin::kRetryV1;
  if (text == "2") return PopOrigin::kRetryV2;
  return std::nullopt;
}

// "a;b" -> {a, b}; "" -> {}.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<std::int64_t> number_in(RequestCode request, const FrameHeader& header,
                               std::string_view field) {
  const std::optional<std::int64_t> value = header.ext.find_number(field);
  if (value) return *value;
  return corrupt("answer to " + request_code_name(static_cast<std::int32_t>(request)) +
                 " has no number '" + std::string(field) + "'");
}

// "origin queue rest" of startOffsetInfo and msgOffsetInfo.
struct QueueItem {
  PopAnswer::Queue queue;
  std::string_view rest;
};
Result<QueueItem> parse_queue_item(std::string_view field, std::string_view item) {
  const std::vector<std::string_view> words = split(item, ' ');
  const auto origin = words.size() == 3 ? parse_origin(words[0]) : std::nullopt;
  const auto queue_id = words.size() == 3 ? parse_small_number(words[1]) : std::nullopt;
  if (origin && queue_id) return QueueItem{{*origin, *queue_id}, words[2]};
  return corrupt("answer to POP_MESSAGE: '" + std::string(item) + "' in '" + std::string(field) +
                 "' is not an origin, a queue and offsets");
}

// "origin qoQUEUE%OFFSET times" of orderCountInfo; "origin QUEUE times" is for older clients.
Status read_times_given(std::string_view item, PopAnswer& answer) {
  const std::vector<std::string_view> words = split(item, ' ');
  const auto origin = words.size() == 3 ? parse_origin(words[0]) : std::nullopt;
  const auto times = words.size() == 3 ? parse_small_number(words[2]) : std::nullopt;
  if (!origin || !times)
    return corrupt("answer to POP_MESSAGE: '" + std::string(item) + "' in 'orderCountInfo'");
  if (!words[1].starts_with("qo")) return {};
  const std::vector<std::string_view> place = split(words[1].substr(2), '%');
  const auto queue_id = place.size() == 2 ? parse_small_number(place[0]) : std::nullopt;
  const auto offset = place.size() == 2 ? parse_number(place[1]) : std::nullopt;
  if (!queue_id || !offset)
    return corrupt("answer to POP_MESSAGE: '" + std::string(item) + "' in 'orderCountInfo'");
  answer.times_given[{{*origin, *queue_id}, *offset}] = *times;
  return {};
}

Command make_for_message(RequestCode code, std::string_view group, std::string_view topic,
                         const PopCheckPoint& check_point) {
  Command command;
  command.header.code = static_cast<std::int32_t>(code);
  ExtFields& ext = command.header.ext;
  ext.add("consumerGroup", group);
  ext.add("topic", pop_topic(check_point.origin, topic, group));
  ext.add_number("queueId", check_point.queue_id);
  ext.add("extraInfo", check_point.text());
  ext.add_number("offset", check_point.offset);
  ext.add("bname", check_point.broker);
  return command;
}

// java.util.BitSet.toByteArray() in base64.
std::string bit_set(std::span<const std::int64_t> bits) {
  const auto most = static_cast<std::size_t>(*std::max_element(bits.begin(), bits.end()));
  std::vector<unsigned char> bytes(most / 8 + 1);
  for (const std::int64_t bit : bits)
    bytes[static_cast<std::size_t>(bit) / 8] |= static_cast<unsigned char>(1U << (bit % 8));
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string origin_text(PopOrigin origin) { return std::to_string(static_cast<int>(origin)); }

}  // namespace

std::string pop_topic(PopOrigin origin, std::string_view topic, std::string_view group) {
  std::string name(topic);
  if (origin == PopOrigin::kTopic) return name;
  return "%RETRY%" + std::string(group) + (origin == PopOrigin::kRetryV1 ? "_" : "+") + name;
}

Command encode_pop(const PopRequest& request) {
  Command command;
  command.header.code = static_cast<std::int32_t>(RequestCode::kPopMessage);
  ExtFields& ext = command.header.ext;
  ext.add("consumerGroup", request.group);
  ext.add("topic", request.topic);
  ext.add_number("queueId", -1);
  ext.add_number("maxMsgNums", request.messages_max);
  ext.add_number("invisibleTime", request.invisible_ms);
  ext.add_number("pollTime", request.poll_ms);
  // The broker takes its own clock: by one that goes wrong a long poll would be over at once.
  ext.add_number("bornTime", 0);
  ext.add_number("initMode", request.from_latest ? 1 : 0);
  ext.add("expType", request.sql92 ? "SQL92" : "TAG");
  ext.add("exp", request.expression.empty() ? std::string_view("*") : request.expression);
  ext.add_flag("order", request.ordered);
  if (!request.attempt.empty()) ext.add("attemptId", request.attempt);
  ext.add("bname", request.broker);
  return command;
}

std::string PopCheckPoint::text() const {
  return std::to_string(start_offset) + " " + std::to_string(pop_ms) + " " +
         std::to_string(invisible_ms) + " " + std::to_string(revive_queue) + " " +
         origin_text(origin) + " " + broker + " " + std::to_string(queue_id) + " " +
         std::to_string(offset);
}

Result<PopCheckPoint> parse_check_point(std::string_view text) {
  const std::vector<std::string_view> items = split(text, ' ');
  if (items.size() == kCheckPointItems) {
    const auto start_offset = parse_number(items[0]);
    const auto pop_ms = parse_number(items[1]);
    const auto invisible_ms = parse_number(items[2]);
    const auto revive_queue = parse_small_number(items[3]);
    const auto origin = parse_origin(items[4]);
    const auto queue_id = parse_small_number(items[6]);
    const auto offset = parse_number(items[7]);
    if (start_offset && pop_ms && invisible_ms && revive_queue && origin && !items[5].empty() &&
        queue_id && offset) {
      return PopCheckPoint{*start_offset,         *pop_ms,   *invisible_ms, *revive_queue, *origin,
                           std::string(items[5]), *queue_id, *offset};
    }
  }
  return corrupt("'" + std::string(text) + "' does not say which delivery of a message it is");
}

Command encode_ack(std::string_view group, std::string_view topic,
                   const PopCheckPoint& check_point) {
  return make_for_message(RequestCode::kAckMessage, group, topic, check_point);
}

bool fits_batch_ack(const PopCheckPoint& check_point) {
  return check_point.start_offset >= 0 && check_point.offset >= check_point.start_offset &&
         check_point.offset - check_point.start_offset < kBatchAckSpanMax;
}

Command encode_batch_ack(std::string_view group, std::string_view topic, std::string_view broker,
                         std::span<const PopCheckPoint> check_points) {
  // What was popped together is one entry.
  using Pop =
      std::tuple<PopOrigin, std::int32_t, std::int64_t, std::int64_t, std::int64_t, std::int32_t>;
  std::map<Pop, std::vector<std::int64_t>> pops;
  for (const PopCheckPoint& each : check_points) {
    pops[{each.origin, each.queue_id, each.start_offset, each.pop_ms, each.invisible_ms,
          each.revive_queue}]
        .push_back(each.offset - each.start_offset);
  }
  Command command;
  command.header.code = static_cast<std::int32_t>(RequestCode::kBatchAckMessage);
  command.header.ext.add("bname", broker);
  JsonWriter json(command.body);
  json.begin_object();
  json.key("brokerName").string(broker);
  json.key("acks").begin_array();
  for (const auto& [pop, bits] : pops) {
    const auto& [origin, queue_id, start_offset, pop_ms, invisible_ms, revive_queue] = pop;
    json.begin_object();
    json.key("c").string(group);
    json.key("t").string(topic);
    json.key("r").string(origin_text(origin));
    json.key("so").integer(start_offset);
    json.key("q").integer(queue_id);
    json.key("rq").integer(revive_queue);
    json.key("pt").integer(pop_ms);
    json.key("it").integer(invisible_ms);
    json.key("b").string(bit_set(bits));
    json.end_object();
  }
  json.end_array().end_object();
  return command;
}

Command encode_change_invisible(std::string_view group, std::string_view topic,
                                const PopCheckPoint& check_point, std::int64_t invisible_ms) {
  Command command = make_for_message(RequestCode::kChangeInvisibleTime, group, topic, check_point);
  command.header.ext.add_number("invisibleTime", invisible_ms);
  return command;
}

Result<PopAnswer> parse_pop(const FrameHeader& header) {
  constexpr RequestCode kPop = RequestCode::kPopMessage;
  PopAnswer answer;
  TRY_ASSIGN(answer.pop_ms, number_in(kPop, header, "popTime"));
  TRY_ASSIGN(answer.invisible_ms, number_in(kPop, header, "invisibleTime"));
  const auto revive_queue = parse_small_number(header.ext.find("reviveQid").value_or(""));
  if (!revive_queue) return corrupt("answer to POP_MESSAGE has no number 'reviveQid'");
  answer.revive_queue = *revive_queue;
  for (const std::string_view item : split(header.ext.find("startOffsetInfo").value_or(""), ';')) {
    TRY_ASSIGN(const QueueItem queue, parse_queue_item("startOffsetInfo", item));
    const auto offset = parse_number(queue.rest);
    if (!offset || !answer.start_offsets.emplace(queue.queue, *offset).second)
      return corrupt("answer to POP_MESSAGE: '" + std::string(item) + "' in 'startOffsetInfo'");
  }
  for (const std::string_view item : split(header.ext.find("msgOffsetInfo").value_or(""), ';')) {
    TRY_ASSIGN(const QueueItem queue, parse_queue_item("msgOffsetInfo", item));
    std::vector<std::int64_t>& offsets = answer.offsets[queue.queue];
    if (!offsets.empty())
      return corrupt("answer to POP_MESSAGE names a queue twice in 'msgOffsetInfo'");
    for (const std::string_view word : split(queue.rest, ',')) {
      const auto offset = parse_number(word);
      if (!offset)
        return corrupt("answer to POP_MESSAGE: '" + std::string(word) + "' is not an offset");
      offsets.push_back(*offset);
    }
  }
  for (const std::string_view item : split(header.ext.find("orderCountInfo").value_or(""), ';'))
    TRY(read_times_given(item, answer));
  return answer;
}

Result<PopCheckPoint> check_point_of(const PopAnswer& answer, const PopAnswer::Queue& queue,
                                     std::int64_t offset, std::string_view broker) {
  const auto start = answer.start_offsets.find(queue);
  const auto listed = answer.offsets.find(queue);
  if (start == answer.start_offsets.end() || listed == answer.offsets.end() ||
      std::find(listed->second.begin(), listed->second.end(), offset) == listed->second.end()) {
    return corrupt("the answer to POP_MESSAGE does not list offset " + std::to_string(offset) +
                   " of queue " + std::to_string(queue.second) + " (origin " +
                   origin_text(queue.first) + ")");
  }
  return PopCheckPoint{start->second, answer.pop_ms,       answer.invisible_ms, answer.revive_queue,
                       queue.first,   std::string(broker), queue.second,        offset};
}

Result<PopCheckPoint> parse_changed_invisible(const FrameHeader& header,
                                              const PopCheckPoint& before) {
  constexpr RequestCode kChange = RequestCode::kChangeInvisibleTime;
  if (header.code != response_code::kSuccess)
    return answer_error(kChange, header.code, header.remark);
  PopCheckPoint after = before;
  after.start_offset = before.offset;  // it stands alone now
  TRY_ASSIGN(after.pop_ms, number_in(kChange, header, "popTime"));
  if (before.ordered() && after.pop_ms == 0)
    return Error{ErrorCode::kNotFound, "the message is acknowledged already"};
  TRY_ASSIGN(after.invisible_ms, number_in(kChange, header, "invisibleTime"));
  const auto revive_queue = parse_small_number(header.ext.find("reviveQid").value_or(""));
  if (!revive_queue)
    return corrupt("answer to CHANGE_MESSAGE_INVISIBLETIME has no number 'reviveQid'");
  after.revive_queue = *revive_queue;
  return after;
}

}  // namespace slipstream::rocketmq
