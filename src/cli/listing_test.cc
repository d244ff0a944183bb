#include "cli/listing.h"

#include <gtest/gtest.h>

namespace slipstream::cli {
namespace {

std::string printed(Listing listing, OutputFormat format) {
  ::testing::internal::CaptureStdout();
  const Status status = listing.print(format);
  EXPECT_TRUE(status.ok());
  return ::testing::internal::GetCapturedStdout();
}

TEST(Listing, WhatMessagesHoldDoesNotSteerTheTerminal) {
  Listing listing({"part", "value"});
  listing.add({"property p", "a\x1b[2J\r\x7f\xc2\x9b\xff\tb\n\xc3\xa4"});
  EXPECT_NE(printed(listing, OutputFormat::kTable)
                .find("\nproperty p | a\\u001B[2J\\u000D\\u007F\\u009B\xef\xbf\xbd\tb\n\xc3\xa4\n"),
            std::string::npos);
  EXPECT_NE(printed(listing, OutputFormat::kJson).find("a\\u001b[2J"), std::string::npos);
}

}  // namespace
}  // namespace slipstream::cli
