// A member of a group that is asked for messages instead of calling a listener.
#include <algorithm>
#include <utility>

#include "slipstream/rocketmq/lite_pull_consumer.h"

#include "base/try.h"
#include "rocketmq/client/group_member.h"

namespace slipstream::rocketmq {
namespace internal {

Result<std::vector<ReceivedMessage>> GroupMember::poll(std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
  finish_polled();
  while (true) {
    {
      MutexLock lock(mutex_);
      while (true) {
        if (closing_) return Error{ErrorCode::kCancelled, "the consumer was closed"};
        if (client_closed_) return ClientCore::closed_error();
        if (frames_ready_) break;
        if (WorkPtr work = next_ready()) {
          Batch batch = work->messages.take(options_.batch_max);
          make_ready(work);
          polled_ = Polled{std::move(work), {}};
          for (const ReceivedMessage& message : batch)
            polled_->offsets.push_back({message.queue_offset, message.body.size()});
          return batch;
        }
        const std::int64_t left_ms = deadline_ms - core_.clock().now_ms();
        if (left_ms <= 0) return Batch();
        work_changed_.wait_for_ms(mutex_, left_ms);
      }
      frames_ready_ = false;
    }
    fetch();
  }
}

void GroupMember::finish_polled() {
  MutexLock lock(mutex_);
  if (!polled_) return;
  const Polled polled = *std::exchange(polled_, std::nullopt);
  for (const auto& [offset, bytes] : polled.offsets) polled.work->messages.done(offset, bytes);
  resume_when_roomy(*polled.work);
}

Status GroupMember::seek(const MessageQueue& queue, std::int64_t offset) {
  MutexLock lock(mutex_);
  const auto found = works_.find(queue);
  const auto consumer = consumers_.find(queue.topic);
  if (found == works_.end() || found->second->dropped || consumer == consumers_.end()) {
    return Error{ErrorCode::kNotFound,
                 "queue " + queue.to_string() + " is not one of this member's now"};
  }
  found->second->dropped = true;
  consumer->second->unassign(queue);
  const auto work = std::make_shared<Work>(queue, ++last_work_, offset);
  work->held = found->second->held;
  TRY(consumer->second->assign(queue, StartPosition::offset(offset), work->id));
  found->second = work;
  if (polled_ && polled_->work->queue == queue) polled_.reset();
  return {};
}

Status GroupMember::commit_polled() {
  finish_polled();
  std::vector<WorkPtr> works;
  {
    MutexLock lock(mutex_);
    for (const auto& [queue, work] : works_) {
      if (!work->dropped) works.push_back(work);
    }
  }
  for (const Status& written : commit_now(works)) TRY(written);
  return {};
}

void GroupMember::hold(const MessageQueue& queue, bool held) {
  MutexLock lock(mutex_);
  const auto found = works_.find(queue);
  if (found == works_.end()) return;
  found->second->held = held;
  make_ready(found->second);
}

}  // namespace internal

class LitePullConsumer::State {
 public:
  explicit State(std::shared_ptr<internal::GroupMember> of) : member(std::move(of)) {}
  const std::shared_ptr<internal::GroupMember> member;
};

Result<std::unique_ptr<LitePullConsumer>> LitePullConsumer::start(Client& client,
                                                                  LitePullOptions options) {
  if (options.subscriptions.empty() == options.queues.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "a lite pull consumer needs subscriptions or queues, one of the two"};
  }
  GroupConsumerOptions member{.group = std::move(options.group),
                              .subscriptions = std::move(options.subscriptions),
                              .from = options.from,
                              .allocation = std::move(options.allocation),
                              .batch_max = options.batch_max,
                              .cached_messages_max = options.cached_messages_max,
                              .cached_bytes_max = options.cached_bytes_max,
                              .messages_per_pull_max = options.messages_per_pull_max,
                              .commit_interval_ms = options.commit_interval_ms,
                              .rebalance_interval_ms = options.rebalance_interval_ms};
  internal::PolledMember polled{.queues = std::move(options.queues),
                                .auto_commit = options.auto_commit};
  for (const MessageQueue& queue : polled.queues) {
    const bool known =
        std::any_of(member.subscriptions.begin(), member.subscriptions.end(),
                    [&](const GroupSubscription& each) { return each.topic == queue.topic; });
    if (!known) member.subscriptions.push_back({.topic = queue.topic});
  }
  auto started =
      std::make_shared<internal::GroupMember>(client, std::move(member), std::move(polled));
  TRY(started->start());
  return std::unique_ptr<LitePullConsumer>(
      new LitePullConsumer(std::make_shared<State>(std::move(started))));
}

LitePullConsumer::LitePullConsumer(std::shared_ptr<State> state) : state_(std::move(state)) {}
LitePullConsumer::~LitePullConsumer() { close(); }
void LitePullConsumer::close() { state_->member->close(); }
Result<std::vector<ReceivedMessage>> LitePullConsumer::poll(std::int64_t timeout_ms) {
  return state_->member->poll(timeout_ms);
}
Status LitePullConsumer::seek(const MessageQueue& queue, std::int64_t offset) {
  return state_->member->seek(queue, offset);
}
Status LitePullConsumer::commit() { return state_->member->commit_polled(); }
void LitePullConsumer::pause(const MessageQueue& queue) { state_->member->hold(queue, true); }
void LitePullConsumer::resume(const MessageQueue& queue) { state_->member->hold(queue, false); }
std::vector<MessageQueue> LitePullConsumer::assigned() const { return state_->member->assigned(); }

}  // namespace slipstream::rocketmq
