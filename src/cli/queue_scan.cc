#include "cli/queue_scan.h"

#include <utility>

#include "base/try.h"
#include "rocketmq/message/record.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr const char* kGroup = "slipstream_cli";
constexpr std::int32_t kPullMessages = 1'000;  // brokers give what they are set to

}  // namespace

Result<const mq::ReceivedMessage*> QueueCursor::next() {
  while (given_ == pulled_.size()) {
    if (ended_ || next_ >= range_.max_offset) return nullptr;
    TRY(pull());
  }
  return &pulled_[given_++];
}

Status QueueCursor::pull() {
  pulled_.clear();
  given_ = 0;
  const auto frame = admin_->pull_once(kGroup, range_.queue, next_, kPullMessages);
  if (!frame.ok() && frame.error().code == ErrorCode::kOutOfRange) {
    TRY_ASSIGN(const std::int64_t kept, admin_->min_offset(range_.queue));
    if (kept <= next_) return frame.status();
    next_ = kept;
    return {};
  }
  if (!frame.ok()) return frame.status();
  mq::RecordCursor cursor(frame->records, {.first_offset = frame->begin_offset,
                                           .offset_delta = frame->offset_delta,
                                           .queue_id = range_.queue.id});
  mq::RecordView record;
  while (cursor.next(record)) {
    if (record.queue_offset >= range_.max_offset) break;
    TRY_ASSIGN(mq::ReceivedMessage message, mq::to_received_message(record, range_.queue.broker));
    // Records of retry and dead-letter queues may name the topic that they came from.
    message.topic = range_.queue.topic;
    pulled_.push_back(std::move(message));
  }
  TRY(cursor.status().with_context("queue " + range_.queue.to_string()));
  ended_ = frame->next_offset <= next_;
  next_ = frame->next_offset;
  return {};
}

Result<bool> scan_queue(mq::Admin& admin, const mq::OffsetRange& range,
                        const MessageVisitor& visit) {
  QueueCursor cursor(admin, range);
  while (true) {
    TRY_ASSIGN(const mq::ReceivedMessage* message, cursor.next());
    if (message == nullptr) return true;
    TRY_ASSIGN(const bool more, visit(*message));
    if (!more) return false;
  }
}

}  // namespace slipstream::cli
