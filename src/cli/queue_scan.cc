#include "cli/queue_scan.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "rocketmq/message/record.h"

namespace slipstream::cli {
namespace {

namespace mq = rocketmq;

constexpr const char* kGroup = "slipstream_cli";
constexpr std::int32_t kPullMessages = 1'000;  // brokers give what they are set to
constexpr int kTriesWithNothing = 3;

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
  if (frame->next_offset <= next_) return given_nothing();
  tries_ = 0;
  next_ = frame->next_offset;
  return {};
}

// Brokers answer so for a moment while they delete or load a file.
Status QueueCursor::given_nothing() {
  if (++tries_ < kTriesWithNothing) return {};
  TRY_ASSIGN(const std::int64_t kept, admin_->min_offset(range_.queue));
  if (kept > next_) {
    next_ = kept;
    tries_ = 0;
    return {};
  }
  TRY_ASSIGN(const auto attributes, admin_->topic_attributes(range_.queue.topic));
  const auto told = attributes.find(range_.queue.broker);
  ended_ = told != attributes.end() &&
           std::any_of(told->second.begin(), told->second.end(), [](const mq::Property& each) {
             return each.name == "cleanup.policy" && each.value == "COMPACTION";
           });
  if (ended_) return {};
  return Error::retry(ErrorCode::kUnavailable,
                      "queue " + range_.queue.to_string() + " gives nothing at offset " +
                          std::to_string(next_) + ", although it goes on to " +
                          std::to_string(range_.max_offset));
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
