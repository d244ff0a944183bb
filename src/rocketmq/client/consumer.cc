#include "slipstream/rocketmq/consumer.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/try.h"
#include "rocketmq/client/callback.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/queue_reader.h"
#include "rocketmq/client/ready_frames.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"

namespace slipstream::rocketmq {

using internal::ChannelRole;
using internal::ClientCore;
using internal::kParkedPullBytes;
using internal::QueueReader;
using internal::ReaderHost;
using internal::ReadyFrames;
using internal::Route;

namespace {
Error client_closed_error() { return Error{ErrorCode::kCancelled, "the client was closed"}; }
}  // namespace

// Two sides: the readers and byte counts on the loop, the frames and positions under the mutex.
class Consumer::State final : public ReaderHost, public std::enable_shared_from_this<State> {
 public:
  State(ClientCore& core, ConsumerOptions options) : core_(core), options_(std::move(options)) {
    const Status group = validate_group(options_.group);
    if (!group.ok()) failure_ = group.error().with_context("consumer group");
    for (std::string& tag : parse_tag_expression(options_.tags)) tags_.push_back(std::move(tag));
  }

  void end_with_client() {
    listener_ = core_.when_closed([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->client_closed();
    });
  }

  // --- any thread ---

  Status assign(const MessageQueue& queue, StartPosition start, std::uint64_t tag) {
    std::uint64_t id = 0;
    {
      MutexLock lock(mutex_);
      if (client_closed_) return client_closed_error();
      if (by_queue_.contains(queue)) {
        return Error{ErrorCode::kAlreadyExists,
                     "queue " + queue.to_string() + " is already assigned"};
      }
      id = ++last_id_;
      by_queue_.emplace(queue, id);
      QueueProgress& progress = queues_[id].progress;
      progress.queue = queue;
      progress.tag = tag;
    }
    core_.loop().post([self = shared_from_this(), queue, start, tag, id] {
      if (self->closed_) return;
      self->join(queue.topic);
      auto reader =
          std::make_shared<QueueReader>(self->core_, self->options_, *self, id, queue, tag);
      self->readers_.emplace(id, Reading{reader, 0});
      reader->start(start);
    });
    return {};
  }

  void unassign(const MessageQueue& queue) {
    std::uint64_t id = 0;
    {
      MutexLock lock(mutex_);
      const auto known = by_queue_.find(queue);
      if (known == by_queue_.end()) return;
      id = known->second;
      by_queue_.erase(known);
      queues_.erase(id);
      std::erase_if(received_, [&](const auto& each) { return each.first == queue; });
      give_back(ready_.drop(id));
    }
    core_.loop().post([self = shared_from_this(), id] {
      const auto reading = self->readers_.find(id);
      if (reading == self->readers_.end()) return;
      reading->second.reader->stop();
      self->readers_.erase(reading);
      self->pump_when_roomy();
    });
  }

  void set_paused(const MessageQueue& queue, bool paused) {
    std::uint64_t id = 0;
    {
      MutexLock lock(mutex_);
      const auto known = by_queue_.find(queue);
      if (known == by_queue_.end()) return;
      id = known->second;
    }
    core_.loop().post([self = shared_from_this(), id, paused] {
      const auto reading = self->readers_.find(id);
      if (reading != self->readers_.end()) reading->second.reader->set_paused(paused);
    });
  }

  void set_read_order(std::span<const MessageQueue> order) {
    std::vector<std::uint64_t> ids;
    {
      MutexLock lock(mutex_);
      for (const MessageQueue& queue : order) {
        const auto known = by_queue_.find(queue);
        if (known != by_queue_.end()) ids.push_back(known->second);
      }
      ready_.set_read_order(ids);
    }
    core_.loop().post([self = shared_from_this(), ids = std::move(ids)] {
      for (auto& [id, reading] : self->readers_) reading.rank = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto reading = self->readers_.find(ids[i]);
        if (reading != self->readers_.end()) reading->second.rank = i + 1;
      }
      // What was kept from a queue may be its own now.
      if (self->pump_below_.exchange(0) != 0) self->pump_all();
    });
  }

  Result<std::optional<PulledFrame>> poll() {
    MutexLock lock(mutex_);
    return take_ready();
  }

  Result<std::optional<PulledFrame>> poll_wait(std::int64_t timeout_ms) {
    const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
    MutexLock lock(mutex_);
    while (ready_.empty() && !failure_) {
      const std::int64_t left_ms = deadline_ms - core_.clock().now_ms();
      if (left_ms <= 0) break;
      changed_.wait_for_ms(mutex_, left_ms);
    }
    return take_ready();
  }

