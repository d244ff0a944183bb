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

}  // namespace
}  // namespace slipstream::cli
