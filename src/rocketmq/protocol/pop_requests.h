// POP (brokers 5.0 and later): the broker gives messages of any of its queues, each of which is
// acknowledged alone.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/status.h"

#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

inline constexpr std::string_view kPopCheckPointProperty = "POP_CK";
inline constexpr std::string_view kFirstPopTimeProperty = "1ST_POP_TIME";

// Where a popped message is stored: in its topic, or, when it comes again, in a topic of the group,
// whose name depends on the broker's version and settings.
enum class PopOrigin : std::uint8_t { kTopic = 0, kRetryV1 = 1, kRetryV2 = 2 };
std::string pop_topic(PopOrigin origin, std::string_view topic, std::string_view group);

struct PopRequest {
  std::string group;
  std::string topic;
  std::string broker;
  std::int32_t messages_max = 32;  // at most 32
  std::int64_t invisible_ms = 60'000;
  std::int64_t poll_ms = 0;  // > 0: long poll
  bool from_latest = false;  // where the group has no offset: at the end, else at the beginning
  std::string expression = "*";
  bool sql92 = false;
  // In the order of each queue: nothing more of a queue is given while something of it is not
  // acknowledged, unless it was given to the same attempt.
  bool ordered = false;
  std::string attempt{};
};
Command encode_pop(const PopRequest& request);  // 200050

// What brokers say instead of the number of a queue that keeps what is to come again.
inline constexpr std::int32_t kOrderedReviveQueue = 999;

// One delivery of one message, as the broker knows it: the property POP_CK, the field extraInfo.
struct PopCheckPoint {
  std::int64_t start_offset = 0;  // of the queue, when it was popped
  std::int64_t pop_ms = 0;        // the broker's clock
  std::int64_t invisible_ms = 0;
  std::int32_t revive_queue = 0;
  PopOrigin origin = PopOrigin::kTopic;
  std::string broker;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;

  bool ordered() const { return revive_queue == kOrderedReviveQueue; }
  std::string text() const;
  friend bool operator==(const PopCheckPoint&, const PopCheckPoint&) = default;
};
// Failure: kCorrupt.
Result<PopCheckPoint> parse_check_point(std::string_view text);

// `topic`: the consumed one, also for what is stored elsewhere.
Command encode_ack(std::string_view group, std::string_view topic,
                   const PopCheckPoint& check_point);  // 200051
// Whether encode_batch_ack() can say it: an offset far behind the start needs a request of its own.
bool fits_batch_ack(const PopCheckPoint& check_point);
// 200151: all of one broker. REQUIRES: fits_batch_ack() of each.
Command encode_batch_ack(std::string_view group, std::string_view topic, std::string_view broker,
                         std::span<const PopCheckPoint> check_points);
Command encode_change_invisible(std::string_view group, std::string_view topic,
                                const PopCheckPoint& check_point,
                                std::int64_t invisible_ms);  // 200053

// 200050, code 0: what the header says of the records in the body.
struct PopAnswer {
  std::int64_t pop_ms = 0;
  std::int64_t invisible_ms = 0;
  std::int32_t revive_queue = 0;
  using Queue = std::pair<PopOrigin, std::int32_t>;
  std::map<Queue, std::int64_t> start_offsets;
  std::map<Queue, std::vector<std::int64_t>> offsets;  // of the messages
  // Ordered: how often it was given before.
  std::map<std::pair<Queue, std::int64_t>, std::int32_t> times_given;
};
// Failure: kCorrupt. REQUIRES: code 0
Result<PopAnswer> parse_pop(const FrameHeader& header);
// That of a message whose record has none.
// Failure: kCorrupt when the answer does not list it.
Result<PopCheckPoint> check_point_of(const PopAnswer& answer, const PopAnswer::Queue& queue,
                                     std::int64_t offset, std::string_view broker);
// 200053: what takes the place of `before`.
// Failure: of the answer's code; kCorrupt; kNotFound: ordered, and it is acknowledged.
Result<PopCheckPoint> parse_changed_invisible(const FrameHeader& header,
                                              const PopCheckPoint& before);

}  // namespace slipstream::rocketmq
