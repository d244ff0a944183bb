// Sends requests as messages, and gets the answer of whoever consumes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

struct RequesterOptions {
  ProducerOptions producer{};
  std::size_t pending_max = 4'096;  // requests without an answer yet
};

// Runs on the client's thread: must be short and must not block.
using ReplyCallback = std::function<void(Result<ReceivedMessage>)>;

// As request() of the Java client's producer: the request is an ordinary message, which says whom to
// answer; a consumer sends what make_reply() makes of it, and the broker hands that to this client.
// With several members of the group a request has one answer, with several groups several, of which
// the first counts.
//
// Owner:   one component; borrows the Client.
// Thread:  any.
// Bounds:  pending_max requests; as Producer.
// Failure: kTimeout when no answer came in time, measured by the client's clock; the Producer's error
//          when the request was not stored; kCancelled when this or the Client was closed. A request
//          that may have been stored is sent again unless retry_unknown is false: it may be answered
//          twice. An answer that came too late, or a second one, is dropped and counted.
// End:     the destructor fails what is pending and waits until no callback runs any more.
class Requester {
 public:
  Requester(Client& client, RequesterOptions options);
  ~Requester();
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  // An error here means that the callback will not run; kResourceExhausted: too many are pending.
  Status request(Message message, std::int64_t timeout_ms, ReplyCallback done);
  Result<ReceivedMessage> request_and_wait(Message message, std::int64_t timeout_ms);

  std::size_t pending_count() const;
  std::uint64_t dropped_replies() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// The answer to a request that a consumer was given; any Producer sends it, not in a batch.
// kInvalidArgument when the message is no request.
Result<Message> make_reply(const ReceivedMessage& request, std::string body);

}  // namespace slipstream::rocketmq
