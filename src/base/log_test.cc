#include "base/log.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

TEST(LogTest, JsonIsOneObjectPerLine) {
  testing::internal::CaptureStderr();
  set_log_format(LogFormat::kJson);
  log(LogLevel::kWarn, "te\"st", "two\nlines");
  set_log_format(LogFormat::kText);
  const std::string text = testing::internal::GetCapturedStderr();
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const nlohmann::json line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["component"], "te\"st");
  EXPECT_EQ(line["message"], "two\nlines");
  EXPECT_THAT(line["time"].get<std::string>(),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z"));
  EXPECT_EQ(line.size(), 4U);
}

}  // namespace
}  // namespace slipstream
