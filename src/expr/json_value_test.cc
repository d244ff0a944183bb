#include <gtest/gtest.h>

#include "expr/json_path.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

const Cell kNone = null_of(Type::string());

std::string compile_error(const std::string& function, std::vector<ExprPtr> args) {
  auto program =
      Program::compile({*bind_call(*find_function(function), std::move(args))}, test_context());
  return program.ok() ? "compiled" : program.error().message;
}

const Cell kJson = str(
    R"({"a": {"b": [1, 2.50, "数据", true, null, {"c d": 7}]}, "n": 42, "big": 18446744073709551615})");

TEST(JsonValue, Scalars) {
  const auto value = [](const std::string& path) {
    return evaluate_call("JSON_VALUE", {kJson, str(path)});
  };
  EXPECT_EQ(value("$.n"), "42");
  EXPECT_EQ(value("$.a.b[0]"), "1");
  EXPECT_EQ(value("$.a.b[1]"), "2.50");
  EXPECT_EQ(value("$.a['b'][2]"), "数据");
  EXPECT_EQ(value("$.a.b[3]"), "true");
  EXPECT_EQ(value("$.a.b[4]"), "NULL");
  EXPECT_EQ(value("$.a.b[5]['c d']"), "7");
  EXPECT_EQ(value("$.a.b[-1]['c d']"), "7");
  EXPECT_EQ(value("$.big"), "18446744073709551615");
  EXPECT_EQ(value("$.missing"), "NULL");
  EXPECT_EQ(value("$.a"), "NULL");
  EXPECT_EQ(value("strict $.n"), "42");
  EXPECT_EQ(evaluate_call("JSON_VALUE", {str("\"x\""), str("$")}), "x");
  EXPECT_EQ(evaluate_call("JSON_VALUE", {str("no json"), str("$.a")}), "NULL");
  EXPECT_EQ(evaluate_call("JSON_VALUE", {kNone, str("$.a")}), "NULL");
}

TEST(JsonValue, Returning) {
  check_calls({
      {"JSON_VALUE_INTEGER", {kJson, str("$.n")}, "42"},
      {"JSON_VALUE_DOUBLE", {kJson, str("$.a.b[1]")}, "2.5"},
      {"JSON_VALUE_DOUBLE", {kJson, str("$.n")}, "42.0"},
      {"JSON_VALUE_BOOLEAN", {kJson, str("$.a.b[3]")}, "TRUE"},
      {"JSON_VALUE_INTEGER", {kJson, str("$.x")}, "NULL"},
  });
  EXPECT_NE(
      evaluate_call("JSON_VALUE_INTEGER", {str(R"({"n":"42"})"), str("$.n")}).find("is no INT"),
      std::string::npos);
}

TEST(JsonValue, EmptyAndErrorClauses) {
  const auto value = [](const std::string& json, const std::string& path) {
    return evaluate_call("JSON_VALUE", {str(json), str(path), str("DEFAULT"), str("empty"),
                                        str("DEFAULT"), str("error")});
  };
  EXPECT_EQ(value("{}", "lax $.a"), "empty");
  EXPECT_EQ(value("{}", "$.a"), "error") << "strict is the default mode";
  EXPECT_EQ(value("{\"a\":null}", "$.a"), "error");
  EXPECT_EQ(value("{\"a\":null}", "lax $.a"), "empty");
  EXPECT_EQ(value("{\"a\":{}}", "lax $.a"), "empty");
  EXPECT_EQ(value("{\"a\":{}}", "$.a"), "error");
  EXPECT_EQ(value("broken", "lax $.a"), "empty");
  EXPECT_EQ(value("broken", "$.a"), "error");
  EXPECT_EQ(value("{\"a\":1}", "$.a"), "1");
  EXPECT_EQ(
      evaluate_call("JSON_VALUE_INTEGER", {str("{}"), str("lax $.a"), str("DEFAULT"), integer(9)}),
      "9");
  EXPECT_NE(evaluate_call("JSON_VALUE", {str("{}"), str("lax $.a"), str("ERROR"), kNone})
                .find("no value at 'lax $.a'"),
            std::string::npos);
  EXPECT_NE(
      evaluate_call("JSON_VALUE", {str("x"), str("$.a"), str("NULL"), kNone, str("ERROR"), kNone})
          .find("no JSON"),
      std::string::npos);
}

TEST(JsonValue, PathsThatAreRefused) {
  for (const char* path : {"a", "$.*", "$..a", "$[*]", "$['a", "$[1", "$a", "$.a[?(@.b)]"}) {
    EXPECT_FALSE(JsonPath::parse(path).ok()) << path;
    EXPECT_NE(compile_error("JSON_VALUE", {column(0, Type::string()), string_literal(path)})
                  .find("the JSON path"),
              std::string::npos);
  }
}

// The values below are those of Flink 2.3's SqlJsonUtils.
std::string value_of(const std::string& json, const std::string& path = "$.a") {
  return evaluate_call("JSON_VALUE", {str(json), str(path)});
}

