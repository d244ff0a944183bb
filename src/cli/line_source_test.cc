#include "cli/line_source.h"

#include <string_view>

#include <gtest/gtest.h>
#include <unistd.h>

namespace slipstream::cli {
namespace {

class LineSourceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    if (ends_[1] >= 0) end();
  }
  void put(std::string_view text) {
    ASSERT_EQ(::write(ends_[1], text.data(), text.size()), std::ssize(text));
  }
  void end() {
    ::close(ends_[1]);
    ends_[1] = -1;
  }

  int ends_[2] = {-1, -1};
};

TEST_F(LineSourceTest, LinesComeAsTheyAre) {
  LineSource source(ends_[0], 4);
  std::string line;
  EXPECT_EQ(*source.next(&line, 0), LineSource::Next::kNothingYet);
  put("four\n\nlast");
  end();
  for (const char* expected : {"four", "", "last"}) {
    EXPECT_EQ(*source.next(&line, 0), LineSource::Next::kLine);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(*source.next(&line, 0), LineSource::Next::kEnd);
  EXPECT_EQ(source.lines(), 3);
}

TEST_F(LineSourceTest, ALineThatIsTooLongIsRefusedHoweverItComes) {
  for (const char* text : {"a\nfive5\n", "a\nfive5"}) {
    SCOPED_TRACE(text);
    LineSource source(ends_[0], 4);
    put(text);
    if (text[std::string_view(text).size() - 1] != '\n') end();
    std::string line;
    EXPECT_EQ(*source.next(&line, 0), LineSource::Next::kLine);
    const auto refused = source.next(&line, 0);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(refused.error().message.substr(0, 6), "line 2");
  }
}

}  // namespace
}  // namespace slipstream::cli
