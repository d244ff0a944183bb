#include "base/output.h"

#include <csignal>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace slipstream {
namespace {

// Finding 31: what cannot be written is told apart, and nothing of it is worth trying again.
TEST(OutputTest, AFullDiskAReaderThatLeftAndAClosedDescriptorAreToldApart) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const Status no_room = write_output(full, "row\n");
  ::close(full);
  ASSERT_FALSE(no_room.ok());
  EXPECT_EQ(no_room.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(no_room.error().retryable);

  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const Status left = write_output(ends[1], "row\n");
  ::close(ends[1]);
  ASSERT_FALSE(left.ok());
  EXPECT_EQ(left.error().code, ErrorCode::kCancelled);

  const Status closed = write_output(ends[1], "row\n");
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().code, ErrorCode::kInvalidArgument);
}

// Standard error as a terminal of its own, and back.
class Terminal {
 public:
  Terminal() {
    int own = -1;
    EXPECT_EQ(::openpty(&reader_, &own, nullptr, nullptr, nullptr), 0);
    before_ = ::dup(STDERR_FILENO);
    ::dup2(own, STDERR_FILENO);
    ::close(own);
  }
  ~Terminal() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(reader_);
  }
  std::string read_until(const std::string& end) {
    std::string text;
    char byte = 0;
    while (!text.ends_with(end) && ::read(reader_, &byte, 1) == 1) text += byte;
    return text;
  }

 private:
  int reader_ = -1;
  int before_ = -1;
};

TEST(OutputTest, TheStatusLineGivesWayToWhatIsWritten) {
  Terminal terminal;
  set_status_line("12 rows");
  EXPECT_EQ(terminal.read_until("\033[K"), "\r12 rows\033[K");
  ASSERT_TRUE(write_output(STDERR_FILENO, "a warning\n").ok());
  EXPECT_EQ(terminal.read_until("12 rows\033[K"), "\r\033[Ka warning\r\n\r12 rows\033[K");
  {
    const StatusLinePause pause;
    ASSERT_EQ(::write(STDERR_FILENO, "b\n", 2), 2);
  }
  EXPECT_EQ(terminal.read_until("12 rows\033[K"), "\r\033[Kb\r\n\r12 rows\033[K");
  set_status_line("");
  EXPECT_EQ(terminal.read_until("\033[K"), "\r\033[K");
}

}  // namespace
}  // namespace slipstream
