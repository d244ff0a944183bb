#include "base/log.h"

#include <string>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(LogTest, LinesBelowTheLevelAreDropped) {
  std::string lines;
  set_log_sink([&](LogLevel, std::string_view component, std::string_view text) {
    lines.append(component).append(": ").append(text).append("\n");
  });
  log(LogLevel::kDebug, "test", "hidden");
  log(LogLevel::kWarn, "test", "shown");
  set_log_level(LogLevel::kOff);
  log(LogLevel::kError, "test", "hidden too");
  set_log_level(LogLevel::kInfo);
  set_log_sink({});
  EXPECT_EQ(lines, "test: shown\n");
}

TEST(LogTest, GoesToStandardError) {
  testing::internal::CaptureStderr();
  log(LogLevel::kInfo, "test", "braces {} stay");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("I test: braces {} stay\n"),
            std::string::npos);
}

}  // namespace
}  // namespace slipstream
