#include "rocketmq/message/envelope.h"

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

ReceivedMessage received() {
  ReceivedMessage message;
  message.topic = "orders";
  message.broker = "broker-a";
  message.queue_id = 3;
  message.queue_offset = 42;
  message.message_id = "7F00";
  message.stored_ms = 1'700'000'000'000;
  message.tags = "red";
  message.keys = {"k1", "k2"};
  message.properties = {
      {"KEYS", "k1 k2"}, {"TAGS", "red"}, {"UNIQ_KEY", "7F00"}, {"source", "x\"y"}};
  message.body = "hello";
  return message;
}

TEST(EnvelopeTest, GoesBothWays) {
  for (const std::string& body :
       {std::string("hello"), std::string("\xff\0\x01", 3), std::string("\xff\xfe"),
        std::string("\xff"), std::string("订单\n\"")}) {
    ReceivedMessage message = received();
    message.body = body;
    std::string line;
    message.flag = -7;
    ASSERT_TRUE(append_envelope(message, line).ok());
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    Message back;
    const Status status = read_envelope(line, back);
    ASSERT_TRUE(status.ok()) << status.to_string() << line;
    EXPECT_EQ(back.body, body);
    EXPECT_EQ(back.tags, message.tags);
    EXPECT_EQ(back.keys, message.keys);
    EXPECT_EQ(back.flag, -7);
    EXPECT_EQ(back.properties, (std::vector<Property>{{"source", "x\"y"}}));
    EXPECT_EQ(back.topic, "") << "where it was found does not count";
  }
}

TEST(EnvelopeTest, AMessageThatJsonCannotHoldIsRefusedByName) {
  const auto refused = [](auto change) {
    ReceivedMessage message = received();
    change(message);
    std::string line = "before";
    const Status status = append_envelope(message, line);
    EXPECT_EQ(line, "before");
    return status.ok() ? std::string("taken") : status.error().message;
  };
  const std::string property = refused([](auto& message) {
    message.properties.push_back({"colour", "\xff"});
  });
  EXPECT_NE(property.find(received().message_id), std::string::npos) << property;
  EXPECT_NE(property.find("its property 'colour' is not UTF-8"), std::string::npos) << property;
  EXPECT_NE(refused([](auto& message) { message.tags = "\xff"; }).find("its tag is"),
            std::string::npos);
  EXPECT_NE(refused([](auto& message) {
              message.keys = {"k", "\xff"};
            }).find("its key '"),
            std::string::npos);
}

TEST(EnvelopeTest, AWrongEnvelopeIsRefusedWithItsField) {
  const auto refused = [](const char* line) {
    Message message;
    const Status status = read_envelope(line, message);
    return status.ok() ? std::string("taken") : status.error().message;
  };
  EXPECT_EQ(refused("[1]"), "it is no JSON object");
  EXPECT_EQ(refused("{"), "it is no JSON object");
  EXPECT_NE(refused(R"({"tags":"a"})").find("exactly one of 'body'"), std::string::npos);
  EXPECT_NE(refused(R"({"body":"a","body_base64":"YQ=="})").find("exactly one"), std::string::npos);
  EXPECT_EQ(refused(R"({"body":"a","keys":"k"})"), "'keys' is no list of strings");
  EXPECT_EQ(refused(R"({"body":"a","properties":{"n":1}})"), "'properties.n' is no string");
  EXPECT_EQ(refused(R"({"body":"a","flag":4294967296})"), "'flag' is no number of 32 bits");
  EXPECT_EQ(refused(R"({"body":"a","flag":18446744073709551615})"),
            "'flag' is no number of 32 bits");
  EXPECT_EQ(refused(R"({"body_base64":"%%%"})"), "'body_base64' is no base64");
  EXPECT_NE(refused(R"({"body":"a","tag":"b"})").find("did you mean 'tags'"), std::string::npos);
}

TEST(EnvelopeTest, ARecordedMessageIsWhereItWas) {
  std::string line;
  ASSERT_TRUE(append_envelope(received(), line).ok());
  const auto recorded = read_recorded(line);
  ASSERT_TRUE(recorded.ok()) << recorded.status().to_string();
  EXPECT_EQ(recorded->topic, "orders");
  EXPECT_EQ(recorded->broker, "broker-a");
  EXPECT_EQ(recorded->queue_id, 3);
  EXPECT_EQ(recorded->offset, 42);
  EXPECT_EQ(recorded->stored_ms, 1'700'000'000'000);
  EXPECT_EQ(recorded->id, "7F00");
  EXPECT_EQ(recorded->message.body, "hello");
  EXPECT_EQ(recorded->message.tags, "red");
}

TEST(EnvelopeTest, ARecordedMessageNeedsABodyOnly) {
  const auto recorded = read_recorded(R"({"body":"x"})");
  ASSERT_TRUE(recorded.ok()) << recorded.status().to_string();
  EXPECT_EQ(recorded->message.body, "x");
  EXPECT_FALSE(recorded->topic || recorded->broker || recorded->queue_id || recorded->offset ||
               recorded->stored_ms);
  const auto refused = [](const char* text) {
    const auto read = read_recorded(text);
    return read.ok() ? std::string("taken") : read.error().message;
  };
  EXPECT_EQ(refused(R"({"body":"x","queue":-1})"), "'queue' is no number from 0 to 2147483647");
  EXPECT_EQ(refused(R"({"body":"x","queue":4294967296})"),
            "'queue' is no number from 0 to 2147483647");
  EXPECT_EQ(refused(R"({"body":"x","time":"now"})"),
            "'time' is no number from 0 to 9223372036854775807");
  EXPECT_EQ(refused(R"({"body":"x","topic":7})"), "'topic' is no string");
}

}  // namespace
}  // namespace slipstream::rocketmq
