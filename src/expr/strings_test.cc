#include <gtest/gtest.h>

#include "data/text/characters.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

const Cell kNone = null_of(Type::string());

TEST(Strings, Cases) {
  check_calls({
      {"UPPER", {str("abc-é数")}, "ABC-É数"},
      {"UPPER", {str("straße")}, "STRASSE"},
      {"LOWER", {str("ÀÖ ДЖ ΑΩ Z")}, "àö дж αω z"},
      {"LOWER", {str("×÷")}, "×÷"},
      {"UPPER", {kNone}, "NULL"},
      {"INITCAP", {str("hello wORLD 1st")}, "Hello World 1st"},
      {"INITCAP", {str("école")}, "éCole"},
      {"REVERSE", {str("ab数")}, "数ba"},
      {"REVERSE", {str("")}, ""},
      {"CHAR_LENGTH", {str("数据a")}, "3"},
      {"CHARACTER_LENGTH", {str("")}, "0"},
      {"OCTET_LENGTH", {str("数据a")}, "7"},
      {"OCTET_LENGTH", {bytes("abc")}, "3"},
      {"ASCII", {str("abc")}, "97"},
      {"ASCII", {str("")}, "0"},
      {"CHR", {integer(97)}, "a"},
      {"CHR", {integer(353)}, "a"},
      {"CHR", {integer(-1)}, ""},
      {"REPEAT", {str("ab"), integer(3)}, "ababab"},
      {"REPEAT", {str("ab"), integer(0)}, ""},
      {"REPEAT", {str("ab"), integer(-1)}, ""},
      {"REPLACE", {str("hello world"), str("o"), str("00")}, "hell00 w00rld"},
      {"REPLACE", {str("数a"), str(""), str("x")}, "x数xax"},
      {"REPLACE", {str("aaa"), str("aa"), str("b")}, "ba"},
  });
  EXPECT_NE(evaluate_call("REPEAT", {str("abcd"), big(1LL << 40U)}).find("64 MiB"),
            std::string::npos);
  EXPECT_EQ(evaluate_call("UPPER", {integer(1)}), "error: no UPPER(INT); usage: UPPER(text)");
}

TEST(Strings, Trim) {
  check_calls({
      {"TRIM", {str("  a b  ")}, "a b"},
      {"TRIM", {str("LEADING"), str(" "), str("  a ")}, "a "},
      {"TRIM", {str("TRAILING"), str("xy"), str("xaxyx")}, "xa"},
      {"TRIM", {str("BOTH"), str("数"), str("数a数")}, "a"},
      {"LTRIM", {str("  a ")}, "a "},
      {"LTRIM", {str("xxa"), str("x")}, "a"},
      {"RTRIM", {str(" a  ")}, " a"},
      {"BTRIM", {str("-=a=-"), str("=-")}, "a"},
      {"TRIM", {str("   ")}, ""},
      {"BTRIM", {str("\ta")}, "\ta"},
      {"TRIM", {kNone}, "NULL"},
  });
  EXPECT_TRUE(
      evaluate_call("TRIM", {str("a"), str("b")}).starts_with("error: no TRIM(STRING, STRING)"));
}

TEST(Strings, Substring) {
  check_calls({
      {"SUBSTRING", {str("hello"), integer(2)}, "ello"},
      {"SUBSTRING", {str("hello"), integer(2), integer(3)}, "ell"},
      {"SUBSTRING", {str("hello"), integer(0)}, "hello"},
      {"SUBSTRING", {str("hello"), integer(0), integer(2)}, "he"},
      {"SUBSTRING", {str("hello"), integer(-3)}, "llo"},
      {"SUBSTRING", {str("hello"), integer(-9)}, ""},
      {"SUBSTRING", {str("hello"), integer(9)}, ""},
      {"SUBSTRING", {str("hello"), integer(2), integer(-1)}, "NULL"},
      {"SUBSTR", {str("数据流处理"), integer(2), integer(2)}, "据流"},
      {"SUBSTR",
       {str("a text that is longer than twelve bytes"), integer(3), integer(30)},
       "text that is longer than twelv"},
      {"SUBSTRING", {str("hello"), null_of(Type::integer())}, "NULL"},
      {"LEFT", {str("数据流"), integer(2)}, "数据"},
      {"LEFT", {str("abc"), integer(-2)}, ""},
      {"LEFT", {str("abc"), integer(9)}, "abc"},
      {"RIGHT", {str("数据流"), integer(2)}, "据流"},
      {"RIGHT", {str("abc"), integer(9)}, "abc"},
      {"RIGHT", {str("abc"), integer(0)}, ""},
  });
}

