#include "rocketmq/message/message_id.h"

#include <set>

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

constexpr std::array<std::uint8_t, 4> kLoopback = {127, 0, 0, 1};

TEST(MessageId, ReadsAndWritesTheOffsetForm) {
  const Result<OffsetMessageId> id = decode_offset_message_id("7F00000100002E8700000000000022AA");
  ASSERT_TRUE(id.ok());
  EXPECT_FALSE(id->v6);
  EXPECT_EQ(id->port, 11911);
  EXPECT_EQ(id->physical_offset, 0x22AAU);
  EXPECT_EQ(encode_offset_message_id(id->ip_bytes(), id->port, id->physical_offset),
            "7F00000100002E8700000000000022AA");
}

TEST(MessageId, SixteenByteAddressesAndLargeOffsets) {
  std::array<std::uint8_t, 16> ip{};
  ip[15] = 1;
  const std::string text = encode_offset_message_id(ip, 10911, 0xFFFFFFFFFFULL);
  EXPECT_EQ(text.size(), 56U);
  const Result<OffsetMessageId> id = decode_offset_message_id(text);
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(id->v6);
  EXPECT_EQ(id->ip, ip);
  EXPECT_EQ(id->physical_offset, 0xFFFFFFFFFFULL);
}

TEST(MessageId, RefusesOtherTexts) {
  EXPECT_FALSE(decode_offset_message_id("").ok());
  EXPECT_FALSE(decode_offset_message_id("7F0000010000").ok());
  EXPECT_FALSE(decode_offset_message_id("7F00000100002E87000000000000ZZZZ").ok());
}

TEST(UniqueKey, HasTheFormToolsRead) {
  UniqueKeyMaker maker(UniqueKeyMaker::Identity{kLoopback, 0x1234, 0xABCDEF01});
  // 2023-11-14T22:13:20Z is 13 d 22 h 13 m 20 s = 1,203,200,000 ms into its month.
  const std::string key = maker.make(1'700'000'000'000);
  EXPECT_EQ(key,
            "7F0000011234ABCDEF01"
            "47B76000"
            "0000");
  EXPECT_TRUE(is_unique_key_form(key));
  EXPECT_EQ(maker.make(1'700'000'000'001).substr(20), "47B760010001");
}

TEST(UniqueKey, TimePartStartsAgainWithTheMonth) {
  UniqueKeyMaker maker(UniqueKeyMaker::Identity{kLoopback, 1, 1});
  constexpr std::int64_t kDecember = 1'701'388'800'000;  // 2023-12-01T00:00:00Z
  EXPECT_EQ(maker.make(kDecember - 1).substr(20, 8), "9A7EC7FF");
  EXPECT_EQ(maker.make(kDecember).substr(20, 8), "00000000");
}

TEST(UniqueKey, DiffersWithinAMillisecond) {
  UniqueKeyMaker maker(UniqueKeyMaker::Identity{kLoopback, 1, 1});
  std::set<std::string> keys;
  for (int i = 0; i < 65536; ++i) keys.insert(maker.make(1'700'000'000'000));
  EXPECT_EQ(keys.size(), 65536U);
}

TEST(UniqueKey, FormCheck) {
  EXPECT_FALSE(is_unique_key_form("0a0000010000000000000000000000ff"));
  EXPECT_FALSE(is_unique_key_form("0A"));
  EXPECT_TRUE(is_unique_key_form(std::string(56, 'F')));
}

}  // namespace
}  // namespace slipstream::rocketmq