  Result<std::vector<ReceivedMessage>> receive(std::int64_t timeout_ms) {
    const std::int64_t deadline_ms = core_.clock().now_ms() + timeout_ms;
    if (auto kept = take_received()) return std::move(*kept);
    std::vector<ReceivedMessage> messages;
    while (messages.empty()) {
      const std::int64_t left_ms = std::max<std::int64_t>(deadline_ms - core_.clock().now_ms(), 0);
      TRY_ASSIGN(const std::optional<PulledFrame> frame, poll_wait(left_ms));
      if (!frame) break;
      keep_received(*frame);
      if (auto first = take_received()) return std::move(*first);
    }
    return messages;
  }

  Result<std::vector<ReceivedMessage>> decode(const PulledFrame& frame) const {
    DecodedFrame decoded = decode_readable(frame);
    if (!decoded.unreadable.empty()) return std::move(decoded.unreadable.front().error);
    return std::move(decoded.messages);
  }

  DecodedFrame decode_readable(const PulledFrame& frame) const;

  void set_wake(std::function<void()> wake) {
    MutexLock lock(mutex_);
    wake_ = std::move(wake);
  }

  std::vector<QueueProgress> progress() const {
    MutexLock lock(mutex_);
    std::vector<QueueProgress> all;
    all.reserve(queues_.size());
    for (const auto& [id, each] : queues_) {
      all.push_back(each.progress);
      if (each.empty_at == each.progress.position && each.progress.position >= 0)
        all.back().proven_empty_ms = each.asked_ms;
    }
    return all;
  }

  void renew_proofs() {
    core_.loop().post([self = shared_from_this()] {
      for (auto& [id, reading] : self->readers_) reading.reader->renew_proof();
    });
  }

  void commit(std::vector<GroupOffset> offsets, std::function<void(const Status&)> done);

  std::uint64_t out_of_range_count() const { return out_of_range_.load(); }

  void close() {
    core_.forget(listener_);
    {
      MutexLock lock(mutex_);
      wake_ = {};
    }
    core_.loop().run_and_wait([this] { stop_reading(); });
  }

  // --- ReaderHost, loop ---

  bool reserve(std::uint64_t reader, std::size_t bytes, bool must) override {
    if (!must && used_.load() + bytes > share_of_followers()) {
      const bool first = !follows(reader);
      const std::size_t most = first ? options_.bytes_in_flight_max : share_of_followers();
      if (!fits(bytes, most)) {
        pump_when_below(most / 4 * 3);
        // The poller may have made room before it could see that.
        if (!fits(bytes, most)) return false;
      }
    }
    if (options_.memory.reserve && !options_.memory.reserve(bytes, must || holds_little())) {
      // Looked at again with what this consumer itself gives back: others' room is not told.
      pump_when_below(options_.bytes_in_flight_max / 4 * 3);
      if (!holds_little()) return false;
      options_.memory.reserve(bytes, true);
    }
    used_ += bytes;
    return true;
  }

  void release(std::size_t bytes) override {
    give_back(bytes);
    pump_when_roomy();
  }

  // What one turn of the loop brings is published at its end: one wake for all of its frames.
  void deliver(std::uint64_t reader, PulledFrame frame) override {
    used_ += frame.records.size();
    if (options_.memory.reserve) options_.memory.reserve(frame.records.size(), true);
    if (delivered_.empty()) core_.loop().post([self = shared_from_this()] { self->publish(); });
    delivered_.push_back(ReadyFrames::Ready{reader, std::move(frame)});
  }

  void note(std::uint64_t reader, const Note& note) override {
    std::function<void()> wake;
    {
      MutexLock lock(mutex_);
      const auto known = queues_.find(reader);
      if (known == queues_.end()) return;
      Queue& queue = known->second;
      if (note.position) {
        queue.progress.position = *note.position;
        queue.empty_at = -1;
      }
      if (note.max_offset >= 0) queue.progress.max_offset = note.max_offset;
      if (note.trouble) queue.progress.trouble = *note.trouble;
      if (note.left_topic) {
        queue.progress.left_topic = *note.left_topic;
        queue.progress.topic_deleted = note.topic_deleted;
      }
      if (note.empty_at) {
        queue.empty_at = *note.empty_at;
        queue.asked_ms = note.asked_ms;
        wake = wake_;
      }
    }
    internal::run_callback("the wake callback of a consumer", wake);
  }

