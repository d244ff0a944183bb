// Where a broadcasting member keeps how far it is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq::internal {

using QueueOffsets = std::map<MessageQueue, std::int64_t>;

// Empty when there is no such file.
// Failure: kCorrupt, or what the file system says; names the path.
Result<QueueOffsets> read_offset_file(const std::string& path);
// The file is the old one or the new one at any moment.
Status write_offset_file(const std::string& path, const QueueOffsets& offsets);

}  // namespace slipstream::rocketmq::internal
