#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/testing/round.h"

namespace slipstream::format {
namespace {

using slipstream::testing::batch_of;
using slipstream::testing::column_of;
using testing::decode;
using testing::decoder_for;
using ::testing::ElementsAre;
using testing::encode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Schema bids() {
  return Schema(
      {{"auction", Type::bigint()}, {"channel", Type::string()}, {"price", Type::decimal(10, 2)}});
}

// One column `c` of the type, one body {"c":<json>}: the cell as text or the failure.
std::string cell(const Type& type, const std::string& json, OptionMap options = {}) {
  const auto result =
      decode({.format = "json", .schema = Schema({{"c", type}}), .options = std::move(options)},
             {"{\"c\":" + json + "}"});
  if (!result.failures.empty()) return result.failures[0];
  return text::to_text(*result.batch.column(0), 0);
}

TEST(JsonDecoder, ReadsRowsInPlace) {
  for (const bool in_place : {true, false}) {
    const auto result =
        decode({.format = "json", .schema = bids(), .in_place = in_place},
               {R"({"auction":1,"channel":"a channel with a long name","price":12.5})",
                R"( { "price" : "7" , "extra" : {"x":[1,2,{"y":"}"}]}, "auction" : 2 } )",
                R"({"auction":3,"channel":"tab\tand \"quotes\" \u6570\u636e","price":null})"});
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_THAT(result.rows,
                ElementsAre("+I(1, a channel with a long name, 12.50)", "+I(2, NULL, 7.00)",
                            "+I(3, tab\tand \"quotes\" 数据, NULL)"));
    EXPECT_THAT(result.bodies, ElementsAre(0, 1, 2));
  }
}

TEST(JsonDecoder, RefersToTheBodyWithoutEscapes) {
  const auto buffer = std::make_shared<testing::PaddedBodies>(std::vector<std::string>{
      R"({"auction":1,"channel":"a channel with a long name","price":1})"});
  const auto decoder = decoder_for({.format = "json", .schema = bids(), .projection = {{1}}});
  ColumnBuilder channel(Type::string());
  ColumnBuilder* columns[] = {&channel};
  DecodedRows out;
  out.columns = columns;
  decoder->decode({.bodies = buffer->views, .buffer = buffer, .padded_count = buffer->views.size()},
                  out);
  const ColumnPtr column = channel.finish();
  const char* body = buffer->texts[0].data();
  EXPECT_EQ(column->text(0).data(), body + buffer->texts[0].find("a channel"));
  EXPECT_EQ(column->text(0), "a channel with a long name");
}

TEST(JsonDecoder, ReadsProjectedColumnsOnly) {
  const auto result = decode(
      {.format = "json", .schema = bids(), .projection = {{2, 0}}},
      {R"({"auction":1,"channel":12,"price":5})", R"({"auction":2,"channel":[],"price":6})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(5.00, 1)", "+I(6.00, 2)"));
  const auto counted =
      decode({.format = "json", .schema = bids(), .projection = {std::vector<std::size_t>{}}},
             {R"({"auction":1})", "[{},{}]"});
  EXPECT_THAT(counted.bodies, ElementsAre(0, 1, 1));
}

TEST(JsonDecoder, KeysMayChangeFromBodyToBody) {
  const Schema schema({{"a", Type::integer()}, {"ab", Type::integer()}});
  const auto result = decode({.format = "json", .schema = schema},
                             {R"({"a":1,"ab":2})", R"({"ab":3,"a":4})", R"({"a":5,"\u0061b":6})",
                              R"({"abc":7,"a":8})", R"({"a":1,"a":9})"});
  EXPECT_THAT(result.rows,
              ElementsAre("+I(1, 2)", "+I(4, 3)", "+I(5, 6)", "+I(8, NULL)", "+I(9, NULL)"));
}

// Keys are guessed from the body before.
TEST(JsonDecoder, KeysOfAnyLengthAreToldApart) {
  const std::string fourteen(14, 'k');
  const Schema schema({{fourteen, Type::integer()},
                       {fourteen + "1", Type::integer()},
                       {fourteen + "12", Type::integer()},
                       {std::string(300, 'k'), Type::integer()}});
  const auto body = [&fourteen](const std::vector<std::string>& endings) {
    std::string text = "{";
    for (const std::string& ending : endings) {
      text += text.size() > 1 ? "," : "";
      text += "\"" + fourteen + ending + "\":" + std::to_string(ending.size());
    }
    return text + "}";
  };
  const std::string longest(286, 'k');
  EXPECT_THAT(decode({.format = "json", .schema = schema},
                     {body({"", "1", "12", longest}), body({"1", "12", longest, ""}),
                      body({"2", "13", longest + "k", ""}), body({"", "1", "12", longest})})
                  .rows,
              ElementsAre("+I(0, 1, 2, 286)", "+I(0, 1, 2, 286)", "+I(0, NULL, NULL, NULL)",
                          "+I(0, 1, 2, 286)"));
}

TEST(JsonDecoder, AKeyThatIsNotRememberedHidesNoOther) {
  const Schema schema({{"a", Type::integer()}, {"b", Type::integer()}, {"c", Type::integer()}});
  EXPECT_THAT(decode({.format = "json", .schema = schema},
                     {R"({"a":1,"\u0062":2,"c":3})", R"({"a":4,"b":5,"c":6})", R"({"":0,"c":7})",
                      R"({"c":8,"a":9})", R"({"\x":1,"b":2})"})
                  .rows,
              ElementsAre("+I(1, 2, 3)", "+I(4, 5, 6)", "+I(NULL, NULL, 7)", "+I(9, NULL, 8)",
                          "+I(NULL, 2, NULL)"));
}

TEST(JsonDecoder, EscapesAnywhereInATextOfAnyLength) {
  const Schema schema({{"s", Type::string()}, {"t", Type::string()}});
  for (std::size_t size = 1; size < 40; ++size) {
    const std::string plain(size, 'x');
    for (std::size_t at = 0; at < size; ++at) {
      std::string written = plain;
      std::string read = plain;
      written.replace(at, 1, "\\u00e9");
      read.replace(at, 1, "é");
      const auto result = decode({.format = "json", .schema = schema},
                                 {R"({"s":")" + written + R"(","t":")" + plain + "\"}"});
      EXPECT_THAT(result.rows, ElementsAre("+I(" + read + ", " + plain + ")"));
    }
  }
}

