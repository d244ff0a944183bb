// The balancing thread of a member: which queues are ours, their locks, their offsets.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/thrown.h"
#include "base/try.h"
#include "rocketmq/client/group_member.h"
#include "rocketmq/client/queue_choice.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kUnbalancedMs = 1'000;  // until the next try when something was missing
constexpr int kPullsPerQueue = 4;
constexpr int kRetryTopicTries = 30;  // then it is looked for as rarely as everything else

Error static_topic_error(const std::string& topic) {
  return Error{ErrorCode::kUnsupported, "topic '" + topic +
                                            "' is a static (logical queue) topic; this client "
                                            "reads and writes ordinary topics only"};
}

}  // namespace

std::unique_ptr<Consumer> GroupMember::make_consumer(const GroupSubscription& subscription) {
  auto consumer = std::make_unique<Consumer>(
      client_, ConsumerOptions{.group = options_.group,
                               .member = false,
                               .tags = subscription.tags,
                               .sql = subscription.sql,
                               .pulls_per_queue_max = kPullsPerQueue,
                               .messages_per_pull_max = options_.messages_per_pull_max,
                               .out_of_range = OffsetOutOfRange::kNearest});
  consumer->set_wake([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    MutexLock lock(self->mutex_);
    self->frames_ready_ = true;
    (self->polled_member_ ? self->work_changed_ : self->frames_changed_).notify_one();
  });
  return consumer;
}

void GroupMember::balance_loop() {
  const Clock& clock = core_.clock();
  std::int64_t balance_ms = clock.now_ms();
  std::int64_t lock_ms = clock.now_ms() + options_.lock_interval_ms;
  std::int64_t commit_ms = clock.now_ms() + options_.commit_interval_ms;
  while (true) {
    bool wanted = false;
    {
      MutexLock lock(mutex_);
      while (!closing_ && !balance_wanted_ && !leaving_ && resets_.empty() &&
             failed_topics_.empty()) {
        std::int64_t next_ms = std::min(balance_ms, commit_ms);
        if (needs_locks()) next_ms = std::min(next_ms, lock_ms);
        const std::int64_t left_ms = next_ms - clock.now_ms();
        if (left_ms <= 0) break;
        balance_changed_.wait_for_ms(mutex_, left_ms);
      }
      if (closing_) return;
      wanted = std::exchange(balance_wanted_, false);
    }
    replace_failed_consumers();
    apply_resets();
    wanted = finish_leaving() || wanted;
    if (wanted || clock.now_ms() >= balance_ms) {
      const bool balanced = balance_all();
      balance_ms =
          clock.now_ms() + (balanced ? options_.rebalance_interval_ms
                                     : std::min(kUnbalancedMs, options_.rebalance_interval_ms));
    }
    if (needs_locks() && clock.now_ms() >= lock_ms) {
      renew_locks();
      lock_ms = clock.now_ms() + options_.lock_interval_ms;
    }
    if (clock.now_ms() >= commit_ms) {
      if (!polled_member_ || polled_member_->auto_commit) commit_all();
      commit_ms = clock.now_ms() + options_.commit_interval_ms;
    }
  }
}

bool GroupMember::balance_all() {
  std::vector<std::string> topics;
  {
    MutexLock lock(mutex_);
    for (const auto& [topic, consumer] : consumers_) topics.push_back(topic);
  }
  bool balanced = true;
  for (const std::string& topic : topics) balanced = balance(topic) && balanced;
  return balanced;
}

