#include "rocketmq/client/group_member.h"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/thread.h"
#include "base/thrown.h"
#include "base/try.h"
#include "rocketmq/client/delivery_trace.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kGiveAgainMs = 5'000;  // what could not be sent back
constexpr int kFramesAtOnce = 16;             // of each topic
constexpr int kReadAgainMax = 2;              // of what is unreadable
constexpr std::int32_t kReconsumeTimesMax = 16;
constexpr std::int64_t kSuspendMinMs = 10;
constexpr std::int64_t kSuspendMaxMs = 30'000;

std::string from_where(const StartPosition& from) {
  switch (from.kind) {
    case StartPosition::Kind::kEarliest:
      return "CONSUME_FROM_FIRST_OFFSET";
    case StartPosition::Kind::kTimestamp:
      return "CONSUME_FROM_TIMESTAMP";
    default:
      return "CONSUME_FROM_LAST_OFFSET";
  }
}

// A message of the retry topic is the one that was sent: it names its topic.
void restore_topic(ReceivedMessage& message) {
  if (const auto topic = message.property(property::kRetryTopic))
    message.topic = std::string(*topic);
}

std::int64_t keep_below(DecodedFrame& decoded, std::int64_t offset) {
  std::erase_if(decoded.messages,
                [&](const ReceivedMessage& message) { return message.queue_offset >= offset; });
  return offset;
}

thread_local const GroupMember* member_of_thread = nullptr;  // that this thread belongs to

Error invalid(const std::string& what) { return Error{ErrorCode::kInvalidArgument, what}; }

}  // namespace

GroupMember::GroupMember(Client& client, GroupConsumerOptions options,
                         GroupConsumer::Listener listener, std::int64_t lock_held_ms)
    : core_(core_of(client)),
      client_(client),
      options_(std::move(options)),
      listener_(std::move(listener)),
      lock_held_ms_(lock_held_ms),
      retry_topic_("%RETRY%" + options_.group),
      requests_(core_, options_.group),
      admin_(client),
      tracer_(TraceSender::make(client, options_.group, "CONSUME", options_.trace)) {}

GroupMember::GroupMember(Client& client, GroupConsumerOptions options, PolledMember polled)
    : core_(core_of(client)),
      client_(client),
      options_(std::move(options)),
      polled_member_(std::move(polled)),
      retry_topic_("%RETRY%" + options_.group),
      requests_(core_, options_.group),
      admin_(client) {}

// --- start and end ---

