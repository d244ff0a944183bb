#include "slipstream/rocketmq/queue_allocation.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

std::vector<MessageQueue> queues_of(int queue_count, int broker_count) {
  std::vector<MessageQueue> queues;
  for (const char* broker : {"hz@a", "sh@b"}) {
    if (queues.size() >= static_cast<std::size_t>(queue_count * broker_count)) break;
    for (int id = 0; id < queue_count; ++id) queues.push_back({"T", broker, id});
  }
  return queues;
}

std::vector<std::string> members_of(int count) {
  const std::vector<std::string> rooms = {"hz", "bj", "hz"};
  std::vector<std::string> members;
  for (int i = 0; i < count; ++i) {
    members.push_back(rooms[static_cast<std::size_t>(i % 3)] + "-10.0.0." + std::to_string(i) +
                      "@4711#" + std::to_string(i));
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::map<std::string, QueueAllocation> strategies() {
  const MachineRooms rooms{
      .of_queue = [](const MessageQueue& queue) { return queue.broker.substr(0, 2); },
      .of_member = [](std::string_view id) { return std::string(id.substr(0, 2)); }};
  return {{"AVG", allocate_averagely()},
          {"AVG_BY_CIRCLE", allocate_by_circle()},
          {"MACHINE_ROOM", allocate_by_machine_room({"hz"})},
          {"CONSISTENT_HASH", allocate_by_consistent_hash()},
          {"MACHINE_ROOM_NEARBY-AVG", allocate_machine_room_nearby(rooms, allocate_averagely())}};
}

TEST(QueueAllocationTest, GivesWhatTheJavaClientGives) {
  std::ifstream golden(SLIPSTREAM_GOLDEN_DIR "/allocations.txt");
  auto known = strategies();
  std::map<std::string, int> compared;
  std::string line;
  while (std::getline(golden, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream words(
        line.substr(0, line.find(": ") == std::string::npos ? line.size() - 1 : line.find(": ")));
    std::string strategy;
    std::string self;
    int queue_count = 0;
    int broker_count = 0;
    int member_count = 0;
    words >> strategy >> queue_count >> broker_count >> member_count >> self;
    ASSERT_TRUE(known.contains(strategy)) << line;
    std::string ours;
    for (const MessageQueue& queue :
         known[strategy](self, queues_of(queue_count, broker_count), members_of(member_count)))
      ours += " " + queue.broker + "/" + std::to_string(queue.id);
    const std::size_t colon = line.find(": ");
    EXPECT_EQ(ours, colon == std::string::npos ? "" : line.substr(colon + 1)) << line;
    ++compared[strategy];
  }
  EXPECT_EQ(compared.size(), 5U);
  for (const auto& [strategy, count] : compared) EXPECT_EQ(count, 66) << strategy;
}

TEST(QueueAllocationTest, WhoIsNotAMemberGetsNothing) {
  for (const auto& [name, allocation] : strategies())
    EXPECT_TRUE(allocation("stranger", queues_of(4, 2), members_of(3)).empty()) << name;
}

TEST(QueueAllocationTest, AFixedListIsDividedByTopic) {
  const QueueAllocation fixed = allocate_fixed({{"T", "b", 3}, {"U", "b", 1}});
  EXPECT_EQ(fixed("me", {{"T", "b", 0}, {"T", "b", 3}}, {"me"}),
            (std::vector<MessageQueue>{{"T", "b", 3}}));
  EXPECT_EQ(fixed("me", {{"U", "b", 0}}, {"me"}), (std::vector<MessageQueue>{{"U", "b", 1}}));
}

}  // namespace
}  // namespace slipstream::rocketmq