bool GroupMember::balance(const std::string& topic) {
  const auto share = share_of(topic);
  if (!share.ok()) {
    // The retry topic is made by brokers once they know the group.
    if (topic != retry_topic_ && share.error().code != ErrorCode::kCancelled) {
      LogLimit::of_process().log(LogLevel::kWarn, "rocketmq",
                                 "balance of " + options_.group + " for " + topic,
                                 "group '" + options_.group + "' keeps its queues of topic '" +
                                     topic + "' for now: " + share.error().message);
    }
    return topic == retry_topic_ && ++retry_topic_tries_ > kRetryTopicTries;
  }
  std::vector<WorkPtr> lost;
  if (!*share) return false;  // told when it does
  std::vector<MessageQueue> gained = **share;
  {
    MutexLock lock(mutex_);
    for (const auto& [queue, work] : works_) {
      if (queue.topic != topic) continue;
      const auto kept = std::find(gained.begin(), gained.end(), queue);
      if (kept != gained.end()) {
        gained.erase(kept);
      } else if (!work->dropped) {
        lost.push_back(work);
      }
    }
  }
  give_up(lost);
  return take_over(topic, gained);
}

Result<std::optional<std::vector<MessageQueue>>> GroupMember::share_of(const std::string& topic) {
  using Share = std::optional<std::vector<MessageQueue>>;
  TRY_ASSIGN(const Route route, core_.wait_route(topic, core_.options().route_refresh_ms));
  if (route->static_topic) return static_topic_error(topic);
  std::vector<MessageQueue> queues = readable_queues(*route, topic);
  std::sort(queues.begin(), queues.end());
  if (options_.broadcasting) return Share(std::move(queues));
  if (!is_balanced()) {
    std::vector<MessageQueue> given;
    for (const MessageQueue& queue : polled_member_->queues) {
      if (queue.topic == topic) given.push_back(queue);
    }
    return Share(std::move(given));
  }
  TRY_ASSIGN(const std::vector<std::string> members, requests_.members(*route));
  const std::string& self = core_.memberships().client_id();
  if (!std::binary_search(members.begin(), members.end(), self)) return Share();
  return without_exceptions(
             [&] { return Result<Share>(options_.allocation(self, queues, members)); })
      .with_context("dealing out queues");
}

bool GroupMember::take_over(const std::string& topic, const std::vector<MessageQueue>& queues) {
  if (queues.empty()) return true;
  const std::int64_t asked_ms = core_.clock().now_ms();
  std::set<MessageQueue> held;
  if (needs_locks()) held = requests_.lock(queues).held;
  std::vector<MessageQueue> unlocked;
  bool all = true;
  for (const MessageQueue& queue : queues) {
    if (needs_locks() && !held.contains(queue)) {
      all = false;  // its last holder has not given it up
      continue;
    }
    const auto offset = start_offset(queue);
    if (!offset.ok()) {
      LogLimit::of_process().log(
          LogLevel::kWarn, "rocketmq", "start of " + options_.group + " in " + queue.to_string(),
          offset.error().with_context("where group '" + options_.group + "' stands").message);
      if (needs_locks()) unlocked.push_back(queue);
      all = false;
      continue;
    }
    MutexLock lock(mutex_);
    const auto consumer = consumers_.find(topic);
    if (consumer == consumers_.end()) return false;
    const auto work = std::make_shared<Work>(queue, ++last_work_, *offset);
    if (needs_locks()) work->locked_ms = asked_ms;
    if (!consumer->second->assign(queue, StartPosition::offset(*offset), work->id).ok()) {
      all = false;
      continue;
    }
    works_[queue] = work;
  }
  requests_.unlock(unlocked);
  return all;
}

Result<std::int64_t> GroupMember::start_offset(const MessageQueue& queue) {
  if (options_.broadcasting) {
    MutexLock lock(mutex_);
    const auto known = local_offsets_.find(queue);
    if (known != local_offsets_.end()) return known->second;
  } else {
    TRY_ASSIGN(const std::optional<std::int64_t> written,
               admin_.group_offset(options_.group, queue));
    if (written) return *written;
  }
  return first_offset(queue);
}

Result<std::int64_t> GroupMember::first_offset(const MessageQueue& queue) {
  if (queue.topic == retry_topic_) return admin_.min_offset(queue);
  switch (options_.from.kind) {
    case StartPosition::Kind::kEarliest:
      return admin_.min_offset(queue);
    case StartPosition::Kind::kTimestamp:
      return admin_.offset_at(queue, options_.from.value);
    default:
      return admin_.max_offset(queue);
  }
}

