// Messages of RocketMQ as a producer gives them and a consumer gets them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::rocketmq {

// One queue of a topic. (topic, broker, id) identifies it; offsets are positions in it.
struct MessageQueue {
  std::string topic{};
  std::string broker{};
  std::int32_t id = 0;

  friend auto operator<=>(const MessageQueue&, const MessageQueue&) = default;
  std::string to_string() const { return topic + "/" + broker + "/" + std::to_string(id); }
};

// A named value of a message. Neither part is empty or holds the bytes 0x01 and 0x02.
struct Property {
  std::string name{};
  std::string value{};

  friend bool operator==(const Property&, const Property&) = default;
};

// A message to send. Checked before it is sent: what a broker would refuse forever is an error at
// once.
struct Message {
  std::string topic{};
  std::string body{};               // not empty, at most 4 MiB
  std::string tags{};               // at most one tag; empty = none
  std::vector<std::string> keys{};  // index keys, without spaces
  std::vector<Property>
      properties{};              // the user's own; names that RocketMQ uses itself are refused
  std::int32_t delay_level = 0;  // 1..18, 0 = none
  std::int64_t deliver_at_ms =
      0;                       // brokers 5.0 and later; 0 = at once. Not together with delay_level
  std::string sharding_key{};  // messages with the same key keep their order
  std::optional<MessageQueue> queue{};  // where to; chosen by the producer when absent
  std::int32_t flag = 0;                // the user's own number, stored as it is
  std::string unique_key{};             // empty = made by the producer
  bool wait_stored = true;  // wait for disk and replica where the broker is set to do so
};

// A message as a broker stored it, owning all of its bytes.
struct ReceivedMessage {
  std::string topic{};
  std::string broker{};
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::string message_id{};         // unique key of the producer; the offset id when there is none
  std::string offset_message_id{};  // broker address and physical offset, in hex
  std::string body{};               // decompressed
  std::string tags{};
  std::vector<std::string> keys{};
  std::vector<Property> properties{};  // all of them, those named above included
  std::string sharding_key{};
  std::int64_t born_ms = 0;    // the producer's clock
  std::int64_t stored_ms = 0;  // the broker's clock
  std::string born_host{};     // "10.0.0.5:40032", "[::1]:40032"
  std::string store_host{};
  std::int32_t reconsume_times = 0;
  std::int32_t flag = 0;
  std::int64_t physical_offset = 0;

  MessageQueue queue() const { return MessageQueue{topic, broker, queue_id}; }
  // Value of a property; nothing when absent.
  std::optional<std::string_view> property(std::string_view name) const {
    for (const Property& each : properties) {
      if (each.name == name) return std::string_view(each.value);
    }
    return std::nullopt;
  }
};

}  // namespace slipstream::rocketmq
