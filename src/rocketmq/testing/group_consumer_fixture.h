// What tests of group consumers share: a scripted broker, a client and what a listener has seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/group_consumer.h"

#include "base/mutex.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq::testing {

// What listeners were given; any thread.
class Seen {
 public:
  void add(const Delivery& delivery) {
    MutexLock lock(mutex_);
    for (const ReceivedMessage& message : delivery.messages) {
      ++times_[message.body];
      by_queue_[delivery.queue].push_back(message.queue_offset);
      reconsumed_[message.body] = message.reconsume_times;
    }
  }
  std::size_t distinct() const {
    MutexLock lock(mutex_);
    return times_.size();
  }
  int times(const std::string& body) const {
    MutexLock lock(mutex_);
    const auto found = times_.find(body);
    return found == times_.end() ? 0 : found->second;
  }
  int total() const {
    MutexLock lock(mutex_);
    int all = 0;
    for (const auto& [body, count] : times_) all += count;
    return all;
  }
  std::int32_t reconsumed(const std::string& body) const {
    MutexLock lock(mutex_);
    return reconsumed_.at(body);
  }
  std::vector<std::int64_t> offsets(const MessageQueue& queue) const {
    MutexLock lock(mutex_);
    const auto found = by_queue_.find(queue);
    return found == by_queue_.end() ? std::vector<std::int64_t>() : found->second;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, int> times_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<std::string, std::int32_t> reconsumed_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<MessageQueue, std::vector<std::int64_t>> by_queue_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// A client that looks for new queues often, and waits for answers as long as a busy machine needs.
inline std::unique_ptr<Client> connect_member(const ScriptedBroker& broker) {
  auto connected = Client::connect(
      {.name_servers = broker.name_server(), .call_timeout_ms = 20'000, .route_refresh_ms = 100});
  EXPECT_TRUE(connected.ok());
  return connected.ok() ? std::move(*connected) : nullptr;
}

class GroupConsumerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 4);
    client_ = connect();
  }
  std::unique_ptr<Client> connect() { return connect_member(broker_); }
  static GroupConsumerOptions options() {
    return {.group = "g",
            .subscriptions = {{.topic = "T"}},
            .from = StartPosition::earliest(),
            .threads = 4,
            .suspend_ms = 10,
            .commit_interval_ms = 20};
  }
  static std::unique_ptr<GroupConsumer> start(Client& client, GroupConsumerOptions options,
                                              GroupConsumer::Listener listener) {
    auto started = GroupConsumer::start(client, std::move(options), std::move(listener));
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().to_string());
    return started.ok() ? std::move(*started) : nullptr;
  }
  void fill(int per_queue) {
    for (int i = 0; i < per_queue; ++i) {
      for (int id = 0; id < 4; ++id)
        broker_.append({"T", "broker-a", id}, std::to_string(id) + "-" + std::to_string(i));
    }
  }
  // Runs on the broker's thread before the first, second and so on pull from the offset.
  void before_pull(std::int64_t offset, std::function<void(int pull)> work) {
    before_pulls_[std::to_string(offset)] = {std::move(work), 0};
    broker_.disturb([this](RequestCode code) -> std::optional<Fault> {
      if (code != RequestCode::kPullMessage) return std::nullopt;
      const auto known = before_pulls_.find(broker_.last_field(code, "queueOffset"));
      if (known != before_pulls_.end()) known->second.first(++known->second.second);
      return std::nullopt;
    });
  }
  static std::size_t of_topic(const GroupConsumer& consumer) {
    std::size_t count = 0;
    for (const MessageQueue& queue : consumer.assigned()) count += queue.topic == "T" ? 1 : 0;
    return count;
  }

  std::map<std::string, std::pair<std::function<void(int)>, int>> before_pulls_;
  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
};

}  // namespace slipstream::rocketmq::testing
