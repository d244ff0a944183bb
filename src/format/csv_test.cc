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

Schema people() {
  return Schema({{"id", Type::integer()}, {"name", Type::string()}, {"score", Type::float64()}});
}

TEST(CsvDecoder, QuotesAndLineEnds) {
  for (const bool in_place : {true, false}) {
    const auto result =
        decode({.format = "csv", .schema = people(), .in_place = in_place},
               {"1,Ann,1.5\n", "2,\"Smith, \"\"Bob\"\" with a long name\",2\r\n3,\"two\nlines\",\n",
                "\n"});
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_THAT(result.rows,
                ElementsAre("+I(1, Ann, 1.5)", "+I(2, Smith, \"Bob\" with a long name, 2.0)",
                            "+I(3, two\nlines, NULL)"));
    EXPECT_THAT(result.bodies, ElementsAre(0, 1, 1));
  }
}

TEST(CsvDecoder, EmptyFields) {
  EXPECT_THAT(decode({.format = "csv", .schema = people()}, {",,"}).rows,
              ElementsAre("+I(NULL, , NULL)"));
  const OptionMap literal = {{"csv.null-literal", "n/a"}};
  EXPECT_THAT(decode({.format = "csv", .schema = people(), .options = literal},
                     {"1,n/a,n/a", "2,\"n/a\",1"})
                  .rows,
              ElementsAre("+I(1, NULL, NULL)", "+I(2, n/a, 1.0)"));
}

// A body without quotes, escapes and line breaks is cut at its delimiters alone.
TEST(CsvDecoder, OneSpecialCharacterAnywhereIsSeen) {
  const Schema schema({{"a", Type::string()}, {"b", Type::string()}});
  const OptionMap escape = {{"csv.escape-character", "\\"}};
  for (std::size_t size = 2; size < 40; ++size) {
    for (std::size_t at = 1; at < size; ++at) {
      std::string text(size, 'x');
      const std::string rest = text.substr(at + 1);
      text[at] = '\n';
      const std::string first = text.substr(0, at);
      std::vector<std::string> rows = {"+I(" + first + ", NULL)"};
      rows.push_back("+I(" + rest + ",y, NULL)");
      const auto lines = decode({.format = "csv", .schema = schema}, {text + ",y"});
      EXPECT_EQ(lines.rows.front(), rest.empty() ? "+I(" + first + ", NULL)" : rows.front());
      EXPECT_EQ(lines.rows.size(), 2U);
      text[at] = '\\';
      EXPECT_THAT(
          decode({.format = "csv", .schema = schema, .options = escape}, {text + ",y"}).rows,
          ElementsAre(rest.empty() ? "+I(" + first + ",y, NULL)" : "+I(" + first + rest + ", y)"));
      text[at] = '"';
      EXPECT_THAT(decode({.format = "csv", .schema = schema}, {text + ",y"}).rows,
                  ElementsAre("+I(" + text + ", y)"));
      EXPECT_THAT(decode({.format = "csv", .schema = schema}, {"\"" + text + "\",y"}).failures,
                  ::testing::SizeIs(1));
    }
  }
}

TEST(CsvDecoder, PlainBodies) {
  const OptionMap comments = {{"csv.allow-comments", "true"}};
  EXPECT_THAT(decode({.format = "csv", .schema = people()},
                     {"1,a longer name than sixteen,2", "2,", "3,,", ",,", "#4"})
                  .rows,
              ElementsAre("+I(1, a longer name than sixteen, 2.0)", "+I(2, , NULL)",
                          "+I(3, , NULL)", "+I(NULL, , NULL)"));
  EXPECT_THAT(
      decode({.format = "csv", .schema = people(), .options = comments}, {"#4", "5,#,6"}).rows,
      ElementsAre("+I(5, #, 6.0)"));
}