TEST(JsonDecoder, IntegersOfAnyLength) {
  std::string digits;
  for (std::size_t size = 1; size <= 18; ++size) {
    digits += static_cast<char>('0' + size % 10);
    EXPECT_EQ(cell(Type::bigint(), digits), digits);
    EXPECT_EQ(cell(Type::bigint(), "-" + digits), "-" + digits);
    EXPECT_EQ(cell(Type::bigint(), "\"00" + digits + "\""), digits);
    for (std::size_t at = 1; at < size; ++at) {
      for (const char wrong : {'/', ':', 'x', '-', '\x7f'}) {
        std::string text = digits;
        text[at] = wrong;
        EXPECT_THAT(cell(Type::bigint(), text), HasSubstr("0: ")) << text;
      }
    }
  }
  EXPECT_EQ(cell(Type::bigint(), "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(cell(Type::integer(), "-2147483648"), "-2147483648");
  EXPECT_THAT(cell(Type::integer(), "-2147483649"), HasSubstr("no INT"));
  EXPECT_THAT(cell(Type::tinyint(), "-129"), HasSubstr("no TINYINT"));
  EXPECT_EQ(cell(Type::bigint(), "-0"), "0");
  EXPECT_THAT(cell(Type::bigint(), "-"), HasSubstr("0: "));
}

// Whatever structural character is lost from what is read, the body is no row.
TEST(JsonDecoder, EveryBracketAndCommaIsLookedAt) {
  const Schema schema({{"a", Type::integer()},
                       {"r", Type::row({{"x", Type::array(Type::integer())},
                                        {"m", Type::map(Type::string(), Type::integer())}})},
                       {"s", Type::string()}});
  const std::string body =
      R"({"a":1,"other":"b","r":{"x":[1,null],"m":{"k":3,"l":4}},"s":{"t":[5]}})";
  const std::string row = "+I(1, ([1, NULL], {k=3, l=4}), {\"t\":[5]})";
  const std::size_t copied = body.find(R"("t")");
  for (std::size_t at = 0; at < body.size(); ++at) {
    if (at > copied && at + 3 < body.size()) continue;  // text: its brackets are counted only
    if (std::string_view("{}[]:,").find(body[at]) == std::string_view::npos) continue;
    std::string broken = body;
    broken.erase(at, 1);
    const auto result = decode({.format = "json", .schema = schema}, {broken, body});
    EXPECT_EQ(result.failures.size(), 1U) << broken;
    EXPECT_THAT(result.rows, ElementsAre(row)) << broken;
  }
}

TEST(JsonDecoder, IgnoredFieldsEndWhereTheyEnd) {
  const Schema schema({{"a", Type::integer()},
                       {"xs", Type::array(Type::integer())},
                       {"r", Type::row({{"i", Type::integer()}})},
                       {"z", Type::integer()}});
  const auto result = decode(
      {.format = "json", .schema = schema, .options = {{"json.ignore-parse-errors", "true"}}},
      {R"({"a":{"b":[1,{}]},"xs":[1,{"y":[2]},"n",4],"r":[{"i":1}],"z":5})",
       R"({"a":[],"xs":{"y":[2]},"r":{"i":{"i":1}},"z":6})"});
  EXPECT_THAT(result.rows,
              ElementsAre("+I(NULL, [1, NULL, NULL, 4], NULL, 5)", "+I(NULL, NULL, (NULL), 6)"));
  EXPECT_EQ(result.ignored, 7U);
}

TEST(JsonDecoder, ABodyMayHoldNoneOrSeveralRows) {
  const Schema schema({{"a", Type::integer()}});
  const auto result = decode({.format = "json", .schema = schema},
                             {"", " \n", "null", R"([{"a":1},{"a":2}])", "[]", "{}"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1)", "+I(2)", "+I(NULL)"));
  EXPECT_THAT(result.bodies, ElementsAre(3, 3, 5));
  EXPECT_THAT(result.failures, IsEmpty());
}

TEST(JsonDecoder, ABadBodyLeavesNoTrace) {
  const auto result = decode(
      {.format = "json", .schema = bids()},
      {R"({"auction":1,"channel":"x","price":1})", R"({"auction":2,"channel":"y","price":"cheap"})",
       R"({"auction":3,"channel":"z)", "hello", R"([{"auction":4},{"auction":"no"}])", "5",
       "{\"channel\":\"\xff\xfe\"}", R"({"auction":9})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1, x, 1.00)", "+I(9, NULL, NULL)"));
  EXPECT_THAT(result.bodies, ElementsAre(0, 7));
  ASSERT_EQ(result.failures.size(), 6U);
  EXPECT_EQ(result.failures[0], "1: field 'price': 'cheap' is no DECIMAL(10, 2)");
  EXPECT_THAT(result.failures[1], HasSubstr("2: not a JSON document"));
  EXPECT_THAT(result.failures[3], HasSubstr("4: field 'auction': 'no' is no BIGINT"));
  EXPECT_EQ(result.pieces[0], R"({"auction":2,"channel":"y","price":"cheap"})");
}

// Nothing is dropped silently: neither a second document nor what stands behind a wrong bracket.
TEST(JsonDecoder, RefusesWhatFollowsADocument) {
  const auto result = decode(
      {.format = "json", .schema = bids()},
      {R"({"auction":1} {"auction":2})", R"({"x":{"y":1]},"auction":3})", R"([{"auction":4}],)",
       R"({"auction":5}})", " {\"auction\":6} \n", "[]", R"([{"auction":7}] )"});
  EXPECT_THAT(result.rows, ElementsAre("+I(6, NULL, NULL)", "+I(7, NULL, NULL)"));
  ASSERT_EQ(result.failures.size(), 4U);
  for (const std::string& failure : result.failures)
    EXPECT_THAT(failure, HasSubstr("not a JSON document"));
}

TEST(JsonDecoder, IntegersFollowFlink) {
  EXPECT_EQ(cell(Type::integer(), "-5"), "-5");
  EXPECT_EQ(cell(Type::integer(), "\" 42 \""), "42");
  EXPECT_EQ(cell(Type::integer(), "1.9"), "1");
  EXPECT_EQ(cell(Type::bigint(), "1e3"), "1000");
  EXPECT_EQ(cell(Type::bigint(), "9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(cell(Type::tinyint(), "127"), "127");
  for (const char* bad : {"2147483648", "\"1.5\"", "true", "[]", "{}", "\"\"", "01", "1e10"}) {
    EXPECT_THAT(cell(Type::integer(), bad), HasSubstr("0: ")) << bad;
  }
  EXPECT_THAT(cell(Type::tinyint(), "128"), HasSubstr("'128' is no TINYINT"));
  EXPECT_THAT(cell(Type::smallint(), "1.5"), HasSubstr("no SMALLINT"));
  EXPECT_THAT(cell(Type::bigint(), "9223372036854775808"), HasSubstr("no BIGINT"));
}

TEST(JsonDecoder, OtherNumbersFollowFlink) {
  EXPECT_EQ(cell(Type::float64(), "1.25e2"), "125.0");
  EXPECT_EQ(cell(Type::float64(), "\"NaN\""), "NaN");
  EXPECT_EQ(cell(Type::float32(), "3"), "3.0");
  EXPECT_EQ(cell(Type::decimal(38, 18), "12345678901234567890.123456789012345678"),
            "12345678901234567890.123456789012345678");
  EXPECT_EQ(cell(Type::decimal(5, 1), "1.25"), "1.3");
  EXPECT_THAT(cell(Type::decimal(3, 1), "123.4"), HasSubstr("no DECIMAL(3, 1)"));
  EXPECT_THAT(cell(Type::float64(), "1."), HasSubstr("not a JSON document"));
  EXPECT_EQ(cell(Type::boolean(), "true"), "TRUE");
  EXPECT_EQ(cell(Type::boolean(), "\"False\""), "FALSE");
  EXPECT_THAT(cell(Type::boolean(), "1"), HasSubstr("no BOOLEAN"));
  EXPECT_THAT(cell(Type::boolean(), "\"yes!\""), HasSubstr("no BOOLEAN"));
}

TEST(JsonDecoder, TextTakesAnyValue) {
  EXPECT_EQ(cell(Type::string(), "1.50"), "1.50");
  EXPECT_EQ(cell(Type::string(), "true"), "true");
  EXPECT_EQ(cell(Type::string(), R"({ "a" : [ 1, "b c\" " ] })"), R"({"a":[1,"b c\" "]})");
  EXPECT_EQ(cell(Type::bytes(), "\"aGk=\""), "hi");
  EXPECT_THAT(cell(Type::bytes(), "\"*\""), HasSubstr("no BYTES"));
}

TEST(JsonDecoder, TimesFollowTheStandard) {
  EXPECT_EQ(cell(Type::date(), "\"2024-02-29\""), "2024-02-29");
  EXPECT_THAT(cell(Type::date(), "\"2024-2-9\""), HasSubstr("no DATE"));
  EXPECT_EQ(cell(Type::time(3), "\"10:11:12.5\""), "10:11:12.500");
  EXPECT_EQ(cell(Type::timestamp(3), "\"2024-01-31 10:11:12.1234\""), "2024-01-31 10:11:12.123");
  EXPECT_THAT(cell(Type::timestamp(3), "\"2024-01-31T10:11:12\""), HasSubstr("no TIMESTAMP(3)"));
  EXPECT_THAT(cell(Type::timestamp(3), "1706695872000"), HasSubstr("no TIMESTAMP(3)"));
  EXPECT_EQ(cell(Type::timestamp_ltz(3), "\"2024-01-31 10:11:12Z\""), "2024-01-31 10:11:12.000");
  const OptionMap iso = {{"json.timestamp-format.standard", "iso-8601"}};
  EXPECT_EQ(cell(Type::timestamp(9), "\"2024-01-31T10:11:12.123456789\"", iso),
            "2024-01-31 10:11:12.123456789");
  EXPECT_EQ(cell(Type::timestamp_ltz(3), "\"2024-01-31T10:11:12+08:00\"", iso),
            "2024-01-31 02:11:12.000");
}

TEST(JsonDecoder, NestedValues) {
  const Type type =
      Type::row({{"xs", Type::array(Type::integer())},
                 {"m", Type::map(Type::string(), Type::row({{"d", Type::float64()}}))}});
  EXPECT_EQ(cell(type, R"({"xs":[1,null,3],"m":{"k":{"d":1},"l":null},"z":0})"),
            "([1, NULL, 3], {k=(1.0), l=NULL})");
  EXPECT_EQ(cell(type, R"({"m":{}})"), "(NULL, {})");
  EXPECT_EQ(cell(type, "null"), "NULL");
  EXPECT_THAT(cell(type, R"({"xs":[1,"x"]})"),
              HasSubstr("field 'c': field 'xs': field 'element': 'x' is no INT"));
  EXPECT_THAT(cell(type, R"({"xs":5})"), HasSubstr("'5' is no ARRAY<INT>"));
  EXPECT_THAT(cell(type, "[1]"), HasSubstr("'an array' is no ROW"));
}

// Finding 5: of a repeated key the last entry counts.
TEST(JsonDecoder, AMapHasEachKeyOnce) {
  const Type map = Type::map(Type::string(), Type::integer());
  EXPECT_EQ(cell(map, R"({"k":1,"k":2})"), "{k=2}");
  EXPECT_EQ(cell(map, R"({"a":1,"k":1,"b":2,"\u006b":3,"a":4,"k":null})"), "{b=2, a=4, k=NULL}");
  std::string many = "{";
  std::string expected = "{";
  for (int i = 0; i < 40; ++i)
    many += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  for (int i = 20; i < 40; ++i)
    expected += (i > 20 ? ", k" : "k") + std::to_string(i - 20) + "=" + std::to_string(i);
  many.back() = '}';
  EXPECT_EQ(cell(map, many), expected + "}");
  EXPECT_EQ(cell(Type::map(Type::string(), map), R"({"x":{"k":1,"l":2,"k":3},"y":{"k":4},"x":{}})"),
            "{y={k=4}, x={}}");
  EXPECT_EQ(cell(Type::array(map), R"([{"k":1,"k":2},{"k":3},{}])"), "[{k=2}, {k=3}, {}]");
}

// Finding 7: control characters stand in strings as they are, in any field.
TEST(JsonDecoder, ControlCharactersMayStandInStrings) {
  const Schema schema({{"s", Type::string()}, {"n", Type::integer()}});
  for (const bool ignore : {false, true}) {
    const auto result = decode(
        {.format = "json",
         .schema = schema,
         .options = {{"json.ignore-parse-errors", ignore ? "true" : "false"}}},
        {"{\"s\":\"a\tb\nc\",\"n\":1}",
         "{\"other\":\"x\ry\\\"\x01\",\n\t\"n\":2,\"s\":\"a long enough text\"}",
         std::string("{\"s\":\"\\u0041\0\",\"n\":3}", 21), "{\"s\":{\"t\":\"a\tb\x02\"},\"n\":4}"});
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_EQ(result.ignored, 0U);
    EXPECT_THAT(result.rows,
                ElementsAre("+I(a\tb\nc, 1)", "+I(a long enough text, 2)",
                            std::string("+I(A\0, 3)", 9), R"(+I({"t":"a\tb\u0002"}, 4))"));
  }
  EXPECT_THAT(decode({.format = "json", .schema = schema}, {"{\"s\":\"a\tb"}).failures,
              ElementsAre(HasSubstr("not a JSON document")));
}

// Finding 7: half of a surrogate pair is '?', as Flink encodes it.
TEST(JsonDecoder, HalfASurrogatePairIsAQuestionMark) {
  EXPECT_EQ(cell(Type::string(), R"("\ud83d")"), "?");
  EXPECT_EQ(cell(Type::string(), R"("x\ude00y\ud83d")"), "x?y?");
  EXPECT_EQ(cell(Type::string(), R"("\ud83d\ude00")"), "😀");
  EXPECT_EQ(cell(Type::map(Type::string(), Type::integer()), R"({"\ud83d":1})"), "{?=1}");
  EXPECT_THAT(cell(Type::string(), R"("\ud83")"), HasSubstr("not a JSON document"));
}

TEST(JsonDecoder, MissingFieldsMayFail) {
  const OptionMap strict = {{"json.fail-on-missing-field", "true"}};
  const auto result = decode({.format = "json", .schema = bids(), .options = strict},
                             {R"({"auction":1,"channel":null,"price":2})", R"({"auction":1})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1, NULL, 2.00)"));
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_THAT(result.failures[0], HasSubstr("field 'channel' is missing"));
}

TEST(JsonDecoder, ParseErrorsMayBeIgnored) {
  const OptionMap ignore = {{"json.ignore-parse-errors", "true"}};
  const auto result =
      decode({.format = "json", .schema = bids(), .options = ignore},
             {R"({"auction":"x","channel":"c","price":1})", "{oops", R"({"auction":2})"});
  EXPECT_THAT(result.rows, ElementsAre("+I(NULL, c, 1.00)", "+I(2, NULL, NULL)"));
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_EQ(result.ignored, 2U);
}

TEST(JsonDecoder, RefusesWhatItCannotHold) {
  std::string problem;
  EXPECT_EQ(decoder_for({.format = "json",
                         .schema = bids(),
                         .options = {{"json.fail-on-missing-field", "true"},
                                     {"json.ignore-parse-errors", "true"}}},
                        &problem),
            nullptr);
  EXPECT_THAT(problem, HasSubstr("cannot both be true"));
  EXPECT_EQ(decoder_for({.format = "json",
                         .schema = Schema({{"m", Type::map(Type::integer(), Type::string())}})},
                        &problem),
            nullptr);
  EXPECT_THAT(problem, HasSubstr("column 'm'"));
}

TEST(JsonEncoder, WritesAsFlink) {
  const Schema schema({{"id", Type::bigint()},
                       {"na\"me", Type::string()},
                       {"d", Type::float64()},
                       {"ts", Type::timestamp(3)},
                       {"ltz", Type::timestamp_ltz(3)},
                       {"day", Type::date()},
                       {"t", Type::time(3)},
                       {"b", Type::bytes()},
                       {"ok", Type::boolean()}});
  const Batch batch =
      batch_of({column_of(Type::bigint(), {"1", std::nullopt}),
                column_of(Type::string(), {"a\"b\\c\n\x01/é", std::nullopt}),
                column_of(Type::float64(), {"1e10", "NaN"}),
                column_of(Type::timestamp(3), {"2024-01-31 10:00:00.120", "2024-01-31 10:00:00"}),
                column_of(Type::timestamp_ltz(3), {"2024-01-31 10:00:00.123", std::nullopt}),
                column_of(Type::date(), {"2024-01-31", std::nullopt}),
                column_of(Type::time(3), {"10:00:00.5", "10:00:00"}),
                column_of(Type::bytes(), {"hi", std::nullopt}),
                column_of(Type::boolean(), {"true", "false"})});
  EXPECT_THAT(
      encode({.format = "json", .schema = schema}, batch),
      ElementsAre(
          R"({"id":1,"na\"me":"a\"b\\c\n\u0001/é","d":1.0E10,"ts":"2024-01-31 10:00:00.12",)"
          R"("ltz":"2024-01-31 10:00:00.123Z","day":"2024-01-31","t":"10:00:00.5","b":"aGk=","ok":true})",
          R"({"id":null,"na\"me":null,"d":"NaN","ts":"2024-01-31 10:00:00","ltz":null,)"
          R"("day":null,"t":"10:00:00","b":null,"ok":false})"));
  const auto iso = encode({.format = "json",
                           .schema = schema,
                           .options = {{"json.timestamp-format.standard", "ISO-8601"},
                                       {"json.encode.ignore-null-fields", "true"}}},
                          batch);
  EXPECT_EQ(iso[1], R"({"d":"NaN","ts":"2024-01-31T10:00:00","t":"10:00:00","ok":false})");
}

TEST(JsonEncoder, EscapesAnywhereInATextOfAnyLength) {
  const Schema schema({{"s", Type::string()}, {"n", Type::integer()}});
  const std::vector<std::pair<std::string, std::string>> specials = {
      {"\"", "\\\""},           {"\\", "\\\\"}, {"\x1f", "\\u001F"},
      {"\xff", "\xEF\xBF\xBD"}, {"é", "é"},     {"\x7f", "\x7f"}};
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const auto& [raw, escaped] : specials) {
        std::string text(size, 'x');
        std::string written = text;
        text.replace(at, 1, raw);
        written.replace(at, 1, escaped);
        const Batch batch =
            batch_of({column_of(Type::string(), {text}), column_of(Type::integer(), {"7"})});
        EXPECT_THAT(encode({.format = "json", .schema = schema}, batch),
                    ElementsAre(R"({"s":")" + written + R"(","n":7})"));
      }
    }
  }
}

