// One member of a consumer group: who reads what, and what the listener is given.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/group_consumer.h"

#include "base/mutex.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/group_requests.h"
#include "rocketmq/client/offset_file.h"
#include "rocketmq/client/process_queue.h"
#include "rocketmq/client/trace_sender.h"

namespace slipstream::rocketmq::internal {

// What a member that is polled has instead of a listener.
struct PolledMember {
  std::vector<MessageQueue> queues{};  // empty: those that the group deals out
  bool auto_commit = true;
};

// How long the broker's confirmation of a lock is trusted; brokers forget a lock after 60 s.
constexpr std::int64_t kLockHeldMs = 30'000;

// Four kinds of threads. The balancing thread asks brokers and decides which queues are ours. It may
// block: a broker that does not answer holds up the balance of this member's group, for the client's
// timeouts in each round; no other group, no listener and no pull waits for it. The fetching thread
// decodes frames, also while all listeners are busy, and pauses full queues; a polled member's caller
// does that. Worker threads call the listener. The loop only wakes them.
//
// Owner:  the GroupConsumer, shared with the balancing thread and callbacks under way.
// Thread: start() and close() any; the rest as grouped below.
class GroupMember : public std::enable_shared_from_this<GroupMember> {
 public:
  GroupMember(Client& client, GroupConsumerOptions options, GroupConsumer::Listener listener,
              std::int64_t lock_held_ms = kLockHeldMs);
  GroupMember(Client& client, GroupConsumerOptions options, PolledMember polled);

  ~GroupMember();
  GroupMember(const GroupMember&) = delete;
  GroupMember& operator=(const GroupMember&) = delete;

  Status start();
  // On a thread of the member's own it does not wait for the end.
  void close();
  std::vector<MessageQueue> assigned() const;
  void set_suspended(bool suspended);
  std::uint64_t dropped_traces() const { return tracer_ ? tracer_->dropped() : 0; }

  // --- polled members; one thread ---
  Result<std::vector<ReceivedMessage>> poll(std::int64_t timeout_ms);
  Status seek(const MessageQueue& queue, std::int64_t offset);
  Status commit_polled();
  void hold(const MessageQueue& queue, bool held);

 private:
  struct Work {
    Work(MessageQueue of, std::uint64_t number, std::int64_t offset)
        : queue(std::move(of)), id(number), messages(offset), committed(-1) {}
    const MessageQueue queue;
    const std::uint64_t id;
    ProcessQueue messages;
    std::int64_t committed;                  // what was written last
    bool ready = false;                      // in ready_
    bool busy = false;                       // orderly: the listener has messages of it
    bool suspended = false;                  // orderly: a message comes again later
    bool paused = false;                     // not pulled
    bool dropped = false;                    // not ours any more
    bool held = false;                       // polled: not given out
    std::int64_t unreadable_at = -1;         // the first unreadable message of the frame before
    int read_again = 0;                      // for it
    int running = 0;                         // calls of the listener
    std::optional<std::int64_t> reset_to{};  // dropped, and goes on here: an operator asked
    std::int64_t locked_ms = -1;  // orderly: when the lock that is held was asked for; or -1
  };
  using WorkPtr = std::shared_ptr<Work>;
  using Batch = std::vector<ReceivedMessage>;
  struct Polled {
    WorkPtr work;
    std::vector<std::pair<std::int64_t, std::size_t>> offsets;  // with the bytes of their bodies
  };

  // --- start and end ---
  Status check_options() const;
  // Else its queues are given, and brokers do not know it as a member.
  bool is_balanced() const { return !polled_member_ || polled_member_->queues.empty(); }
  bool reads_retry_topic() const { return !options_.broadcasting && !polled_member_; }
  void finish_polled();
  Status check_filters();
  void join();
  void listen();
  Status start_threads();
  // Balancing thread, as the last thing that it does; start(), when there is no such thread.
  void finish();
  void wait_for_send_backs();

  // --- balancing thread ---
  void balance_loop();
  // False: look again soon.
  bool balance_all();
  bool balance(const std::string& topic);
  using Queues = std::vector<MessageQueue>;
  // Queues of the topic that may be read; sorted.
  Result<Queues> queues_of(const std::string& topic);
  // Nothing: the broker does not list this member yet.
  Result<std::optional<Queues>> share_of(const std::string& topic, const Queues& topic_queues);
  bool take_over(const std::string& topic, const Queues& queues, const Queues& topic_queues);
  // Where reading begins; without those for which that is not known now.
  struct Starts {
    const std::string& topic;
    const Queues& queues;
    const Queues& topic_queues;
    QueueOffsets known{};
    std::set<std::string> silent{};  // brokers; each is waited for once
  };
  void find_starts(Starts& starts);
  bool is_known(const MessageQueue& queue, const Status& answer, Starts& starts) const;
  void begin_in(const MessageQueue& queue, std::int64_t offset, Starts& starts);
  Result<std::optional<std::int64_t>> written_offset(const MessageQueue& queue);
  void find_latest(const Queues& without, Starts& starts);
  // Nothing: a broker that may know did not answer.
  std::optional<bool> has_begun(Starts& starts);
  void write_first_offsets(Starts& starts);
  Result<std::int64_t> first_offset(const MessageQueue& queue);
  void log_unknown_start(const MessageQueue& queue, const Error& error) const;
  // True, for both: a queue went away, and may be somebody's now.
  bool give_up(const Queues& queues);
  bool finish_leaving();
  bool finish_resets(const std::vector<WorkPtr>& works);
  void renew_locks_when_due();
  void renew_locks();
  void apply_resets();
  // True: there were such; their queues are to be taken over anew.
  bool replace_failed_consumers();
  void commit_all();
  Status write_local_offsets();
  // Does not wait; behind the write of the queue that is under way.
  void commit(const WorkPtr& work);
  // All at once, and waits; how each went, in their order.
  std::vector<Status> commit_now(const std::vector<WorkPtr>& works);
  void await_writes(const std::vector<WorkPtr>& works) SLIPSTREAM_REQUIRES(mutex_);
  void commit_ended(const WorkPtr& work, const Status& status);
  // What is written; broadcasting: nothing, it is kept here.
  std::optional<std::int64_t> offset_to_write(Work& work) SLIPSTREAM_REQUIRES(mutex_);
  std::vector<WorkPtr> all_works() const;
  std::unique_ptr<Consumer> make_consumer(const GroupSubscription& subscription);

