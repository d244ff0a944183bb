#include "base/metric_store.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(MetricStore, ANameMayBringLabels) {
  MetricStore store;
  const Metrics metrics = store.metrics("job=" + quoted_label("a\"b"));
  *metrics.value("lag{queue=\"3\"}", "how far behind") = 7;
  *metrics.value("lag{queue=\"4\"}", "how far behind") = 1;
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
