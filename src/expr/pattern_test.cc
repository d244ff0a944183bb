#include <gtest/gtest.h>

#include "expr/test_cells.h"

namespace slipstream::expr {
namespace {

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
  });
}

TEST(Regex, BadPatterns) {
  const ExprPtr text = column(0, Type::string(), "t");
  EXPECT_NE(compile_error("REGEXP", {text, string_literal("(")}).find("the pattern '(' is wrong"),
            std::string::npos);
  EXPECT_NE(compile_error("REGEXP_REPLACE", {text, string_literal("a(?=b)"), text})
                .find("no look-around"),
            std::string::npos);
  const ExprPtr varying = *bind_call(*find_function("REGEXP"), {text, column(1, Type::string())});
  auto program = *Program::compile({varying}, test_context());
  const auto columns = *program->run(
      Batch(2, {column_of(Type::string(), {"a", "a"}), column_of(Type::string(), {"(", "a"})}));
  EXPECT_EQ(columns[0]->data<std::uint8_t>()[0], 0);
  EXPECT_EQ(columns[0]->data<std::uint8_t>()[1], 1);
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