TEST(CsvDecoder, MissingFieldsAreNullAndSurplusOnesFail) {
  const auto result =
      decode({.format = "csv", .schema = people()}, {"1", "1,a,2,3", "x,a,1", "4,\"open"});
  EXPECT_THAT(result.rows, ElementsAre("+I(1, NULL, NULL)"));
  EXPECT_THAT(result.failures,
              ElementsAre(HasSubstr("1: 4 fields instead of 3"), "2: field 'id': 'x' is no INT",
                          HasSubstr("3: a quoted field does not end")));
  EXPECT_EQ(result.pieces[1], "x,a,1");
  const OptionMap ignore = {{"csv.ignore-parse-errors", "true"}};
  const auto lenient =
      decode({.format = "csv", .schema = people(), .options = ignore}, {"1,a,2,3", "x,a,1"});
  EXPECT_THAT(lenient.rows, ElementsAre("+I(1, a, 2.0)", "+I(NULL, a, 1.0)"));
  EXPECT_EQ(lenient.ignored, 1U);
}

TEST(CsvDecoder, SyntaxOptions) {
  const OptionMap options = {{"csv.field-delimiter", "\\t"},
                             {"csv.quote-character", "'"},
                             {"csv.escape-character", "\\"},
                             {"csv.allow-comments", "true"}};
  EXPECT_THAT(decode({.format = "csv", .schema = people(), .options = options},
                     {"# a comment\n1\t'a\\'b\tc'\t2\n2\tx\\\ty\t3"})
                  .rows,
              ElementsAre("+I(1, a'b\tc, 2.0)", "+I(2, x\ty, 3.0)"));
  const OptionMap plain = {{"csv.disable-quote-character", "true"}};
  EXPECT_THAT(decode({.format = "csv", .schema = people(), .options = plain}, {"1,\"a\",2"}).rows,
              ElementsAre("+I(1, \"a\", 2.0)"));
}

// Plain text is scanned in words of eight bytes: whatever ends it may stand anywhere in a word.
TEST(CsvDecoder, TextsOfAllLengths) {
  const OptionMap escapes = {{"csv.escape-character", "\\"}};
  for (std::size_t length = 1; length < 20; ++length) {
    const std::string text(length, 'x');
    EXPECT_THAT(
        decode({.format = "csv", .schema = people()}, {"1," + text + ",2\n3," + text + ",4"}).rows,
        ElementsAre("+I(1, " + text + ", 2.0)", "+I(3, " + text + ", 4.0)"));
    EXPECT_THAT(decode({.format = "csv", .schema = people(), .options = escapes},
                       {"1," + text + "\\,y" + text + ",2"})
                    .rows,
                ElementsAre("+I(1, " + text + ",y" + text + ", 2.0)"));
  }
}

TEST(CsvDecoder, ArraysAndRows) {
  const Schema schema({{"xs", Type::array(Type::integer())},
                       {"r", Type::row({{"a", Type::string()}, {"d", Type::date()}})}});
  const auto result = decode({.format = "csv", .schema = schema},
                             {"1;2;,x;2024-01-31", ",", "1;y,a;2024-01-31", "1,a"});
  EXPECT_THAT(result.rows, ElementsAre("+I([1, 2, NULL], (x, 2024-01-31))", "+I(NULL, NULL)"));
  EXPECT_EQ(result.failures.size(), 2U);
}

TEST(CsvDecoder, ProjectsAndRefuses) {
  EXPECT_THAT(decode({.format = "csv", .schema = people(), .projection = {{2, 0}}}, {"1,a,5"}).rows,
              ElementsAre("+I(5.0, 1)"));
  std::string problem;
  EXPECT_EQ(
      decoder_for({.format = "csv", .schema = people(), .options = {{"csv.field-delimiter", "||"}}},
                  &problem),
      nullptr);
  EXPECT_THAT(problem, HasSubstr("must be one ASCII character"));
  EXPECT_EQ(decoder_for({.format = "csv",
                         .schema = Schema({{"m", Type::map(Type::string(), Type::string())}})},
                        &problem),
            nullptr);
  EXPECT_THAT(problem, HasSubstr("format 'csv' cannot hold MAP"));
}

TEST(CsvEncoder, QuotesWhatNeedsIt) {
  const Batch batch =
      batch_of({column_of(Type::integer(), {"1", "2", "3", "4"}),
                column_of(Type::string(),
                          {"plain", "a \"b\", c", "longer-than-twenty-four-bytes", std::nullopt}),
                column_of(Type::float64(), {"1", "1e10", "-2.5", std::nullopt})});
  EXPECT_THAT(encode({.format = "csv", .schema = people()}, batch),
              ElementsAre("1,plain,1.0", "2,\"a \"\"b\"\", c\",1.0E10",
                          "3,\"longer-than-twenty-four-bytes\",-2.5", "4,,"));
  EXPECT_EQ(encode({.format = "csv", .schema = people(), .options = {{"csv.null-literal", "NULL"}}},
                   batch)[3],
            "4,NULL,NULL");
}

