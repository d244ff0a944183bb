// This client as a member of consumer groups, for tools that ask the brokers who reads.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq::internal {

class ClientCore;

// Brokers list a client under the groups of its heartbeats, which go to the masters of the topics
// that it reads: at once, with every heartbeat of the client, and when a connection is made again.
// Nothing is balanced between members: queues are assigned by whoever uses the client.
//
// Owner:   the ClientCore.
// Thread:  loop.
// Failure: a broker that refuses is logged; reading does not need it.
class Memberships {
 public:
  Memberships(ClientCore& core, std::string client_id)
      : core_(core), client_id_(std::move(client_id)) {}

  std::uint64_t join(const std::string& group, Subscription subscription);
  // The last of a group is signed off at the brokers.
  void leave(std::uint64_t id);
  void announce_all();
  // The connection for small requests to this broker was made.
  void connected(const std::string& address);
  const std::string& client_id() const { return client_id_; }

 private:
  struct Member {
    std::string group;
    Subscription subscription;
  };

  Heartbeat heartbeat() const;
  void announce_topic(const std::string& topic);
  void announce(const std::string& address);

  ClientCore& core_;
  const std::string client_id_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Member> members_;
  std::set<std::string> brokers_;  // that were told, by address
};

}  // namespace slipstream::rocketmq::internal
