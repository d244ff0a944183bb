#include "cli/queue_scan.h"

#include <algorithm>

#include "base/try.h"
#include "rocketmq/message/record.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr const char* kGroup = "slipstream_cli";
constexpr std::int32_t kPullMessages = 1'000;  // brokers give what they are set to

// What of the frame is in the range; false: enough.
Result<bool> visit_frame(const mq::PulledFrame& frame, const mq::OffsetRange& range,
                         const MessageVisitor& visit) {
  mq::RecordCursor cursor(frame.records, {.first_offset = frame.begin_offset,
                                          .offset_delta = frame.offset_delta,
                                          .queue_id = range.queue.id});
  mq::RecordView record;
  while (cursor.next(record)) {
    if (record.queue_offset >= range.max_offset) break;
    TRY_ASSIGN(mq::ReceivedMessage message, mq::to_received_message(record, range.queue.broker));
    // Records of retry and dead-letter queues may name the topic that they came from.
    message.topic = range.queue.topic;
    TRY_ASSIGN(const bool more, visit(message));
    if (!more) return false;
  }
  TRY(cursor.status().with_context("queue " + range.queue.to_string()));
  return true;
}

}  // namespace

Result<bool> scan_queue(mq::Admin& admin, const mq::OffsetRange& range,
                        const MessageVisitor& visit) {
  std::int64_t next = range.min_offset;
  while (next < range.max_offset) {
    auto pulled = admin.pull_once(kGroup, range.queue, next, kPullMessages);
    if (!pulled.ok() && pulled.error().code == ErrorCode::kOutOfRange) {
      TRY_ASSIGN(const std::int64_t kept, admin.min_offset(range.queue));
      if (kept <= next) return pulled.status();
      next = kept;
      continue;
    }
    if (!pulled.ok()) return pulled.status();
    TRY_ASSIGN(const bool more, visit_frame(*pulled, range, visit));
    if (!more) return false;
    if (pulled->next_offset <= next) break;
    next = pulled->next_offset;
  }
  return true;
}

}  // namespace slipstream::cli
