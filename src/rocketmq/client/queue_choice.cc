#include "rocketmq/client/queue_choice.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq::internal {
namespace {

void append_queues(std::vector<MessageQueue>& out, const std::string& topic,
                   const std::string& broker, int count) {
  for (std::int32_t id = 0; id < count; ++id) out.push_back(MessageQueue{topic, broker, id});
}

bool has_master(const RouteData& route, const std::string& name) {
  const BrokerData* broker = route.broker(name);
  return broker != nullptr && broker->master() != nullptr;
}

// A key keeps its queue while the broker that serves it is away.
std::vector<MessageQueue> logical_queues(const RouteData& route, const std::string& topic) {
  std::vector<MessageQueue> queues;
  for (const LogicalQueue& each : route.logical_queues)
    queues.push_back({topic, each.name, each.id});
  return queues;
}

// "broker-a:4;broker-b:4"
std::vector<MessageQueue> ordered_queues(const RouteData& route, const std::string& topic) {
  std::vector<MessageQueue> queues;
  std::string_view rest = route.order_config;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const std::size_t colon = item.rfind(':');
    if (colon == std::string_view::npos) continue;
    int count = 0;
    std::from_chars(item.data() + colon + 1, item.data() + item.size(), count);
    append_queues(queues, topic, std::string(item.substr(0, colon)), count);
  }
  return queues;
}

}  // namespace

std::vector<MessageQueue> writable_queues(const RouteData& route, const std::string& topic) {
  if (route.static_topic) return logical_queues(route, topic);
  if (!route.order_config.empty()) return ordered_queues(route, topic);
  std::vector<MessageQueue> queues;
  for (const QueueData& each : route.queues) {
    if (each.writable() && has_master(route, each.broker))
      append_queues(queues, topic, each.broker, each.write_queues);
  }
  return queues;
}

std::vector<MessageQueue> readable_queues(const RouteData& route, const std::string& topic) {
  if (route.static_topic) return logical_queues(route, topic);
  std::vector<MessageQueue> queues;
  for (const QueueData& each : route.queues) {
    if (each.readable()) append_queues(queues, topic, each.broker, each.read_queues);
  }
  return queues;
}

std::size_t queue_of_key(std::string_view key, std::size_t queue_count) {
  const std::int64_t remainder = java_hash(key) % static_cast<std::int64_t>(queue_count);
  return static_cast<std::size_t>(std::abs(remainder));
}

const MessageQueue& round_robin(const std::vector<MessageQueue>& queues, std::uint64_t turn,
                                std::string_view avoid_broker) {
  for (std::size_t step = 0; step < queues.size() && !avoid_broker.empty(); ++step) {
    const MessageQueue& queue = queues[(turn + step) % queues.size()];
    if (queue.broker != avoid_broker) return queue;
  }
  return queues[turn % queues.size()];
}

}  // namespace slipstream::rocketmq::internal
