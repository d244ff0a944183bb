#include "data/text/temporal.h"

#include <gtest/gtest.h>

#include "data/text/civil.h"

namespace slipstream::text {
namespace {

std::string date_text(std::int64_t days) {
  std::string out;
  append_date(static_cast<std::int32_t>(days), out);
  return out;
}

std::string timestamp_text(std::string_view text, int precision) {
  const auto value = parse_timestamp(text, precision);
  if (!value) return "none";
  std::string out;
  append_timestamp(*value, precision, out);
  return out;
}

TEST(Civil, EveryDayOfEightHundredYearsIsTheNextOne) {
  CivilDate date{1600, 1, 1};
  for (std::int64_t days = days_from_civil(1600, 1, 1); days < days_from_civil(2400, 1, 1);
       ++days) {
    const CivilDate back = civil_from_days(days);
    ASSERT_EQ(back.year, date.year);
    ASSERT_EQ(back.month, date.month);
    ASSERT_EQ(back.day, date.day);
    ASSERT_EQ(days_from_civil(date.year, date.month, date.day), days);
    if (++date.day > days_in_month(date.year, date.month)) {
      date.day = 1;
      if (++date.month > 12) {
        date.month = 1;
        ++date.year;
      }
    }
  }
}

TEST(Civil, WeeksAndMonths) {
  EXPECT_EQ(day_of_week(0), 4);  // a Thursday
  EXPECT_EQ(day_of_week(-5), 6);
  EXPECT_EQ(iso_week(days_from_civil(2021, 1, 3)).week, 53);
  EXPECT_EQ(iso_week(days_from_civil(2021, 1, 3)).year, 2020);
  EXPECT_EQ(iso_week(days_from_civil(2021, 1, 4)).week, 1);
  EXPECT_EQ(day_of_year(CivilDate{2024, 12, 31}), 366);
  EXPECT_EQ(date_text(add_months(days_from_civil(2024, 1, 31), 1)), "2024-02-29");
  EXPECT_EQ(date_text(add_months(days_from_civil(2024, 1, 31), -13)), "2022-12-31");
}

TEST(Civil, TimestampsBeforeTheEpoch) {
  const CivilTime time = civil_from_timestamp(-1, 1'000'000);
  EXPECT_EQ(time.date.year, 1969);
  EXPECT_EQ(time.hour, 23);
  EXPECT_EQ(time.nanos, 999'999'000);
  EXPECT_EQ(timestamp_from_civil(time, 1'000'000), -1);
}

TEST(ParseDate, AcceptsShortFormsAndRefusesImpossibleDays) {
  EXPECT_EQ(date_text(*parse_date("2024-02-29")), "2024-02-29");
  EXPECT_EQ(date_text(*parse_date(" 2024-1-5 ")), "2024-01-05");
  EXPECT_EQ(date_text(*parse_date("2024-03")), "2024-03-01");
  EXPECT_EQ(date_text(*parse_date("2024-03-04 10:00:00")), "2024-03-04");
  for (const char* bad :
       {"", "2024-02-30", "2024-13-01", "24-xx", "2024-1-", "2024/01/01", "2024-01-011"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(ParseTime, CutsToThePrecision) {
  EXPECT_EQ(parse_time("01:02:03.4567", 3), 3'723'456);
  EXPECT_EQ(parse_time("01:02:03.4567", 0), 3'723'000);
  EXPECT_EQ(parse_time("23:59", 0), 86'340'000);
  for (const char* bad : {"24:00:00", "01:60:00", "01:02:03x", ""})
    EXPECT_FALSE(parse_time(bad, 3)) << bad;
  std::string out;
  append_time(3'723'456, 3, out);
  EXPECT_EQ(out, "01:02:03.456");
}

TEST(ParseTimestamp, FollowsCast) {
  EXPECT_EQ(timestamp_text("2024-01-31 23:59:59.123456789", 9), "2024-01-31 23:59:59.123456789");
  EXPECT_EQ(timestamp_text("2024-01-31 23:59:59.123456789", 3), "2024-01-31 23:59:59.123");
  EXPECT_EQ(timestamp_text("2024-1-2 3:4:5", 0), "2024-01-02 03:04:05");
  EXPECT_EQ(timestamp_text("2024-01-31", 3), "2024-01-31 00:00:00.000");
  EXPECT_EQ(timestamp_text("2024-02-30 01:00:00", 0), "2024-02-29 01:00:00");
  EXPECT_EQ(timestamp_text("1969-12-31 23:59:59.999", 6), "1969-12-31 23:59:59.999000");
  EXPECT_EQ(timestamp_text("0001-01-01 00:00:00", 3), "0001-01-01 00:00:00.000");
  for (const char* bad : {"2024-01-31T10:00:00", "2024-01-31 10:00:00Z", "2024-01-31 10:00",
                          "2024-01-32", "1500-01-01x", "2024-01-31 10:00:00.1234567890", ""}) {
    EXPECT_EQ(timestamp_text(bad, 3), "none") << bad;
  }
  EXPECT_EQ(timestamp_text("1500-01-01 00:00:00", 9), "none") << "nanoseconds do not reach so far";
}

TEST(ParseTimestampAs, ZonesOnlyWhereWanted) {
  EXPECT_EQ(parse_timestamp_as(kIsoForm, "1970-01-01T00:00:01.5", 3), 1'500'000);
  EXPECT_EQ(parse_timestamp_as(kSqlForm, "1970-01-01 00:00:01.5", 3), 1'500'000);
  EXPECT_EQ(parse_instant_as(kIsoForm, "1970-01-01T08:00:01+08:00", 3), 1'000'000);
  EXPECT_EQ(parse_instant_as(kIsoForm, "1970-01-01T00:00Z", 3), 0);
  EXPECT_EQ(parse_instant_as(kSqlForm, "1970-01-01 00:00:00Z", 9), 0);
  EXPECT_FALSE(parse_instant_as(kIsoForm, "1970-01-01T00:00:01", 3));
  EXPECT_FALSE(parse_timestamp_as(kIsoForm, "1970-01-01T00:00:01Z", 3));
  EXPECT_FALSE(parse_timestamp_as(kSqlForm, "1970-01-01 00:00", 3));
  EXPECT_FALSE(parse_timestamp_as(kSqlForm, "1970-01-01T00:00:00", 3));
  EXPECT_FALSE(parse_timestamp_as(kSqlForm, "1970-02-30 00:00:00", 3));
  EXPECT_FALSE(parse_timestamp_as(kSqlForm, "1970-1-1 00:00:00", 3));
}

TEST(ParseTimestampAs, EveryPlaceIsLookedAt) {
  const std::string text = "2024-02-29 23:59:58.123456789";
  constexpr std::int64_t kSecond = 1'709'251'198;
  std::int64_t unit = 1'000'000;
  for (int precision = 0; precision <= 6; ++precision, unit /= 10) {
    EXPECT_EQ(parse_timestamp_as(kSqlForm, text, precision),
              kSecond * 1'000'000 + 123'456 / unit * unit);
  }
  EXPECT_EQ(parse_timestamp_as(kSqlForm, text, 9), kSecond * 1'000'000'000 + 123'456'789);
  EXPECT_EQ(parse_timestamp_as(kSqlForm, text, 8), kSecond * 1'000'000'000 + 123'456'780);
  EXPECT_EQ(parse_timestamp_as(kSqlForm, text.substr(0, 20), 3), kSecond * 1'000'000);
  EXPECT_FALSE(parse_timestamp_as(kSqlForm, text + "1", 9));
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char wrong : {'/', ':', 'x', '\0', '\xb2'}) {
      std::string broken = text;
      if (broken[at] == wrong) continue;
      broken[at] = wrong;
      EXPECT_FALSE(parse_timestamp_as(kSqlForm, broken, 3)) << broken;
    }
  }
  for (const char* impossible :
       {"2024-00-01 00:00:00", "2024-13-01 00:00:00", "2024-01-00 00:00:00", "2023-02-29 00:00:00",
        "2024-01-01 24:00:00", "2024-01-01 00:60:00", "2024-01-01 00:00:60"}) {
    EXPECT_FALSE(parse_timestamp_as(kSqlForm, impossible, 3)) << impossible;
  }
}

TEST(Intervals, PrintAsFlink) {
  std::string out;
  append_interval_year_month(14, out);
  append_interval_year_month(-3, out);
  EXPECT_EQ(out, "+1-02-0-03");
  out.clear();
  append_interval_day_time(-(86'400'000 + 7'384'005), out);
  EXPECT_EQ(out, "-1 02:03:04.005");
}

TEST(TimeZone, NamesOffsetsAndErrors) {
  EXPECT_EQ(TimeZone::from_name("+08:00")->offset_at(0), 28'800);
  EXPECT_EQ(TimeZone::from_name("GMT-3")->offset_at(0), -10'800);
  EXPECT_EQ(TimeZone::from_name("Asia/Shanghai")->offset_at(1'700'000'000), 28'800);
  EXPECT_TRUE(TimeZone::from_name("UTC")->is_utc());
  const auto unknown = TimeZone::from_name("Asia/Shangai");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("Asia/Shangai"), std::string::npos);
  EXPECT_FALSE(TimeZone::from_name("").ok());
}

TEST(TimeZone, GapsAndOverlapsUseTheOffsetBefore) {
  const TimeZone zone = *TimeZone::from_name("America/New_York");
  const auto local = [](const char* text) { return *parse_timestamp(text, 3); };
  // 02:30 does not exist on 2024-03-10 and reads as 03:30 -04:00.
  EXPECT_EQ(zone.from_local(local("2024-03-10 02:30:00"), 1'000'000), local("2024-03-10 07:30:00"));
  // 01:30 exists twice on 2024-11-03: the first.
  EXPECT_EQ(zone.from_local(local("2024-11-03 01:30:00"), 1'000'000), local("2024-11-03 05:30:00"));
  EXPECT_EQ(zone.to_local(local("2024-07-01 12:00:00"), 1'000'000), local("2024-07-01 08:00:00"));
}

}  // namespace
}  // namespace slipstream::text
