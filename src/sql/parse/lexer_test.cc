#include "sql/parse/lexer.h"

#include <string>

#include <gtest/gtest.h>

#include "sql/parse/keywords.h"

namespace slipstream::sql {
namespace {

std::string kinds_and_texts(std::string_view source) {
  static constexpr const char* kNames = "$wqsbidaohH?";
  std::string shown;
  for (const Token& token : lex(source).tokens) {
    if (token.kind == TokenKind::kEnd) break;
    if (!shown.empty()) shown += ' ';
    shown += kNames[static_cast<std::size_t>(token.kind)];
    shown += ':' + token.text;
  }
  return shown;
}

TEST(Lexer, Tokens) {
  EXPECT_EQ(kinds_and_texts("SELECT a1, `b c` FROM t"), "w:SELECT w:a1 o:, q:b c w:FROM w:t");
  EXPECT_EQ(kinds_and_texts("1 1.5 .5 1. 1e3 2E-4 1ex"),
            "i:1 d:1.5 d:.5 d:1. a:1e3 a:2E-4 i:1 w:ex");
  EXPECT_EQ(kinds_and_texts("a<=b<>c>=d||e=>f"),
            "w:a o:<= w:b o:<> w:c o:>= w:d o:|| w:e o:=> w:f");
  EXPECT_EQ(kinds_and_texts("'it''s' '' X'4142'"), "s:it's s: b:AB");
  EXPECT_EQ(kinds_and_texts("DATE'2024-01-01'"), "w:DATE s:2024-01-01");
  EXPECT_EQ(kinds_and_texts("t /*+ OPTIONS */ x /* c */ -- d"), "w:t h:/*+ w:OPTIONS H:*/ w:x");
  EXPECT_EQ(kinds_and_texts("a*/b"), "w:a o:* o:/ w:b");
  EXPECT_EQ(kinds_and_texts("0x1F"), "i:0 w:x1F");
}

TEST(Lexer, PlacesCountCodePoints) {
  const LexResult result = lex("数据 a\r\n\t'多\n行' b");
  ASSERT_EQ(result.tokens.size(), 5U);
  EXPECT_EQ(result.tokens[1].span.column, 4U);
  EXPECT_EQ(result.tokens[1].span.offset, 7U);
  EXPECT_EQ(result.tokens[2].span.line, 2U);
  EXPECT_EQ(result.tokens[2].span.column, 2U);
  EXPECT_EQ(result.tokens[3].span.line, 3U);
  EXPECT_EQ(result.tokens[3].span.column, 4U);
}

struct Mistake {
  const char* text;
  const char* message;
  const char* fix;
};

TEST(Lexer, MistakesAreNamedWithTheirFix) {
  constexpr Mistake kMistakes[] = {
      {"a != b", "!=", "<>"},
      {"a == b", "==", "use ="},
      {"a && b", "&&", "AND"},
      {"a | b", "operator |", "||"},
      {"U&'\\00e9'", "Unicode escape", "characters themselves"},
      {"N'a'", "prefix N", "without a prefix"},
      {"X'123'", "even number", ""},
      {"X'zz'", "hexadecimal", ""},
      {"\"a\"", "double quotes", "single quotes"},
      {"a，b", "'，'", "write ','"},
      {"a；", "'；'", "write ';'"},
      {"（a）", "'（'", "write '('"},
      {"‘a’", "not a quote", "single quotes"},
      {"a\u3000b", "special blank", "ordinary space"},
      {"{a}", "'{' has no meaning", "backquotes"},
      {"a # b", "'#' has no meaning", ""},
      {"a = ?", "parameters", "value itself"},
      {"``", "cannot be empty", ""},
      {"'abc", "string is not closed", "close it with '"},
      {"`abc", "quoted name is not closed", "`"},
      {"/* abc", "comment is not closed", "*/"},
      {"a \xFF b", "not UTF-8", "UTF-8"},
      {"'a\xFFz'", "not UTF-8", "UTF-8"},
      {"a \x01 b", "control character", "remove"},
      {"X'12", "binary string is not closed", "'"},
  };
  for (const Mistake& mistake : kMistakes) {
    const LexResult result = lex(mistake.text);
    ASSERT_FALSE(result.diagnostics.empty()) << mistake.text;
    const Diagnostic& first = result.diagnostics.front();
    EXPECT_NE(first.message.find(mistake.message), std::string::npos)
        << mistake.text << ": " << first.message;
    EXPECT_NE(first.fix.find(mistake.fix), std::string::npos) << mistake.text << ": " << first.fix;
  }
}

TEST(Lexer, WhatIsMeantGoesOn) {
  EXPECT_EQ(kinds_and_texts("a != b，c；"), "w:a o:<> w:b o:, w:c o:;");
}

TEST(Lexer, BareWords) {
  EXPECT_TRUE(is_bare_word("数据"));
  EXPECT_TRUE(is_bare_word("a_1$"));
  EXPECT_TRUE(is_bare_word("𠀀"));
  for (const char* name : {"", "1a", "a b", "a-b", "a，b", "a`", "😀", "\xFF"}) {
    EXPECT_FALSE(is_bare_word(name)) << name;
  }
}

TEST(Lexer, ReservedWordsAreFlinks) {
  for (const char* word :
       {"SELECT", "VALUE", "TIMESTAMP", "USER", "ORDER", "COUNT", "DATE", "YEAR", "RESULT"}) {
    EXPECT_TRUE(is_reserved_word(word)) << word;
  }
  for (const char* word :
       {"DATA", "TYPE", "TOPIC", "NAME", "KEY", "METADATA", "SIZE", "TUMBLE", "STATE", "ID"}) {
    EXPECT_FALSE(is_reserved_word(word)) << word;
  }
  EXPECT_EQ(quote_name("value"), "`value`");
  EXPECT_EQ(quote_name("数据"), "数据");
  EXPECT_EQ(quote_name("a`b"), "`a``b`");
}

}  // namespace
}  // namespace slipstream::sql
