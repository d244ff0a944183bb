// Reads a range of one queue from its begin to its end, once.
#pragma once

#include <functional>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// False: it has seen enough.
using MessageVisitor = std::function<Result<bool>(const rocketmq::ReceivedMessage& message)>;

// The messages at the offsets [range.min_offset, range.max_offset), in their order. True: all were
// visited. Offsets that the broker has deleted meanwhile are passed over.
Result<bool> scan_queue(rocketmq::Admin& admin, const rocketmq::OffsetRange& range,
                        const MessageVisitor& visit);

}  // namespace slipstream::cli
