#include "rocketmq/protocol/tolerant_json.h"

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

TEST(TolerantJson, ReadsStrictJson) {
  const Result<JsonValue> value = parse_tolerant_json(
      " {\"a\" : [1, -2.5e3, true, false, null, \"x\"], \"b\":{}, \"big\":9223372036854775807} \n");
  ASSERT_TRUE(value.ok()) << value.error().to_string();
  ASSERT_EQ((*value)["a"].items.size(), 6U);
  EXPECT_EQ((*value)["a"].items[0].integer(), 1);
  EXPECT_EQ((*value)["a"].items[1].number(), -2500.0);
  EXPECT_TRUE((*value)["a"].items[2].bool_or(false));
  EXPECT_TRUE((*value)["a"].items[4].is_null());
  EXPECT_EQ((*value)["big"].integer(), INT64_MAX);
  EXPECT_TRUE((*value)["absent"]["deeper"].is_null());
}

TEST(TolerantJson, ReadsNumbersAsKeys) {
  const Result<JsonValue> value = parse_tolerant_json(R"({0:"a",-1:"b","2":"c"})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ((*value)["0"].text, "a");
  EXPECT_EQ((*value)["-1"].text, "b");
  EXPECT_EQ((*value)["2"].text, "c");
}

TEST(TolerantJson, ReadsObjectsAsKeysAndTextsOfObjectsAsKeys) {
  for (const std::string_view text : {R"({{"topic":"T","queueId":3}:{"max":5}})",
                                      R"({"{\"topic\":\"T\",\"queueId\":3}":{"max":5}})"}) {
    const Result<JsonValue> value = parse_tolerant_json(text);
    ASSERT_TRUE(value.ok()) << text;
    ASSERT_EQ(value->members.size(), 1U);
    EXPECT_EQ(value->members[0].key["topic"].text, "T");
    EXPECT_EQ(value->members[0].key["queueId"].integer(), 3);
    EXPECT_EQ(value->members[0].value["max"].integer(), 5);
  }
}

TEST(TolerantJson, DecodesEscapesAndSurrogates) {
  const Result<JsonValue> value = parse_tolerant_json(
      R"(["\u8ba2\u5355","\ud83d\ude00","\ud83dx","\ude00","\ud83d\u0041","\"\\\/\b\f\n\r\t"])");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->items[0].text, "\xE8\xAE\xA2\xE5\x8D\x95");
  EXPECT_EQ(value->items[1].text, "\xF0\x9F\x98\x80");
  EXPECT_EQ(value->items[2].text, "\xEF\xBF\xBDx");
  EXPECT_EQ(value->items[3].text, "\xEF\xBF\xBD");
  EXPECT_EQ(value->items[4].text,
            "\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(value->items[5].text, "\"\\/\b\f\n\r\t");
}

TEST(TolerantJson, EveryTruncationIsRefused) {
  const std::string text = R"({"a":[1,{"b":"\u8ba2x"}],2:{{"q":1}:null},"t":true})";
  ASSERT_TRUE(parse_tolerant_json(text).ok());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_tolerant_json(text.substr(0, size)).ok()) << size;
  }
}

TEST(TolerantJson, RefusesWhatIsNotJson) {
  for (const std::string_view text : {"", "{", "{a:1}", "{\"a\"}", "[1,]", "[1 2]", "tru", "1 1",
                                      "{[1]:2}", "\"\\x\"", "\"\\u12\"", "--1", "{\"a\":1,}"}) {
    EXPECT_FALSE(parse_tolerant_json(text).ok()) << text;
  }
}

TEST(TolerantJson, DepthIsBounded) {
  std::string deep(static_cast<std::size_t>(kJsonDepthMax), '[');
  deep.append(static_cast<std::size_t>(kJsonDepthMax), ']');
  EXPECT_TRUE(parse_tolerant_json(deep).ok());
  const std::string deeper = "[[" + deep + "]]";
  EXPECT_FALSE(parse_tolerant_json(deeper).ok());
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += '{';
  EXPECT_FALSE(parse_tolerant_json(keys).ok());
}

TEST(TolerantJson, NumbersThatAreNotIntegersAreNotCut) {
  const Result<JsonValue> value = parse_tolerant_json(R"([1.5,99999999999999999999,"12","12x"])");
  ASSERT_TRUE(value.ok());
  EXPECT_FALSE(value->items[0].integer().has_value());
  EXPECT_FALSE(value->items[1].integer().has_value());
  EXPECT_EQ(value->items[2].integer(), 12);
  EXPECT_FALSE(value->items[3].integer().has_value());
}

TEST(JsonWriter, PutsCommasAndEscapes) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a")
      .begin_array()
      .integer(1)
      .integer(-2)
      .begin_object()
      .end_object()
      .string("x")
      .end_array();
  json.key("b\"").boolean(true);
  json.key("c").null();
  json.key("d").string("line\n\x01\\ \xE8\xAE\xA2");
  json.end_object();
  EXPECT_EQ(out,
            "{\"a\":[1,-2,{},\"x\"],\"b\\\"\":true,\"c\":null,\"d\":\"line\\n\\u0001\\\\ "
            "\xE8\xAE\xA2\"}");
  const Result<JsonValue> back = parse_tolerant_json(out);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ((*back)["d"].text, "line\n\x01\\ \xE8\xAE\xA2");
}

}  // namespace
}  // namespace slipstream::rocketmq