// Finding 3: what stands elsewhere in the text does not matter as long as it is JSON.
TEST(JsonValue, OtherValuesMayBeAnything) {
  EXPECT_EQ(value_of(R"({"big":18446744073709551616,"a":"hello"})"), "hello");
  EXPECT_EQ(value_of(R"({"big":1e400,"a":"hello"})"), "hello");
  EXPECT_EQ(value_of(R"({"s":"\ud83d","a":"hello"})"), "hello");
  EXPECT_EQ(value_of(R"({"a":18446744073709551616})"), "18446744073709551616");
  EXPECT_EQ(value_of(R"({"a":1e400})"), "1E+400");
  EXPECT_EQ(value_of(R"({"a":"x\ud83dy"})"), "x?y");
  EXPECT_EQ(value_of(R"({"a":"x\ud83d\ude00 and more"})"), "x😀 and more");
  EXPECT_EQ(value_of(R"({"b":1e99999999999,"a":1})"), "NULL") << "too much for Java as well";
  EXPECT_EQ(evaluate_call("JSON_VALUE_DOUBLE", {str(R"({"a":1e400})"), str("$.a")}), "Infinity");
  EXPECT_NE(
      evaluate_call("JSON_VALUE_INTEGER", {str(R"({"a":1e1})"), str("$.a")}).find("is no INT"),
      std::string::npos);
}

// Finding 4.
TEST(JsonValue, DigitsOfNumbersAreKept) {
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"0.12345678901234567890", "0.12345678901234567890"},
      {"1.50", "1.50"},
      {"100000000.5", "100000000.5"},
      {"1e3", "1E+3"},
      {"1e-3", "0.001"},
      {"-0", "0"},
      {"-0.0", "0.0"},
      {"0.0000001", "1E-7"},
      {"0.000001", "0.000001"},
      {"0e5", "0E+5"},
      {"0.00", "0.00"},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"1.0E+2", "1.0E+2"},
      {"12.5e1", "125"},
      {"-12.5e-10", "-1.25E-9"},
      {"1e0", "1"},
      {"100e-2", "1.00"},
      {"1e+05", "1E+5"}};
  for (const auto& [json, text] : numbers) EXPECT_EQ(value_of("{\"a\":" + json + "}"), text);
  for (const char* wrong : {"1.", "01", "+1", ".5", "NaN", "1e", "00", "-", "Infinity", "-e1"})
    EXPECT_EQ(value_of("{\"a\":" + std::string(wrong) + "}"), "NULL") << wrong;
  EXPECT_EQ(value_of("{\"a\":1,\"d\":" + std::string(1001, '9') + "}"), "NULL");
}

// Finding 5.
TEST(JsonValue, OfARepeatedKeyTheLastOneCounts) {
  EXPECT_EQ(value_of(R"({"a":1,"a":2})"), "2");
  EXPECT_EQ(value_of(R"({"a":1,"\u0061":2})"), "2");
  EXPECT_EQ(value_of(R"({"a":{"b":1},"a":{"c":2}})", "$.a.b"), "NULL");
  EXPECT_EQ(value_of(R"({"a":{"b":1},"a":{"c":2}})", "$.a.c"), "2");
}

// Finding 6.
TEST(JsonValue, WhatFollowsTheFirstValueIsNotRead) {
  for (const char* rest : {" trailing", "}", "{\"a\":2}", "]", ","})
    EXPECT_EQ(value_of(R"({"a":1})" + std::string(rest)), "1") << rest;
  EXPECT_EQ(value_of("1 2", "$"), "1");
  EXPECT_EQ(value_of("true,", "$"), "true");
  EXPECT_EQ(value_of("\"x\"y", "$"), "x");
  EXPECT_EQ(value_of("[1]]", "$[0]"), "1");
  for (const char* wrong : {"1x", "1}", "1,", "truex", "12abc", "nullx"})
    EXPECT_EQ(value_of(wrong, "$"), "NULL") << wrong;
}

TEST(JsonValue, TextsThatAreNoJson) {
  for (const char* wrong :
       {"", "  ", R"({"a":1)", R"({"a":1,})", "{'a':1}", "{a:1}", R"({"a" 1})", R"({"a":1 "b":2})",
        R"(/* */ {"a":1})", "\uFEFF{\"a\":1}", "{\"a\":1,\"s\":\"a\tb\"}", R"({"a":1,"s":"\q"})",
        R"({"a":1,"s":"\u00g1"})", R"({"a":1,"b":[1,]})", R"({"a":1,"b":[}]})", R"({"a":1,"b":{]})",
        R"({"a":1,"b":[1)", R"({"a":1,"s":"x)"}) {
    EXPECT_EQ(value_of(wrong), "NULL") << wrong;
  }
  const auto nested = [](std::size_t depth) {
    return R"({"d":)" + std::string(depth, '[') + std::string(depth, ']') + R"(,"a":1})";
  };
  EXPECT_EQ(value_of(nested(900)), "1");
  EXPECT_EQ(value_of(nested(1100)), "NULL");
}

}  // namespace
}  // namespace slipstream::expr