TEST(JsonEncoder, LongRowsKeepTheirOrder) {
  const std::string name(3'000, 'n');
  const Schema schema({{name, Type::bigint()},
                       {"d", Type::float64()},
                       {"s", Type::string()},
                       {"xs", Type::array(Type::integer())},
                       {"b", Type::bigint()}});
  ColumnBuilder xs(schema[3].type);
  xs.child(0).append(std::int32_t{1});
  xs.append_nested();
  const std::string text(5'000, 's');
  const Batch batch =
      batch_of({column_of(Type::bigint(), {"-9223372036854775808"}),
                column_of(Type::float64(), {"0.5"}), column_of(Type::string(), {text}), xs.finish(),
                column_of(Type::bigint(), {"9223372036854775807"})});
  const std::string expected = "{\"" + name + R"(":-9223372036854775808,"d":0.5,"s":")" + text +
                               R"(","xs":[1],"b":9223372036854775807})";
  EXPECT_THAT(encode({.format = "json", .schema = schema}, batch), ElementsAre(expected));
}

TEST(JsonEncoder, TimestampsOfAnyDayAndPrecision) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"2024-02-29 23:59:59.999999", "2024-02-29 23:59:59"},
      {"2024-02-29 00:00:00.000001", "2024-02-29 00:00:00"},
      {"1969-12-31 23:59:59.5", "1969-12-31 23:59:59"},
      {"0001-01-01 00:00:00.120300", "0001-01-01 00:00:00"},
      {"9999-12-31 10:20:30.000400", "9999-12-31 10:20:30"},
      {"2024-03-01 10:20:30", "2024-03-01 10:20:30"}};
  for (int precision = 0; precision <= 6; ++precision) {
    const Schema schema({{"t", Type::timestamp(precision)}});
    for (const auto& [text, seconds] : texts) {
      std::string expected = text.substr(
          0, std::min(text.size(), seconds.size() + 1 + static_cast<std::size_t>(precision)));
      if (expected.size() > seconds.size()) {
        while (expected.back() == '0') expected.pop_back();
        if (expected.back() == '.') expected.pop_back();
      }
      const Batch batch = batch_of({column_of(schema[0].type, {text})});
      EXPECT_THAT(encode({.format = "json", .schema = schema}, batch),
                  ElementsAre(R"({"t":")" + expected + "\"}"));
    }
  }
}