  void fail(const Error& error) override {
    std::function<void()> wake;
    {
      MutexLock lock(mutex_);
      if (!failure_) failure_ = error;
      wake = wake_;
      changed_.notify_all();
    }
    internal::run_callback("the wake callback of a consumer", wake);
  }

  void count_out_of_range() override { ++out_of_range_; }

 private:
  struct Commit {
    std::size_t left = 0;  // loop
    Status status;
    std::function<void(const Status&)> done;  // empty once it ran
  };

  struct Reading {
    std::shared_ptr<QueueReader> reader;
    std::size_t rank = 0;  // place in the preferred order; 0: not named
  };

  // Once for each topic.
  void join(const std::string& topic) {
    if (!options_.member || memberships_.contains(topic)) return;
    const bool sql = !options_.sql.empty();
    const std::string tags = options_.tags.empty() ? "*" : options_.tags;
    memberships_[topic] = core_.memberships().join(
        options_.group, Subscription{topic, sql ? options_.sql : tags, sql, 0});
  }

  // Idempotent.
  void stop_reading() {
    if (std::exchange(closed_, true)) return;
    for (const auto& [topic, id] : memberships_) core_.memberships().leave(id);
    memberships_.clear();
    for (auto& [id, reading] : readers_) reading.reader->stop();
    readers_.clear();
    // Nothing is counted from here on: the budget may be gone before the last answer is.
    delivered_.clear();
    MutexLock lock(mutex_);
    ready_ = ReadyFrames();
    give_back(used_.load());
  }

  void client_closed() {
    std::set<std::shared_ptr<Commit>> commits;
    {
      MutexLock lock(mutex_);
      client_closed_ = true;
      commits = std::exchange(commits_, {});
    }
    for (const auto& commit : commits) {
      const auto done = std::exchange(commit->done, {});
      internal::run_callback("the callback of a commit", done, client_closed_error());
    }
    fail(client_closed_error());
    stop_reading();
  }

  void publish() {
    std::function<void()> wake;
    bool awaited = false;
    {
      MutexLock lock(mutex_);
      const bool was_empty = ready_.empty();
      for (ReadyFrames::Ready& each : delivered_) {
        const auto queue = queues_.find(each.reader);
        if (queue == queues_.end()) {  // unassigned meanwhile
          give_back(each.frame.records.size());
          continue;
        }
        queue->second.progress.max_offset = each.frame.max_offset;
        ready_.add(std::move(each));
      }
      awaited = was_empty && !ready_.empty();
      if (awaited) wake = wake_;
    }
    delivered_.clear();
    if (awaited) changed_.notify_one();
    internal::run_callback("the wake callback of a consumer", wake);
  }

  void committed(const std::shared_ptr<Commit>& commit) {
    {
      MutexLock lock(mutex_);
      commits_.erase(commit);
    }
    const auto done = std::exchange(commit->done, {});
    internal::run_callback("the callback of a commit", done, commit->status);
  }

  struct Queue {
    QueueProgress progress;
    std::int64_t empty_at = -1;
    std::int64_t asked_ms = -1;
  };

  Result<std::optional<PulledFrame>> take_ready() SLIPSTREAM_REQUIRES(mutex_) {
    if (ready_.empty()) {
      if (failure_) return *failure_;
      return std::optional<PulledFrame>();
    }
    ReadyFrames::Ready ready = ready_.take();
    give_back(ready.frame.records.size());
    queues_[ready.reader].progress.position = ready.frame.next_offset;
    pump_when_roomy();
    return std::optional<PulledFrame>(std::move(ready.frame));
  }

  // No more than long polls, which may be answered at any time or much later: nobody who could make
  // room.
  // Thread: loop.
  bool holds_little() const { return used_.load() <= readers_.size() * kParkedPullBytes; }

  void give_back(std::size_t bytes) {
    used_ -= bytes;
    if (options_.memory.release) options_.memory.release(bytes);
  }

  // With nothing under way and nothing waiting there is nobody who could make room later.
  bool fits(std::size_t bytes, std::size_t most) const {
    const std::size_t used = used_.load();
    return used == 0 || used + bytes <= most;
  }

  // While a queue that goes before others has more to read, so much is for all together and the
  // rest for it alone: what the poller takes of its frames is never filled with those of others.
  std::size_t share_of_followers() const { return options_.bytes_in_flight_max / 2; }

  // Thread: loop.
  bool follows(std::uint64_t reader) const {
    const auto self = readers_.find(reader);
    if (self == readers_.end() || self->second.rank == 0) return false;
    return std::any_of(readers_.begin(), readers_.end(), [&](const auto& each) {
      return each.second.rank < self->second.rank && each.second.reader->has_more();
    });
  }

