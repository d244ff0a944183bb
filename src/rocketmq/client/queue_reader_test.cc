// From which broker of a name a queue is read.
#include "rocketmq/client/queue_reader.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/testing/wait_until.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

// A master and its slave, which is up all the time.
class SlaveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 1);
    auto connected =
        Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
    consumer_ =
        std::make_unique<Consumer>(*client_, ConsumerOptions{.group = "g", .suspend_ms = 100});
    ASSERT_TRUE(consumer_->assign(queue_, StartPosition::offset(0)).ok());
    append(100);
    read(100);
    ASSERT_TRUE(read_to_the_end_of_its_master());
    broker_.set_brokers_up(false);
    down_ms_ = clock_.now_ms();
  }

  void append(int count) {
    for (int i = 0; i < count; ++i) broker_.append(queue_, "x");
  }
  void read(int count) {
    for (const std::int64_t end = next_ + count; next_ < end;) {
      const auto messages = consumer_->receive(120'000);
      ASSERT_TRUE(messages.ok()) << messages.status().to_string();
      ASSERT_FALSE(messages->empty()) << next_;
      for (const ReceivedMessage& message : *messages) ASSERT_EQ(message.queue_offset, next_++);
    }
  }
  QueueProgress progress() const { return consumer_->progress().front(); }
  // Only a master's word proves that a queue is empty.
  bool read_to_the_end_of_its_master() const {
    const std::int64_t now_ms = clock_.now_ms();
    return wait_until([&] { return progress().proven_empty_ms >= now_ms; });
  }
  bool pulls_go_on() const {
    const std::size_t pulls = broker_.requests_seen(RequestCode::kPullMessage);
    return wait_until([&] { return broker_.requests_seen(RequestCode::kPullMessage) > pulls + 1; });
  }

  const MessageQueue queue_{"T", "broker-a", 0};
  const SystemClock clock_;
  std::int64_t down_ms_ = 0;
  std::int64_t next_ = 0;
  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-a"}}};
  std::unique_ptr<Client> client_;
  std::unique_ptr<Consumer> consumer_;
};

TEST_F(SlaveTest, IsReadWhileItsMasterIsAway) {
  append(50);
  read(50);
  EXPECT_EQ(progress().trouble, "");
  ASSERT_TRUE(pulls_go_on()) << "at its end";
  EXPECT_LT(progress().proven_empty_ms, down_ms_);
  append(50);
  read(50);

  broker_.set_brokers_up(true);
  EXPECT_TRUE(read_to_the_end_of_its_master());
  append(50);
  read(50);
  EXPECT_TRUE(read_to_the_end_of_its_master());
}

TEST_F(SlaveTest, ThatHasLessThanItsMasterHadIsWaitedFor) {
  broker_.lose_tail(queue_, 40);
  ASSERT_TRUE(pulls_go_on());
  const auto nothing = consumer_->poll();
  ASSERT_TRUE(nothing.ok()) << nothing.status().to_string();
  EXPECT_FALSE(nothing->has_value());
  EXPECT_EQ(progress().position, 100);
  EXPECT_EQ(consumer_->out_of_range_count(), 0U);
  append(70);
  read(10);
}

TEST_F(SlaveTest, ThatRefusesIsNotBelieved) {
  broker_.inject(RequestCode::kPullMessage,
                 {.kind = Fault::Kind::kCode, .code = response_code::kTopicNotExist});
  broker_.inject(RequestCode::kPullMessage, {.kind = Fault::Kind::kCode,
                                             .code = response_code::kSystemBusy,
                                             .remark = "[REJECTREQUEST]"});
  append(50);
  read(50);
  EXPECT_FALSE(progress().left_topic);
}

}  // namespace
}  // namespace slipstream::rocketmq
