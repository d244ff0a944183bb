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

Schema behaviour() {
  return Schema(
      {{"user_id", Type::bigint()}, {"item_id", Type::bigint()}, {"behavior", Type::string()}});
}

TEST(DelimitedDecoder, LinesAndFields) {
  for (const bool in_place : {true, false}) {
    const auto result = decode({.format = "delimited", .schema = behaviour(), .in_place = in_place},
                               {"1\x01"
                                "2\x01pv",
                                "3\x01"
                                "4\x01"
                                "buy something expensive\n5\x01\x01\n\n",
                                "", "\n"});
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_THAT(result.rows,
                ElementsAre("+I(1, 2, pv)", "+I(3, 4, buy something expensive)", "+I(5, NULL, )"));
    EXPECT_THAT(result.bodies, ElementsAre(0, 1, 1));
  }
}

TEST(DelimitedDecoder, DelimitersAreWholeTexts) {
  const OptionMap options = {{"fieldDelimiter", "||"}, {"lineDelimiter", "\\u0002\\r\\n"}};
  EXPECT_THAT(decode({.format = "delimited", .schema = behaviour(), .options = options},
                     {"1||2||a|b\x02\r\n3||4||c"})
                  .rows,
              ElementsAre("+I(1, 2, a|b)", "+I(3, 4, c)"));
}

