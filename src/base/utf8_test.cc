#include "base/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

char32_t first_of(std::string_view text) {
  std::size_t position = 0;
  return decode_utf8(text, position);
}

TEST(Utf8, DecodesEveryLength) {
  std::size_t position = 0;
  const std::string text = "a\xC3\xA9数\xF0\x9F\x98\x80";
  EXPECT_EQ(decode_utf8(text, position), U'a');
  EXPECT_EQ(decode_utf8(text, position), char32_t{0xE9});
  EXPECT_EQ(decode_utf8(text, position), U'数');
  EXPECT_EQ(decode_utf8(text, position), char32_t{0x1F600});
  EXPECT_EQ(position, text.size());
}

TEST(Utf8, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(first_of("\x80"), kInvalidCodePoint);
  EXPECT_EQ(first_of("\xC0\x80"), kInvalidCodePoint);          // overlong
  EXPECT_EQ(first_of("\xE0\x80\x80"), kInvalidCodePoint);      // overlong
  EXPECT_EQ(first_of("\xED\xA0\x80"), kInvalidCodePoint);      // surrogate
  EXPECT_EQ(first_of("\xF4\x90\x80\x80"), kInvalidCodePoint);  // above U+10FFFF
  EXPECT_EQ(first_of("\xE4\xB8"), kInvalidCodePoint);          // cut short
}

TEST(Utf8, DisplayWidth) {
  EXPECT_EQ(display_width(U'a'), 1);
  EXPECT_EQ(display_width(U'数'), 2);
  EXPECT_EQ(display_width(U'，'), 2);
  EXPECT_EQ(display_width(U'가'), 2);
  EXPECT_EQ(display_width(char32_t{0x0301}), 0);
}

}  // namespace
}  // namespace slipstream
