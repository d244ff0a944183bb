// 'connector' = 'mq' and 'mq5': topics as tables under the options of ApsaraMQ for RocketMQ. What
// such a table says is said to the rocketmq connector in its own words; reading and writing are its.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::mq_connector {

// Instances of version 4.x. `rocketmq`: a factory of the rocketmq connector.
std::unique_ptr<ConnectorFactory> make_mq_factory(std::unique_ptr<ConnectorFactory> rocketmq);
// Instances of version 5.x.
std::unique_ptr<ConnectorFactory> make_mq5_factory(std::unique_ptr<ConnectorFactory> rocketmq);

}  // namespace slipstream::mq_connector
