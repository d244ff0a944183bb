// Who is online at the scripted brokers, and which queues are locked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/message.h"

namespace slipstream::rocketmq::testing {

// Thread: one.
class GroupTable {
 public:
  // The body of a heartbeat; returns the consumer groups whose members changed.
  std::set<std::string> heartbeat(std::uint64_t session, std::string_view json);
  std::set<std::string> unregister(std::uint64_t session, const std::string& consumer_group,
                                   const std::string& producer_group);
  std::set<std::string> lost(std::uint64_t session);

  std::set<std::string> members(const std::string& consumer_group) const;  // client ids
  std::vector<std::uint64_t> consumer_sessions(const std::string& group) const;
  std::vector<std::uint64_t> producer_sessions(const std::string& group) const;
  // Where a client is a producer of any group.
  std::optional<std::uint64_t> producer_session_of(std::string_view client_id) const;
  // For tests that want another member: it is listed, and never asks for anything.
  void add_member(const std::string& group, const std::string& client_id);
  void remove_member(const std::string& group, const std::string& client_id);

  // The body of a lock or unlock request; the body of a lock's answer.
  std::string lock(std::string_view json);
  void unlock(std::string_view json);
  std::string holder(const std::string& group, const MessageQueue& queue) const;  // empty: none
  void set_holder(const std::string& group, const MessageQueue& queue,
                  const std::string& client_id);

 private:
  struct Session {
    std::string client_id;
    std::set<std::string> consumer_groups;
    std::set<std::string> producer_groups;
  };
  std::map<std::uint64_t, Session> sessions_;
  std::map<std::string, std::set<std::string>> extra_;
  std::map<std::pair<std::string, MessageQueue>, std::string> locks_;
};

}  // namespace slipstream::rocketmq::testing
