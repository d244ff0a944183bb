#include "cli/progress.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

TEST(ProgressTest, FactsThatDoNotFitAreLeftOutFromTheEnd) {
  const ProgressFacts facts = {"job 'orders'", "read 12", "lag 3"};
  EXPECT_EQ(fit_facts(facts, 80, true), "job 'orders'  read 12  lag 3");
  EXPECT_EQ(fit_facts(facts, 28, true), "job 'orders'  read 12  lag 3");
  EXPECT_EQ(fit_facts(facts, 27, true), "job 'orders'  read 12");
  EXPECT_EQ(fit_facts(facts, 12, true), "job 'orders'");
  EXPECT_EQ(fit_facts(facts, 5, true), "job '");
  EXPECT_EQ(fit_facts(facts, 0, true), "");
}

TEST(ProgressTest, WideCharactersCountTwiceAndStrangeBytesAreMarked) {
  EXPECT_EQ(fit_facts({"订单 x"}, 6, true), "订单 x");
  EXPECT_EQ(fit_facts({"订单 x"}, 3, true), "订");
  EXPECT_EQ(fit_facts({"订单 x"}, 80, false), "?? x");
  EXPECT_EQ(fit_facts({"a\xff\x1b[2Jb\n"}, 80, true), "a??[2Jb?");
}

TEST(ProgressTest, NumbersAndDurationsAreForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(-1'000), "-1,000");
  EXPECT_EQ(duration_text(450), "0.4 s");
  EXPECT_EQ(duration_text(12'900), "12 s");
  EXPECT_EQ(duration_text(185'000), "3 min 5 s");
  EXPECT_EQ(duration_text(7'380'000), "2 h 3 min");
  EXPECT_EQ(bytes_text(1), "1 byte");
  EXPECT_EQ(bytes_text(1'023), "1,023 bytes");
  EXPECT_EQ(bytes_text(1'536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::int64_t{1} << 20), "1.0 MiB");
  EXPECT_EQ(bytes_text((std::int64_t{5} << 30) / 2), "2.5 GiB");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(2'000, "row"), "2,000 rows");
  EXPECT_EQ(pace_text(5'000, 2'500), "in 2.5 s (2,000/s)");
  EXPECT_EQ(pace_text(3, 60'000), "in 1 min 0 s (0/s)");
  EXPECT_EQ(pace_text(3, 0), "in 0.0 s (3,000/s)");
}

TEST(ProgressTest, ARateIsOfTheLastSecondsAndBeginsAnewWhenTheNumberGoesBack) {
  Rate rate;
  rate.observe(0, 0);
  EXPECT_EQ(rate.per_second(), 0);
  rate.observe(1'000, 100);
  EXPECT_EQ(rate.per_second(), 100);
  for (int second = 2; second <= 20; ++second) rate.observe(second * 1'000, 100);
  EXPECT_EQ(rate.per_second(), 0);
  rate.observe(21'000, 5);
  EXPECT_EQ(rate.per_second(), 0);
  rate.observe(22'000, 15);
  EXPECT_EQ(rate.per_second(), 10);
}

}  // namespace
}  // namespace slipstream::cli