Status GroupMember::check_options() const {
  TRY(validate_group(options_.group));
  if (!listener_ && !polled_member_) return invalid("a group consumer needs a listener");
  if (options_.subscriptions.empty()) return invalid("a group consumer needs a topic");
  std::set<std::string> topics;
  for (const GroupSubscription& each : options_.subscriptions) {
    TRY(validate_topic(each.topic));
    if (!topics.insert(each.topic).second)
      return invalid("topic '" + each.topic + "' is subscribed to twice");
  }
  if (options_.from.kind == StartPosition::Kind::kOffset)
    return invalid("a group begins at the earliest or latest message or at a time, not at offsets");
  if (options_.broadcasting && options_.offset_file.empty())
    return invalid("a broadcasting member needs a file for its offsets (offset_file)");
  if (options_.threads < 1 || options_.threads > 1'000)
    return invalid(std::to_string(options_.threads) + " threads; allowed are 1 to 1000");
  if (options_.cached_messages_max < 1 || options_.cached_bytes_max < 1)
    return invalid("cached_messages_max and cached_bytes_max must be at least 1");
  if (options_.commit_interval_ms < 1 || options_.rebalance_interval_ms < 1 ||
      options_.lock_interval_ms < 1)
    return invalid("an interval of a group consumer is below 1 ms");
  if (options_.lock_interval_ms >= kLockHeldMs)
    return invalid("lock_interval_ms must be below " + std::to_string(kLockHeldMs));
  if (!options_.allocation) return invalid("a group consumer needs an allocation");
  return {};
}

Status GroupMember::check_filters() {
  for (const GroupSubscription& each : options_.subscriptions) {
    if (!each.sql.empty()) TRY(admin_.check_filter(each.topic, options_.group, each.sql));
  }
  return {};
}

Status GroupMember::start() {
  TRY(check_options());
  TRY(check_filters());
  if (options_.broadcasting) {
    MutexLock lock(mutex_);
    TRY_ASSIGN(local_offsets_, read_offset_file(options_.offset_file));
  }
  bool taken = false;
  core_.loop().run_and_wait([&] {
    taken = is_balanced() && core_.memberships().has_balanced_member(options_.group);
    if (!taken && is_balanced()) join();
  });
  if (taken) {
    return Error{ErrorCode::kAlreadyExists,
                 "this client is a member of group '" + options_.group +
                     "' already; a second member needs a Client of its own"};
  }
  std::vector<GroupSubscription> all = options_.subscriptions;
  if (reads_retry_topic()) all.push_back({.topic = retry_topic_});
  {
    MutexLock lock(mutex_);
    for (const GroupSubscription& each : all) consumers_[each.topic] = make_consumer(each);
  }
  Status started = start_threads();
  if (!started.ok()) {
    close();
    finish();
  }
  return started;
}

Status GroupMember::start_threads() {
  if (!polled_member_) {
    TRY_ASSIGN(fetcher_, make_thread([this] {
                 ::pthread_setname_np(::pthread_self(), "mq-fetch");
                 fetch_loop();
               }));
  }
  for (int i = 0; !polled_member_ && i < options_.threads; ++i) {
    TRY_ASSIGN(std::thread worker, make_thread([this] {
                 ::pthread_setname_np(::pthread_self(), "mq-consume");
                 member_of_thread = this;
                 work_loop();
               }));
    workers_.push_back(std::move(worker));
  }
  TRY_ASSIGN(balancer_, make_thread([self = shared_from_this()] {
               ::pthread_setname_np(::pthread_self(), "mq-balance");
               member_of_thread = self.get();
               self->balance_loop();
               self->finish();
             }));
  return {};
}

// Thread: loop.
void GroupMember::join() {
  const MemberKind kind{.balanced = true,
                        .pushed = !polled_member_,
                        .broadcasting = options_.broadcasting,
                        .from_where = from_where(options_.from)};
  listen();
  std::vector<Subscription> subscriptions;
  for (const GroupSubscription& each : options_.subscriptions) {
    const bool sql = !each.sql.empty();
    subscriptions.push_back({each.topic, sql ? each.sql : each.tags, sql, 0});
  }
  if (reads_retry_topic()) subscriptions.push_back({retry_topic_, "*", false, 0});
  memberships_ = core_.memberships().join_all(options_.group, std::move(subscriptions), kind);
}

void GroupMember::listen() {
  request_listeners_.push_back(
      core_.listen(RequestCode::kNotifyConsumerIdsChanged,
                   [weak = weak_from_this()](const std::string&,
                                             const Answer& request) -> std::optional<Command> {
                     const auto self = weak.lock();
                     if (!self || request.header.ext.find("consumerGroup") != self->options_.group)
                       return std::nullopt;
                     MutexLock lock(self->mutex_);
                     self->balance_wanted_ = true;
                     self->balance_changed_.notify_all();
                     return make_answer(request.header, response_code::kSuccess);
                   }));
  request_listeners_.push_back(
      core_.listen(RequestCode::kResetConsumerClientOffset,
                   [weak = weak_from_this()](const std::string&,
                                             const Answer& request) -> std::optional<Command> {
                     const auto self = weak.lock();
                     if (!self || request.header.ext.find("group") != self->options_.group)
                       return std::nullopt;
                     auto offsets = parse_offset_reset(request.body());
                     if (!offsets.ok()) return std::nullopt;
                     MutexLock lock(self->mutex_);
                     for (auto& [queue, offset] : *offsets)
                       self->resets_.push_back({queue, offset});
                     self->balance_changed_.notify_all();
                     return make_answer(request.header, response_code::kSuccess);
                   }));
}

GroupMember::~GroupMember() {
  // It was closed by a thread of its own, and this is that or the balancing thread.
  if (balancer_.joinable()) balancer_.detach();
}

void GroupMember::close() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    balance_changed_.notify_all();
    work_changed_.notify_all();
    frames_changed_.notify_all();
  }
  if (member_of_thread == this) return;  // which the balancing thread waits for
  MutexLock lock(close_mutex_);
  if (balancer_.joinable()) balancer_.join();
}

