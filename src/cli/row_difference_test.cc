#include "cli/row_difference.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

std::vector<ComparableRow> rows(const std::vector<std::string>& lines) {
  std::vector<ComparableRow> all;
  for (const std::string& line : lines) {
    auto row = comparable_row(line);
    EXPECT_TRUE(row.ok()) << line;
    all.push_back(std::move(*row));
  }
  return all;
}

std::string difference(const std::vector<std::string>& expected,
                       const std::vector<std::string>& written, bool ordered = false,
                       std::size_t rows_max = 10) {
  const auto left = rows(expected);
  const auto right = rows(written);
  return difference_text("t", compare_rows(left, right, ordered), left, right, rows_max);
}

TEST(RowDifferenceTest, FieldsGoByNameAndBlanksDoNotCount) {
  EXPECT_EQ(difference({R"({ "b" : [1, 2], "a": "x: , }" })"}, {R"({"a":"x: , }","b":[1,2]})"}),
            "");
  EXPECT_EQ(difference({R"({"a":"\"{","b":{"c":1}})"}, {R"({"b":{"c":1},"a":"\"{"})"}), "");
  EXPECT_NE(difference({R"({"a":"x y"})"}, {R"({"a":"xy"})"}), "") << "blanks of texts do";
  EXPECT_NE(difference({R"({"a":1.0})"}, {R"({"a":1})"}), "");
  EXPECT_NE(difference({R"({"a":12345678901234567890.12})"}, {R"({"a":12345678901234567890.13})"}),
            "")
      << "more digits than a double has";
}

TEST(RowDifferenceTest, WhatIsMissingStandsBesideWhatIsThereInstead) {
  EXPECT_EQ(difference({R"({"k":"a","n":1})", R"({"k":"b","n":2})", R"({"k":"b","n":2})"},
                       {R"({"k":"b","n":2})", R"({"k":"a","n":3})"}),
            "t: 3 rows expected, 2 written; 2 missing (-), 1 not expected (+)\n"
            "  - {\"k\":\"a\",\"n\":1}\n"
            "  + {\"k\":\"a\",\"n\":3}\n"
            "  - {\"k\":\"b\",\"n\":2}\n");
  EXPECT_EQ(difference({}, {R"({"k":1})", R"({"k":2})", R"({"k":3})"}, false, 1),
            "t: 0 rows expected, 3 written; 0 missing (-), 3 not expected (+)\n"
            "  + {\"k\":1}\n"
            "  ... and 2 rows more\n");
}

TEST(RowDifferenceTest, TheOrderCountsWhereItIsAskedFor) {
  const std::vector<std::string> up = {R"({"k":1})", R"({"k":2})", R"({"k":3})"};
  const std::vector<std::string> down = {R"({"k":1})", R"({"k":3})", R"({"k":2})"};
  EXPECT_EQ(difference(up, down), "");
  EXPECT_EQ(difference(up, up, true), "");
  EXPECT_EQ(difference(up, down, true),
            "t: the rows are right, their order is not; the first that differs is row 2\n"
            "  - {\"k\":2}\n"
            "  + {\"k\":3}\n");
}

TEST(RowDifferenceTest, ARowIsAJsonObject) {
  for (const char* wrong : {"", "[1]", "{", "{} {}", "7"})
    EXPECT_FALSE(comparable_row(wrong).ok()) << wrong;
  EXPECT_TRUE(comparable_row("{}").ok());
}

}  // namespace
}  // namespace slipstream::cli
