// Against a real RocketMQ, as live_test.cc: requests and answers, the other side being another client.
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/requester.h"

#include "base/mutex.h"
#include "base/testing/wait_until.h"

namespace slipstream::rocketmq {
namespace {

constexpr int kRequests = 20;

class LiveRequestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
    const char* topic = std::getenv("SLIPSTREAM_TEST_REQUEST_TOPIC");
    if (address == nullptr || topic == nullptr)
      GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_REQUEST_TOPIC is not set";
    topic_ = topic;
    auto connected = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
  }

  std::unique_ptr<Client> client_;
  std::string topic_;
};

// Somebody answers each request with "re: " and its body.
TEST_F(LiveRequestTest, AreAnsweredByAnotherClient) {
  Requester requester(*client_,
                      {.producer = {.group = "asks_" + topic_, .attempt_timeout_ms = 10'000}});
  for (int i = 0; i < kRequests; ++i) {
    const std::string body = "question " + std::to_string(i);
    const auto reply = requester.request_and_wait({.topic = topic_, .body = body}, 120'000);
    ASSERT_TRUE(reply.ok()) << reply.status().to_string();
    EXPECT_EQ(reply->body, "re: " + body);
  }
  EXPECT_EQ(requester.pending_count(), 0U);
}

// Somebody asks.
TEST_F(LiveRequestTest, OfAnotherClientAreAnswered) {
  Producer producer(*client_, {.group = "answers_" + topic_, .attempt_timeout_ms = 10'000});
  Mutex mutex;
  std::set<std::string> answered;
  auto consumer = GroupConsumer::start(*client_,
                                       {.group = "answer_" + topic_,
                                        .subscriptions = {{.topic = topic_}},
                                        .from = StartPosition::earliest(),
                                        .threads = 2},
                                       [&](Delivery& delivery) {
                                         for (const ReceivedMessage& message : delivery.messages) {
                                           const auto reply =
                                               make_reply(message, "re: " + message.body);
                                           EXPECT_TRUE(reply.ok()) << reply.status().to_string();
                                           if (!reply.ok()) continue;
                                           const SendResult sent = producer.send_and_wait(*reply);
                                           EXPECT_TRUE(sent.stored()) << sent.error.to_string();
                                           MutexLock lock(mutex);
                                           answered.insert(message.body);
                                         }
                                         return ConsumeResult::kSuccess;
                                       });
  ASSERT_TRUE(consumer.ok());
  EXPECT_TRUE(wait_until([&] {
    MutexLock lock(mutex);
    return answered.size() == kRequests;
  }));
}

}  // namespace
}  // namespace slipstream::rocketmq
