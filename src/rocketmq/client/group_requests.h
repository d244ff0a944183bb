// What a member of a consumer group asks brokers about its group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

#include "rocketmq/client/client_core.h"

namespace slipstream::rocketmq::internal {

// Owner:  one member; borrows the ClientCore.
// Thread: any but the loop, where not said otherwise; members(): always the same.
// Bounds: a call blocks for the time of its requests, which go out together: for the client's call and
//         connect timeouts together when a broker does not answer; members(): for each that does not.
class GroupRequests {
 public:
  GroupRequests(ClientCore& core, std::string group) : core_(core), group_(std::move(group)) {}

  // Client ids, sorted, from the first broker that knows members; that of the last time is asked
  // first. Nobody, when every broker says so.
  // Failure: that of the last broker that had one.
  Result<std::vector<std::string>> members(const RouteData& route);
  struct Locks {
    std::set<MessageQueue> held{};     // by this client
    std::set<MessageQueue> refused{};  // another has them; of the rest nothing is known
  };
  Locks lock(const std::vector<MessageQueue>& queues);
  void unlock(const std::vector<MessageQueue>& queues);
  // All at once; how each went, in their order.
  std::vector<Status> write_offsets(const std::vector<GroupOffset>& offsets);
  // Does not block; for any thread. `done` runs on the loop. `store_host`: of the message; a part of
  // a logical queue may lie on another broker than the one that serves it.
  using SentBack = std::function<void(const Status&)>;
  void send_back(const MessageQueue& queue, const std::string& store_host, SendBack request,
                 SentBack done);

 private:
  // The name of the broker that serves the queue.
  std::string serving(const MessageQueue& queue);
  // Asks the master of each broker to lock or unlock; `take` gets the answers, with the queues that
  // were asked about.
  using TakeAnswer = std::function<void(const std::vector<MessageQueue>&, const Answer&)>;
  void ask_masters(const std::vector<MessageQueue>& queues, RequestCode code,
                   const TakeAnswer& take);

  // Begins all on the loop and waits for them; what is not answered in time is kTimeout.
  template <typename T>
  std::vector<Result<T>> wait_for_all(
      std::size_t count, std::function<void(std::size_t, std::function<void(Result<T>)>)> begin);

  ClientCore& core_;
  const std::string group_;
  std::string answered_last_;  // broker
};

}  // namespace slipstream::rocketmq::internal
