#include "sql/parse/diagnostic.h"

#include <gtest/gtest.h>

namespace slipstream::sql {
namespace {

TEST(Diagnostic, CaretStandsUnderThePlace) {
  const Diagnostic diagnostic{2, 8, 5, "unknown column 'dataa'", "did you mean 'data'?"};
  EXPECT_EQ(render_diagnostic("-- x\nSELECT dataa FROM t\n", "job.sql", diagnostic),
            "job.sql:2:8: error: unknown column 'dataa'\n"
            "  2 | SELECT dataa FROM t\n"
            "    |        ^~~~~\n"
            "  fix: did you mean 'data'?\n");
}

TEST(Diagnostic, WideCharactersTakeTwoCells) {
  const Diagnostic diagnostic{1, 12, 6, "cause", ""};
  EXPECT_EQ(render_diagnostic("SELECT 温度, 数据 FROM t", "f", diagnostic),
            "f:1:12: error: cause\n"
            "  1 | SELECT 温度, 数据 FROM t\n"
            "    |              ^~~~\n");
}

TEST(Diagnostic, EndOfLineTabsAndCarriageReturns) {
  EXPECT_EQ(render_diagnostic("\ta\r\nb", "f", Diagnostic{1, 3, 1, "cause", ""}),
            "f:1:3: error: cause\n"
            "  1 |  a\n"
            "    |   ^\n");
  EXPECT_EQ(render_diagnostic("", "f", Diagnostic{1, 1, 0, "cause", ""}),
            "f:1:1: error: cause\n"
            "  1 | \n"
            "    | ^\n");
}

TEST(Diagnostic, UnderlineEndsWithTheLine) {
  EXPECT_EQ(render_diagnostic("ab\ncd", "f", Diagnostic{1, 1, 100, "cause", ""}),
            "f:1:1: error: cause\n"
            "  1 | ab\n"
            "    | ^~\n");
}

TEST(Diagnostic, LongLinesAreCut) {
  const std::string source = std::string(500, 'a') + "X" + std::string(500, 'b');
  const std::string text = render_diagnostic(source, "f", Diagnostic{1, 501, 1, "cause", ""});
  EXPECT_LT(text.size(), 400U);
  const std::size_t code = text.find("...");
  const std::size_t x = text.find('X');
  const std::size_t line = text.find('\n', x);
  EXPECT_EQ(text.find('^') - line - 1, x - (text.rfind('\n', x) + 1));
  EXPECT_NE(code, std::string::npos);
}

TEST(Diagnostic, WithoutPlace) {
  EXPECT_EQ(render_diagnostic("SELECT", "f", Diagnostic{0, 0, 0, "cause", "fix it"}),
            "f: error: cause\n  fix: fix it\n");
}

TEST(Diagnostic, ControlCharactersDoNotReachTheTerminal) {
  const std::string text = render_diagnostic("a\x1B[2J\xFF", "f", Diagnostic{1, 1, 1, "cause", ""});
  EXPECT_EQ(text.find('\x1B'), std::string::npos);
  EXPECT_EQ(text.find('\xFF'), std::string::npos);
}

}  // namespace
}  // namespace slipstream::sql
