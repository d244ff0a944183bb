// What a real broker answered once: bodies and headers of a topic's pulls, its route, its state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

#include "rocketmq/protocol/frame.h"

namespace slipstream::bench {

// The stored messages of one queue, as pull answers carry them, one after another.
struct RecordedQueue {
  std::int64_t min_offset = 0;
  std::string records;
  std::vector<std::size_t> begins;  // of each record in `records`, and the end of the last one

  std::int64_t max_offset() const {
    return min_offset + static_cast<std::int64_t>(begins.size()) - 1;
  }
};

// A directory: topic, address, *.frame (whole answers: route, cluster, runtime, pull) and one file
// of records per queue.
struct Recording {
  std::string topic;
  std::string address;  // of the broker that answered
  rocketmq::FrameHeader pull_header;
  std::map<std::string, std::string> bodies;  // route, cluster, runtime, topic_config
  std::map<std::int32_t, RecordedQueue> queues;

  // Asks the real servers; a topic on one broker.
  // Failure: also queues with gaps.
  static Status record(const std::string& name_server, const std::string& topic,
                       const std::filesystem::path& directory);
  static Result<Recording> load(const std::filesystem::path& directory);
};

}  // namespace slipstream::bench
