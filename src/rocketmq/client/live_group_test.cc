// Against a real RocketMQ, as live_test.cc: consumer groups, alone and together with another client.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/lite_pull_consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "base/mutex.h"
#include "base/testing/wait_until.h"

namespace slipstream::rocketmq {
namespace {

// What members were given.
class Given {
 public:
  void add(const Delivery& delivery) {
    MutexLock lock(mutex_);
    for (const ReceivedMessage& message : delivery.messages) {
      ++times_[message.body];
      offsets_[delivery.queue].push_back(message.queue_offset);
    }
  }
  std::map<std::string, int> times() const {
    MutexLock lock(mutex_);
    return times_;
  }
  std::map<MessageQueue, std::vector<std::int64_t>> offsets() const {
    MutexLock lock(mutex_);
    return offsets_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, int> times_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<MessageQueue, std::vector<std::int64_t>> offsets_ SLIPSTREAM_GUARDED_BY(mutex_);
};

class LiveGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SLIPSTREAM_TEST_NAME_SERVER") == nullptr)
      GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER is not set";
    client_ = connect();
    ASSERT_NE(client_, nullptr);
    topic_ = "group_" + std::to_string(std::random_device{}());
    group_ = "of_" + topic_;
    Admin admin(*client_);
    const Status created = admin.create_topic({.topic = topic_});
    ASSERT_TRUE(created.ok()) << created.to_string();
  }
  static std::unique_ptr<Client> connect() {
    auto connected = Client::connect({.name_servers = std::getenv("SLIPSTREAM_TEST_NAME_SERVER"),
                                      .call_timeout_ms = 10'000,
                                      .route_refresh_ms = 1'000});
    EXPECT_TRUE(connected.ok());
    return connected.ok() ? std::move(*connected) : nullptr;
  }
  GroupConsumerOptions options() const {
    return {.group = group_,
            .subscriptions = {{.topic = topic_}},
            .from = StartPosition::earliest(),
            .threads = 4,
            .commit_interval_ms = 500};
  }
  static std::unique_ptr<GroupConsumer> start(Client& client, GroupConsumerOptions options,
                                              GroupConsumer::Listener listener) {
    auto started = GroupConsumer::start(client, std::move(options), std::move(listener));
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().to_string());
    return started.ok() ? std::move(*started) : nullptr;
  }
  void send(int from, int to) {
    Producer producer(*client_, {.attempt_timeout_ms = 10'000});
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(producer.send_and_wait({.topic = topic_, .body = std::to_string(i)}).stored());
    }
  }
  std::size_t of_topic(const GroupConsumer& consumer) const {
    std::size_t count = 0;
    for (const MessageQueue& queue : consumer.assigned()) count += queue.topic == topic_ ? 1 : 0;
    return count;
  }

  std::unique_ptr<Client> client_;
  std::string topic_;
  std::string group_;
};

TEST_F(LiveGroupTest, TwoMembersShareTakeOverAndGoOnWhereTheyWere) {
  Given given;
  const auto listener = [&](Delivery& delivery) {
    given.add(delivery);
    return ConsumeResult::kSuccess;
  };
  const auto other = connect();
  auto one = start(*client_, options(), listener);
  // Else its first two of four queues could be taken for its share.
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 4; }));
  auto two = start(*other, options(), listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 2 && of_topic(*two) == 2; }));
  send(0, 200);
  ASSERT_TRUE(wait_until([&] { return given.times().size() == 200; }));
  two->close();
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 4; }));
  send(200, 300);
  ASSERT_TRUE(wait_until([&] { return given.times().size() == 300; }));
  for (const auto& [body, times] : given.times()) EXPECT_EQ(times, 1) << body;
  one->close();
  Admin admin(*client_);
  const auto lag = admin.lag(group_, topic_);
  ASSERT_TRUE(lag.ok());
  for (const QueueLag& queue : *lag) EXPECT_EQ(queue.committed, queue.max_offset);
}

TEST_F(LiveGroupTest, RetriesAndThenADeadLetter) {
  Given given;
  GroupConsumerOptions how = options();
  how.reconsume_times_max = 2;
  auto consumer = start(*client_, how, [&](Delivery& delivery) {
    given.add(delivery);
    delivery.delay_level = 1;  // 1 s
    return delivery.messages[0].body == "3" ? ConsumeResult::kLater : ConsumeResult::kSuccess;
  });
  send(0, 5);
  Admin admin(*client_);
  const std::string dead = "%DLQ%" + group_;
  ASSERT_TRUE(wait_until([&] {
    const auto description = admin.describe_topic(dead);
    if (!description.ok() || description->readable_queues().empty()) return false;
    const auto end = admin.max_offset(description->readable_queues().front());
    return end.ok() && *end == 1;
  }));
  EXPECT_EQ(given.times()["3"], 3);
  EXPECT_EQ(given.times()["2"], 1);
}

