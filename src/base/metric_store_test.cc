#include "base/metric_store.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(MetricStore, LabelsAreTextOnlyWhenTheyAreShown) {
  MetricStore store;
  const Metrics metrics = store.metrics({{"job", "a\"b"}});
  *metrics.with({{"queue", "3"}}).value("lag", "how far behind") = 7;
  *metrics.with({{"queue", "4"}}).value("lag", "how far behind") = 1;
  EXPECT_NE(store.prometheus_text().find("slipstream_lag{job=\"a\\\"b\",queue=\"3\"} 7\n"),
            std::string::npos);
  const auto samples = store.samples("lag");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].labels.at("job"), "a\"b");
  EXPECT_EQ(samples[0].labels.at("queue"), "3");
  EXPECT_EQ(samples[0].value, 7);
}

}  // namespace
}  // namespace slipstream
