#include "base/log_limit.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

// Finding 27.
TEST(LogLimitTest, TheFirstLineIsLoggedAndTheOthersAreCounted) {
  FakeClock clock;
  LogLimit limit(clock, 1'000);
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view component, std::string_view text) {
    lines.push_back(std::string(component) + ": " + std::string(text));
  });
  for (int i = 0; i < 5; ++i) limit.log(LogLevel::kWarn, "c", "a", "away");
  limit.log(LogLevel::kWarn, "c", "b", "other");
  clock.advance_ms(999);
  limit.log(LogLevel::kWarn, "c", "a", "away");
  clock.advance_ms(1);
  limit.log(LogLevel::kWarn, "c", "a", "still away");
  limit.log(LogLevel::kWarn, "c", "a", "away");
  limit.forget("a");
  limit.log(LogLevel::kWarn, "c", "a", "away again");
  set_log_sink({});
  EXPECT_EQ(lines,
            (std::vector<std::string>{"c: away", "c: other", "c: still away (and 5 lines like it)",
                                      "c: away again"}));
}

TEST(LogLimitTest, KeysAreBounded) {
  FakeClock clock;
  LogLimit limit(clock, 1'000'000);
  int lines = 0;
  set_log_sink([&](LogLevel, std::string_view, std::string_view) { ++lines; });
  for (std::size_t i = 0; i <= LogLimit::kKeysMax; ++i) {
    clock.advance_ms(1);
    limit.log(LogLevel::kWarn, "c", std::to_string(i), "x");
  }
  limit.log(LogLevel::kWarn, "c", std::to_string(LogLimit::kKeysMax), "x");
  EXPECT_EQ(lines, static_cast<int>(LogLimit::kKeysMax) + 1);
  limit.log(LogLevel::kWarn, "c", "0", "x");
  set_log_sink({});
  EXPECT_EQ(lines, static_cast<int>(LogLimit::kKeysMax) + 2) << "the oldest made room";
}

}  // namespace
}  // namespace slipstream
