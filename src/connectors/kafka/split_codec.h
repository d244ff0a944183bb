// Splits and the enumerator's state as they stand in checkpoints.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "slipstream/connector.h"

#include "connectors/kafka/client.h"

namespace slipstream::kafka_connector {

inline constexpr std::int64_t kNoEnd = -1;

// What a reader has to know of a partition. Split "topic/3", state "1,next,end".
struct PartitionPosition {
  Partition partition;
  std::int64_t next = kEarliestOffset;  // offset of the next message, or kEarliestOffset
  std::int64_t end = kNoEnd;            // first offset that is not read
};

Split encode_split(const PartitionPosition& position);
// Failure: kCorrupt.
Result<PartitionPosition> decode_split(const Split& split);

// Ids of all splits ever found.
std::string encode_known_splits(const std::set<std::string>& ids);
// Failure: kCorrupt.
Result<std::set<std::string>> decode_known_splits(std::string_view text);

}  // namespace slipstream::kafka_connector
