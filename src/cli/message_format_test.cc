#include "cli/message_format.h"

#include <limits>

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

TEST(TimeText, IsANumberWhereThereIsNoSuchTime) {
  EXPECT_EQ(time_text(1'700'000'000'000), "2023-11-14 22:13:20.000");
  EXPECT_EQ(time_text(253'402'300'799'999), "9999-12-31 23:59:59.999");
  EXPECT_EQ(time_text(253'402'300'800'000), "253402300800000");
  EXPECT_EQ(time_text(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(time_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
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