TEST(DelimitedDecoder, AFailedLineKeepsTheOthers) {
  const auto result =
      decode({.format = "delimited", .schema = behaviour(), .options = {{"field-delimiter", ","}}},
             {"1,2,a\nx,2,b\n3,4\n5,6,c,d"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1, 2, a)", "+I(5, 6, c)"));
  EXPECT_THAT(result.failures, ElementsAre("0: field 'user_id': 'x' is no BIGINT",
                                           "0: 2 fields instead of 3: '3,4'"));
  EXPECT_THAT(result.pieces, ElementsAre("x,2,b", "3,4"));
}

TEST(DelimitedDecoder, LengthChecks) {
  const auto rows = [](const std::string& check) {
    const auto result = decode({.format = "delimited",
                                .schema = behaviour(),
                                .options = {{"fieldDelimiter", ","}, {"lengthCheck", check}}},
                               {"1,2,a\n1,2\n1,2,a,b"});
    return std::make_tuple(result.rows.size(), result.failures.size(), result.ignored);
  };
  EXPECT_EQ(rows("NONE"), std::make_tuple(2U, 0U, 1U));
  EXPECT_EQ(rows("SKIP"), std::make_tuple(1U, 0U, 2U));
  EXPECT_EQ(rows("PAD"), std::make_tuple(3U, 0U, 0U));
  EXPECT_EQ(rows("EXCEPTION"), std::make_tuple(1U, 2U, 0U));
  std::string problem;
  EXPECT_EQ(
      decoder_for(
          {.format = "delimited", .schema = behaviour(), .options = {{"lengthCheck", "SKIPP"}}},
          &problem),
      nullptr);
  EXPECT_THAT(problem, HasSubstr("did you mean 'SKIP'?"));
}

TEST(DelimitedDecoder, OneColumn) {
  EXPECT_THAT(decode({.format = "delimited", .schema = Schema({{"b", Type::bytes()}})}, {"a\x01"
                                                                                         "b\nc",
                                                                                         ""})
                  .rows,
              ElementsAre("+I(a\x01"
                          "b\nc)",
                          "+I()"));
  EXPECT_THAT(decode({.format = "delimited", .schema = Schema({{"s", Type::string()}})}, {"a\x01"
                                                                                          "b\nc"})
                  .rows,
              ElementsAre("+I(a\x01"
                          "b)",
                          "+I(c)"));
}

TEST(DelimitedDecoder, EncodingsAndBytes) {
  const OptionMap gbk = {{"encoding", "GBK"}, {"fieldDelimiter", ","}};
  EXPECT_THAT(decode({.format = "delimited", .schema = behaviour(), .options = gbk},
                     {"1,2,\xca\xfd\xbe\xdd"})
                  .rows,
              ElementsAre("+I(1, 2, 数据)"));
  EXPECT_THAT(decode({.format = "delimited", .schema = behaviour()}, {"1\x01"
                                                                      "2\x01\xff"})
                  .failures,
              ElementsAre(HasSubstr("not text in the encoding")));
  const Schema mixed({{"b", Type::bytes()}, {"s", Type::string()}});
  const auto result = decode({.format = "delimited", .schema = mixed}, {"\xff\x01ok", "x\x01\xff"});
  EXPECT_THAT(result.rows, ElementsAre("+I(\xff, ok)"));
  EXPECT_EQ(result.failures.size(), 1U);
}

TEST(DelimitedDecoder, TimesOfOlderWriters) {
  const Schema schema({{"ts", Type::timestamp(3)}, {"t", Type::time(3)}});
  EXPECT_THAT(
      decode(
          {.format = "delimited", .schema = schema, .options = {{"fieldDelimiter", ","}}},
          {"1706695872123,3600000\n2024-01-31T10:11:12.5,10:11:12\n2024-01-31 10:11:12,01:00:00.5"})
          .rows,
      ElementsAre("+I(2024-01-31 10:11:12.123, 01:00:00.000)",
                  "+I(2024-01-31 10:11:12.500, 10:11:12.000)",
                  "+I(2024-01-31 10:11:12.000, 01:00:00.500)"));
}

TEST(DelimitedDecoder, ProjectsAndCounts) {
  EXPECT_THAT(
      decode({.format = "delimited", .schema = behaviour(), .projection = {{2}}}, {"x\x01y\x01z"})
          .rows,
      ElementsAre("+I(z)"));
  EXPECT_EQ(decode({.format = "delimited",
                    .schema = behaviour(),
                    .projection = {std::vector<std::size_t>{}}},
                   {"x\x01y\x01z\nx\x01y\x01z"})
                .bodies.size(),
            2U);
}

TEST(DelimitedEncoder, JoinsAndRefusesDelimiters) {
  const Batch batch = batch_of({column_of(Type::bigint(), {"1", std::nullopt, "3"}),
                                column_of(Type::bigint(), {"2", "2", "2"}),
                                column_of(Type::string(), {"pv", std::nullopt, "a,b"})});
  EXPECT_THAT(encode({.format = "delimited", .schema = behaviour()}, batch), ElementsAre("1\x01"
                                                                                         "2\x01pv",
                                                                                         "\x01"
                                                                                         "2\x01",
                                                                                         "3\x01"
                                                                                         "2\x01"
                                                                                         "a,b"));
  EXPECT_THAT(
      encode({.format = "delimited",
              .schema = behaviour(),
              .options = {{"fieldDelimiter", ","}, {"nullLiteral", "\\N"}}},
             batch),
      ElementsAre("1,2,pv", "\\N,2,\\N",
                  HasSubstr("error: column 'behavior': 'a,b' holds a field or line delimiter")));
}

TEST(DelimitedRoundTrip, EveryTypeReadsWhatItWrites) {
  const Schema schema({{"c", Type::character(3)},
                       {"ok", Type::boolean()},
                       {"i", Type::tinyint()},
                       {"f", Type::float32()},
                       {"d", Type::decimal(38, 10)},
                       {"b", Type::bytes()},
                       {"day", Type::date()},
                       {"t", Type::time(3)},
                       {"ts", Type::timestamp(9)},
                       {"z", Type::timestamp_ltz(3)},
                       {"xs", Type::array(Type::string())},
                       {"s", Type::string()}});
  ColumnBuilder lists(schema[10].type);
  lists.child(0).append_text("a\n\x01 b");
  lists.child(0).append_null();
  lists.append_nested();
  lists.append_null();
  const Batch batch =
      batch_of({column_of(schema[0].type, {"ab", std::nullopt}),
                column_of(schema[1].type, {"true", std::nullopt}),
                column_of(schema[2].type, {"-1", std::nullopt}),
                column_of(schema[3].type, {"0.1", std::nullopt}),
                column_of(schema[4].type, {"1500.25", std::nullopt}),
                column_of(schema[5].type, {"\xfe\xff", std::nullopt}),
                column_of(schema[6].type, {"2024-02-29", std::nullopt}),
                column_of(schema[7].type, {"10:00:00.123", std::nullopt}),
                column_of(schema[8].type, {"2024-02-29 10:00:00.123456789", std::nullopt}),
                column_of(schema[9].type, {"2024-02-29 10:00:00", std::nullopt}), lists.finish(),
                column_of(schema[11].type, {"", std::nullopt})});
  const OptionMap options = {{"nullLiteral", "\\N"}};
  const auto bodies = encode({.format = "delimited", .schema = schema, .options = options}, batch);
  const auto back = decode({.format = "delimited", .schema = schema, .options = options}, bodies);
  EXPECT_THAT(back.failures, IsEmpty());
  EXPECT_EQ(back.rows, slipstream::testing::row_texts(batch));
}

}  // namespace
}  // namespace slipstream::format
