// Reads assigned queues in offset order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "slipstream/buffer_memory.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

// What to do when the wanted offset does not exist (any more): possible loss of data.
enum class OffsetOutOfRange : std::uint8_t { kFail, kEarliest, kLatest, kNearest };

struct ConsumerOptions {
  std::string group{};
  // Brokers, and so their tools, list this client as a member of the group while it has queues.
  // They make a retry topic for the group then. Queues are not balanced between members.
  bool member = true;
  std::string tags = "*";  // "A || B"; the broker compares hashes only: compare tags again
  // SQL92 over properties, instead of tags. Brokers give every message when they cannot parse it:
  // ask Admin::check_filter() before.
  std::string sql{};
  // Speculative pulls, 1..128. 0: 8, and up to 128 while the distance to the broker is what limits
  // the queue. 1 with a filter.
  int pulls_per_queue_max = 0;
  std::int32_t messages_per_pull_max = 1'024;
  std::size_t bytes_in_flight_max = std::size_t{64}
                                    << 20;  // requested plus received and not yet polled
  std::int64_t suspend_ms = 15'000;         // long poll
  std::int64_t pause_when_empty_ms = 0;     // between a pull that found nothing and the next
  std::int64_t call_timeout_ms = 30'000;    // of one pull; more than suspend_ms
  OffsetOutOfRange out_of_range = OffsetOutOfRange::kFail;
  // A topic is deleted when no name server has known it for so long while its brokers are there.
  std::int64_t topic_deleted_ms = 60'000;
  // What follows then: its queues have left it (QueueProgress), or else the consumer fails.
  bool deleted_topics_leave = false;
  BufferMemory memory{};  // shared with others; the same bytes are reserved from it
};

// A message by which a queue is known again.
struct ReadMessage {
  std::int64_t offset = 0;
  std::int64_t stored_ms = 0;
};

// Where to begin.
struct StartPosition {
  enum class Kind : std::uint8_t { kEarliest, kLatest, kTimestamp, kOffset };
  Kind kind = Kind::kEarliest;
  std::int64_t value = 0;  // milliseconds since 1970 (by store time), or the offset
  // With an offset: was read of the queue before. Where another message is in its place, and the
  // first one of the queue is younger, the topic was made anew: the queue is read from its first
  // message, and the log says so. Costs a pull.
  std::optional<ReadMessage> last_read{};

  static StartPosition earliest() { return {Kind::kEarliest, 0}; }
  static StartPosition latest() { return {Kind::kLatest, 0}; }
  static StartPosition timestamp(std::int64_t ms) { return {Kind::kTimestamp, ms}; }
  static StartPosition offset(std::int64_t offset, std::optional<ReadMessage> last_read = {}) {
    return {Kind::kOffset, offset, last_read};
  }
};

// What one pull brought, as it came from the network: stored records, one after another. For
// readers that decode on a thread of their own: Consumer::decode() makes messages of it.
struct PulledFrame {
  std::shared_ptr<const MessageQueue> queue{};
  std::uint64_t tag = 0;          // as given to assign()
  std::int64_t begin_offset = 0;  // records below it belong to an earlier frame: skip them
  std::int64_t next_offset = 0;   // where the next frame of this queue begins
  std::int64_t min_offset = 0;    // of the queue, when the broker answered
  std::int64_t max_offset = 0;
  std::int64_t offset_delta = 0;            // add to every queue offset
  std::span<const std::uint8_t> records{};  // may be empty: everything was filtered or expired
  std::shared_ptr<const void> owner{};      // keeps `records` alive; copying it copies no bytes
  std::int64_t requested_ms = 0;            // Clock::now_ms() when the pull was sent
  std::int64_t received_ms = 0;
};

// A stored message whose bytes are damaged, or packed in a way that is not known; or a batch that
// is stored as one, from `offset` to its end.
struct UnreadableMessage {
  std::int64_t offset = 0;
  Error error{};
};

// What a frame holds.
struct DecodedFrame {
  std::vector<ReceivedMessage> messages{};
  std::vector<UnreadableMessage> unreadable{};  // by offset
  // False: where the last unreadable message ends is not known, and nothing behind it was read.
  bool whole = true;
};