  // Somebody was refused. Not looked at again with every byte: a pump looks at every queue.
  void pump_when_below(std::size_t bytes) {
    bytes = std::max<std::size_t>(bytes, 1);
    std::size_t level = pump_below_.load();
    while (level < bytes && !pump_below_.compare_exchange_weak(level, bytes)) continue;
  }

  void pump_when_roomy() {
    std::size_t level = pump_below_.load();
    if (level == 0 || used_.load() > level || pump_below_.exchange(0) == 0) return;
    // Later: this runs inside a reader.
    core_.loop().post([self = shared_from_this()] { self->pump_all(); });
  }

  // In the preferred order. Alike, it begins elsewhere each time, so that no queue is served last
  // forever.
  void pump_all() {
    if (closed_ || readers_.empty()) return;
    const auto start = readers_.upper_bound(last_pumped_);
    std::vector<const Reading*> turns;
    for (auto each = start; each != readers_.end(); ++each) turns.push_back(&each->second);
    for (auto each = readers_.begin(); each != start; ++each) turns.push_back(&each->second);
    last_pumped_ = start == readers_.end() ? 0 : start->first;
    std::stable_sort(turns.begin(), turns.end(),
                     [](const Reading* a, const Reading* b) { return a->rank < b->rank; });
    for (const Reading* each : turns) each->reader->pump();
  }

  using Received = Result<std::vector<ReceivedMessage>>;

  // What receive() gives of a frame: messages, and an error in the place of each unreadable one.
  void keep_received(const PulledFrame& frame) {
    DecodedFrame decoded = decode_readable(frame);
    MutexLock lock(mutex_);
    auto next = decoded.messages.begin();
    const auto keep_until =
        [&](std::vector<ReceivedMessage>::iterator end) SLIPSTREAM_REQUIRES(mutex_) {
          if (next == end) return;
          received_.emplace_back(*frame.queue,
                                 std::vector<ReceivedMessage>(std::make_move_iterator(next),
                                                              std::make_move_iterator(end)));
          next = end;
        };
    // What follows in the frame would be left out.
    if (!decoded.whole && !failure_) failure_ = decoded.unreadable.back().error;
    for (UnreadableMessage& each : decoded.unreadable) {
      keep_until(std::find_if(next, decoded.messages.end(), [&](const ReceivedMessage& message) {
        return message.queue_offset > each.offset;
      }));
      received_.emplace_back(*frame.queue, std::move(each.error));
    }
    keep_until(decoded.messages.end());
  }

  std::optional<Received> take_received() {
    MutexLock lock(mutex_);
    if (received_.empty()) return std::nullopt;
    Received first = std::move(received_.front().second);
    received_.pop_front();
    return first;
  }

  ClientCore& core_;
  const ConsumerOptions options_;
  std::vector<std::string> tags_;
  std::atomic<std::uint64_t> out_of_range_{0};
  std::atomic<std::size_t> used_{0};        // reserved by pulls under way, held behind gaps, ready
  std::atomic<std::size_t> pump_below_{0};  // bytes used at which the refused are pumped; 0: nobody

  ClientCore::CloseListener listener_ = 0;

  // loop
  bool closed_ = false;
  std::map<std::string, std::uint64_t> memberships_;  // by topic
  std::map<std::uint64_t, Reading> readers_;
  std::uint64_t last_pumped_ = 0;
  std::vector<ReadyFrames::Ready> delivered_;

