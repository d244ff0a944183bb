// Which queue a row of an ordered sink belongs to.
#pragma once

#include <cstdint>
#include <vector>

#include "slipstream/batch.h"

#include "connectors/rocketmq/message_encoder.h"

namespace slipstream::rocketmq_connector {

// One number for each row, whose remainder by the count of queues is the queue: of the partition
// field as Java's selector by hash does it (NULL as the empty text), else of the key. None when the
// sink is not ordered.
std::vector<std::uint64_t> queue_hashes(const SinkPlan& plan, const Batch& batch);

}  // namespace slipstream::rocketmq_connector
