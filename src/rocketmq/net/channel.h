// Requests and answers over one connection to one server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "slipstream/status.h"

#include "io/loop.h"
#include "io/net.h"
#include "rocketmq/net/signer.h"
#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

// How a call ended: with an answer (of any code), or without one.
struct CallOutcome {
  Result<Answer> answer;
  // Without an answer: the request may have reached the server and may have been done.
  bool maybe_done = false;
};
using CallDone = std::function<void(CallOutcome)>;

// Looks at a request of the server. Its answer, which a one-way request does not get; nothing when
// the request is not for this client.
using RequestCallback = std::function<std::optional<Command>(const Answer& request)>;

struct ChannelOptions {
  io::ConnectionOptions connection{};
  std::int64_t reconnect_first_ms = 100;
  std::int64_t reconnect_max_ms = 5'000;
  // Calls are waiting and nothing at all came for so long: the connection is dead. Above any long
  // poll.
  std::int64_t silence_max_ms = 45'000;
  std::size_t calls_max = 65'536;
  // A time-out drops the connection, with all that was not sent yet: nothing of the call leaves
  // later, unless this process stands still before the time-out is noticed: see leave_by_ms.
  bool drop_on_timeout = false;
  // Signs every request as the last step before it is encoded; null = no request is signed.
  std::shared_ptr<const Signer> signer = nullptr;
};

// Connects when there is something to send, again with growing pauses after failures.
//
// Owner:    the client core. May be destroyed inside a callback of its own.
// Thread:   loop.
// Order:    requests leave in call order; answers come in any order.
// Bounds:   calls_max calls waiting for an answer, write_queue_bytes_max bytes; beyond: refused,
//           retryable.
// Deadline: every call ends by its time-out, which neither closes the connection nor disturbs other
//           calls; a late answer is dropped. A call made while disconnected waits for the
//           connection within its time-out.
// Failure:  of the connection ends all calls: those not written with maybe_done = false. A refusal
//           by access control says in its remark who refused and what to check.
//
// Requests of the server are answered by the request callback, else "not supported" (3), unless
// one-way.
class Channel {
 public:
  Channel(io::Loop& loop, io::Net& net, std::shared_ptr<ReceivePool> pool, io::Endpoint endpoint,
          ChannelOptions options);
  // Ends all calls (as a lost connection does).
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // `done` runs later, never from inside call(). `body` replaces command.body when not null. From
  // `leave_by_ms` of the loop's clock on nothing of the request leaves, as Connection::write() says.
  void call(Command command, std::shared_ptr<const std::string> body, std::int64_t timeout_ms,
            CallDone done, std::int64_t leave_by_ms = io::Connection::kNoDeadline);
  void call(Command command, std::int64_t timeout_ms, CallDone done) {
    call(std::move(command), nullptr, timeout_ms, std::move(done));
  }

  // Runs after every successful connect.
  void set_connected_callback(std::function<void()> connected);
  void set_request_callback(RequestCallback asked);
  bool connected() const;
  std::size_t calls_waiting() const;
  const io::Endpoint& endpoint() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