  mutable Mutex mutex_;
  Condition changed_;
  std::uint64_t last_id_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::map<MessageQueue, std::uint64_t> by_queue_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Queue> queues_ SLIPSTREAM_GUARDED_BY(mutex_);
  ReadyFrames ready_ SLIPSTREAM_GUARDED_BY(mutex_);
  // receive(): the rest of a frame with unreadable messages
  std::deque<std::pair<MessageQueue, Received>> received_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::optional<Error> failure_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool client_closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::set<std::shared_ptr<Commit>> commits_ SLIPSTREAM_GUARDED_BY(mutex_);  // under way
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

DecodedFrame Consumer::State::decode_readable(const PulledFrame& frame) const {
  DecodedFrame decoded;
  RecordCursor cursor(frame.records, {.check_crc = true,
                                      .first_offset = frame.begin_offset,
                                      .offset_delta = frame.offset_delta,
                                      .queue_id = frame.queue->id});
  RecordView record;
  std::int64_t next = frame.begin_offset;
  const auto unreadable = [&](std::int64_t offset, const Error& error) {
    decoded.unreadable.push_back(
        {offset, error.with_context("message of " + frame.queue->to_string() + " at offset " +
                                    std::to_string(offset))});
  };
  const auto unreadable_batch = [&](std::int64_t offset, const Error& error) {
    if (offset <= frame.begin_offset) decoded.unreadable.clear();  // it ended before the frame
    offset = std::max(offset, frame.begin_offset);
    decoded.unreadable.push_back(
        {offset, error.with_context("batch of messages of " + frame.queue->to_string() +
                                    ", which cannot be read from offset " + std::to_string(offset) +
                                    " to its end")});
  };
  while (true) {
    if (!cursor.next(record)) {
      if (cursor.status().ok()) return decoded;
      const Error error = cursor.status().error();
      const std::int64_t offset = cursor.failed_offset().value_or(next);
      if (cursor.failed_offset() && !cursor.damaged_offset())
        unreadable_batch(offset, error);
      else if (offset >= frame.begin_offset)
        unreadable(offset, error);
      decoded.whole = cursor.pass_over();
      if (!decoded.whole) return decoded;
      next = std::max(next, offset + 1);
      continue;
    }
    if (record.queue_offset <= frame.begin_offset) decoded.unreadable.clear();
    if (record.queue_offset < frame.begin_offset) continue;
    next = record.queue_offset + 1;
    if (!tags_.empty()) {
      const auto tag = find_property(record.properties, property::kTags);
      if (!tag || std::find(tags_.begin(), tags_.end(), *tag) == tags_.end()) continue;
    }
    auto message = to_received_message(record, frame.queue->broker);
    if (message.ok())
      decoded.messages.push_back(std::move(*message));
    else
      unreadable(record.queue_offset, message.error());
  }
}

void Consumer::State::commit(std::vector<GroupOffset> offsets,
                             std::function<void(const Status&)> done) {
  auto commit = std::make_shared<Commit>();
  commit->left = offsets.size();
  commit->done = std::move(done);
  bool closed = false;
  {
    MutexLock lock(mutex_);
    closed = client_closed_;
    if (!closed) commits_.insert(commit);
  }
  if (closed) {
    internal::run_callback("the callback of a commit", commit->done, client_closed_error());
    return;
  }
  core_.loop().post([self = shared_from_this(), commit, offsets = std::move(offsets)] {
    if (offsets.empty()) return self->committed(commit);
    for (const GroupOffset& each : offsets) {
      self->core_.write_group_offset(self->options_.group, each.queue, each.offset,
                                     [self, commit](const Status& status) {
                                       if (commit->status.ok()) commit->status = status;
                                       if (--commit->left == 0) self->committed(commit);
                                     });
    }
  });
}

Consumer::Consumer(Client& client, ConsumerOptions options)
    : state_(std::make_shared<State>(internal::core_of(client), std::move(options))) {
  state_->end_with_client();
}

Consumer::~Consumer() { state_->close(); }

Status Consumer::assign(const MessageQueue& queue, StartPosition start, std::uint64_t tag) {
  return state_->assign(queue, start, tag);
}
void Consumer::unassign(const MessageQueue& queue) { state_->unassign(queue); }
void Consumer::pause(const MessageQueue& queue) { state_->set_paused(queue, true); }
void Consumer::resume(const MessageQueue& queue) { state_->set_paused(queue, false); }
void Consumer::set_read_order(std::span<const MessageQueue> order) {
  state_->set_read_order(order);
}
Result<std::optional<PulledFrame>> Consumer::poll() { return state_->poll(); }
Result<std::optional<PulledFrame>> Consumer::poll_wait(std::int64_t timeout_ms) {
  return state_->poll_wait(timeout_ms);
}
Result<std::vector<ReceivedMessage>> Consumer::receive(std::int64_t timeout_ms) {
  return state_->receive(timeout_ms);
}
Result<std::vector<ReceivedMessage>> Consumer::decode(const PulledFrame& frame) const {
  return state_->decode(frame);
}
DecodedFrame Consumer::decode_readable(const PulledFrame& frame) const {
  return state_->decode_readable(frame);
}
void Consumer::set_wake(std::function<void()> wake) { state_->set_wake(std::move(wake)); }
std::vector<QueueProgress> Consumer::progress() const { return state_->progress(); }
void Consumer::renew_proofs() { state_->renew_proofs(); }
void Consumer::commit(std::vector<GroupOffset> offsets, std::function<void(const Status&)> done) {
  state_->commit(std::move(offsets), std::move(done));
}
std::uint64_t Consumer::out_of_range_count() const { return state_->out_of_range_count(); }

}  // namespace slipstream::rocketmq