// What the listener has now is finished, but no more is begun.
void GroupMember::give_up(const std::vector<WorkPtr>& works) {
  if (works.empty()) return;
  {
    MutexLock lock(mutex_);
    for (const WorkPtr& work : works) {
      work->dropped = true;
      const auto consumer = consumers_.find(work->queue.topic);
      if (consumer != consumers_.end()) consumer->second->unassign(work->queue);
    }
  }
  finish_leaving();
}

// Of a locked queue the next member must see the offset of what our listener still had. True: a
// queue went away, and may be somebody's now.
bool GroupMember::finish_leaving() {
  std::vector<WorkPtr> free;
  std::vector<WorkPtr> reset;
  {
    MutexLock lock(mutex_);
    leaving_ = false;
    for (const auto& [queue, work] : works_) {
      if (!work->dropped || work->busy) continue;
      if (!work->reset_to) {
        free.push_back(work);
      } else if (work->running == 0) {
        reset.push_back(work);
      }
    }
  }
  if (!polled_member_ || polled_member_->auto_commit) {
    if (needs_locks()) {
      static_cast<void>(commit_now(free));  // failures are logged
    } else {
      for (const WorkPtr& work : free) commit(work);
    }
  }
  if (needs_locks()) {
    std::vector<MessageQueue> unlocked;
    for (const WorkPtr& work : free) unlocked.push_back(work->queue);
    requests_.unlock(unlocked);
  }
  const bool moved = finish_resets(reset);
  MutexLock lock(mutex_);
  for (const WorkPtr& work : free) works_.erase(work->queue);
  return moved || (!free.empty() && needs_locks());
}

// What cannot be written is tried again with the next round: until then the queue is not read.
bool GroupMember::finish_resets(const std::vector<WorkPtr>& works) {
  if (works.empty()) return false;
  const std::vector<Status> written = commit_now(works);
  bool moved = false;
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < works.size(); ++i) {
    if (!written[i].ok()) continue;
    log(LogLevel::kInfo, "rocketmq",
        "group '" + options_.group + "' goes on at offset " + std::to_string(*works[i]->reset_to) +
            " of " + works[i]->queue.to_string() + ", as an operator asked");
    works_.erase(works[i]->queue);
    moved = true;
  }
  return moved;
}

void GroupMember::renew_locks() {
  std::vector<MessageQueue> queues;
  {
    MutexLock lock(mutex_);
    for (const auto& [queue, work] : works_) {
      if (!work->dropped) queues.push_back(queue);
    }
  }
  if (queues.empty()) return;
  const std::int64_t asked_ms = core_.clock().now_ms();
  const GroupRequests::Locks locks = requests_.lock(queues);
  MutexLock lock(mutex_);
  for (const MessageQueue& queue : queues) {
    const auto work = works_.find(queue);
    if (work == works_.end()) continue;
    if (locks.held.contains(queue)) {
      work->second->locked_ms = asked_ms;
      make_ready(work->second);
    } else if (locks.refused.contains(queue)) {
      work->second->locked_ms = -1;
      LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", "lock of " + queue.to_string(),
                                 "group '" + options_.group + "' does not hold the lock of " +
                                     queue.to_string() + " now: it is not consumed");
    }
  }
}

// An operator set offsets of the group, and the broker told its members so. Calls of the listener
// that run are finished before.
void GroupMember::apply_resets() {
  MutexLock lock(mutex_);
  for (const GroupOffset& each : std::exchange(resets_, {})) {
    const auto work = works_.find(each.queue);
    if (work == works_.end() || (work->second->dropped && !work->second->reset_to)) continue;
    work->second->reset_to = each.offset;
    if (std::exchange(work->second->dropped, true)) continue;
    const auto consumer = consumers_.find(each.queue.topic);
    if (consumer != consumers_.end()) consumer->second->unassign(each.queue);
  }
}