  // --- fetching thread ---
  void fetch_loop();
  void fetch();
  // False: nothing is ready.
  bool fetch_one(const std::string& topic, Consumer& consumer);
  void add(const PulledFrame& frame, DecodedFrame decoded, Consumer& consumer);
  // Where to pull anew; nothing: go on behind the frame.
  std::optional<std::int64_t> keep_readable(Work& work, DecodedFrame& decoded)
      SLIPSTREAM_REQUIRES(mutex_);

  // --- worker threads ---
  void work_loop();
  WorkPtr next_ready() SLIPSTREAM_REQUIRES(mutex_);
  void deliver(const WorkPtr& work, Batch batch);
  ConsumeResult call_listener(Delivery& delivery);
  void finish_concurrent(const WorkPtr& work, Batch batch, const Delivery& delivery,
                         ConsumeResult result);
  void finish_orderly(const WorkPtr& work, Batch batch, const Delivery& delivery,
                      ConsumeResult result);
  void send_back(const WorkPtr& work, ReceivedMessage message, std::int32_t delay_level);
  void bury(const WorkPtr& work, Batch dead, Batch again, std::int64_t suspend_ms);
  void give_again(const WorkPtr& work, Batch batch, std::int64_t delay_ms);
  void done(const WorkPtr& work, const Batch& batch);

  // --- under the mutex ---
  void make_ready(const WorkPtr& work) SLIPSTREAM_REQUIRES(mutex_);
  bool runnable(const Work& work) const SLIPSTREAM_REQUIRES(mutex_);
  void resume_when_roomy(Work& work) SLIPSTREAM_REQUIRES(mutex_);
  // Orderly: the listener and the broker are done with a batch; `again` comes again.
  void end_turn(const WorkPtr& work, Batch again, std::int64_t suspend_ms)
      SLIPSTREAM_REQUIRES(mutex_);
  bool needs_locks() const { return options_.orderly && !options_.broadcasting; }
  std::int32_t reconsume_times_max() const;

  ClientCore& core_;
  Client& client_;
  const GroupConsumerOptions options_;
  const GroupConsumer::Listener listener_;
  const std::optional<PolledMember> polled_member_;  // nothing: there is a listener
  const std::int64_t lock_held_ms_ = kLockHeldMs;
  const std::string retry_topic_;
  GroupRequests requests_;
  Admin admin_;
  const std::shared_ptr<TraceSender> tracer_;  // null: traces are off

  // loop
  std::vector<std::uint64_t> memberships_;
  std::vector<std::uint64_t> request_listeners_;

  mutable Mutex mutex_;
  Condition work_changed_;
  Condition frames_changed_;
  Condition balance_changed_;
  std::map<MessageQueue, WorkPtr> works_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::deque<WorkPtr> ready_ SLIPSTREAM_GUARDED_BY(mutex_);
  // Offsets that are being written, one for each queue, and whose is written then; or null.
  std::map<MessageQueue, WorkPtr> writes_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::uint64_t last_work_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::shared_ptr<Consumer>> consumers_
      SLIPSTREAM_GUARDED_BY(mutex_);  // by topic
  std::set<std::string> failed_topics_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::optional<Polled> polled_ SLIPSTREAM_GUARDED_BY(mutex_);  // not handled before the next poll
  std::vector<GroupOffset> resets_ SLIPSTREAM_GUARDED_BY(mutex_);
  QueueOffsets local_offsets_ SLIPSTREAM_GUARDED_BY(mutex_);  // broadcasting
  bool frames_ready_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool balance_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = true;
  bool leaving_ SLIPSTREAM_GUARDED_BY(mutex_) = false;  // a dropped queue became free
  bool suspended_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool closing_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool client_closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::size_t send_backs_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // under way

  std::int64_t next_lock_ms_ = 0;                           // balancing thread
  int retry_topic_tries_ = 0;                               // balancing thread
  QueueOffsets unwritten_starts_;                           // balancing thread
  std::map<MessageQueue, std::int64_t> without_offset_ms_;  // since when; balancing thread
  QueueOffsets written_offsets_;                            // balancing thread
  Mutex close_mutex_;                                       // one waits for the balancing thread
  std::thread balancer_;
  std::thread fetcher_;
  std::vector<std::thread> workers_;
};

}  // namespace slipstream::rocketmq::internal
