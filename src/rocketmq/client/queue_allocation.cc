#include "slipstream/rocketmq/queue_allocation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include <openssl/evp.h>

namespace slipstream::rocketmq {
namespace {

std::optional<std::size_t> index_of(const std::string& self,
                                    const std::vector<std::string>& members) {
  const auto found = std::find(members.begin(), members.end(), self);
  if (found == members.end()) return std::nullopt;
  return static_cast<std::size_t>(found - members.begin());
}

// As AllocateMessageQueueConsistentHash: the first four bytes of an MD5, the first one on top.
std::uint32_t ring_position(const std::string& key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::uint32_t position = 0;
  for (std::size_t i = 0; i < 4; ++i) position = (position << 8U) | digest[i];
  return position;
}

// MessageQueue.toString() of the Java client, which is what it hashes.
std::string java_text(const MessageQueue& queue) {
  return "MessageQueue [topic=" + queue.topic + ", brokerName=" + queue.broker +
         ", queueId=" + std::to_string(queue.id) + "]";
}

std::string room_of_broker_name(const std::string& broker) {
  const std::size_t at = broker.find('@');
  const bool two_parts = at != std::string::npos && at + 1 < broker.size() &&
                         broker.find('@', at + 1) == std::string::npos;
  if (!two_parts) return {};
  return broker.substr(0, at);
}

}  // namespace

QueueAllocation allocate_averagely() {
  return [](const std::string& self, const std::vector<MessageQueue>& queues,
            const std::vector<std::string>& members) {
    std::vector<MessageQueue> mine;
    const auto index = index_of(self, members);
    if (!index) return mine;
    const std::size_t remainder = queues.size() % members.size();
    std::size_t share = queues.size() / members.size();
    if (queues.size() <= members.size())
      share = 1;
    else if (*index < remainder)
      ++share;
    const std::size_t begin = *index < remainder ? *index * share : *index * share + remainder;
    for (std::size_t i = begin; i < std::min(begin + share, queues.size()); ++i)
      mine.push_back(queues[i]);
    return mine;
  };
}

QueueAllocation allocate_by_circle() {
  return [](const std::string& self, const std::vector<MessageQueue>& queues,
            const std::vector<std::string>& members) {
    std::vector<MessageQueue> mine;
    const auto index = index_of(self, members);
    if (!index) return mine;
    for (std::size_t i = *index; i < queues.size(); i += members.size()) mine.push_back(queues[i]);
    return mine;
  };
}

QueueAllocation allocate_fixed(std::vector<MessageQueue> fixed) {
  return [fixed = std::move(fixed)](const std::string&, const std::vector<MessageQueue>& queues,
                                    const std::vector<std::string>&) {
    // One allocation serves every topic of a group: each gets its own queues of the list.
    std::vector<MessageQueue> mine;
    for (const MessageQueue& queue : fixed) {
      if (queues.empty() || queue.topic == queues.front().topic) mine.push_back(queue);
    }
    return mine;
  };
}

QueueAllocation allocate_by_machine_room(std::set<std::string> rooms) {
  return
      [rooms = std::move(rooms)](const std::string& self, const std::vector<MessageQueue>& queues,
                                 const std::vector<std::string>& members) {
        std::vector<MessageQueue> mine;
        const auto index = index_of(self, members);
        if (!index) return mine;
        std::vector<MessageQueue> near;
        for (const MessageQueue& queue : queues) {
          if (rooms.contains(room_of_broker_name(queue.broker))) near.push_back(queue);
        }
        const std::size_t share = near.size() / members.size();
        const std::size_t remainder = near.size() % members.size();
        for (std::size_t i = share * *index; i < share * (*index + 1); ++i) mine.push_back(near[i]);
        if (remainder > *index) mine.push_back(near[*index + share * members.size()]);
        return mine;
      };
}

QueueAllocation allocate_by_consistent_hash(int virtual_nodes) {
  return [virtual_nodes](const std::string& self, const std::vector<MessageQueue>& queues,
                         const std::vector<std::string>& members) {
    std::vector<MessageQueue> mine;
    if (!index_of(self, members) || virtual_nodes < 1) return mine;
    std::map<std::uint32_t, const std::string*> ring;
    for (const std::string& member : members) {
      for (int i = 0; i < virtual_nodes; ++i)
        ring[ring_position(member + "-" + std::to_string(i))] = &member;
    }
    for (const MessageQueue& queue : queues) {
      auto node = ring.lower_bound(ring_position(java_text(queue)));
      if (node == ring.end()) node = ring.begin();
      if (*node->second == self) mine.push_back(queue);
    }
    return mine;
  };
}

QueueAllocation allocate_machine_room_nearby(MachineRooms rooms, QueueAllocation within) {
  return [rooms = std::move(rooms), within = std::move(within)](
             const std::string& self, const std::vector<MessageQueue>& queues,
             const std::vector<std::string>& members) {
    std::vector<MessageQueue> mine;
    if (!index_of(self, members)) return mine;
    std::map<std::string, std::vector<MessageQueue>> queues_in;
    for (const MessageQueue& queue : queues) queues_in[rooms.of_queue(queue)].push_back(queue);
    std::map<std::string, std::vector<std::string>> members_in;
    for (const std::string& member : members) members_in[rooms.of_member(member)].push_back(member);
    const auto take = [&](const std::vector<MessageQueue>& some,
                          const std::vector<std::string>& sharers) {
      const std::vector<MessageQueue> share = within(self, some, sharers);
      mine.insert(mine.end(), share.begin(), share.end());
    };
    const std::string own = rooms.of_member(self);
    if (queues_in.contains(own)) take(queues_in[own], members_in[own]);
    for (const auto& [room, some] : queues_in) {
      if (!members_in.contains(room)) take(some, members);
    }
    return mine;
  };
}

}  // namespace slipstream::rocketmq
