// Reads a range of one queue from its begin to its end, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/status.h"

namespace slipstream::cli {

// The messages at the offsets [range.min_offset, range.max_offset), in their order. Offsets that
// the broker has deleted meanwhile are passed over. A compaction topic may end before max_offset.
//
// Owner:  one command; borrows the Admin.
// Thread: one; next() blocks for a request now and then.
// Failure: kUnavailable, names queue and offset, where the broker gives nothing before the end.
class QueueCursor {
 public:
  QueueCursor(rocketmq::Admin& admin, rocketmq::OffsetRange range)
      : admin_(&admin), range_(std::move(range)), next_(range_.min_offset) {}

  // The next message, to be read before the next call; null at the end.
  Result<const rocketmq::ReceivedMessage*> next();
  const rocketmq::OffsetRange& range() const { return range_; }

 private:
  Status pull();
  Status given_nothing();

  rocketmq::Admin* admin_;
  rocketmq::OffsetRange range_;
  std::int64_t next_;  // offset of the next pull
  bool ended_ = false;
  int tries_ = 0;  // pulls at next_ that gave nothing
  std::vector<rocketmq::ReceivedMessage> pulled_;
  std::size_t given_ = 0;  // of pulled_
};

// False: it has seen enough.
using MessageVisitor = std::function<Result<bool>(const rocketmq::ReceivedMessage& message)>;

// True: all were visited.
Result<bool> scan_queue(rocketmq::Admin& admin, const rocketmq::OffsetRange& range,
                        const MessageVisitor& visit);

}  // namespace slipstream::cli
