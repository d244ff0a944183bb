// The static topics of the scripted brokers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/tolerant_json.h"
#include "rocketmq/testing/broker_store.h"

namespace slipstream::rocketmq::testing {

inline constexpr std::string_view kLogicalBroker = "__syslo__global__";

// Logical queues, whose parts lie in queues of one broker after the other. Only the last part is
// written, and only its broker answers; it asks the others itself.
//
// Owner:  the scripted broker; borrows the store.
// Thread: one.
class StaticTopics {
 public:
  explicit StaticTopics(BrokerStore& store) : store_(store) {}

  void create(const std::string& topic, std::int32_t queues,
              const std::vector<std::string>& brokers);
  // The queue goes on at another broker, at this logical offset. `unseen`: so many of the last
  // messages of the part before were not indexed when its end was asked for. REQUIRES: not below
  // its end
  void move(const std::string& topic, std::int32_t id, const std::string& broker,
            std::int64_t offset, std::int64_t unseen);

  bool has(const std::string& topic) const { return topics_.contains(topic); }
  // Is about a logical queue.
  bool covers(const FrameHeader& header) const;
  // Answers with what `serve` answers for the right part at its broker; or that another broker is
  // to be asked.
  using Serve =
      std::function<std::optional<Command>(const std::string& broker, const FrameHeader& physical)>;
  std::optional<Command> answer(const FrameHeader& header, const std::string& broker,
                                const Serve& serve);
  // "topicQueueMappingByBroker" of a route.
  void write(const std::string& topic, JsonWriter& json) const;

  // The queue of a broker that is a part of the logical one: the first, the one that is written.
  MessageQueue first_part(const MessageQueue& logical) const;
  MessageQueue last_part(const MessageQueue& logical) const;
  // The logical queue of a part; of other queues themselves.
  MessageQueue logical_of(const MessageQueue& part) const;

 private:
  struct Part {
    MessageQueue queue;
    std::int64_t begin = 0;  // logical offset of its first message
    std::int64_t end = -1;   // what the broker takes for its end; -1: it is written
  };
  using Parts = std::vector<Part>;
  struct Topic {
    std::vector<Parts> queues;  // by id
    std::int64_t epoch = 1;
    std::map<std::string, std::int32_t> next_ids;  // by broker
  };
  Part new_part(const std::string& name, Topic& topic, const std::string& broker,
                std::int64_t begin);
  const Parts* parts_of(const MessageQueue& logical) const;
  std::int64_t length(const Part& part) const { return store_.queues[part.queue].max_offset(); }
  std::size_t part_at(const Parts& parts, std::int64_t offset) const;
  std::size_t part_at_time(const Parts& parts, std::int64_t store_ms) const;
  std::optional<Command> pull(const Parts& parts, const FrameHeader& header, const Serve& serve);

  BrokerStore& store_;
  std::map<std::string, Topic> topics_;
};

}  // namespace slipstream::rocketmq::testing
