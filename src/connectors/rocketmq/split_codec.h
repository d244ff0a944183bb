// Splits and the enumerator's state as texts of snapshots. Versioned: what was written once stays
// readable.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq_connector {

// The queue's first message, whatever its offset is then.
inline constexpr std::int64_t kFirstOffset = -1;
inline constexpr std::int64_t kNoEnd = -1;

struct QueuePosition {
  rocketmq::MessageQueue queue;
  std::int64_t next = kFirstOffset;
  std::int64_t end = kNoEnd;  // exclusive
  // The last message that was read, of a queue without an end: its topic may be made anew before
  // the job goes on.
  std::optional<rocketmq::ReadMessage> last_read{};
};

// id "topic/broker/3", state "1,next,end", or "1,next,end,offset,stored-ms" with last_read.
Split encode_split(const QueuePosition& position);
Result<QueuePosition> decode_split(const Split& split);

// The ids of all splits ever found, one per line behind "1".
std::string encode_known_splits(const std::set<std::string>& ids);
Result<std::set<std::string>> decode_known_splits(std::string_view text);

}  // namespace slipstream::rocketmq_connector
