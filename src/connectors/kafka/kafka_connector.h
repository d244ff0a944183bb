// 'connector' = 'kafka': topics of Apache Kafka, through librdkafka.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::kafka_connector {

std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::kafka_connector