// What no retry can mend of one consumer may be mended by the next: its topic was made again.
void GroupMember::replace_failed_consumers() {
  std::set<std::string> failed;
  std::vector<WorkPtr> works;
  {
    MutexLock lock(mutex_);
    failed = std::exchange(failed_topics_, {});
    if (failed.empty()) return;
    for (const auto& [queue, work] : works_) {
      if (failed.contains(queue.topic) && !work->dropped) works.push_back(work);
    }
  }
  give_up(works);
  for (const std::string& topic : failed) {
    GroupSubscription subscription{.topic = topic};
    for (const GroupSubscription& each : options_.subscriptions) {
      if (each.topic == topic) subscription = each;
    }
    std::shared_ptr<Consumer> fresh = make_consumer(subscription);
    std::shared_ptr<Consumer> old;
    MutexLock lock(mutex_);
    old = std::exchange(consumers_[topic], fresh);
  }
}

std::vector<GroupMember::WorkPtr> GroupMember::all_works() const {
  std::vector<WorkPtr> works;
  MutexLock lock(mutex_);
  for (const auto& [queue, work] : works_) works.push_back(work);
  return works;
}

void GroupMember::commit_all() {
  for (const WorkPtr& work : all_works()) commit(work);
  if (options_.broadcasting) static_cast<void>(write_local_offsets());  // a failure is logged
}

Status GroupMember::write_local_offsets() {
  QueueOffsets offsets;
  {
    MutexLock lock(mutex_);
    offsets = local_offsets_;
  }
  if (offsets == written_offsets_) return {};
  Status written = write_offset_file(options_.offset_file, offsets);
  if (written.ok()) {
    written_offsets_ = std::move(offsets);
  } else {
    LogLimit::of_process().log(LogLevel::kError, "rocketmq", "offsets of " + options_.group,
                               written.error().message);
  }
  return written;
}

std::optional<std::int64_t> GroupMember::offset_to_write(Work& work) {
  const std::int64_t offset = work.reset_to.value_or(work.messages.commit_offset());
  if (options_.broadcasting) {
    local_offsets_[work.queue] = offset;
    return std::nullopt;
  }
  return offset;
}

void GroupMember::commit(const WorkPtr& work) {
  std::int64_t offset = 0;
  {
    MutexLock lock(mutex_);
    const auto wanted = offset_to_write(*work);
    if (!wanted || *wanted == work->committed) return;
    offset = work->committed = *wanted;
  }
  core_.loop().post([self = shared_from_this(), work, offset] {
    self->core_.write_group_offset(
        self->options_.group, work->queue, offset,
        [self, work](const Status& status) { self->commit_ended(work, status); });
  });
}

// Also what was written before: that may be under way.
std::vector<Status> GroupMember::commit_now(const std::vector<WorkPtr>& works) {
  std::vector<GroupOffset> offsets;
  {
    MutexLock lock(mutex_);
    for (const WorkPtr& work : works) {
      const auto wanted = offset_to_write(*work);
      if (!wanted) continue;
      work->committed = *wanted;
      offsets.push_back({work->queue, *wanted});
    }
  }
  if (options_.broadcasting) return std::vector<Status>(works.size(), write_local_offsets());
  std::vector<Status> written = requests_.write_offsets(offsets);
  for (std::size_t i = 0; i < works.size(); ++i) commit_ended(works[i], written[i]);
  return written;
}

void GroupMember::commit_ended(const WorkPtr& work, const Status& status) {
  if (status.ok()) return;
  LogLimit::of_process().log(LogLevel::kWarn, "rocketmq",
                             "offsets of " + options_.group + " in " + work->queue.to_string(),
                             "writing the offset of group '" + options_.group + "' in " +
                                 work->queue.to_string() + ": " + status.error().message);
  MutexLock lock(mutex_);
  work->committed = -1;
}

}  // namespace slipstream::rocketmq::internal
