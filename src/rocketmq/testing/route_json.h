// What the scripted name server tells of its brokers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq::testing {

struct RegisteredBroker {
  std::string name;
  std::vector<std::string> addresses;  // by id; the first is the master's
};

// The members of a route for a topic that has so many queues on each broker.
void write_route(const std::vector<RegisteredBroker>& brokers, std::int32_t queues,
                 JsonWriter& json);
void write_cluster(const std::vector<RegisteredBroker>& brokers, JsonWriter& json);

}  // namespace slipstream::rocketmq::testing
