// 'connector' = 'memory': partitions of a MemoryBroker as a table. How little a new source of a
// message system is: a client, positions, and a poll loop. For tests only.
#pragma once

#include <memory>

#include "slipstream/connector.h"

#include "connector_kit/testing/memory_broker.h"

namespace slipstream::testing {

// Options: format, decode.errors, sink.delivery-guarantee. Metadata: partition, offset.
std::unique_ptr<ConnectorFactory> make_memory_connector(std::shared_ptr<MemoryBroker> broker);

}  // namespace slipstream::testing