TEST(Strings, PaddingAndOverlay) {
  check_calls({
      {"LPAD", {str("hi"), integer(4), str("?!")}, "?!hi"},
      {"LPAD", {str("hi"), integer(5), str("?!")}, "?!?hi"},
      {"LPAD", {str("hi"), integer(1), str("?")}, "h"},
      {"LPAD", {str("hi"), integer(-1), str("?")}, "NULL"},
      {"LPAD", {str("hi"), integer(4), str("")}, "NULL"},
      {"RPAD", {str("hi"), integer(5), str("?!")}, "hi?!?"},
      {"RPAD", {str("hi"), integer(0), str("?")}, ""},
      {"LPAD", {str("数"), integer(3), str("*")}, "**数"},
      {"LPAD", {str("😀"), integer(3), str("*")}, "*😀"},
      {"OVERLAY", {str("xxxxxtest"), str("xxxx"), integer(6)}, "xxxxxxxxx"},
      {"OVERLAY", {str("xxxxxtest"), str("xxxx"), integer(6), integer(2)}, "xxxxxxxxxst"},
      {"OVERLAY", {str("abc"), str("Z"), integer(0)}, "abc"},
      {"OVERLAY", {str("abc"), str("Z"), integer(4)}, "abc"},
      {"OVERLAY", {str("数据流"), str("Z"), integer(2), integer(1)}, "数Z流"},
  });
}

TEST(Strings, Positions) {
  check_calls({
      {"POSITION", {str("b"), str("abc")}, "2"},
      {"POSITION", {str("据"), str("数据")}, "2"},
      {"POSITION", {str("z"), str("abc")}, "0"},
      {"POSITION", {str(""), str("abc")}, "1"},
      {"LOCATE", {str("a"), str("banana"), integer(3)}, "4"},
      {"LOCATE", {str("a"), str("banana"), integer(9)}, "0"},
      {"INSTR", {str("banana"), str("na")}, "3"},
      {"INSTR", {str("banana"), kNone}, "NULL"},
  });
}

TEST(Strings, Affixes) {
  check_calls({
      {"STARTSWITH", {str("banana"), str("ban")}, "TRUE"},
      {"STARTSWITH", {str("banana"), str("an")}, "FALSE"},
      {"STARTSWITH", {str("ab"), str("abc")}, "FALSE"},
      {"STARTSWITH", {str("banana"), str("")}, "TRUE"},
      {"STARTSWITH", {str(""), str("")}, "TRUE"},
      {"STARTSWITH", {str("数据流"), str("数据")}, "TRUE"},
      {"STARTSWITH", {bytes("abc"), bytes("ab")}, "TRUE"},
      {"STARTSWITH", {kNone, str("a")}, "NULL"},
      {"STARTSWITH", {null_of(Type::null()), bytes("a")}, "NULL"},
      {"ENDSWITH", {str("banana"), str("ana")}, "TRUE"},
      {"ENDSWITH", {str("banana"), str("anan")}, "FALSE"},
      {"ENDSWITH", {str("banana"), str("")}, "TRUE"},
      {"ENDSWITH", {bytes("abc"), bytes("bc")}, "TRUE"},
      {"ENDSWITH", {str("a"), kNone}, "NULL"},
  });
  EXPECT_EQ(evaluate_call("ENDSWITH", {str("a"), bytes("a")}),
            "error: no ENDSWITH(STRING, BYTES); usage: ENDSWITH(text or bytes, end)");
}

TEST(Strings, SplitIndex) {
  check_calls({
      {"SPLIT_INDEX", {str("a,b,,d"), str(","), integer(1)}, "b"},
      {"SPLIT_INDEX", {str("a,b,,d"), str(","), integer(2)}, ""},
      {"SPLIT_INDEX", {str("a,b,,d"), str(","), integer(4)}, "NULL"},
      {"SPLIT_INDEX", {str("a,b"), str(","), integer(-1)}, "NULL"},
      {"SPLIT_INDEX", {str("a||b"), str("||"), integer(1)}, "b"},
      {"SPLIT_INDEX", {str("a;b"), integer(59), integer(1)}, "b"},
      {"SPLIT_INDEX", {str(""), str(","), integer(0)}, "NULL"},
      {"SPLIT_INDEX", {str("a b"), str(""), integer(1)}, "b"},
  });
}

TEST(Strings, Concatenation) {
  check_calls({
      {"||", {str("数"), str("据")}, "数据"},
      {"||", {str("a"), kNone}, "NULL"},
      {"||", {bytes("a"), bytes("b")}, "ab"},
      {"CONCAT",
       {str("a"), str("b"), str("a longer text of many bytes")},
       "aba longer text of many bytes"},
      {"CONCAT", {str("a"), kNone}, "NULL"},
      {"CONCAT_WS", {str("-"), str("a"), kNone, str("b")}, "a-b"},
      {"CONCAT_WS", {kNone, str("a")}, "NULL"},
      {"CONCAT_WS", {str("-")}, ""},
  });
  EXPECT_EQ(call_type("||", {Type::bytes(), Type::bytes()}), "BYTES");
  EXPECT_TRUE(
      call_type("||", {Type::string(), Type::integer()}).starts_with("error: no ||(STRING, INT)"));
}

TEST(Utf8, BrokenBytesAreCharacters) {
  EXPECT_EQ(text::code_point_at("\xC3", 0).value, U'\uFFFD');
  EXPECT_EQ(text::code_point_at("é", 0).value, U'é');
  EXPECT_EQ(text::code_point_at("😀", 0).value, U'😀');
  EXPECT_EQ(text::count_characters("a\xFFz"), 3U);
}

}  // namespace
}  // namespace slipstream::expr
