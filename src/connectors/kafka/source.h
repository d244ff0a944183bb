// A kafka table that is read.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::kafka_connector {

// Asks no server.
Result<std::unique_ptr<Source>> make_topic_source(const SourceRequest& request);

}  // namespace slipstream::kafka_connector