TEST(JsonEncoder, DecimalsInBothForms) {
  const Schema schema({{"d", Type::decimal(20, 10)}});
  const Batch batch =
      batch_of({column_of(schema[0].type, {"1500", "0.0000000270", "-12.5", "0", "100.25"})});
  EXPECT_THAT(encode({.format = "json", .schema = schema}, batch),
              ElementsAre(R"({"d":1.5E+3})", R"({"d":2.7E-8})", R"({"d":-12.5})", R"({"d":0})",
                          R"({"d":100.25})"));
  const auto plain = encode({.format = "json",
                             .schema = schema,
                             .options = {{"json.encode.decimal-as-plain-number", "true"}}},
                            batch);
  EXPECT_EQ(plain[0], R"({"d":1500.0000000000})");
  EXPECT_EQ(plain[1], R"({"d":0.0000000270})");
}

TEST(JsonEncoder, NullKeysFollowTheMode) {
  ColumnBuilder builder(Type::map(Type::string(), Type::integer()));
  builder.child(0).append_null();
  builder.child(1).append(std::int32_t{1});
  builder.child(0).append_text("k");
  builder.child(1).append(std::int32_t{2});
  builder.append_nested();
  const Batch batch = batch_of({builder.finish()});
  const Schema schema({{"m", batch.column(0)->type()}});
  EXPECT_THAT(encode({.format = "json", .schema = schema}, batch)[0],
              HasSubstr("error: a MAP with a NULL key"));
  EXPECT_EQ(
      encode({.format = "json", .schema = schema, .options = {{"json.map-null-key.mode", "DROP"}}},
             batch)[0],
      R"({"m":{"k":2}})");
  EXPECT_EQ(encode({.format = "json",
                    .schema = schema,
                    .options = {{"json.map-null-key.mode", "LITERAL"},
                                {"json.map-null-key.literal", "none"}}},
                   batch)[0],
            R"({"m":{"none":1,"k":2}})");
}

