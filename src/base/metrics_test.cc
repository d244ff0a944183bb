#include "base/metrics.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(MetricsTest, PrintsCountersAndGaugesWithEscapedLabels) {
  MetricRegistry registry;
  registry.counter("rows_total", "rows read", {{"topic", "a\"b\\c"}}).add(3);
  registry.gauge("lag", "messages behind").set(-2);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP lag messages behind\n# TYPE lag gauge\nlag -2\n"
            "# HELP rows_total rows read\n# TYPE rows_total counter\n"
            "rows_total{topic=\"a\\\"b\\\\c\"} 3\n");
}

TEST(MetricsTest, SameLabelsAreOneSeries) {
  MetricRegistry registry;
  registry.counter("n", "", {{"a", "1"}}).add();
  registry.counter("n", "", {{"a", "1"}}).add();
  EXPECT_EQ(registry.counter("n", "", {{"a", "1"}}).value(), 2U);
}

TEST(MetricsTest, LabelSetsAreBounded) {
  MetricRegistry registry(2);
  for (int i = 0; i < 10; ++i) registry.counter("n", "", {{"i", std::to_string(i)}}).add();
  EXPECT_EQ(registry.counter("n", "", {{"overflow", "true"}}).value(), 8U);
}

}  // namespace
}  // namespace slipstream