TEST_F(LiveGroupTest, OrderlyMembersKeepTheOrderWhileQueuesMove) {
  Given given;
  std::atomic<int> failures{0};
  GroupConsumerOptions how = options();
  how.orderly = true;
  how.suspend_ms = 20;
  how.rebalance_interval_ms = 1'000;
  const auto listener = [&](Delivery& delivery) {
    if (delivery.messages[0].body.ends_with("50") && ++failures % 2 == 1)
      return ConsumeResult::kLater;
    given.add(delivery);
    return ConsumeResult::kSuccess;
  };
  const auto other = connect();
  auto one = start(*client_, how, listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 4; }));
  send(0, 100);
  auto two = start(*other, how, listener);
  ASSERT_TRUE(wait_until([&] { return of_topic(*one) == 2 && of_topic(*two) == 2; }));
  send(100, 300);
  ASSERT_TRUE(wait_until([&] { return given.times().size() == 300; }));
  for (const auto& [queue, offsets] : given.offsets()) {
    for (std::size_t i = 1; i < offsets.size(); ++i)
      EXPECT_EQ(offsets[i], offsets[i - 1] + 1) << queue.to_string();
  }
}

TEST_F(LiveGroupTest, ALitePullMemberSeeksCommitsAndGoesOn) {
  send(0, 40);
  const LitePullOptions how{.group = group_,
                            .subscriptions = {{.topic = topic_}},
                            .from = StartPosition::earliest(),
                            .auto_commit = false};
  std::set<std::string> seen;
  MessageQueue queue;
  {
    auto consumer = LitePullConsumer::start(*client_, how);
    ASSERT_TRUE(consumer.ok()) << consumer.error().to_string();
    const auto poll = [&] {
      const auto messages = (*consumer)->poll(1'000);
      EXPECT_TRUE(messages.ok());
      for (const ReceivedMessage& message : *messages) {
        seen.insert(message.body);
        queue = message.queue();
      }
      return seen.size();
    };
    ASSERT_TRUE(wait_until([&] { return poll() == 40; }));
    ASSERT_TRUE((*consumer)->commit().ok());
    ASSERT_TRUE((*consumer)->seek(queue, 0).ok());
    seen.clear();
    ASSERT_TRUE(wait_until([&] { return poll() == 10; })) << "of one queue again";
  }
  send(40, 44);
  seen.clear();
  auto next = LitePullConsumer::start(*client_, how);
  ASSERT_TRUE(next.ok());
  ASSERT_TRUE(wait_until([&] {
    const auto messages = (*next)->poll(1'000);
    EXPECT_TRUE(messages.ok());
    for (const ReceivedMessage& message : *messages) seen.insert(message.body);
    return seen.size() == 4;
  }));
  EXPECT_TRUE(seen.contains("40") && seen.contains("43"));
}

// SLIPSTREAM_TEST_GROUP, SLIPSTREAM_TEST_GROUP_TOPIC: of members of another client. Consumes until
// nothing came for 10 s, and writes what it was given to SLIPSTREAM_TEST_GROUP_FILE.
TEST(LiveMixedGroupTest, IsAMemberBesideAnotherClient) {
  const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
  const char* group = std::getenv("SLIPSTREAM_TEST_GROUP");
  const char* topic = std::getenv("SLIPSTREAM_TEST_GROUP_TOPIC");
  const char* path = std::getenv("SLIPSTREAM_TEST_GROUP_FILE");
  if (address == nullptr || group == nullptr || topic == nullptr || path == nullptr)
    GTEST_SKIP() << "SLIPSTREAM_TEST_GROUP... are not set";
  auto client = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
  ASSERT_TRUE(client.ok());
  Given given;
  std::atomic<std::int64_t> last_ms{(*client)->clock().now_ms()};
  auto consumer =
      GroupConsumer::start(**client,
                           {.group = group,
                            .subscriptions = {{.topic = topic}},
                            .orderly = std::getenv("SLIPSTREAM_TEST_GROUP_ORDERLY") != nullptr,
                            .from = StartPosition::earliest(),
                            .threads = 4},
                           [&](Delivery& delivery) {
                             given.add(delivery);
                             last_ms = (*client)->clock().now_ms();
                             return ConsumeResult::kSuccess;
                           });
  ASSERT_TRUE(consumer.ok()) << consumer.error().to_string();
  ASSERT_TRUE(wait_until(
      [&] { return (*client)->clock().now_ms() - last_ms > 10'000 && !given.times().empty(); }));
  (*consumer)->close();
  std::ofstream file(path);
  for (const auto& [body, times] : given.times()) {
    for (int i = 0; i < times; ++i) file << body << '\n';
  }
}

}  // namespace
}  // namespace slipstream::rocketmq
