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
  next_lock_ms_ = clock.now_ms() + options_.lock_interval_ms;
  std::int64_t commit_ms = clock.now_ms() + options_.commit_interval_ms;
  while (true) {
    bool wanted = false;
    {
      MutexLock lock(mutex_);
      while (!closing_ && !balance_wanted_ && !leaving_ && resets_.empty() &&
             failed_topics_.empty()) {
        std::int64_t next_ms = std::min(balance_ms, commit_ms);
        if (needs_locks()) next_ms = std::min(next_ms, next_lock_ms_);
        const std::int64_t left_ms = next_ms - clock.now_ms();
        if (left_ms <= 0) break;
        balance_changed_.wait_for_ms(mutex_, left_ms);
      }
      if (closing_) return;
      wanted = std::exchange(balance_wanted_, false);
    }
    // Not at once: what failed may fail again.
    if (replace_failed_consumers())
      balance_ms = std::min(balance_ms, clock.now_ms() + kUnbalancedMs);
    apply_resets();
    wanted = finish_leaving() || wanted;
    if (wanted || clock.now_ms() >= balance_ms) {
      const bool balanced = balance_all();
      balance_ms =
          clock.now_ms() + (balanced ? options_.rebalance_interval_ms
                                     : std::min(kUnbalancedMs, options_.rebalance_interval_ms));
    }
    renew_locks_when_due();
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
  for (const std::string& topic : topics) {
    balanced = balance(topic) && balanced;
    renew_locks_when_due();
  }
  return balanced;
}

bool GroupMember::balance(const std::string& topic) {
  const auto topic_queues = queues_of(topic);
  const auto share = topic_queues.ok() ? share_of(topic, *topic_queues)
                                       : Result<std::optional<Queues>>(topic_queues.error());
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
  Queues lost;
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
        lost.push_back(queue);
      }
    }
  }
  if (give_up(lost)) {
    MutexLock lock(mutex_);
    balance_wanted_ = true;  // what became free may be of a topic that had its turn
  }
  return take_over(topic, gained, *topic_queues);
}

Result<GroupMember::Queues> GroupMember::queues_of(const std::string& topic) {
  TRY_ASSIGN(const Route route, core_.wait_route(topic, core_.options().route_refresh_ms));
  std::vector<MessageQueue> queues = readable_queues(*route, topic);
  std::sort(queues.begin(), queues.end());
  return queues;
}

Result<std::optional<GroupMember::Queues>> GroupMember::share_of(const std::string& topic,
                                                                 const Queues& topic_queues) {
  using Share = std::optional<Queues>;
  if (options_.broadcasting) return Share(topic_queues);
  if (!is_balanced()) {
    std::vector<MessageQueue> given;
    for (const MessageQueue& queue : polled_member_->queues) {
      if (queue.topic == topic) given.push_back(queue);
    }
    return Share(std::move(given));
  }
  TRY_ASSIGN(const Route route, core_.wait_route(topic, core_.options().route_refresh_ms));
  TRY_ASSIGN(const std::vector<std::string> members, requests_.members(*route));
  const std::string& self = core_.memberships().client_id();
  if (!std::binary_search(members.begin(), members.end(), self)) return Share();
  return without_exceptions(
             [&] { return Result<Share>(options_.allocation(self, topic_queues, members)); })
      .with_context("dealing out queues");
}

bool GroupMember::take_over(const std::string& topic, const Queues& queues,
                            const Queues& topic_queues) {
  Queues ours = queues;
  const std::int64_t asked_ms = core_.clock().now_ms();
  if (needs_locks()) {
    const std::set<MessageQueue> held = requests_.lock(queues).held;
    // The last holder of the others has not given them up.
    std::erase_if(ours, [&](const MessageQueue& queue) { return !held.contains(queue); });
  }
  Starts starts{.topic = topic, .queues = ours, .topic_queues = topic_queues};
  find_starts(starts);
  Queues unlocked;
  std::size_t taken = 0;
  for (const MessageQueue& queue : ours) {
    const auto start = starts.known.find(queue);
    if (start == starts.known.end()) {
      if (needs_locks()) unlocked.push_back(queue);
      continue;
    }
    MutexLock lock(mutex_);
    const auto consumer = consumers_.find(queue.topic);
    if (consumer == consumers_.end()) return false;
    const auto work = std::make_shared<Work>(queue, ++last_work_, start->second);
    if (needs_locks()) work->locked_ms = asked_ms;
    if (!consumer->second->assign(queue, StartPosition::offset(start->second), work->id).ok())
      continue;
    works_[queue] = work;
    ++taken;
  }
  requests_.unlock(unlocked);
  const bool all_written =
      std::none_of(topic_queues.begin(), topic_queues.end(),
                   [&](const MessageQueue& queue) { return unwritten_starts_.contains(queue); });
  return taken == queues.size() && all_written;
}

