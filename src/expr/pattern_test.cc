#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/text/value.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Cell kNone = null_of(Type::string());

std::string compile_error(const std::string& function, std::vector<ExprPtr> args) {
  auto program =
      Program::compile({*bind_call(*find_function(function), std::move(args))}, test_context());
  return program.ok() ? "compiled" : program.error().message;
}

TEST(Regex, Matches) {
  check_calls({
      {"REGEXP", {str("abc123"), str("[0-9]+")}, "TRUE"},
      {"REGEXP", {str("abc"), str("^b")}, "FALSE"},
      {"REGEXP", {str("abc"), str("")}, "FALSE"},
      {"REGEXP", {str("数据流"), str("^数.流$")}, "TRUE"},
      {"REGEXP", {kNone, str("a")}, "NULL"},
      {"REGEXP_EXTRACT", {str("foothebar"), str("foo(.*?)(bar)"), integer(2)}, "bar"},
      {"REGEXP_EXTRACT", {str("foothebar"), str("t.e")}, "the"},
      {"REGEXP_EXTRACT", {str("foothebar"), str("x")}, "NULL"},
      {"REGEXP_EXTRACT", {str("foothebar"), str("foo(.*)"), integer(5)}, "NULL"},
      {"REGEXP_EXTRACT", {str("ab"), str("(x)?a"), integer(1)}, "NULL"},
      {"REGEXP_REPLACE", {str("foobar"), str("oo|ar"), str("")}, "fb"},
      {"REGEXP_REPLACE", {str("a1b2"), str("([0-9])"), str("<$1\\1>")}, "a<$1\\1>b<$1\\1>"},
      {"REGEXP_REPLACE", {str("ab"), str("x*"), str("-")}, "-a-b-"},
      {"REGEXP_REPLACE", {str("ab"), str(""), str("-")}, "-a-b-"},
      {"REGEXP_REPLACE", {str("aaa"), str("a*"), str("-")}, "--"},
      {"REGEXP_REPLACE", {str("aa"), str("^a"), str("-")}, "-a"},
      {"REGEXP_REPLACE", {str("aab"), str("\\Ga"), str("-")}, "--b"},
      {"REGEXP_REPLACE", {str("a1b22"), str("(?<=\\d)\\d"), str("-")}, "a1b2-"},
      {"REGEXP", {str("abc\n"), str("c$")}, "TRUE"},
      {"REGEXP_EXTRACT", {str("x=1;y=2"), str("(?<=y=)(\\d)"), integer(1)}, "2"},
  });
}

TEST(Regex, BadPatterns) {
  const ExprPtr text = column(0, Type::string(), "t");
  EXPECT_NE(compile_error("REGEXP", {text, string_literal("(")}).find("the pattern '(' is wrong"),
            std::string::npos);
  EXPECT_NE(compile_error("REGEXP_REPLACE", {text, string_literal("\\N{DIGIT ONE}"), text})
                .find("is not supported"),
            std::string::npos);
}

// One row per pattern of a column.
std::vector<std::string> over_patterns(const std::string& function, const std::string& text,
                                       const std::vector<std::optional<std::string>>& patterns) {
  std::vector<ExprPtr> args = {string_literal(text), column(0, Type::string(), "p")};
  if (function == "REGEXP_REPLACE") args.push_back(string_literal("-"));
  auto program =
      *Program::compile({*bind_call(*find_function(function), std::move(args))}, test_context());
  const auto columns = program->run(Batch(patterns.size(), {column_of(Type::string(), patterns)}));
  if (!columns.ok()) return {columns.error().message};
  std::vector<std::string> results;
  for (std::size_t row = 0; row < patterns.size(); ++row)
    results.push_back((*columns)[0]->is_null(row) ? "NULL" : text::to_text(*(*columns)[0], row));
  return results;
}

