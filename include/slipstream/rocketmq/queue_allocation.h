// How the members of a consumer group share the queues of a topic: the strategies of the Java client.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/message.h"

namespace slipstream::rocketmq {

// The queues of one member. Nobody coordinates: each member computes its own share from the same
// lists, so all members of a group, of whatever client, must use the same strategy.
//
// `queues` and `members` (client ids) are sorted; `self` is one of the members, else it gets nothing.
// Pure; may run on any thread.
using QueueAllocation = std::function<std::vector<MessageQueue>(
    const std::string& self, const std::vector<MessageQueue>& queues,
    const std::vector<std::string>& members)>;

// AllocateMessageQueueAveragely, the default of the Java client: neighbours in the list.
QueueAllocation allocate_averagely();
// AllocateMessageQueueAveragelyByCircle: one after another, as cards are dealt.
QueueAllocation allocate_by_circle();
// AllocateMessageQueueByConfig: these, whatever the members are.
QueueAllocation allocate_fixed(std::vector<MessageQueue> queues);
// AllocateMessageQueueByMachineRoom: only queues of brokers named "room@name" with one of the rooms.
QueueAllocation allocate_by_machine_room(std::set<std::string> rooms);
// AllocateMessageQueueConsistentHash: most queues stay where they are when members come and go.
QueueAllocation allocate_by_consistent_hash(int virtual_nodes = 10);

// Where brokers and members stand.
struct MachineRooms {
  std::function<std::string(const MessageQueue& queue)> of_queue;
  std::function<std::string(std::string_view client_id)> of_member;
};
// AllocateMachineRoomNearby: queues go to members of their room, by `within`; those of a room
// without members to all.
QueueAllocation allocate_machine_room_nearby(MachineRooms rooms, QueueAllocation within);

}  // namespace slipstream::rocketmq
