#include "base/thrown.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(Thrown, SaysTypeAndText) {
  const Status status = without_exceptions([]() -> Status { throw std::out_of_range("map::at"); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.to_string(), "user code failed: threw std::out_of_range: map::at");
}

TEST(Thrown, WhatIsNoExceptionClassHasItsTypeToo) {
  const Result<std::string> result = without_exceptions([]() -> Result<std::string> { throw 42; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUserCode);
  EXPECT_EQ(result.error().message, "threw int");
}

TEST(Thrown, AnAnswerIsPassedOn) {
  const Result<int> result = without_exceptions([]() -> Result<int> { return 7; });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, 7);
}

}  // namespace
}  // namespace slipstream
