// Which queue a message goes to: pure decisions over a route.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"

#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::internal {

// Queues that may be written: perm has 2 and the broker has a real master; exactly those of the
// order configuration when the topic has one. In broker and id order.
std::vector<MessageQueue> writable_queues(const RouteData& route, const std::string& topic);
// Queues that may be read: perm has 4. A broker without any address is left in: it may come back.
std::vector<MessageQueue> readable_queues(const RouteData& route, const std::string& topic);

// Java's hash selector: |java_hash(key) % n|. REQUIRES: queue_count > 0
std::size_t queue_of_key(std::string_view key, std::size_t queue_count);

// The queue for turn number `turn`, on another broker than `avoid_broker` where there is one.
// REQUIRES: queues not empty
const MessageQueue& round_robin(const std::vector<MessageQueue>& queues, std::uint64_t turn,
                                std::string_view avoid_broker);

}  // namespace slipstream::rocketmq::internal