TEST(JsonRoundTrip, EveryTypeReadsWhatItWrites) {
  const Schema schema({{"i", Type::smallint()},
                       {"f", Type::float32()},
                       {"d", Type::decimal(38, 5)},
                       {"s", Type::string()},
                       {"b", Type::varbinary(10)},
                       {"ts", Type::timestamp(9)},
                       {"z", Type::timestamp_ltz(6)},
                       {"t", Type::time(3)}});
  const Batch batch = batch_of(
      {column_of(schema[0].type, {"-3", std::nullopt}),
       column_of(schema[1].type, {"0.1", "-Infinity"}),
       column_of(schema[2].type, {"-99999999999999999999999999.12345", "1e10"}),
       column_of(schema[3].type, {"", "q\"\\\x02 数据"}),
       column_of(schema[4].type, {"\x01\x02", ""}),
       column_of(schema[5].type, {"2024-01-31 10:00:00.123456789", "1969-12-31 23:59:59.9"}),
       column_of(schema[6].type, {"2024-01-31 10:00:00.000001", std::nullopt}),
       column_of(schema[7].type, {"23:59:59.999", "00:00:00"})});
  const auto bodies = encode({.format = "json", .schema = schema}, batch);
  const auto back = decode({.format = "json", .schema = schema}, bodies);
  EXPECT_THAT(back.failures, IsEmpty());
  EXPECT_EQ(back.rows, slipstream::testing::row_texts(batch));
}

}  // namespace
}  // namespace slipstream::format
