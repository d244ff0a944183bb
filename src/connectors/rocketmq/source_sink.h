// Tables as sources and sinks.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::rocketmq_connector {

Result<std::unique_ptr<Source>> make_queue_source(const SourceRequest& request);
Result<std::unique_ptr<Sink>> make_queue_sink(const SinkRequest& request);

}  // namespace slipstream::rocketmq_connector