TEST(CsvEncoder, EscapesInsteadOfDoubledQuotes) {
  const Batch batch = batch_of({column_of(Type::string(), {"a \"b\" \\ c", "\"", "plain \\"})});
  EXPECT_THAT(encode({.format = "csv",
                      .schema = Schema({{"s", Type::string()}}),
                      .options = {{"csv.escape-character", "\\"}}},
                     batch),
              ElementsAre("\"a \\\"b\\\" \\\\ c\"", "\"\\\"\"", "\"plain \\\\\""));
}

TEST(CsvEncoder, WithoutQuotesADelimiterIsRefused) {
  const Batch batch = batch_of({column_of(Type::string(), {"a,b"})});
  const Schema schema({{"s", Type::string()}});
  EXPECT_THAT(
      encode(
          {.format = "csv", .schema = schema, .options = {{"csv.disable-quote-character", "true"}}},
          batch)[0],
      HasSubstr("error: column 's': 'a,b' holds a delimiter"));
  EXPECT_EQ(
      encode({.format = "csv",
              .schema = schema,
              .options = {{"csv.disable-quote-character", "true"}, {"csv.escape-character", "\\"}}},
             batch)[0],
      "a\\,b");
}

TEST(CsvEncoder, DecimalsInBothForms) {
  const Schema schema({{"d", Type::decimal(20, 10)}, {"a", Type::array(Type::decimal(6, 2))}});
  ColumnBuilder elements(schema[1].type);
  elements.child(0).append<Int128>(150'000);
  elements.child(0).append<Int128>(25);
  elements.append_nested();
  const Batch batch = batch_of({column_of(schema[0].type, {"1500"}), elements.finish()});
  const auto line = [&](const OptionMap& options) {
    return encode({.format = "csv", .schema = schema, .options = options}, batch)[0];
  };
  EXPECT_EQ(line({}), "1.5E+3,\"1.5E+3;0.25\"");
  EXPECT_EQ(line({{"csv.write-bigdecimal-in-scientific-notation", "false"}}),
            "1500.0000000000,1500.00;0.25");
}

TEST(CsvRoundTrip, EveryTypeReadsWhatItWrites) {
  const Schema schema({{"s", Type::string()},
                       {"b", Type::bytes()},
                       {"ts", Type::timestamp(3)},
                       {"z", Type::timestamp_ltz(3)},
                       {"t", Type::time(3)},
                       {"d", Type::decimal(10, 2)},
                       {"ok", Type::boolean()},
                       {"day", Type::date()}});
  const Batch batch = batch_of(
      {column_of(schema[0].type, {"a\"\n,b", "NULL", ""}),
       column_of(schema[1].type, {"\x01\x02", std::nullopt, "x"}),
       column_of(schema[2].type, {"2024-01-31 10:00:00.123", std::nullopt, "1969-01-01 00:00:00"}),
       column_of(schema[3].type, {"2024-01-31 10:00:00", std::nullopt, "1969-01-01 00:00:00"}),
       column_of(schema[4].type, {"10:00:00.5", std::nullopt, "00:00:00"}),
       column_of(schema[5].type, {"1500", std::nullopt, "-0.01"}),
       column_of(schema[6].type, {"true", std::nullopt, "false"}),
       column_of(schema[7].type, {"2024-01-31", std::nullopt, "0001-01-01"})});
  const OptionMap options = {{"csv.null-literal", "NULL"}};
  const auto bodies = encode({.format = "csv", .schema = schema, .options = options}, batch);
  const auto back = decode({.format = "csv", .schema = schema, .options = options}, bodies);
  EXPECT_THAT(back.failures, IsEmpty());
  EXPECT_EQ(back.rows, slipstream::testing::row_texts(batch));
}

}  // namespace
}  // namespace slipstream::format