void GroupMember::finish() {
  if (fetcher_.joinable()) fetcher_.join();
  for (std::thread& worker : workers_) worker.join();
  wait_for_send_backs();
  // A reset that was answered is kept.
  core_.loop().run_and_wait([this] {
    for (const std::uint64_t id : std::exchange(request_listeners_, {})) core_.forget_requests(id);
  });
  apply_resets();
  std::vector<WorkPtr> works = all_works();
  if (polled_member_ && !polled_member_->auto_commit)
    std::erase_if(works, [](const WorkPtr& work) { return !work->reset_to; });
  static_cast<void>(commit_now(works));  // failures are logged
  std::vector<MessageQueue> queues;
  std::map<std::string, std::shared_ptr<Consumer>> consumers;
  {
    MutexLock lock(mutex_);
    for (const auto& [queue, work] : works_) queues.push_back(queue);
    works_.clear();
    ready_.clear();
    consumers = std::exchange(consumers_, {});
  }
  consumers.clear();
  if (tracer_) tracer_->close();
  if (needs_locks()) requests_.unlock(queues);
  core_.loop().run_and_wait([this] {
    for (const std::uint64_t id : std::exchange(memberships_, {})) core_.memberships().leave(id);
  });
}

void GroupMember::wait_for_send_backs() {
  if (!core_.loop().run_and_wait([] {})) return;  // the client was closed: nothing is answered
  const std::int64_t deadline_ms =
      core_.clock().now_ms() + core_.options().call_timeout_ms + core_.options().connect_timeout_ms;
  MutexLock lock(mutex_);
  while (send_backs_ > 0 && core_.clock().now_ms() < deadline_ms)
    work_changed_.wait_for_ms(mutex_, deadline_ms - core_.clock().now_ms());
}

std::vector<MessageQueue> GroupMember::assigned() const {
  std::vector<MessageQueue> queues;
  MutexLock lock(mutex_);
  for (const auto& [queue, work] : works_) {
    if (!work->dropped) queues.push_back(queue);
  }
  return queues;
}

void GroupMember::set_suspended(bool suspended) {
  MutexLock lock(mutex_);
  suspended_ = suspended;
  work_changed_.notify_all();
}

// --- worker threads ---

void GroupMember::work_loop() {
  while (true) {
    WorkPtr work;
    Batch batch;
    {
      MutexLock lock(mutex_);
      while (true) {
        if (closing_) return;
        work = suspended_ ? nullptr : next_ready();
        if (work) break;
        work_changed_.wait(mutex_);
      }
      batch = work->messages.take(options_.batch_max);
      ++work->running;
      work->busy = options_.orderly;
      if (!options_.orderly) make_ready(work);
    }
    deliver(work, std::move(batch));
    MutexLock lock(mutex_);
    if (--work->running > 0 || !work->reset_to) continue;
    leaving_ = true;
    balance_changed_.notify_all();
  }
}

void GroupMember::fetch_loop() {
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!closing_ && !frames_ready_) frames_changed_.wait(mutex_);
      if (closing_) return;
      frames_ready_ = false;
    }
    fetch();
  }
}

bool GroupMember::runnable(const Work& work) const {
  if (work.dropped || work.held || work.busy || work.suspended || !work.messages.has_waiting())
    return false;
  return !needs_locks() ||
         (work.locked_ms >= 0 && core_.clock().now_ms() - work.locked_ms < lock_held_ms_);
}

void GroupMember::make_ready(const WorkPtr& work) {
  if (work->ready || !runnable(*work)) return;
  work->ready = true;
  ready_.push_back(work);
  work_changed_.notify_one();
}

GroupMember::WorkPtr GroupMember::next_ready() {
  while (!ready_.empty()) {
    WorkPtr work = std::move(ready_.front());
    ready_.pop_front();
    work->ready = false;
    if (runnable(*work)) return work;
  }
  return nullptr;
}

