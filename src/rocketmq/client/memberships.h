// This client as a member of groups of consumers and producers, as brokers know them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rocketmq/net/channel.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq::internal {

class ClientCore;

// How brokers see a member of a consumer group.
struct MemberKind {
  bool balanced = false;  // its queues are dealt out among the members
  bool pushed = false;
  bool broadcasting = false;
  std::string from_where = "CONSUME_FROM_FIRST_OFFSET";
};

// Brokers list a client under the groups of its heartbeats, which go to the masters of the topics
// that it reads or writes: at once, with every heartbeat of the client, and when a connection is made
// again. They send their own requests (checks of transactions, changes of a group) to members.
// Nothing is balanced here.
//
// Owner:   the ClientCore.
// Thread:  loop.
// Failure: a broker that refuses is logged; reading does not need it.
class Memberships {
 public:
  Memberships(ClientCore& core, std::string client_id)
      : core_(core), client_id_(std::move(client_id)) {}

  std::uint64_t join(const std::string& group, Subscription subscription);
  // All at once: a broker never sees a part of them.
  std::vector<std::uint64_t> join_all(const std::string& group,
                                      std::vector<Subscription> subscriptions,
                                      const MemberKind& kind);
  std::uint64_t join_producers(const std::string& group, const std::string& topic);
  bool has_balanced_member(const std::string& group) const;
  // The last of a group is signed off at the brokers that know of it, or may. Brokers take heartbeats
  // and sign-offs in any order: each waits for the answers of the other that is under way.
  void leave(std::uint64_t id);
  // Calls `done` once when no heartbeat and no sign-off is under way: at once, or later.
  void when_settled(std::function<void()> done);
  void announce_all();
  bool announcing() const { return !heartbeats_.empty(); }  // an answer is not there yet
  // The connection for small requests to this broker was made.
  void connected(const std::string& address);
  const std::string& client_id() const { return client_id_; }

 private:
  struct Member {
    std::string group;
    bool producer = false;
    Subscription subscription;  // of a producer: the topic only
    MemberKind kind;
  };

  Heartbeat heartbeat() const;
  struct Group {
    std::string name;
    bool producer = false;
    auto operator<=>(const Group&) const = default;
  };
  bool has_member(const Group& group) const;
  void announce_topic(const std::string& topic);
  void announce(const std::string& address);
  void announced(const std::string& address, const CallOutcome& outcome);
  void sign_off(const std::string& address, const Group& group);
  void signed_off(const std::string& address);
  // One heartbeat or sign-off less is under way.
  void settle();

  ClientCore& core_;
  const std::string client_id_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Member> members_;
  std::set<std::string> brokers_;  // that know of a member, by address
  // Where heartbeats are under way: how many, and whom to sign off after the last of them.
  struct Heartbeats {
    std::size_t count = 0;
    std::set<Group> left;
  };
  std::map<std::string, Heartbeats> heartbeats_;
  // Where sign-offs are under way: how many, and whether a heartbeat waits for the last of them.
  struct SignOffs {
    std::size_t count = 0;
    bool announce = false;
  };
  std::map<std::string, SignOffs> sign_offs_;
  std::size_t under_way_ = 0;  // heartbeats and sign-offs
  std::vector<std::function<void()>> when_settled_;
};

}  // namespace slipstream::rocketmq::internal
