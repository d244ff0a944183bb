// Looks through queues for stamped messages.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/clock.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq_connector {

struct ScanRange {
  rocketmq::MessageQueue queue;
  std::int64_t lower = 0;
  std::int64_t upper = 0;  // exclusive
};

struct ScanOptions {
  std::string group;
  std::stop_token stop;
  std::function<void(std::string_view unique_key)>
      found;                                       // of every message that has the form of a stamp
  std::function<void(std::string_view)> progress;  // for people
  const Clock* clock = nullptr;                    // outlives the scan
};

// Reads every message of the ranges. Waits for brokers that are away, for as long as it takes.
//
// Thread:  any but the client's; blocks.
// Failure: kOutOfRange when messages from `lower` on were deleted by retention; kCancelled on stop;
//          what the broker refuses forever.
Status scan_queues(rocketmq::Client& client, std::span<const ScanRange> ranges,
                   const ScanOptions& options);

}  // namespace slipstream::rocketmq_connector
