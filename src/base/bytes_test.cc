#include "base/bytes.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(Bytes, WritesAndReadsBigEndian) {
  std::string out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090A);
  writer.i64(-2);
  writer.text("ab");
  EXPECT_EQ(to_hex(as_bytes(out)), "0102030405060708090AFFFFFFFFFFFFFFFE6162");

  ByteReader reader(as_bytes(out));
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506U);
  EXPECT_EQ(reader.u32(), 0x0708090AU);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_EQ(reader.text(2), "ab");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(Bytes, SignedValuesKeepTheirSign) {
  std::string out;
  ByteWriter writer(out);
  writer.i16(-3);
  writer.i32(-4);
  ByteReader reader(as_bytes(out));
  EXPECT_EQ(reader.i16(), -3);
  EXPECT_EQ(reader.i32(), -4);
}

TEST(Bytes, FailureIsSticky) {
  const std::string three("\x01\x02\x03", 3);
  ByteReader reader(as_bytes(three));
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "a byte is left, but the structure was cut short before it";
  EXPECT_TRUE(reader.bytes(0).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, CountBeyondTheEndIsRefusedWithoutOverflow) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_TRUE(reader.bytes(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, PatchesALengthWrittenBefore) {
  std::vector<std::uint8_t> out;
  VectorByteWriter writer(out);
  writer.u32(0);
  writer.text("xyz");
  writer.patch_u32(0, 0x01020304);
  EXPECT_EQ(to_hex(out), "0102030478797A");
}

TEST(Bytes, HexRoundTripAndRefusal) {
  std::string out;
  ASSERT_TRUE(from_hex("00fFa0", out));
  EXPECT_EQ(out, std::string("\x00\xff\xa0", 3));
  EXPECT_EQ(to_hex(as_bytes(out)), "00FFA0");
  EXPECT_FALSE(from_hex("abc", out));
  EXPECT_FALSE(from_hex("0g", out));
}

}  // namespace
}  // namespace slipstream
