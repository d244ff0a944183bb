#include "cli/table_inference.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

using Columns = std::vector<std::pair<std::string, std::string>>;

TEST(TableInferenceTest, FieldsOfJsonGetTypesThatHoldAllValues) {
  const InferredTable table = infer_table(
      {R"({"id":1,"price":2,"ok":true,"who":null,"day":"2024-01-31","tags":["a"],"big":18446744073709551615})",
       R"({"id":2,"price":2.5,"ok":false,"extra":"x","day":"2024-02-01","tags":[],"at":"2024-01-31 10:11:12.123"})",
       R"({"id":3,"mixed":1,"place":{"city":"x","zip":1}})",
       R"({"mixed":"one","place":{"zip":null,"geo":[1,2.5]}})"});
  EXPECT_EQ(table.format, "json");
  EXPECT_EQ(table.columns,
            (Columns{{"id", "BIGINT"},
                     {"price", "DOUBLE"},
                     {"ok", "BOOLEAN"},
                     {"who", "STRING"},
                     {"day", "DATE"},
                     {"tags", "ARRAY<STRING>"},
                     {"big", "DECIMAL(20, 0)"},
                     {"extra", "STRING"},
                     {"at", "TIMESTAMP(3)"},
                     {"mixed", "STRING"},
                     {"place", "ROW<`city` STRING, `zip` BIGINT, `geo` ARRAY<DOUBLE>>"}}));
  EXPECT_TRUE(table.options.empty());
}

TEST(TableInferenceTest, TimesInTheWayThatJsonIsToldToReadThem) {
  const InferredTable iso =
      infer_table({R"({"at":"2024-01-31T10:11:12Z","local":"2024-01-31T10:11:12.5"})"});
  EXPECT_EQ(iso.columns, (Columns{{"at", "TIMESTAMP_LTZ(3)"}, {"local", "TIMESTAMP(3)"}}));
  EXPECT_EQ(iso.options, (Columns{{"json.timestamp-format.standard", "ISO-8601"}}));
  const InferredTable both =
      infer_table({R"({"at":"2024-01-31T10:11:12Z","local":"2024-01-31 10:11:12"})"});
  EXPECT_EQ(both.columns, (Columns{{"at", "STRING"}, {"local", "TIMESTAMP(3)"}}));
  EXPECT_EQ(both.notes.size(), 1U);
  for (const char* text :
       {"2024-01-31 10:11", "2024-01-31 10:11:12.", "2024-01-31T10:11:12.1x", "2024-1-31",
        "2024-01-31x", "2024-13-01", "2024-02-30", "2023-02-29 10:11:12", "2024-01-31 24:11:12",
        "2024-01-31T10:61:12Z", "2024-00-10"}) {
    EXPECT_EQ(infer_table({std::string(R"({"at":")") + text + "\"}"}).columns,
              (Columns{{"at", "STRING"}}))
        << text;
  }
}

TEST(TableInferenceTest, TimestampsHaveThePrecisionOfTheLongestOne) {
  const auto type = [](const std::string& first, const std::string& second) {
    return infer_table({"{\"at\":\"" + first + "\"}", "{\"at\":\"" + second + "\"}"})
        .columns.at(0)
        .second;
  };
  const std::string second = "2024-01-31 10:11:12";
  EXPECT_EQ(type(second, second + ".123"), "TIMESTAMP(3)");
  EXPECT_EQ(type(second + ".1234", second), "TIMESTAMP(6)");
  EXPECT_EQ(type(second + ".123456", second + ".1"), "TIMESTAMP(6)");
  EXPECT_EQ(type(second, second + ".1234567"), "TIMESTAMP(9)");
  EXPECT_EQ(type(second + "Z", second + ".123456789Z"), "TIMESTAMP_LTZ(9)");
  EXPECT_EQ(type("2024-02-29", "2023-02-28"), "DATE");
}

TEST(TableInferenceTest, NumbersThatBeginWithZeroAreTexts) {
  EXPECT_EQ(infer_table({"007,0,-012,0.5,-0.25,00.5", "123,10,-1,1,1,1"}).columns,
            (Columns{{"f0", "STRING"},
                     {"f1", "BIGINT"},
                     {"f2", "STRING"},
                     {"f3", "DOUBLE"},
                     {"f4", "DOUBLE"},
                     {"f5", "STRING"}}));
}

TEST(TableInferenceTest, LinesWithAsManyFieldsAreCsv) {
  const InferredTable table =
      infer_table({"1,2.5,\"a,b\",true\n2,,c,false\r\n", "3,4,\"say \"\"x\"\"\",true"});
  EXPECT_EQ(table.format, "csv");
  EXPECT_EQ(table.columns,
            (Columns{{"f0", "BIGINT"}, {"f1", "DOUBLE"}, {"f2", "STRING"}, {"f3", "BOOLEAN"}}));
  const InferredTable tabs = infer_table({"1\tx", "2\ty"});
  EXPECT_EQ(tabs.options, (Columns{{"csv.field-delimiter", "\\t"}}));
  EXPECT_EQ(infer_table({"a,b", "a,b,c"}).format, "raw");
  EXPECT_EQ(infer_table({"a,\"b"}).format, "raw") << "an open quote";
}

TEST(TableInferenceTest, ValuesInManyLevelsAreTexts) {
  const auto body = [](std::size_t levels) {
    return R"({"a":)" + std::string(levels, '[') + "1" + std::string(levels, ']') + "}";
  };
  const auto type = [&](std::size_t levels) {
    return infer_table({body(levels)}).columns.at(0).second;
  };
  EXPECT_EQ(type(2), "ARRAY<ARRAY<BIGINT>>");
  EXPECT_NE(type(63).find("BIGINT"), std::string::npos);
  const std::string deep = type(100'000);
  EXPECT_NE(deep.find("STRING"), std::string::npos);
  EXPECT_LT(deep.size(), 1'000U);
}

TEST(TableInferenceTest, TheRestIsRaw) {
  EXPECT_EQ(infer_table({"hello"}).columns, (Columns{{"body", "STRING"}}));
  EXPECT_EQ(infer_table({"\xff\x01"}).columns, (Columns{{"body", "BYTES"}}));
  EXPECT_EQ(infer_table({"{}"}).format, "raw") << "no field was seen";
  EXPECT_EQ(infer_table({"[1]", "2"}).format, "raw");
}

TEST(TableInferenceTest, NamesAndValuesAreQuoted) {
  const InferredTable table = infer_table({R"({"a`b":1,"":2})"});
  EXPECT_EQ(create_table_text(table, "my t", "t", "h:1"),
            "-- a field without a name is left out\n"
            "CREATE TABLE `my t` (\n"
            "  `a``b` BIGINT\n"
            ") WITH (\n"
            "  'connector' = 'rocketmq',\n"
            "  'topic' = 't',\n"
            "  'nameServerAddress' = 'h:1',\n"
            "  'consumerGroup' = 't_reader',\n"
            "  'scan.startup.mode' = 'earliest',\n"
            "  'format' = 'json'\n"
            ");\n");
}

}  // namespace
}  // namespace slipstream::cli
