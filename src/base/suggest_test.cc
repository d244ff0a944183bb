#include "base/suggest.h"

#include <vector>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(Suggest, DistanceCountsCodePointsAndSwaps) {
  EXPECT_EQ(edit_distance("data", "data"), 0U);
  EXPECT_EQ(edit_distance("DATA", "data"), 0U);
  EXPECT_EQ(edit_distance("dataa", "data"), 1U);
  EXPECT_EQ(edit_distance("dtaa", "data"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("温度", "湿度"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(Suggest, FindsTheNearestName) {
  const std::vector<std::string> options{"topic", "consumerGroup", "nameServerAddress", "format"};
  EXPECT_EQ(nearest_name("consumergroup", options), "consumerGroup");
  EXPECT_EQ(nearest_name("nameserverAdress", options), "nameServerAddress");
  EXPECT_EQ(nearest_name("tpoic", options), "topic");
  EXPECT_EQ(nearest_name("parallelism", options), std::nullopt);
  EXPECT_EQ(nearest_name("", options), std::nullopt);
}

TEST(Suggest, ChineseNameContainedInTheWrittenOne) {
  const std::vector<std::string> columns{"传感器ID", "类型", "数据", "时间", "传感器类型"};
  EXPECT_EQ(nearest_name("传感器数据", columns), "数据");
  EXPECT_EQ(did_you_mean("传感器数据", columns), ", did you mean '数据'?");
  EXPECT_EQ(did_you_mean("价格", columns), "");
}

TEST(Suggest, OneLetterNamesAreNotGuessed) {
  const std::vector<std::string> columns{"a", "b"};
  EXPECT_EQ(nearest_name("c", columns), std::nullopt);
}

TEST(Suggest, BrokenUtf8AndLongNamesAreHarmless) {
  const std::vector<std::string> names{std::string(1000, 'a'), "\xFF\xFE", "ok"};
  EXPECT_EQ(nearest_name(std::string(999, 'a'), names), std::nullopt);
  EXPECT_EQ(nearest_name("\xE4\xB8", names), std::nullopt);
}

}  // namespace
}  // namespace slipstream
