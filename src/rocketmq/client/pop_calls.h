// Requests about messages that were popped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "slipstream/rocketmq/pop_consumer.h"

#include "rocketmq/client/client_core.h"
#include "rocketmq/protocol/pop_requests.h"

namespace slipstream::rocketmq::internal {

// Owner:   one consumer (shared with callbacks under way); borrows the ClientCore.
// Thread:  any but the loop, where not said otherwise.
// Bounds:  a call blocks for the time of its requests, which go out together.
// Failure: an acknowledgement whose connection was lost is sent again, kAttempts times in all: it may
//          arrive twice.
class PopCalls : public std::enable_shared_from_this<PopCalls> {
 public:
  PopCalls(ClientCore& core, std::string group, std::string topic)
      : core_(core), group_(std::move(group)), topic_(std::move(topic)) {}

  std::vector<Status> ack(std::span<const PopHandle> handles);
  Result<PopHandle> change_invisible(const PopHandle& handle, std::int64_t invisible_ms);
  // Do not block; any thread. A failure is logged: the message comes again.
  void ack_later(std::span<const PopHandle> handles);
  // They come again at once.
  void give_back(std::span<const PopHandle> handles);
  void put_into_dead_letters(const PoppedMessage& message);

 private:
  using AckDone = std::function<void(Result<std::vector<Status>>)>;
  struct Acks;
  using AcksPtr = std::shared_ptr<Acks>;
  using Indices = std::vector<std::size_t>;

  // Handles whose check points cannot be read are refused; those of a batch with others that are
  // still open are done; the others are in `check_points`.
  AcksPtr make_acks(std::span<const PopHandle> handles) const;
  // --- loop ---
  void begin(const AcksPtr& acks, AckDone done);
  void route_arrived(const AcksPtr& acks, const Result<Route>& route);
  void send_batch(const AcksPtr& acks, const std::string& address, const std::string& broker,
                  const Indices& indices);
  void send_single(const AcksPtr& acks, const std::string& address, std::size_t index);
  void call(const std::string& address, const Command& command, int attempts_left,
            const CallDone& done);
  // The address of the master.
  void find_master(const std::string& broker, std::function<void(Result<std::string>)> done);

  ClientCore& core_;
  const std::string group_;
  const std::string topic_;
  std::set<std::string> without_batches_;  // loop; brokers that refuse several at once
};

}  // namespace slipstream::rocketmq::internal
