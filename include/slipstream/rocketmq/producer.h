// Sends messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/trace.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

namespace internal {
class TraceSender;
}

enum class SendOutcome : std::uint8_t {
  kStored,     // the broker has it (also when it answered that a disk flush or replica was late)
  kNotStored,  // nothing was done; sending again is safe
  kUnknown,    // it may be stored or not: time-out, connection lost after sending, broker failed in
               // the middle
  kRefused,    // will never be taken as it is: too large, no such topic, no permission
};

struct SendResult {
  SendOutcome outcome = SendOutcome::kNotStored;
  MessageQueue queue{};             // where the last attempt went
  std::int64_t queue_offset = -1;   // of the first message; kStored only
  std::string offset_message_id{};  // of the first message; kStored only
  Error error{};                    // unless kStored
  int attempts = 0;
  std::int64_t last_attempt_ms =
      0;  // Clock::now_ms() when the last attempt was handed to the connection

  bool stored() const { return outcome == SendOutcome::kStored; }
};

// Runs on the client's thread: must be short and must not block.
using SendCallback = std::function<void(const SendResult&)>;

enum class SendRetry : std::uint8_t {
  kRetry,  // by the rules below, until total_timeout_ms
  kOnce,   // one attempt, the caller decides: for senders with their own bookkeeping
};

// Bounds and retry rules of one Producer; the class says what they do.
struct ProducerOptions {
  std::string group = "slipstream_producer";
  std::int64_t attempt_timeout_ms = 3'000;
  std::int64_t total_timeout_ms = 30'000;
  int attempts_max = 0;               // of one send; 0 = as many as total_timeout_ms allows
  std::int64_t retry_backoff_ms = 0;  // before each but the first; 0 = from 50 ms, growing to 2 s
  // Send again after kUnknown: at-least-once, duplicates are possible. false: kUnknown is reported.
  bool retry_unknown = true;
  std::size_t in_flight_count_max = 4'096;
  std::size_t in_flight_bytes_max = std::size_t{64} << 20;
  std::size_t message_bytes_max = std::size_t{4}
                                  << 20;  // the broker's maxMessageSize; whole batches too
  std::size_t compress_above_bytes = 0;   // zlib, single messages only; 0 = never
  // Own connections with SO_LINGER{1,0} and TCP_USER_TIMEOUT of 5 s: after a failure nothing that
  // was sent can arrive more than 5 s later.
  bool fenced = false;
  TraceOptions trace{};  // reports of what was stored
};

// Messages of one topic for one queue, as they go over the wire: Producer::encode() makes it. For
// senders that send the same again, or choose queues themselves.
struct EncodedBatch {
  MessageQueue queue{};
  std::shared_ptr<const std::string> body{};
  std::size_t count = 0;
};

// Owner:  one component; borrows the Client.
// Thread: any.
// Bounds: in_flight_count_max requests and in_flight_bytes_max body bytes. When full, send()
//         answers kResourceExhausted, takes nothing, and the room callback runs once when there is
//         room again.
// Queues: Message::queue when given; else the hash of Message::sharding_key; else round robin over
//         all writable queues. A chosen or hashed queue never changes; round robin avoids a
//         failing broker.
// Order:  two sends in flight to one queue may be stored in either order; wait for the first one's
//         callback.
// Retry:  busy, unavailable and lost connections, with back-off. A topic whose brokers are away
//         (none is registered, or one that had it is not) is unavailable; one that nobody knows
//         while they are there is looked for four times (fresh routes lag), then refused.
//         Outcome after giving up: kUnknown when any attempt may have been stored. kCancelled at
//         once when the client was closed.
// Traces: sent in the background; what finds no room there is dropped, and a send never waits or fails
//         for it.
// End:    the destructor fails what is in flight (kUnknown) and waits until no callback runs any
//         more, then for 3 s at most for traces.
class Producer {
 public:
  Producer(Client& client, ProducerOptions options);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // An error here means that the callback will not run.
  Status send(Message message, SendCallback done);
  // All into one queue, stored together. Same topic; no delays; a queue or sharding key of the
  // first decides.
  Status send_batch(const std::vector<Message>& messages, SendCallback done);
  // What send_encoded() takes; nothing is sent. Each message gets its unique key here.
  Result<EncodedBatch> encode(const MessageQueue& queue, const std::vector<Message>& messages);
  // How many bytes a message takes in a batch, which has ProducerOptions::message_bytes_max of them;
  // alone it may have a body of as many.
  static Result<std::size_t> bytes_in_batch(const Message& message);
  Status send_encoded(EncodedBatch batch, SendRetry retry, SendCallback done);

  // Blocks until the outcome is known (and for room before).
  SendResult send_and_wait(Message message);
  SendResult send_batch_and_wait(const std::vector<Message>& messages);

  // Runs on the client's thread after a refused send, once there is room.
  void set_room_callback(std::function<void()> room);
  // Blocks until everything sent before has its outcome. kTimeout after timeout_ms.
  Status flush(std::int64_t timeout_ms);
  std::size_t in_flight_count() const;
  std::size_t in_flight_bytes() const;
  // Reports of messages that were not stored in the trace topic.
  std::uint64_t dropped_traces() const;

  // The queues that may be written, in broker and id order; blocks for the route when it is not
  // known. kNotFound names the topic.
  Result<std::vector<MessageQueue>> queues(std::string_view topic);
  // Which of `queue_count` queues a key belongs to: the same as Java's hash selector.
  static std::size_t queue_of_key(std::string_view key, std::size_t queue_count);

 private:
  friend class TransactionProducer;
  friend class Requester;
  friend class internal::TraceSender;
  // Stored where nobody reads it, until its transaction is ended.
  SendResult send_half_and_wait(Message message);
  // With these encoded properties; no attempt begins after timeout_ms.
  Status send_request(Message message, std::string properties, std::int64_t timeout_ms,
                      SendCallback done);
  Status send_to_system_topic(Message message, SendCallback done);
  // Null: traces are off.
  internal::TraceSender* trace_sender();
  std::string new_unique_key();

  class State;
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
