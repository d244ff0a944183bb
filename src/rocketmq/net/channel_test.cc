#include "rocketmq/net/channel.h"

#include <atomic>
#include <future>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/wait_until.h"
#include "io/event_loop.h"
#include "io/tcp.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 1);
    open({});
  }
  void TearDown() override {
    loop_.run_and_wait([&] { channel_.reset(); });
    loop_.stop();
  }
  void open(ChannelOptions options) {
    loop_.run_and_wait([&] {
      channel_ = std::make_unique<Channel>(loop_, net_, ReceivePool::create(),
                                           *io::Endpoint::parse(broker_.name_server()), options);
    });
  }
  std::future<CallOutcome> call(const Command& command, std::int64_t timeout_ms = 10'000) {
    auto promise = std::make_shared<std::promise<CallOutcome>>();
    loop_.post([this, promise, command, timeout_ms] {
      channel_->call(command, timeout_ms,
                     [promise](CallOutcome outcome) { promise->set_value(std::move(outcome)); });
    });
    return promise->get_future();
  }

  ScriptedBroker broker_;
  const SystemClock clock_{};
  io::EventLoop loop_{clock_, "test"};
  io::TcpNet net_{loop_};
  std::unique_ptr<Channel> channel_;
};

TEST_F(ChannelTest, ManyCallsAreUnderWayAtOnceAndMatchedByOpaque) {
  std::vector<std::future<CallOutcome>> known;
  std::vector<std::future<CallOutcome>> unknown;
  for (int i = 0; i < 500; ++i) {
    known.push_back(call(encode_route("T")));
    unknown.push_back(call(encode_route("missing")));
  }
  for (auto& each : known) EXPECT_EQ(each.get().answer->header.code, 0);
  for (auto& each : unknown)
    EXPECT_EQ(each.get().answer->header.code, response_code::kTopicNotExist);
}

TEST_F(ChannelTest, ATimeOutKeepsTheConnectionAndDropsTheLateAnswer) {
  ASSERT_TRUE(call(encode_route("T")).get().answer.ok());
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 300});
  const CallOutcome late = call(encode_route("T"), 50).get();
  ASSERT_FALSE(late.answer.ok());
  EXPECT_EQ(late.answer.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(late.maybe_done);
  EXPECT_TRUE(call(encode_route("T")).get().answer.ok());
  // The late answer arrives while this one waits: it must not be taken for it.
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 400});
  EXPECT_EQ(call(encode_route("missing")).get().answer->header.code, response_code::kTopicNotExist);
  loop_.run_and_wait([&] { EXPECT_TRUE(channel_->connected()); });
}

TEST_F(ChannelTest, ATimeOutMayDropTheConnectionAndEveryCallIsUnknownThen) {
  open({.drop_on_timeout = true});
  ASSERT_TRUE(call(encode_route("T")).get().answer.ok());
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kSilence, .code = 0, .remark = {}, .delay_ms = 0});
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kSilence, .code = 0, .remark = {}, .delay_ms = 0});
  auto patient = call(encode_route("T"), 60'000);
  const CallOutcome late = call(encode_route("T"), 50).get();
  ASSERT_FALSE(late.answer.ok());
  EXPECT_EQ(late.answer.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(late.maybe_done);
  const CallOutcome lost = patient.get();
  ASSERT_FALSE(lost.answer.ok());
  EXPECT_TRUE(lost.maybe_done);
  EXPECT_TRUE(call(encode_route("T")).get().answer.ok());
}

TEST_F(ChannelTest, ACallThatMayNotLeaveAnyMoreEndsTheConnectionInstead) {
  const auto late_call = [&] {
    auto promise = std::make_shared<std::promise<CallOutcome>>();
    loop_.post([this, promise] {
      channel_->call(
          encode_route("T"), nullptr, 10'000,
          [promise](CallOutcome outcome) { promise->set_value(std::move(outcome)); },
          clock_.now_ms());
    });
    return promise->get_future().get();
  };
  for (const char* connection : {"in the making", "open"}) {
    SCOPED_TRACE(connection);
    const CallOutcome late = late_call();
    ASSERT_FALSE(late.answer.ok());
    EXPECT_NE(late.answer.error().message.find("could not leave in time"), std::string::npos)
        << late.answer.error().message;
    EXPECT_EQ(late.answer.error().message.find("TLS"), std::string::npos);
    EXPECT_TRUE(call(encode_route("T")).get().answer.ok());
  }
}

TEST_F(ChannelTest, ALostConnectionEndsItsCallsAndIsMadeAgain) {
  ASSERT_TRUE(call(encode_route("T")).get().answer.ok());
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kDropBefore, .code = 0, .remark = {}, .delay_ms = 0});
  const CallOutcome lost = call(encode_route("T")).get();
  ASSERT_FALSE(lost.answer.ok());
  EXPECT_TRUE(lost.maybe_done);
  EXPECT_TRUE(lost.answer.error().retryable);
  EXPECT_TRUE(call(encode_route("T")).get().answer.ok());
}

TEST_F(ChannelTest, ARefusedConnectSaysThatNothingWasDone) {
  broker_.set_name_server_up(false);
  const CallOutcome refused = call(encode_route("T")).get();
  ASSERT_FALSE(refused.answer.ok());
  EXPECT_FALSE(refused.maybe_done);
  EXPECT_NE(refused.answer.error().message.find(broker_.name_server()), std::string::npos);
  // The next call waits for the pause between attempts and then works.
  auto waiting = call(encode_route("T"));
  broker_.set_name_server_up(true);
  CallOutcome outcome = waiting.get();
  if (!outcome.answer.ok()) outcome = call(encode_route("T")).get();
  EXPECT_TRUE(outcome.answer.ok());
}

TEST_F(ChannelTest, AServerThatHangsUpWithoutAWordMayDemandTls) {
  const Fault hang_up{.kind = Fault::Kind::kDropBefore, .code = 0, .remark = {}, .delay_ms = 0};
  broker_.inject(RequestCode::kRouteByTopic, hang_up);
  const CallOutcome first = call(encode_route("T")).get();
  ASSERT_FALSE(first.answer.ok());
  EXPECT_NE(first.answer.error().message.find("does it demand TLS"), std::string::npos)
      << first.answer.error().message;
  EXPECT_TRUE(first.answer.error().retryable);
  ASSERT_TRUE(call(encode_route("T")).get().answer.ok());
  broker_.inject(RequestCode::kRouteByTopic, hang_up);
  const CallOutcome later = call(encode_route("T")).get();
  ASSERT_FALSE(later.answer.ok());
  EXPECT_EQ(later.answer.error().message.find("TLS"), std::string::npos);
}

TEST_F(ChannelTest, TooManyCallsAreRefused) {
  open({.calls_max = 1});
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kSilence, .code = 0, .remark = {}, .delay_ms = 0});
  auto first = call(encode_route("T"), 500);
  const CallOutcome second = call(encode_route("T")).get();
  ASSERT_FALSE(second.answer.ok());
  EXPECT_EQ(second.answer.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(second.maybe_done);
  EXPECT_EQ(first.get().answer.error().code, ErrorCode::kTimeout);
}

TEST_F(ChannelTest, DestructionEndsEveryCall) {
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kSilence, .code = 0, .remark = {}, .delay_ms = 0});
  auto pending = call(encode_route("T"));
  ASSERT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kRouteByTopic) == 1; }));
  loop_.run_and_wait([&] { channel_.reset(); });
  EXPECT_EQ(pending.get().answer.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace slipstream::rocketmq
