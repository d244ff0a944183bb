// Positions in a topic as people write them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// Where to begin: in every queue, or in one.
struct Position {
  rocketmq::StartPosition start = rocketmq::StartPosition::earliest();
  std::optional<int> queue = {};
  std::string broker = {};  // of that queue; empty = the only one that has it
};

// "earliest", "latest", milliseconds since 1970, "2026-11-21 10:00:00" (UTC), "QUEUE:OFFSET",
// "BROKER:QUEUE:OFFSET".
Result<Position> parse_position(const std::string& text);

// Leaves only the queue that the position names, if it names one.
Status keep_queue(const Position& position, const std::string& topic,
                  std::vector<rocketmq::OffsetRange>& queues);

// The offset of the position in this queue; of a time that of the first message stored then or later,
// else the end.
Result<std::int64_t> offset_of(rocketmq::Admin& admin, const Position& position,
                               const rocketmq::OffsetRange& queue);

// Leaves of the queues what lies between two positions: the queue that they name, from the one offset
// to the other.
Status cut_queues(rocketmq::Admin& admin, const std::string& topic, const Position& from,
                  const Position& to, std::vector<rocketmq::OffsetRange>& queues);

}  // namespace slipstream::cli
