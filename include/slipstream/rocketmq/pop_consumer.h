// Consumes a topic message by message: each is acknowledged alone, and comes again when it was not.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

class PopBatch;  // what the handles of one batch record share; nothing for users

// What is popped, and how.
struct PopOptions {
  std::string group{};
  std::string topic{};
  std::string tags = "*";  // "A || B"
  std::string sql{};       // SQL92 over properties, instead of tags
  // How long a message that was given is given to nobody else. Brokers look about once a second.
  std::int64_t invisible_ms = 60'000;
  std::int32_t batch_max = 32;    // messages of one poll(); 1 to 32
  std::int64_t poll_ms = 15'000;  // long poll; 1 to 30,000
  // Where the group has no offset: earliest or latest. With `latest` brokers give the last message
  // that is there, too.
  StartPosition from = StartPosition::latest();
  // How often a message is given again before it is put into the dead-letter topic of the group.
  std::int32_t reconsume_times_max = 16;
  // Messages of one queue, and with them those of one sharding key, in their order.
  bool ordered = false;
};

// One delivery of one message. Copies are alike.
struct PopHandle {
  // Where it is stored: what comes again is in a topic of the group.
  MessageQueue queue{};
  std::int64_t offset = 0;
  std::int32_t reconsume_times = 0;
  std::int64_t first_pop_ms = 0;  // the broker's clock
  // The broker's clock; later it may be given again, and an acknowledgement does nothing.
  std::int64_t invisible_until_ms = 0;
  std::string check_point{};          // what the broker knows the delivery by, as POP_CK
  std::shared_ptr<PopBatch> batch{};  // of a batch record; null: it stands alone
};

struct PoppedMessage {
  ReceivedMessage message{};  // its topic is the consumed one, queue and offset those of the handle
  PopHandle handle{};
};

// Needs brokers 5.0 or later. Any number of consumers may be in a group, and any of them may get any
// message: there are no queues to balance and no offsets to commit. A group that consumes this way
// must not consume the same topic in another way.
//
// Owner:   one component; borrows the Client.
// Thread:  any but the client's; several may poll.
// Order:   none; with `ordered` that of each queue: nobody is given more of a queue before all that
//          was given of it is acknowledged. When the invisible times of all that was not are over, the
//          queue goes on from the first of these; what was acknowledged behind it comes again, too.
// Bounds:  one request to each broker of the topic, made when poll() found nothing here; what it
//          brings, batch_max messages, waits until it is polled, or until its invisible time is over.
// Again:   a message that was not acknowledged within invisible_ms comes again, with a higher
//          reconsume_times; so does one that a lost answer had. After reconsume_times_max it is put
//          into %DLQ%group.
// Batches: in topics with queue.type=BatchCQ a batch is one delivery. Its messages come together, and
//          again together unless each was acknowledged; what changes the invisible time of one
//          changes that of all. Brokers refuse it as a dead letter: it goes on coming.
// Failure: create() refuses wrong options. Lost connections, time-outs, busy brokers and missing
//          routes are retried for as long as it takes and logged. poll() returns what no retry can
//          mend (no permission, group refused, a filter that does not parse, a broker before 5.0, a
//          static topic, a topic of batches that is `ordered` or whose retry topic stores none, topic
//          gone for 60 s while its brokers are there), and keeps returning it. An answer or message
//          that cannot be read is an error (kCorrupt) once; it comes again, and the next call goes on.
class PopConsumer {
 public:
  static Result<std::unique_ptr<PopConsumer>> create(Client& client, PopOptions options);
  // close()
  ~PopConsumer();
  PopConsumer(const PopConsumer&) = delete;
  PopConsumer& operator=(const PopConsumer&) = delete;

  // Messages of one broker. Waits for at most timeout_ms; empty when there were none.
  // Failure: kCancelled when it or its Client was closed.
  Result<std::vector<PoppedMessage>> poll(std::int64_t timeout_ms);
  // It will not be given again. Waits for the broker; also after close().
  // Failure: kNotFound: the broker does not keep the message any more. A retryable one: call it
  // again, or the message comes again.
  Status ack(const PopHandle& handle);
  // One request to each broker, where brokers know that (5.1.1); how each went, in their order.
  std::vector<Status> ack(std::span<const PopHandle> handles);
  // Comes again so long after now; 0: at once. The handle that counts from here on.
  // Failure: as ack(). When a connection was lost, the old handle may count or not.
  Result<PopHandle> change_invisible(const PopHandle& handle, std::int64_t invisible_ms);
  // Ends calls of poll(). What was not polled, and what a request under way still brings, is given
  // back while the Client lives: it comes again at once, with a higher reconsume_times. Idempotent.
  void close();

 private:
  class State;
  explicit PopConsumer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