void GroupMember::fetch() {
  std::map<std::string, std::shared_ptr<Consumer>> consumers;
  {
    MutexLock lock(mutex_);
    consumers = consumers_;
  }
  bool more = true;
  for (int frames = 0; more && frames < kFramesAtOnce; ++frames) {
    more = false;
    for (const auto& [topic, consumer] : consumers) more = fetch_one(topic, *consumer) || more;
  }
  MutexLock lock(mutex_);
  if (more) frames_ready_ = true;
}

bool GroupMember::fetch_one(const std::string& topic, Consumer& consumer) {
  const auto frame = consumer.poll();
  if (!frame.ok()) {
    if (frame.error().code == ErrorCode::kCancelled) {
      MutexLock lock(mutex_);
      client_closed_ = true;
      return false;
    }
    LogLimit::of_process().log(LogLevel::kError, "rocketmq", "group " + options_.group,
                               "group '" + options_.group + "' begins anew with topic '" + topic +
                                   "': " + frame.error().message);
    MutexLock lock(mutex_);
    failed_topics_.insert(topic);
    balance_changed_.notify_all();
    return false;
  }
  if (!frame->has_value()) return false;
  DecodedFrame decoded = consumer.decode_readable(**frame);
  for (ReceivedMessage& message : decoded.messages) restore_topic(message);
  add(**frame, std::move(decoded), consumer);
  return true;
}

void GroupMember::add(const PulledFrame& frame, DecodedFrame decoded, Consumer& consumer) {
  MutexLock lock(mutex_);
  const auto found = works_.find(*frame.queue);
  if (found == works_.end()) return;
  const WorkPtr& work = found->second;
  if (work->id != frame.tag || work->dropped) return;
  const std::optional<std::int64_t> again_from = keep_readable(*work, decoded);
  work->messages.add(std::move(decoded.messages), again_from.value_or(frame.next_offset));
  const bool full = work->messages.count() >= options_.cached_messages_max ||
                    work->messages.bytes() >= options_.cached_bytes_max;
  const bool paused = full || work->paused;
  if (again_from) {
    consumer.unassign(work->queue);
    // It fails when the client was closed.
    static_cast<void>(consumer.assign(work->queue, StartPosition::offset(*again_from), work->id));
  }
  if (paused && (again_from || !work->paused)) consumer.pause(work->queue);
  work->paused = paused;
  make_ready(work);
}

// What was damaged on the way is whole the next time. What stays so is passed over, and nothing else.
std::optional<std::int64_t> GroupMember::keep_readable(Work& work, DecodedFrame& decoded) {
  if (decoded.unreadable.empty()) return std::nullopt;
  const std::int64_t first = decoded.unreadable.front().offset;
  if (std::exchange(work.unreadable_at, first) != first) work.read_again = 0;
  if (++work.read_again <= kReadAgainMax) return keep_below(decoded, first);
  log(LogLevel::kError, "rocketmq",
      "group '" + options_.group +
          "' passes over a message: " + decoded.unreadable.front().error.message);
  work.unreadable_at = -1;
  // The next one may have been damaged only this time.
  if (decoded.unreadable.size() > 1) return keep_below(decoded, decoded.unreadable[1].offset);
  if (decoded.whole) return std::nullopt;
  return first + 1;
}

void GroupMember::deliver(const WorkPtr& work, Batch batch) {
  Delivery delivery{.queue = work->queue, .messages = batch};
  const ConsumeResult result = call_listener(delivery);
  if (options_.orderly)
    finish_orderly(work, std::move(batch), delivery, result);
  else
    finish_concurrent(work, std::move(batch), delivery, result);
}

ConsumeResult GroupMember::call_listener(Delivery& delivery) {
  std::optional<DeliveryTrace> trace;
  if (tracer_) trace.emplace(*tracer_, core_.clock(), options_.group, delivery.messages);
  try {
    const ConsumeResult result = listener_(delivery);
    if (trace) trace->returned(delivery, result);
    return result;
  } catch (...) {
    log(LogLevel::kError, "rocketmq",
        "the listener of group '" + options_.group + "' " + error_of_exception().message);
    if (trace) trace->threw();
    return ConsumeResult::kLater;
  }
}