// How far a queue is. `proven_empty_ms`: the newest request after which the master said that
// nothing follows position; the moment (Clock::now_ms()) when that request was sent, -1 when there
// is no such proof.
struct QueueProgress {
  MessageQueue queue{};
  std::uint64_t tag = 0;
  std::int64_t position =
      -1;  // next offset that poll() will give; -1 until the start position is known
  std::int64_t max_offset = -1;
  std::int64_t proven_empty_ms = -1;
  std::string trouble{};  // why it does not move: the last error while retrying, else empty
  // The topic has fewer queues than this one's id, by three routes in a row: it is not pulled, and
  // proven empty, until a route shows it again. It is read on from `position` then.
  bool left_topic = false;
  // It has left because its topic was deleted (ConsumerOptions::deleted_topics_leave): it has no
  // offsets of the group any more.
  bool topic_deleted = false;
};

// Where a group stands in a queue: the next offset to read.
struct GroupOffset {
  MessageQueue queue{};
  std::int64_t offset = 0;
};

// Owner:   one task; borrows the Client.
// Thread:  one polls; assign, unassign, pause, resume, set_read_order, commit and progress: any.
// Order:   ascending offsets per queue, with gaps; they begin anew when its topic is another one.
// Bounds:  bytes_in_flight_max, reserved before a pull is issued; a full consumer stops pulling.
// Failure: lost connections, time-outs, busy brokers and missing routes are retried for as long
//          as it takes and shown in progress(); poll() returns what no retry can mend (no
//          permission, group refused, offset out of range under kFail, topic deleted, client
//          closed), naming queue and offset, and keeps returning it.
class Consumer {
 public:
  Consumer(Client& client, ConsumerOptions options);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Begins to pull at once. kAlreadyExists when it is assigned. `tag` comes back in every frame.
  Status assign(const MessageQueue& queue, StartPosition start, std::uint64_t tag = 0);
  // Frames of the queue that were not polled yet are dropped.
  void unassign(const MessageQueue& queue);
  // No new pulls; what is under way still arrives.
  void pause(const MessageQueue& queue);
  void resume(const MessageQueue& queue);
  // Of the frames that are ready poll() gives those of an earlier queue first, and a part of
  // bytes_in_flight_max is kept for the first queue that has more to read. Queues that are not
  // named come before all others; empty: all are alike, in order of arrival. Replaces the former
  // order.
  void set_read_order(std::span<const MessageQueue> order);

  // The next frame of any queue; nothing when none is ready. Never blocks.
  Result<std::optional<PulledFrame>> poll();
  // Waits for at most timeout_ms.
  Result<std::optional<PulledFrame>> poll_wait(std::int64_t timeout_ms);
  // The messages of a frame, decompressed, tags compared exactly; on any thread.
  // Failure: that of the first message that cannot be read; nothing of the frame is given.
  Result<std::vector<ReceivedMessage>> decode(const PulledFrame& frame) const;
  // As decode(), with everything that can be read.
  DecodedFrame decode_readable(const PulledFrame& frame) const;
  // For plain users: whole messages, decompressed, tags compared exactly. Waits for at most
  // timeout_ms.
  // Failure: as poll(). A message that cannot be read is an error once, which names queue and
  // offset; the next call goes on behind it. When it is not known where that is, the consumer has
  // failed for good, and keeps returning the error.
  Result<std::vector<ReceivedMessage>> receive(std::int64_t timeout_ms);

  // Runs (on any thread, must be short) when poll() has something to say after it had nothing.
  void set_wake(std::function<void()> wake);

  std::vector<QueueProgress> progress() const;
  // Asks the masters for the max offset of every queue that seems read to its end; the answers
  // appear in progress() and wake the poller. At most one request per queue is under way.
  void renew_proofs();

  // Writes the group's offsets at the brokers (a courtesy copy for monitoring). Does not block;
  // failures are given to `done`, on the client's thread (on this one when the client is closed).
  void commit(std::vector<GroupOffset> offsets, std::function<void(const Status&)> done = {});

  std::uint64_t out_of_range_count() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
