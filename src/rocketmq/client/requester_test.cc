#include "slipstream/rocketmq/requester.h"

#include <atomic>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "base/testing/wait_until.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

// What callbacks were given, by a name that the test chose; any thread.
class Replies {
 public:
  ReplyCallback named(const std::string& name) {
    return [this, name](Result<ReceivedMessage> reply) {
      MutexLock lock(mutex_);
      replies_.emplace(name, std::move(reply));
    };
  }
  std::optional<Result<ReceivedMessage>> find(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto found = replies_.find(name);
    if (found == replies_.end()) return std::nullopt;
    return found->second;
  }
  // Waits for it.
  Result<ReceivedMessage> at(const std::string& name) const {
    EXPECT_TRUE(wait_until([&] { return find(name).has_value(); })) << name;
    return find(name).value_or(Error{ErrorCode::kTimeout, "no callback"});
  }

 private:
  mutable Mutex mutex_;
  std::multimap<std::string, Result<ReceivedMessage>> replies_ SLIPSTREAM_GUARDED_BY(mutex_);
};

class RequesterTest : public ::testing::Test {
 protected:
  RequesterTest() {
    broker_.create_topic("T", 1);
    broker_.create_topic("ScriptedCluster_REPLY_TOPIC", 1);
    client_ = connect();
    answerer_ = connect();
    producer_.emplace(*answerer_, ProducerOptions{.group = "answerers"});
  }
  std::unique_ptr<Client> connect() {
    return *Client::connect({.name_servers = broker_.name_server(),
                             .call_timeout_ms = 20'000,
                             .heartbeat_interval_ms = 100});
  }
  static RequesterOptions options() {
    return {.producer = {.group = "askers", .attempt_timeout_ms = 20'000}};
  }
  // The n-th request, as a consumer gets it from a broker, which adds its cluster.
  ReceivedMessage request(std::size_t n = 0) {
    const MessageQueue queue{"T", "broker-a", 0};
    EXPECT_TRUE(wait_until([&] { return broker_.messages(queue).size() > n; }));
    ReceivedMessage message = broker_.messages(queue).at(n);
    message.properties.push_back({"CLUSTER", "ScriptedCluster"});
    return message;
  }
  SendResult answer(const ReceivedMessage& request, const std::string& body) {
    auto reply = make_reply(request, body);
    EXPECT_TRUE(reply.ok()) << reply.status().to_string();
    return producer_->send_and_wait(*reply);
  }

  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> answerer_;
  std::optional<Producer> producer_;
  Replies replies_;  // outlives requesters
};

TEST_F(RequesterTest, AnAnswerComesBack) {
  Requester requester(*client_, options());
  ASSERT_TRUE(
      requester
          .request({.topic = "T", .body = "how many?", .tags = "q"}, 60'000, replies_.named("one"))
          .ok());
  const ReceivedMessage asked = request();
  EXPECT_NE(broker_.last_heartbeat().find("askers"), std::string::npos)
      << "the broker knows whom to answer before there is anything to answer";
  EXPECT_EQ(asked.body, "how many?");
  EXPECT_EQ(asked.tags, "q");
  EXPECT_EQ(asked.property(property::kTimeToLive), "60000");
  EXPECT_TRUE(asked.property(property::kCorrelationId).has_value());
  EXPECT_EQ(requester.pending_count(), 1U);
  EXPECT_TRUE(answer(asked, "seven").stored());
  EXPECT_EQ(broker_.last_field(RequestCode::kSendReplyV2, "b"), "ScriptedCluster_REPLY_TOPIC");
  const auto reply = replies_.at("one");
  ASSERT_TRUE(reply.ok()) << reply.status().to_string();
  EXPECT_EQ(reply->body, "seven");
  EXPECT_EQ(reply->topic, "ScriptedCluster_REPLY_TOPIC");
  EXPECT_EQ(reply->property("MSG_TYPE"), "reply");
  EXPECT_EQ(requester.pending_count(), 0U);
  EXPECT_EQ(requester.dropped_replies(), 0U);
}

TEST_F(RequesterTest, AnswersFindTheirRequests) {
  Requester one(*client_, options());
  Requester two(*client_, options());
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(one.request({.topic = "T", .body = name}, 60'000, replies_.named(name)).ok());
    const std::string other = std::string(name) + "2";
    ASSERT_TRUE(two.request({.topic = "T", .body = other}, 60'000, replies_.named(other)).ok());
  }
  for (std::size_t n = 4; n-- > 0;) {
    const ReceivedMessage asked = request(n);
    EXPECT_TRUE(answer(asked, "re: " + asked.body).stored());
  }
  for (const std::string name : {"a", "b", "a2", "b2"}) {
    const auto reply = replies_.at(name);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->body, "re: " + name);
  }
}

TEST_F(RequesterTest, WithoutAnAnswerInTimeItFailsAndALateOneIsDropped) {
  Requester requester(*client_, options());
  // So that the time is that of the answer alone.
  ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 60'000, replies_.named("0")).ok());
  ASSERT_TRUE(answer(request(0), "x").stored());
  const auto reply = requester.request_and_wait({.topic = "T", .body = "1"}, 300);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kTimeout);
  EXPECT_NE(reply.error().message.find("no answer within 300 ms"), std::string::npos);
  EXPECT_EQ(requester.pending_count(), 0U);
  EXPECT_TRUE(answer(request(1), "late").stored()) << "nobody else could take it";
  EXPECT_TRUE(wait_until([&] { return requester.dropped_replies() == 1; }));
}

TEST_F(RequesterTest, TheSecondAnswerIsDropped) {
  Requester requester(*client_, options());
  ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 60'000, replies_.named("0")).ok());
  const ReceivedMessage asked = request();
  EXPECT_TRUE(answer(asked, "first").stored());
  EXPECT_TRUE(answer(asked, "second").stored());
  EXPECT_TRUE(wait_until([&] { return requester.dropped_replies() == 1; }));
  EXPECT_EQ(replies_.at("0")->body, "first");
}

TEST_F(RequesterTest, ARequestThatIsNotStoredFails) {
  RequesterOptions once = options();
  once.producer.attempts_max = 1;
  Requester requester(*client_, once);
  broker_.inject(RequestCode::kSendMessageV2,
                 {.kind = Fault::Kind::kCode, .code = 2, .remark = "[REJECTREQUEST]system busy"});
  const auto busy = requester.request_and_wait({.topic = "T", .body = "0"}, 60'000);
  ASSERT_FALSE(busy.ok());
  EXPECT_NE(busy.error().message.find("system busy"), std::string::npos) << busy.error().message;
  EXPECT_EQ(requester.request_and_wait({.topic = "none", .body = "0"}, 60'000).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(requester.pending_count(), 0U);
}

TEST_F(RequesterTest, ABrokerThatWasAwayFindsItAgain) {
  Requester requester(*client_, options());
  ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 120'000, replies_.named("0")).ok());
  const ReceivedMessage asked = request();
  broker_.set_brokers_up(false);
  const auto lost = requester.request_and_wait({.topic = "T", .body = "1"}, 200);
  EXPECT_FALSE(lost.ok());
  broker_.set_brokers_up(true);
  EXPECT_TRUE(wait_until([&] { return answer(asked, "after all").stored(); }));
  EXPECT_EQ(replies_.at("0")->body, "after all");
}

TEST_F(RequesterTest, AnAnswerToNobodyFails) {
  ReceivedMessage asked;
  {
    Requester requester(*client_, options());
    ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 60'000, replies_.named("0")).ok());
    asked = request();
  }
  EXPECT_EQ(replies_.at("0").error().code, ErrorCode::kCancelled);
  SendResult unheard;
  EXPECT_TRUE(wait_until([&] {
    unheard = answer(asked, "who?");
    return !unheard.stored();
  }));
  EXPECT_EQ(unheard.attempts, 3) << "whoever asked is gone: trying for long does not help";
}

TEST_F(RequesterTest, WhatIsPendingEndsWithTheClient) {
  Requester requester(*client_, options());
  ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 60'000, replies_.named("0")).ok());
  static_cast<void>(request());
  client_->close();
  EXPECT_EQ(replies_.at("0").error().code, ErrorCode::kCancelled);
  EXPECT_EQ(requester.request_and_wait({.topic = "T", .body = "1"}, 60'000).error().code,
            ErrorCode::kCancelled);
}

TEST_F(RequesterTest, NoMoreThanPendingMaxAreUnanswered) {
  RequesterOptions few = options();
  few.pending_max = 1;
  Requester requester(*client_, few);
  ASSERT_TRUE(requester.request({.topic = "T", .body = "0"}, 60'000, replies_.named("0")).ok());
  const Status full = requester.request({.topic = "T", .body = "1"}, 60'000, replies_.named("1"));
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  ASSERT_TRUE(answer(request(), "x").stored());
  ASSERT_TRUE(replies_.at("0").ok());
  EXPECT_TRUE(requester.request({.topic = "T", .body = "1"}, 60'000, replies_.named("1")).ok());
  EXPECT_EQ(requester.request({.topic = "T", .body = "2"}, 0, nullptr).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(RequesterTest, WhatIsNoRequestHasNoReply) {
  broker_.append({"T", "broker-a", 0}, "plain");
  EXPECT_EQ(make_reply(request(), "x").error().code, ErrorCode::kInvalidArgument);
  Message forged{.topic = "T", .body = "x"};
  forged.properties = {{"MSG_TYPE", "reply"}, {"CORRELATION_ID", "1"}};
  EXPECT_EQ(producer_->send_and_wait(forged).error.code, ErrorCode::kInvalidArgument)
      << "only for topics of replies";
  forged.topic = "ScriptedCluster_REPLY_TOPIC";
  EXPECT_EQ(producer_->send_batch_and_wait({forged}).error.code, ErrorCode::kUnsupported);
  forged.properties.clear();
  EXPECT_EQ(producer_->send_and_wait(forged).error.code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace slipstream::rocketmq