std::int32_t GroupMember::reconsume_times_max() const {
  return options_.reconsume_times_max < 0 ? kReconsumeTimesMax : options_.reconsume_times_max;
}

void GroupMember::finish_concurrent(const WorkPtr& work, Batch batch, const Delivery& delivery,
                                    ConsumeResult result) {
  std::size_t kept = 0;
  if (result == ConsumeResult::kSuccess) kept = std::min(delivery.done_count, batch.size());
  if (options_.broadcasting && kept < batch.size()) {
    log(LogLevel::kWarn, "rocketmq",
        "message " + batch[kept].message_id + " of " + work->queue.to_string() +
            " failed in a broadcasting member: it is not given again");
    kept = batch.size();
  }
  Batch later(std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(kept)),
              std::make_move_iterator(batch.end()));
  batch.resize(kept);
  done(work, batch);
  for (ReceivedMessage& message : later) send_back(work, std::move(message), delivery.delay_level);
}

void GroupMember::done(const WorkPtr& work, const Batch& batch) {
  MutexLock lock(mutex_);
  for (const ReceivedMessage& message : batch) work->messages.done(message);
  resume_when_roomy(*work);
}

void GroupMember::resume_when_roomy(Work& work) {
  if (!work.paused || work.dropped) return;
  if (work.messages.count() > options_.cached_messages_max / 2 ||
      work.messages.bytes() > options_.cached_bytes_max / 2)
    return;
  work.paused = false;
  const auto consumer = consumers_.find(work.queue.topic);
  if (consumer != consumers_.end()) consumer->second->resume(work.queue);
}

void GroupMember::send_back(const WorkPtr& work, ReceivedMessage message,
                            std::int32_t delay_level) {
  {
    MutexLock lock(mutex_);
    if (work->dropped) return;  // its next owner gets it
    ++send_backs_;
  }
  SendBack request{.group = options_.group,
                   .physical_offset = message.physical_offset,
                   .delay_level = delay_level,
                   .message_id = message.message_id,
                   .topic = message.topic,
                   .reconsume_times_max = reconsume_times_max(),
                   .broker = {}};
  auto held = std::make_shared<ReceivedMessage>(std::move(message));
  requests_.send_back(
      work->queue, held->store_host, std::move(request),
      [self = shared_from_this(), work, held](const Status& status) {
        {
          MutexLock lock(self->mutex_);
          --self->send_backs_;
          self->work_changed_.notify_all();
          if (status.ok()) {
            work->messages.done(*held);
            return self->resume_when_roomy(*work);
          }
        }
        LogLimit::of_process().log(
            LogLevel::kWarn, "rocketmq", "send back of " + self->options_.group,
            "message " + held->message_id + " of " + work->queue.to_string() +
                " comes again here, since it could not be sent back: " + status.error().message);
        ++held->reconsume_times;
        Batch again;
        again.push_back(std::move(*held));
        self->give_again(work, std::move(again), kGiveAgainMs);
      });
}

void GroupMember::give_again(const WorkPtr& work, Batch batch, std::int64_t delay_ms) {
  auto held = std::make_shared<Batch>(std::move(batch));
  core_.loop().post([self = shared_from_this(), work, held, delay_ms] {
    self->core_.loop().run_after(delay_ms, [weak = self->weak_from_this(), work, held] {
      const auto alive = weak.lock();
      if (!alive) return;
      MutexLock lock(alive->mutex_);
      work->messages.put_back(std::move(*held));
      work->suspended = false;
      alive->make_ready(work);
    });
  });
}

