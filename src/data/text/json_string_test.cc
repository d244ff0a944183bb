#include "data/text/json_string.h"

#include <gtest/gtest.h>

namespace slipstream::text {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

std::string read(std::string_view content) {
  std::string out;
  return append_unescaped_json(content, out) ? out : "refused";
}

TEST(JsonString, IsWrittenAsJacksonDoes) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("a \"b\" \\ /"), R"("a \"b\" \\ /")");
  EXPECT_EQ(written("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\"");
  EXPECT_EQ(written("数据 é 😀"), "\"数据 é 😀\"");
  EXPECT_EQ(written("a\xff\xc3(\xed\xa0\x80"), "\"a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD\"");
}

TEST(JsonString, IsReadWithoutItsEscapes) {
  EXPECT_EQ(read(R"(plain)"), "plain");
  EXPECT_EQ(read(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(read(R"(\u0041\u00e9\u6570\ud83d\ude00!)"), "Aé数😀!");
  EXPECT_EQ(read(R"(a\u0000b)"), std::string("a\0b", 3));
  for (const char* wrong : {R"(\q)", R"(\)", R"(\u12)", R"(\u00g1)", R"(\u+123)", R"(\u 123)"})
    EXPECT_EQ(read(wrong), "refused") << wrong;
}

// Findings 3 and 7.
TEST(JsonString, HalfASurrogatePairIsAQuestionMark) {
  EXPECT_EQ(read(R"(\ud83d)"), "?");
  EXPECT_EQ(read(R"(x\ud83dy)"), "x?y");
  EXPECT_EQ(read(R"(x\ude00\ud83d)"), "x??");
  EXPECT_EQ(read(R"(\ud83d\u0041)"), "?A");
  EXPECT_EQ(read(R"(\ud83d\ud83d\ude00)"), "?😀");
}

TEST(JsonString, ControlCharactersOfStringsBecomeEscapes) {
  EXPECT_EQ(with_escaped_controls("{\n\"a\tb\":\"c\n\\\"\r\",\t\"d\":\"\x01\\\\\"}\n"),
            "{\n\"a\\tb\":\"c\\n\\\"\\r\",\t\"d\":\"\\u0001\\\\\"}\n");
  EXPECT_EQ(with_escaped_controls("\"a\\\n\""), "\"a\\\n\"") << "no escape that JSON has";
}

}  // namespace
}  // namespace slipstream::text
