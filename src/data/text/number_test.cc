#include "data/text/number.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace slipstream::text {
namespace {

std::string double_text(double value) {
  std::string out;
  append_double(value, out);
  return out;
}

std::string decimal_text(std::string_view text, int precision, int scale) {
  const auto value = parse_decimal(text, precision, scale);
  if (!value) return "none";
  std::string out;
  append_decimal(*value, scale, out);
  return out;
}

std::optional<std::int64_t> as_int(std::string_view text) {
  return parse_integer(text, INT32_MIN, INT32_MAX);
}

TEST(AppendDouble, LooksLikeJava) {
  EXPECT_EQ(double_text(1), "1.0");
  EXPECT_EQ(double_text(-0.0), "-0.0");
  EXPECT_EQ(double_text(0.001), "0.001");
  EXPECT_EQ(double_text(0.00012), "1.2E-4");
  EXPECT_EQ(double_text(1e7), "1.0E7");
  EXPECT_EQ(double_text(9999999), "9999999.0");
  EXPECT_EQ(double_text(123.456), "123.456");
  EXPECT_EQ(double_text(1e10), "1.0E10");
  EXPECT_EQ(double_text(-1.25e-300), "-1.25E-300");
  EXPECT_EQ(double_text(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(double_text(-std::numeric_limits<double>::infinity()), "-Infinity");
  std::string out;
  append_float(0.1F, out);
  EXPECT_EQ(out, "0.1");
}

TEST(ParseInteger, FollowsCast) {
  EXPECT_EQ(as_int("42"), 42);
  EXPECT_EQ(as_int(" -7 "), -7);
  EXPECT_EQ(as_int("+7"), 7);
  EXPECT_EQ(as_int("42.9"), 42);
  EXPECT_EQ(as_int("-42.9"), -42);
  for (const char* bad : {"", " ", "1e3", "+-1", "4 2", "0x1", "2147483648", "1.x", "-"})
    EXPECT_FALSE(as_int(bad)) << bad;
}

TEST(ParseDouble, FollowsJava) {
  EXPECT_EQ(parse_double("1e3"), 1000.0);
  EXPECT_EQ(parse_double(" .5 "), 0.5);
  EXPECT_EQ(parse_double("1."), 1.0);
  EXPECT_EQ(parse_double("+1.5f"), 1.5);
  EXPECT_EQ(parse_double("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_double("-1e-999"), 0.0);
  EXPECT_TRUE(std::isnan(*parse_double("NaN")));
  EXPECT_EQ(parse_double("-Infinity"), -std::numeric_limits<double>::infinity());
  for (const char* bad : {"", "nan", "inf", "abc", "1e", "--1", "1,5", "d", "+"})
    EXPECT_FALSE(parse_double(bad)) << bad;
}

TEST(ParseDecimal, RoundsHalfUpAndChecksTheRange) {
  EXPECT_EQ(decimal_text("1.005", 10, 2), "1.01");
  EXPECT_EQ(decimal_text("-1.005", 10, 2), "-1.01");
  EXPECT_EQ(decimal_text("1.0049", 10, 2), "1.00");
  EXPECT_EQ(decimal_text(" 12 ", 10, 2), "12.00");
  EXPECT_EQ(decimal_text("1.5E3", 10, 2), "1500.00");
  EXPECT_EQ(decimal_text("15e-1", 10, 1), "1.5");
  EXPECT_EQ(decimal_text("0.004", 10, 2), "0.00");
  EXPECT_EQ(decimal_text("0.5", 1, 0), "1");
  EXPECT_EQ(decimal_text("99.995", 4, 2), "none");
  EXPECT_EQ(decimal_text("100", 4, 2), "none");
  EXPECT_EQ(decimal_text("99999999999999999999999999999999999999", 38, 0),
            "99999999999999999999999999999999999999");
  EXPECT_EQ(decimal_text("100000000000000000000000000000000000000", 38, 0), "none");
  for (const char* bad : {"", "-", ".", "1..2", "1e", "1e+-2", "abc", "1 2"})
    EXPECT_EQ(decimal_text(bad, 10, 2), "none") << bad;
}

TEST(ParseDecimal, ExponentsBeyondAllSenseAreNoDecimals) {
  EXPECT_EQ(decimal_text("1e2147483647", 38, 0), "none");
  EXPECT_EQ(decimal_text("1e-2147483647", 38, 10), "0.0000000000");
}

TEST(ParseBoolean, TakesFlinksWordsOnly) {
  for (const char* yes : {"t", "TRUE", "y", "Yes", "1"}) EXPECT_EQ(parse_boolean(yes), true) << yes;
  for (const char* no : {"f", "false", "N", "no", "0"}) EXPECT_EQ(parse_boolean(no), false) << no;
  for (const char* bad : {"on", "off", " true", "", "2"}) EXPECT_FALSE(parse_boolean(bad)) << bad;
}

TEST(Rescale, RoundsAndOverflows) {
  EXPECT_TRUE(rescale(1005, 3, 10, 2) == Int128{101});
  EXPECT_TRUE(rescale(-1005, 3, 10, 2) == Int128{-101});
  EXPECT_TRUE(rescale(1, 0, 10, 5) == Int128{100000});
  EXPECT_FALSE(rescale(99995, 3, 4, 2).has_value());
  EXPECT_FALSE(rescale(power_of_ten(37), 0, 38, 10).has_value());
}

TEST(DecimalFromDouble, UsesTheShortestDigits) {
  EXPECT_TRUE(decimal_from_double(0.1, 20, 18) == Int128{100'000'000'000'000'000});
  EXPECT_TRUE(decimal_from_double(-2.5, 3, 0) == Int128{-3});
  EXPECT_FALSE(decimal_from_double(1e10, 5, 0).has_value());
  EXPECT_FALSE(decimal_from_double(std::nan(""), 5, 0).has_value());
  EXPECT_EQ(decimal_to_double(12345, 2), 123.45);
  EXPECT_EQ(decimal_to_double(power_of_ten(30), 10), 1e20);
}

}  // namespace
}  // namespace slipstream::text
