#include <limits>

#include <gtest/gtest.h>

#include "expr/testing/cells.h"
#include "expr/time_format.h"

namespace slipstream::expr {
namespace {

const Cell kMoment = timestamp("2024-02-29 13:04:05.678");
const Cell kBefore = timestamp("1969-12-31 23:59:58.500");

std::string compile_error(const std::string& function, std::vector<ExprPtr> args) {
  auto bound = bind_call(*find_function(function), std::move(args));
  if (!bound.ok()) return "bind: " + bound.error().message;
  auto program = Program::compile({*bound}, test_context());
  return program.ok() ? "compiled" : program.error().message;
}

TEST(TimeFields, Extract) {
  const auto extract = [](const std::string& unit, const Cell& moment) {
    return evaluate_call("EXTRACT", {word(unit), moment});
  };
  EXPECT_EQ(extract("YEAR", kMoment), "2024");
  EXPECT_EQ(extract("QUARTER", kMoment), "1");
  EXPECT_EQ(extract("MONTH", kMoment), "2");
  EXPECT_EQ(extract("DAY", kMoment), "29");
  EXPECT_EQ(extract("HOUR", kMoment), "13");
  EXPECT_EQ(extract("MINUTE", kMoment), "4");
  EXPECT_EQ(extract("SECOND", kMoment), "5");
  EXPECT_EQ(extract("MILLISECOND", kMoment), "678");
  EXPECT_EQ(extract("DOW", kMoment), "5");
  EXPECT_EQ(extract("DOY", kMoment), "60");
  EXPECT_EQ(extract("WEEK", kMoment), "9");
  EXPECT_EQ(extract("WEEK", date("2021-01-03")), "53");
  EXPECT_EQ(extract("ISOYEAR", date("2021-01-03")), "2020");
  EXPECT_EQ(extract("CENTURY", date("2000-01-01")), "20");
  EXPECT_EQ(extract("DECADE", date("1999-01-01")), "199");
  EXPECT_EQ(extract("EPOCH", timestamp("1970-01-02 00:00:01")), "86401");
  EXPECT_EQ(extract("HOUR", kBefore), "23") << "right before 1970, unlike Flink";
  EXPECT_EQ(extract("SECOND", kBefore), "58");
  EXPECT_EQ(extract("HOUR", time_of_day("08:09:10")), "8");
  EXPECT_EQ(extract("DAY", null_of(Type::date())), "NULL");
  EXPECT_NE(extract("FORTNIGHT", kMoment).find("FORTNIGHT is not one of YEAR"), std::string::npos);
}

TEST(TimeFields, ShortForms) {
  check_calls({
      {"YEAR", {kMoment}, "2024"},
      {"QUARTER", {date("2024-12-01")}, "4"},
      {"MONTH", {kMoment}, "2"},
      {"WEEK", {date("2024-12-30")}, "1"},
      {"DAYOFYEAR", {date("2024-12-31")}, "366"},
      {"DAYOFMONTH", {kMoment}, "29"},
      {"DAYOFWEEK", {date("2024-03-03")}, "1"},
      {"HOUR", {kMoment}, "13"},
      {"MINUTE", {time_of_day("08:09:10")}, "9"},
      {"SECOND", {timestamp("2024-01-01 00:00:59.999999999", 9)}, "59"},
  });
  check_calls({{"HOUR", {timestamp_ltz("2024-01-01 08:00:00")}, "8"}}, "Asia/Shanghai");
  EXPECT_TRUE(evaluate_call("HOUR", {date("2024-01-01")}).starts_with("error: no HOUR(DATE)"));
  EXPECT_TRUE(evaluate_call("YEAR", {str("2024-01-01")}).starts_with("error: no YEAR(STRING)"));
}

TEST(TimeFields, FloorAndCeilToUnits) {
  const auto floor = [](const Cell& moment, const std::string& unit) {
    return evaluate_call("FLOOR_TO", {moment, word(unit)});
  };
  const auto ceil = [](const Cell& moment, const std::string& unit) {
    return evaluate_call("CEIL_TO", {moment, word(unit)});
  };
  EXPECT_EQ(floor(kMoment, "HOUR"), "2024-02-29 13:00:00.000");
  EXPECT_EQ(floor(kMoment, "DAY"), "2024-02-29 00:00:00.000");
  EXPECT_EQ(floor(kMoment, "WEEK"), "2024-02-25 00:00:00.000") << "Sunday";
  EXPECT_EQ(floor(kMoment, "MONTH"), "2024-02-01 00:00:00.000");
  EXPECT_EQ(floor(kMoment, "QUARTER"), "2024-01-01 00:00:00.000");
  EXPECT_EQ(floor(kMoment, "YEAR"), "2024-01-01 00:00:00.000");
  EXPECT_EQ(floor(kMoment, "DECADE"), "2020-01-01 00:00:00.000");
  EXPECT_EQ(floor(kMoment, "CENTURY"), "2001-01-01 00:00:00.000");
  EXPECT_EQ(floor(kBefore, "MINUTE"), "1969-12-31 23:59:00.000");
  EXPECT_EQ(ceil(kMoment, "MONTH"), "2024-03-01 00:00:00.000");
  EXPECT_EQ(ceil(kMoment, "SECOND"), "2024-02-29 13:04:06.000");
  EXPECT_EQ(ceil(timestamp("2024-01-01 00:00:00"), "YEAR"), "2024-01-01 00:00:00.000");
  EXPECT_EQ(ceil(date("2024-12-05"), "QUARTER"), "2025-01-01");
  EXPECT_EQ(floor(date("2024-12-05"), "WEEK"), "2024-12-01");
  EXPECT_EQ(floor(time_of_day("23:45:10", 0), "HOUR"), "23:00:00");
  EXPECT_EQ(ceil(time_of_day("23:45:10", 0), "HOUR"), "00:00:00");
  EXPECT_NE(floor(kMoment, "DOW").find("not one of YEAR"), std::string::npos);
}

TEST(TimeFields, FloorOfInstantsFollowsTheZone) {
  check_calls(
      {{"FLOOR_TO", {timestamp_ltz("2024-03-10 12:00:00"), word("DAY")}, "2024-03-10 00:00:00.000"},
       {"CEIL_TO", {timestamp_ltz("2024-03-10 12:00:00"), word("DAY")}, "2024-03-11 00:00:00.000"}},
      "America/New_York");
}

TEST(TimeText, DateFormat) {
  const auto format = [](const std::string& pattern) {
    return evaluate_call("DATE_FORMAT", {kMoment, str(pattern)});
  };
  EXPECT_EQ(format("yyyy-MM-dd HH:mm:ss.SSS"), "2024-02-29 13:04:05.678");
  EXPECT_EQ(format("yy/M/d H:m:s"), "24/2/29 13:4:5");
  EXPECT_EQ(format("EEE, dd MMM yyyy hh:mm a"), "Thu, 29 Feb 2024 01:04 PM");
  EXPECT_EQ(format("EEEE MMMM"), "Thursday February");
  EXPECT_EQ(format("yyyyMMdd'T'HHmmss''"), "20240229T130405'");
  EXPECT_EQ(format("D SSSSSS k"), "60 678000 13");
  EXPECT_NE(compile_error("DATE_FORMAT", {column(0, Type::timestamp(3)), string_literal("yyyy-bb")})
                .find("has 'bb'"),
            std::string::npos);
  check_calls({
      {"DATE_FORMAT", {str("2024-01-02 03:04:05"), str("MM/dd")}, "01/02"},
      {"DATE_FORMAT", {str("garbage"), str("MM/dd")}, "NULL"},
      {"DATE_FORMAT", {date("2024-01-02"), str("yyyy")}, "2024"},
      {"DATE_FORMAT", {null_of(Type::timestamp(3)), str("MM/dd")}, "NULL"},
  });
  check_calls({{"DATE_FORMAT", {timestamp_ltz("2024-01-02 03:04:05"), str("HH")}, "03"}},
              "Asia/Tokyo");
}

TEST(TimeText, Reading) {
  check_calls({
      {"TO_DATE", {str("2024-02-29")}, "2024-02-29"},
      {"TO_DATE", {str("2024-02-30")}, "NULL"},
      {"TO_DATE", {str("29/02/2024"), str("dd/MM/yyyy")}, "2024-02-29"},
      {"TO_DATE", {str("x")}, "NULL"},
      {"TO_TIMESTAMP", {str("2024-02-30 10:00:00")}, "2024-02-29 10:00:00.000"},
      {"TO_TIMESTAMP", {str("2024-01-02 03:04:05.6789")}, "2024-01-02 03:04:05.678"},
      {"TO_TIMESTAMP", {str("20240102030405"), str("yyyyMMddHHmmss")}, "2024-01-02 03:04:05.000"},
      {"TO_TIMESTAMP",
       {str("2024-01-02T03:04:05.123"), str("yyyy-MM-dd'T'HH:mm:ss.SSS")},
       "2024-01-02 03:04:05.123"},
      {"TO_TIMESTAMP",
       {str("02 Mar 2024 01:05 PM"), str("dd MMM yyyy hh:mm a")},
       "2024-03-02 13:05:00.000"},
      {"TO_TIMESTAMP", {str("2024-01-02 03:04"), str("yyyy-MM-dd HH:mm:ss")}, "NULL"},
      {"TO_TIMESTAMP", {str("12:30"), str("HH:mm")}, "1970-01-01 12:30:00.000"},
      {"TO_TIMESTAMP", {str("nope")}, "NULL"},
      {"TO_TIMESTAMP", {null_of(Type::string())}, "NULL"},
  });
  EXPECT_EQ(call_type("TO_TIMESTAMP", {Type::string()}), "TIMESTAMP(3)");
}

TEST(TimeText, Instants) {
  const auto cases = [](const std::string& zone, const std::string& expected) {
    check_calls({{"TO_TIMESTAMP_LTZ", {str("2024-01-01 00:00:00")}, expected},
                 {"TO_TIMESTAMP_LTZ", {big(1704067200), integer(0)}, expected},
                 {"TO_TIMESTAMP_LTZ", {big(1704067200000), integer(3)}, expected},
                 {"TO_TIMESTAMP_LTZ", {big(1704067200000)}, expected}},
                zone);
  };
  cases("UTC", "2024-01-01 00:00:00.000");
  cases("Asia/Shanghai", "2024-01-01 08:00:00.000");
  check_calls({
      {"TO_TIMESTAMP_LTZ",
       {str("01.02.2024 08"), str("dd.MM.yyyy HH"), str("Asia/Shanghai")},
       "2024-02-01 00:00:00.000"},
      {"TO_TIMESTAMP_LTZ", {dbl("1704067200.25"), integer(0)}, "2024-01-01 00:00:00.250"},
      {"TO_TIMESTAMP_LTZ", {null_of(Type::bigint()), integer(0)}, "NULL"},
  });
  EXPECT_NE(
      evaluate_call("TO_TIMESTAMP_LTZ", {str("garbage")}).find("'garbage' is no TIMESTAMP_LTZ"),
      std::string::npos);
  EXPECT_NE(
      evaluate_call("TO_TIMESTAMP_LTZ", {big(1), integer(6)}).find("must be 0 (seconds) to 3"),
      std::string::npos);
}

// Finding 10: from year 0 to 9999, as Flink 2.3's DateTimeUtils.
TEST(ToTimestampLtz, IsNullOutOfRange) {
  const auto of = [](const Cell& number, std::int32_t precision) {
    return evaluate_call("TO_TIMESTAMP_LTZ", {number, integer(precision)});
  };
  for (const std::int64_t seconds :
       {std::int64_t{9223372036854775807}, std::int64_t{253402300800}, std::int64_t{-62167219201},
        std::numeric_limits<std::int64_t>::min()})
    EXPECT_EQ(of(big(seconds), 0), "NULL") << seconds;
  for (const std::int64_t millis :
       {std::int64_t{1704067200000000}, std::int64_t{1704067200000000000},
        std::int64_t{253402300800000}, std::int64_t{-62167219200001}})
    EXPECT_EQ(of(big(millis), 3), "NULL") << millis;
  EXPECT_EQ(of(big(2534023008000), 1), "NULL");
  EXPECT_EQ(of(big(2534023007999), 1), "9999-12-31 23:59:59.900");
  EXPECT_EQ(of(big(253402300799999), 3), "9999-12-31 23:59:59.999");
  EXPECT_EQ(of(big(-62167219200), 0), "0000-01-01 00:00:00.000");
  EXPECT_EQ(of(dbl("253402300799.5"), 0), "NULL");
  EXPECT_EQ(of(dbl("253402300799"), 0), "9999-12-31 23:59:59.000");
  EXPECT_EQ(of(dbl("1e300"), 3), "NULL");
  EXPECT_EQ(of(dbl("-1e300"), 3), "NULL");
  EXPECT_EQ(of(dbl("NaN"), 0), "1970-01-01 00:00:00.000");
}

TEST(TimeText, UnixTime) {
  check_calls({
      {"UNIX_TIMESTAMP", {}, "1709210096"},
      {"UNIX_TIMESTAMP", {str("1970-01-02 00:00:00")}, "86400"},
      {"UNIX_TIMESTAMP", {str("1970-01-02 00:00:00.999")}, "86400"},
      {"UNIX_TIMESTAMP", {str("02.01.1970"), str("dd.MM.yyyy")}, "86400"},
      {"UNIX_TIMESTAMP", {str("garbage")}, "-9223372036854775808"},
      {"FROM_UNIXTIME", {big(86400)}, "1970-01-02 00:00:00"},
      {"FROM_UNIXTIME", {big(-1), str("yyyy HH:mm:ss")}, "1969 23:59:59"},
  });
  check_calls({{"UNIX_TIMESTAMP", {str("1970-01-01 08:00:00")}, "0"},
               {"FROM_UNIXTIME", {integer(0)}, "1970-01-01 08:00:00"}},
              "Asia/Shanghai");
}

TEST(TimeText, ConvertZones) {
  check_calls({
      {"CONVERT_TZ",
       {str("1970-01-01 00:00:00"), str("UTC"), str("America/Los_Angeles")},
       "1969-12-31 16:00:00"},
      {"CONVERT_TZ",
       {str("2024-07-01 12:00:00"), str("Asia/Shanghai"), str("+01:00")},
       "2024-07-01 05:00:00"},
      {"CONVERT_TZ", {str("garbage"), str("UTC"), str("UTC")}, "NULL"},
  });
  EXPECT_NE(compile_error("CONVERT_TZ", {column(0, Type::string()), string_literal("Mars"),
                                         string_literal("UTC")})
                .find("Mars"),
            std::string::npos);
}

TEST(TimeArithmetic, Add) {
  const auto add = [](const std::string& unit, int count, const Cell& moment) {
    return evaluate_call("TIMESTAMPADD", {word(unit), integer(count), moment});
  };
  EXPECT_EQ(add("MONTH", 12, kMoment), "2025-02-28 13:04:05.678");
  EXPECT_EQ(add("DAY", -29, kMoment), "2024-01-31 13:04:05.678");
  EXPECT_EQ(add("WEEK", 1, date("2024-02-26")), "2024-03-04");
  EXPECT_EQ(add("QUARTER", 1, date("2023-11-30")), "2024-02-29");
  EXPECT_EQ(add("HOUR", 25, date("2024-01-01")), "2024-01-02 01:00:00.000000");
  EXPECT_EQ(add("SECOND", 2, kBefore), "1970-01-01 00:00:00.500");
  EXPECT_EQ(add("MINUTE", 90, time_of_day("23:00:00", 0)), "00:30:00");
  EXPECT_NE(add("DOW", 1, kMoment).find("must be one of YEAR"), std::string::npos);
  EXPECT_NE(add("MILLENNIUM", 2147483647, kMoment).find("out of range"), std::string::npos);
}

TEST(TimeArithmetic, Difference) {
  const auto diff = [](const std::string& unit, const Cell& from, const Cell& to) {
    return evaluate_call("TIMESTAMPDIFF", {word(unit), from, to});
  };
  EXPECT_EQ(diff("MONTH", timestamp("2024-01-31 10:00:00"), timestamp("2024-02-29 10:00:00")), "1");
  EXPECT_EQ(diff("MONTH", timestamp("2024-01-15 10:00:00"), timestamp("2024-03-15 09:59:59")), "1");
  EXPECT_EQ(diff("MONTH", timestamp("2024-03-15 10:00:00"), timestamp("2024-01-15 10:00:00")),
            "-2");
  EXPECT_EQ(diff("YEAR", date("2020-02-29"), date("2024-02-29")), "4");
  EXPECT_EQ(diff("QUARTER", date("2023-01-01"), date("2024-01-01")), "4");
  EXPECT_EQ(diff("DAY", date("2024-02-28"), timestamp("2024-03-01 23:00:00")), "2");
  EXPECT_EQ(diff("HOUR", kBefore, timestamp("1970-01-01 02:00:00")), "2");
  EXPECT_EQ(diff("SECOND", timestamp("2024-01-01 00:00:01"), timestamp("2024-01-01 00:00:00")),
            "-1");
  EXPECT_EQ(diff("WEEK", date("2024-01-01"), date("2024-01-14")), "1");
}

TEST(Clock, FollowsTheSessionZone) {
  check_calls({
      {"CURRENT_TIMESTAMP", {}, "2024-02-29 12:34:56.789"},
      {"NOW", {}, "2024-02-29 12:34:56.789"},
      {"LOCALTIMESTAMP", {}, "2024-02-29 12:34:56.789"},
      {"CURRENT_DATE", {}, "2024-02-29"},
      {"CURRENT_TIME", {}, "12:34:56"},
  });
  check_calls({{"LOCALTIMESTAMP", {}, "2024-03-01 01:34:56.789"},
               {"CURRENT_DATE", {}, "2024-03-01"},
               {"LOCALTIME", {}, "01:34:56"}},
              "Pacific/Auckland");
  EXPECT_FALSE(deterministic(**bind_call(*find_function("NOW"), {})));
  EXPECT_EQ(call_type("CURRENT_TIMESTAMP", {}), "TIMESTAMP_LTZ(3) NOT NULL");
}

TEST(TimeFormat, Leniency) {
  using Leniency = TimeFormat::Leniency;
  using Dialect = TimeFormat::Dialect;
  using Use = TimeFormat::Use;
  const auto compiled = [](std::string_view pattern) {
    return TimeFormat::compile(pattern, Dialect::kSimple, Use::kRead);
  };
  const TimeFormat format = *compiled("yyyy-MM-dd");
  EXPECT_EQ(format.parse("2024-02-30", Leniency::kSmart)->date.day, 29);
  EXPECT_FALSE(format.parse("2024-02-03 ", Leniency::kSmart));
  EXPECT_EQ(format.parse("2024-02-03 more", Leniency::kLenient)->date.day, 3);
  EXPECT_EQ(format.parse("2024-13-01", Leniency::kLenient)->date.year, 2025);
  EXPECT_EQ(format.parse("2024-2-30", Leniency::kLenient)->date.month, 3);
  EXPECT_EQ(compiled("yy-MM-dd")->parse("99-01-01", Leniency::kLenient)->date.year, 1999);
  EXPECT_EQ(compiled("d/M/yyyy")->parse("3/12/2024", Leniency::kSmart)->date.month, 12);
  EXPECT_FALSE(compiled("yyyy 'open").ok());
  EXPECT_FALSE(compiled("YYYY-MM-dd").ok());
}

}  // namespace
}  // namespace slipstream::expr