void GroupMember::find_starts(Starts& starts) {
  Queues without;
  for (const MessageQueue& queue : starts.queues) {
    if (starts.silent.contains(queue.broker)) continue;
    const auto written = written_offset(queue);
    if (!is_known(queue, written.status(), starts)) continue;
    if (*written)
      begin_in(queue, **written, starts);
    else
      without.push_back(queue);
  }
  if (options_.from.kind == StartPosition::Kind::kLatest && starts.topic != retry_topic_) {
    if (!without.empty()) find_latest(without, starts);
    return write_first_offsets(starts);
  }
  for (const MessageQueue& queue : without) {
    if (starts.silent.contains(queue.broker)) continue;
    const auto first = first_offset(queue);
    if (is_known(queue, first.status(), starts)) starts.known[queue] = *first;
  }
}

bool GroupMember::is_known(const MessageQueue& queue, const Status& answer, Starts& starts) const {
  if (answer.ok()) return true;
  log_unknown_start(queue, answer.error());
  starts.silent.insert(queue.broker);
  return false;
}

void GroupMember::begin_in(const MessageQueue& queue, std::int64_t offset, Starts& starts) {
  unwritten_starts_.erase(queue);
  without_offset_ms_.erase(queue);
  if (std::find(starts.queues.begin(), starts.queues.end(), queue) != starts.queues.end())
    starts.known[queue] = offset;
}

void GroupMember::log_unknown_start(const MessageQueue& queue, const Error& error) const {
  LogLimit::of_process().log(
      LogLevel::kWarn, "rocketmq", "start of " + options_.group + " in " + queue.to_string(),
      error.with_context("where group '" + options_.group + "' begins in " + queue.to_string())
          .message);
}

Result<std::optional<std::int64_t>> GroupMember::written_offset(const MessageQueue& queue) {
  if (!options_.broadcasting) return admin_.group_offset(options_.group, queue);
  MutexLock lock(mutex_);
  const auto known = local_offsets_.find(queue);
  return known == local_offsets_.end() ? std::optional<std::int64_t>()
                                       : std::optional(known->second);
}

// `latest` is where the group begins, once for all queues of the topic: the end of each is written
// before anything is read, so that a member that fails leaves no message out. A queue without an
// offset in a topic that has others is a new one: everything in it came later.
void GroupMember::find_latest(const Queues& without, Starts& starts) {
  const std::optional<bool> begun = has_begun(starts);
  if (!begun) return;
  if (!*begun) {
    for (const MessageQueue& queue : starts.topic_queues) {
      if (unwritten_starts_.contains(queue) || starts.silent.contains(queue.broker)) continue;
      const auto end = admin_.max_offset(queue);
      if (is_known(queue, end.status(), starts)) unwritten_starts_[queue] = *end;
    }
    return;
  }
  const std::int64_t now_ms = core_.clock().now_ms();
  // A member that began together with us may be about to write it.
  const std::int64_t patience_ms =
      core_.options().call_timeout_ms + core_.options().connect_timeout_ms;
  for (const MessageQueue& queue : without) {
    if (unwritten_starts_.contains(queue) || starts.silent.contains(queue.broker)) continue;
    const std::int64_t since_ms = without_offset_ms_.try_emplace(queue, now_ms).first->second;
    if (!options_.broadcasting && now_ms - since_ms < patience_ms) continue;
    const auto first = admin_.min_offset(queue);
    if (is_known(queue, first.status(), starts)) unwritten_starts_[queue] = *first;
  }
}

std::optional<bool> GroupMember::has_begun(Starts& starts) {
  for (const MessageQueue& queue : starts.topic_queues) {
    if (starts.silent.contains(queue.broker)) continue;
    const auto written = written_offset(queue);
    if (is_known(queue, written.status(), starts) && *written) return true;
  }
  if (!starts.silent.empty()) return std::nullopt;
  return false;
}

// Those of the whole topic: what is refused is written later, before somebody takes it for new.
void GroupMember::write_first_offsets(Starts& starts) {
  const QueueOffsets wanted = unwritten_starts_;
  std::vector<GroupOffset> offsets;
  for (const auto& [queue, offset] : wanted) {
    const Queues& all = starts.topic_queues;
    if (!std::binary_search(all.begin(), all.end(), queue)) continue;
    if (starts.silent.contains(queue.broker)) continue;
    const auto written = written_offset(queue);
    if (!is_known(queue, written.status(), starts)) continue;
    if (*written)
      begin_in(queue, **written, starts);  // by another member, meanwhile
    else
      offsets.push_back({queue, offset});
  }
  if (offsets.empty()) return;
  std::vector<Status> written;
  if (options_.broadcasting) {
    {
      MutexLock lock(mutex_);
      for (const GroupOffset& each : offsets) local_offsets_[each.queue] = each.offset;
    }
    written.assign(offsets.size(), write_local_offsets());
  } else {
    written = requests_.write_offsets(offsets);
  }
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    // Brokers 5.x know the group of given queues by its first pull only.
    const bool unknown_group =
        !is_balanced() && !written[i].ok() && written[i].error().code == ErrorCode::kNotFound;
    if (written[i].ok() || unknown_group)
      begin_in(offsets[i].queue, offsets[i].offset, starts);
    else
      log_unknown_start(offsets[i].queue, written[i].error());
  }
}