// The listener is done with a batch of a locked queue: the queue goes on, waits, or goes away.
void GroupMember::finish_orderly(const WorkPtr& work, Batch batch, const Delivery& delivery,
                                 ConsumeResult result) {
  const std::int64_t wanted_ms =
      delivery.suspend_ms < 0 ? options_.suspend_ms : delivery.suspend_ms;
  const std::int64_t suspend_ms = std::clamp(wanted_ms, kSuspendMinMs, kSuspendMaxMs);
  if (result == ConsumeResult::kLater && options_.broadcasting) {
    log(LogLevel::kWarn, "rocketmq",
        "message " + batch.front().message_id + " of " + work->queue.to_string() +
            " failed in a broadcasting member: it is not given again");
    result = ConsumeResult::kSuccess;
  }
  if (result == ConsumeResult::kSuccess) {
    done(work, batch);
    MutexLock lock(mutex_);
    return end_turn(work, {}, suspend_ms);
  }
  Batch dead;
  Batch again;
  for (ReceivedMessage& message : batch) {
    const bool last = options_.reconsume_times_max >= 0 &&
                      message.reconsume_times >= options_.reconsume_times_max;
    if (!last) ++message.reconsume_times;
    (last ? dead : again).push_back(std::move(message));
  }
  if (!dead.empty()) return bury(work, std::move(dead), std::move(again), suspend_ms);
  MutexLock lock(mutex_);
  end_turn(work, std::move(again), suspend_ms);
}

// To the dead-letter topic; those that do not get there come again with the others.
void GroupMember::bury(const WorkPtr& work, Batch dead, Batch again, std::int64_t suspend_ms) {
  struct Ending {
    Batch again;
    std::size_t unanswered = 0;
  };
  auto ending = std::make_shared<Ending>(Ending{std::move(again), dead.size()});
  {
    MutexLock lock(mutex_);
    send_backs_ += dead.size();
  }
  for (ReceivedMessage& message : dead) {
    SendBack request{.group = options_.group,
                     .physical_offset = message.physical_offset,
                     .delay_level = -1,
                     .message_id = message.message_id,
                     .topic = message.topic,
                     .reconsume_times_max = options_.reconsume_times_max,
                     .broker = {}};
    auto held = std::make_shared<ReceivedMessage>(std::move(message));
    requests_.send_back(
        work->queue, held->store_host, std::move(request),
        [self = shared_from_this(), work, held, ending, suspend_ms](const Status& status) {
          MutexLock lock(self->mutex_);
          --self->send_backs_;
          self->work_changed_.notify_all();
          if (status.ok())
            work->messages.done(*held);
          else
            ending->again.push_back(std::move(*held));
          if (--ending->unanswered == 0) self->end_turn(work, std::move(ending->again), suspend_ms);
        });
  }
}

void GroupMember::end_turn(const WorkPtr& work, Batch again, std::int64_t suspend_ms) {
  work->busy = false;
  if (!again.empty()) {
    work->suspended = true;
    std::sort(again.begin(), again.end(), [](const auto& left, const auto& right) {
      return left.queue_offset < right.queue_offset;
    });
    give_again(work, std::move(again), suspend_ms);
  }
  if (work->dropped) {
    leaving_ = true;
    balance_changed_.notify_all();
  }
  resume_when_roomy(*work);
  make_ready(work);
}

}  // namespace slipstream::rocketmq::internal

namespace slipstream::rocketmq {

class GroupConsumer::State {
 public:
  explicit State(std::shared_ptr<internal::GroupMember> of) : member(std::move(of)) {}
  const std::shared_ptr<internal::GroupMember> member;
};

Result<std::unique_ptr<GroupConsumer>> GroupConsumer::start(Client& client,
                                                            GroupConsumerOptions options,
                                                            Listener listener) {
  auto member =
      std::make_shared<internal::GroupMember>(client, std::move(options), std::move(listener));
  TRY(member->start());
  return std::unique_ptr<GroupConsumer>(
      new GroupConsumer(std::make_shared<State>(std::move(member))));
}

GroupConsumer::GroupConsumer(std::shared_ptr<State> state) : state_(std::move(state)) {}
GroupConsumer::~GroupConsumer() { close(); }
void GroupConsumer::close() { state_->member->close(); }
std::vector<MessageQueue> GroupConsumer::assigned() const { return state_->member->assigned(); }
void GroupConsumer::suspend() { state_->member->set_suspended(true); }
void GroupConsumer::resume() { state_->member->set_suspended(false); }
std::uint64_t GroupConsumer::dropped_traces() const { return state_->member->dropped_traces(); }

}  // namespace slipstream::rocketmq
