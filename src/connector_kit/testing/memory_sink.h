// The sink of 'connector' = 'memory': how little a sink is that publishes in two steps. For tests
// only.
#pragma once

#include <memory>

#include "slipstream/connector.h"

#include "connector_kit/testing/memory_broker.h"

namespace slipstream::testing {

// Options of the sink side of a memory table.
std::vector<OptionSpec> memory_sink_options();
Result<std::unique_ptr<Sink>> make_memory_sink(const SinkRequest& request,
                                               const OptionTable& options,
                                               std::shared_ptr<MemoryBroker> broker);

// What a memory table reads and writes, for Source::endpoints() and Sink::endpoints().
std::string memory_endpoint(const MemoryBroker& broker);

}  // namespace slipstream::testing