// Finding 8: of a column a pattern that is wrong gives FALSE or NULL; others run.
TEST(Regex, PatternsOfAColumn) {
  EXPECT_THAT(over_patterns("REGEXP", "ab", {"(", "a", "(?=a)ab", "", "(b)\\1"}),
              ElementsAre("FALSE", "TRUE", "TRUE", "FALSE", "FALSE"));
  EXPECT_THAT(over_patterns("REGEXP_EXTRACT", "abb", {"(", "b+", "(b)\\1", "x"}),
              ElementsAre("NULL", "bb", "bb", "NULL"));
  EXPECT_THAT(over_patterns("REGEXP_REPLACE", "abb", {"(", "b+", "(?<=a)b", ""}),
              ElementsAre("NULL", "a-", "a-b", "-a-b-b-"));
  EXPECT_THAT(over_patterns("REGEXP", "ab", {"a", "\\N{DIGIT ONE}"}),
              ElementsAre(HasSubstr("the pattern '\\N{DIGIT ONE}': \\N{...} is not supported")));
  EXPECT_THAT(over_patterns("SIMILAR TO", "ab", {"a%", "(a"}),
              ElementsAre(HasSubstr("the pattern '(a' is wrong: unclosed group")));
  for (const char* function : {"REGEXP", "REGEXP_EXTRACT", "REGEXP_REPLACE"}) {
    EXPECT_THAT(over_patterns(function, std::string(40, 'a') + "b", {"a", "(?=a)(a+)+$"}),
                ElementsAre(HasSubstr("the pattern '(?=a)(a+)+$' needs more than")));
  }
}

TEST(Regex, SimilarTo) {
  check_calls({
      {"SIMILAR TO", {str("abc"), str("a%")}, "TRUE"},
      {"SIMILAR TO", {str("abc"), str("a_c")}, "TRUE"},
      {"SIMILAR TO", {str("abc"), str("(abc|def)")}, "TRUE"},
      {"SIMILAR TO", {str("abc"), str("ab")}, "FALSE"},
      {"SIMILAR TO", {str("a.c"), str("a.c")}, "TRUE"},
      {"SIMILAR TO", {str("abc"), str("a.c")}, "TRUE"},
      {"SIMILAR TO", {str("b5"), str("[a-c][0-9]+")}, "TRUE"},
      {"SIMILAR TO", {str("a%"), str("a!%"), str("!")}, "TRUE"},
      {"SIMILAR TO", {str("ab"), str("a!%"), str("!")}, "FALSE"},
      {"SIMILAR TO", {kNone, str("a")}, "NULL"},
      {"SIMILAR TO", {str("数据"), str("%据")}, "TRUE"},
      {"SIMILAR TO", {str("数据"), str("!数_"), str("!")}, "TRUE"},
      {"SIMILAR TO", {str("ab12"), str("[[:ALPHA:]]+[[:digit:]]+")}, "TRUE"},
      {"SIMILAR TO", {str("a b"), str("a[[:WHITESPACE:]]b")}, "TRUE"},
      {"SIMILAR TO", {str("a$"), str("a$")}, "TRUE"},
      {"SIMILAR TO", {str("&"), str("[a&&b]")}, "TRUE"},
  });
}

TEST(Hashing, Digests) {
  check_calls({
      {"MD5", {str("")}, "d41d8cd98f00b204e9800998ecf8427e"},
      {"MD5", {str("hello")}, "5d41402abc4b2a76b9719d911017c592"},
      {"SHA1", {str("hello")}, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"},
      {"SHA256",
       {str("hello")},
       "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
      {"SHA2",
       {str("hello"), integer(256)},
       "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
      {"MD5", {kNone}, "NULL"},
      {"TO_BASE64", {str("hello")}, "aGVsbG8="},
      {"TO_BASE64", {str("数据")}, "5pWw5o2u"},
      {"TO_BASE64", {str("")}, ""},
      {"FROM_BASE64", {str("aGVsbG8=")}, "hello"},
      {"FROM_BASE64", {str("5pWw5o2u")}, "数据"},
      {"FROM_BASE64", {str("YQ==")}, "a"},
      {"FROM_BASE64", {str("YQ")}, "a"},
  });
  EXPECT_NE(evaluate_call("FROM_BASE64", {str("a*b=")}).find("no base64"), std::string::npos);
  EXPECT_NE(evaluate_call("FROM_BASE64", {str("a")}).find("no base64"), std::string::npos);
  EXPECT_NE(evaluate_call("SHA2", {str("a"), integer(1)}).find("224, 256, 384 or 512"),
            std::string::npos);
}

TEST(Hashing, UuidsAreVersionFourAndUnlike) {
  auto program = *Program::compile({*bind_call(*find_function("UUID"), {})}, test_context());
  const auto columns = *program->run(Batch(2, {}));
  const std::string_view first = columns[0]->text(0);
  EXPECT_EQ(first.size(), 36U);
  EXPECT_EQ(first[14], '4');
  EXPECT_NE(std::string_view("89ab").find(first[19]), std::string_view::npos);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) EXPECT_EQ(first[dash], '-');
  EXPECT_NE(first, columns[0]->text(1));
}

}  // namespace
}  // namespace slipstream::expr
