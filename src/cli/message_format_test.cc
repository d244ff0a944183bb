#include "cli/message_format.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

rocketmq::ReceivedMessage received() {
  rocketmq::ReceivedMessage message;
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

TEST(MessageFormatTest, PartsStandWhereTheyAreNamed) {
  const auto format = MessageFormat::parse("%t %b:%q:%o\\t%k|%g|%i|%T %s 100%%\\n");
  ASSERT_TRUE(format.ok()) << format.status().to_string();
  std::string text;
  format->append(received(), text);
  EXPECT_EQ(text, "orders broker-a:3:42\tk1 k2|red|7F00|1700000000000 hello 100%\n");
}

// Finding 42: what stands for nothing was printed as it is.
TEST(MessageFormatTest, AnUnknownPartIsRefused) {
  for (const char* wrong : {"%z", "%s %", "%S"}) {
    const auto format = MessageFormat::parse(wrong);
    ASSERT_FALSE(format.ok()) << wrong;
    EXPECT_EQ(format.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(format.error().message.find("%s body"), std::string::npos);
  }
}

TEST(MessageFormatTest, AnEnvelopeGoesBothWays) {
  for (const std::string& body :
       {std::string("hello"), std::string("\xff\0\x01", 3), std::string("\xff\xfe"),
        std::string("\xff"), std::string("订单\n\"")}) {
    rocketmq::ReceivedMessage message = received();
    message.body = body;
    std::string line;
    message.flag = -7;
    ASSERT_TRUE(append_envelope(message, line).ok());
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    rocketmq::Message back;
    const Status status = read_envelope(line, back);
    ASSERT_TRUE(status.ok()) << status.to_string() << line;
    EXPECT_EQ(back.body, body);
    EXPECT_EQ(back.tags, message.tags);
    EXPECT_EQ(back.keys, message.keys);
    EXPECT_EQ(back.flag, -7);
    EXPECT_EQ(back.properties, (std::vector<rocketmq::Property>{{"source", "x\"y"}}));
    EXPECT_EQ(back.topic, "") << "where it was found does not count";
  }
}

TEST(MessageFormatTest, AMessageThatJsonCannotHoldIsRefusedByName) {
  const auto refused = [](auto change) {
    rocketmq::ReceivedMessage message = received();
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

TEST(MessageFormatTest, AWrongEnvelopeIsRefusedWithItsField) {
  const auto refused = [](const char* line) {
    rocketmq::Message message;
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
  EXPECT_EQ(refused(R"({"body_base64":"%%%"})"), "'body_base64' is no base64");
  EXPECT_NE(refused(R"({"body":"a","tag":"b"})").find("did you mean 'tags'"), std::string::npos);
}

}  // namespace
}  // namespace slipstream::cli