Result<std::int64_t> GroupMember::first_offset(const MessageQueue& queue) {
  const bool timestamp = options_.from.kind == StartPosition::Kind::kTimestamp;
  if (!timestamp || queue.topic == retry_topic_) return admin_.min_offset(queue);
  return admin_.offset_at(queue, options_.from.value);
}

// What the listener has now is finished, but no more is begun. The poller may have begun anew with a
// queue since it was looked at.
bool GroupMember::give_up(const Queues& queues) {
  if (queues.empty()) return false;
  {
    MutexLock lock(mutex_);
    for (const MessageQueue& queue : queues) {
      const auto work = works_.find(queue);
      if (work == works_.end()) continue;
      work->second->dropped = true;
      const auto consumer = consumers_.find(queue.topic);
      if (consumer != consumers_.end()) consumer->second->unassign(queue);
    }
  }
  return finish_leaving();
}

// Of a locked queue the next member must see the offset of what our listener still had.
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

void GroupMember::renew_locks_when_due() {
  if (!needs_locks() || core_.clock().now_ms() < next_lock_ms_) return;
  renew_locks();
  next_lock_ms_ = core_.clock().now_ms() + options_.lock_interval_ms;
}

void GroupMember::renew_locks() {
  std::vector<MessageQueue> queues;
  {
    MutexLock lock(mutex_);
    for (const auto& [queue, work] : works_) {
      if (!work->dropped || work->busy) queues.push_back(queue);
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
bool GroupMember::replace_failed_consumers() {
  std::set<std::string> failed;
  Queues queues;
  {
    MutexLock lock(mutex_);
    failed = std::exchange(failed_topics_, {});
    if (failed.empty()) return false;
    for (const auto& [queue, work] : works_) {
      if (failed.contains(queue.topic) && !work->dropped) queues.push_back(queue);
    }
  }
  give_up(queues);  // balanced soon in any case
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
  return true;
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
    const auto [write, first] = writes_.try_emplace(work->queue);
    if (!first) {
      write->second = work;
      return;
    }
    offset = work->committed = *wanted;
  }
  core_.loop().post([self = shared_from_this(), work, offset] {
    self->core_.write_group_offset(
        self->options_.group, work->queue, offset,
        [self, work](const Status& status) { self->commit_ended(work, status); });
  });
}

// Also what was written before: that may have failed.
std::vector<Status> GroupMember::commit_now(const std::vector<WorkPtr>& works) {
  if (works.empty()) return {};
  std::vector<GroupOffset> offsets;
  const bool open = core_.loop().run_and_wait([] {});  // else nothing under way is answered
  {
    MutexLock lock(mutex_);
    if (open) await_writes(works);
    for (const WorkPtr& work : works) {
      const auto wanted = offset_to_write(*work);
      if (!wanted) continue;
      work->committed = *wanted;
      writes_[work->queue] = nullptr;
      offsets.push_back({work->queue, *wanted});
    }
  }
  if (options_.broadcasting) return std::vector<Status>(works.size(), write_local_offsets());
  std::vector<Status> written = requests_.write_offsets(offsets);
  for (std::size_t i = 0; i < works.size(); ++i) commit_ended(works[i], written[i]);
  return written;
}

// Writes of one queue that are under way together may arrive in any order.
void GroupMember::await_writes(const std::vector<WorkPtr>& works) {
  const Clock& clock = core_.clock();
  const std::int64_t deadline_ms =
      clock.now_ms() + core_.options().call_timeout_ms + core_.options().connect_timeout_ms;
  for (const WorkPtr& work : works) {
    while (writes_.contains(work->queue) && clock.now_ms() < deadline_ms)
      balance_changed_.wait_for_ms(mutex_, deadline_ms - clock.now_ms());
  }
}

void GroupMember::commit_ended(const WorkPtr& work, const Status& status) {
  WorkPtr next;
  {
    MutexLock lock(mutex_);
    if (!status.ok()) work->committed = -1;
    const auto write = writes_.find(work->queue);
    if (write != writes_.end()) {
      next = std::move(write->second);
      writes_.erase(write);
    }
    balance_changed_.notify_all();
  }
  if (next) commit(next);
  if (status.ok()) return;
  LogLimit::of_process().log(LogLevel::kWarn, "rocketmq",
                             "offsets of " + options_.group + " in " + work->queue.to_string(),
                             "writing the offset of group '" + options_.group + "' in " +
                                 work->queue.to_string() + ": " + status.error().message);
}

}  // namespace slipstream::rocketmq::internal
