// The messages of a topic or of a recording, as often as they are wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

#include "cli/position.h"

namespace slipstream::cli {

// Owner:   one command; borrows the Admin.
// Thread:  one; it blocks for requests and for the disk.
// Failure: names topic and queue, or file and line.
class MessageFlow {
 public:
  using Visitor = std::function<Status(const rocketmq::ReceivedMessage& message)>;
  // Where to begin and end; a time is that when a message was stored.
  struct Slice {
    Position from = {};
    Position to = {rocketmq::StartPosition::latest()};
  };
  struct Location {
    rocketmq::MessageQueue queue;
    std::int64_t offset = 0;
  };

  // Topics have neither '/' nor '.' in their names: what has one is a file that `record` wrote.
  static bool is_recording(const std::string& name);
  // Failure: kInvalidArgument, it is not there, may not be read, or is no regular file, such as a
  //          pipe, which cannot be read twice.
  static Status check_recording(const std::string& name);
  // What is there now. `admin` may be null for a recording; the topic of its queues is its name, and
  // its slice is given by times or kinds, not by offsets.
  static Result<MessageFlow> open(rocketmq::Admin* admin, const std::string& name,
                                  const Slice& slice);

  // Queue after queue; of a recording line after line.
  Status visit(const Visitor& visitor) const;
  // What is in the topic or recording before and behind the slice.
  Status visit_rest(const Visitor& visitor) const;
  // The messages at those of the places that are in this flow and still there.
  Status visit_at(const std::vector<Location>& places, const Visitor& visitor) const;
  const std::string& name() const { return name_; }

 private:
  explicit MessageFlow(std::string name) : name_(std::move(name)) {}
  bool is_in_time(const rocketmq::ReceivedMessage& message) const {
    return message.stored_ms >= from_ms_ && (to_ms_ == INT64_MAX || message.stored_ms < to_ms_);
  }
  Status visit_queue(const rocketmq::OffsetRange& queue, const Visitor& visitor) const;
  Status visit_recording(const Visitor& visitor) const;

  std::string name_;
  rocketmq::Admin* admin_ = nullptr;           // null: a recording
  std::vector<rocketmq::OffsetRange> all_;     // of a topic
  std::vector<rocketmq::OffsetRange> queues_;  // those of the slice
  // Store times [from_ms_, to_ms_); INT64_MAX: no end.
  std::int64_t from_ms_ = INT64_MIN;
  std::int64_t to_ms_ = INT64_MAX;
};

}  // namespace slipstream::cli
