#include "base/output.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/mutex.h"

namespace slipstream {
namespace {

Error failure_of(int error) {
  switch (error) {
    case EPIPE:
      return {ErrorCode::kCancelled, "the reader of the output is gone"};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {ErrorCode::kResourceExhausted,
              std::string("writing output: ") + strerrordesc_np(error)};
    default:
      return {ErrorCode::kInvalidArgument,
              std::string("writing output: ") + strerrordesc_np(error)};
  }
}

Status write_fully(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd room{descriptor, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    if (written < 0) return failure_of(errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// The terminal and its status line.
struct Screen {
  Mutex mutex;
  std::string line SLIPSTREAM_GUARDED_BY(mutex);
  bool drawn SLIPSTREAM_GUARDED_BY(mutex) = false;

  void erase() SLIPSTREAM_REQUIRES(mutex) {
    if (drawn) static_cast<void>(write_fully(STDERR_FILENO, "\r\033[K"));
    drawn = false;
  }
  void draw() SLIPSTREAM_REQUIRES(mutex) {
    if (line.empty()) return erase();
    static_cast<void>(write_fully(STDERR_FILENO, "\r" + line + "\033[K"));
    drawn = true;
  }
};

// Leaked on purpose: threads that end after main() may still write.
Screen& screen() {
  static auto* instance = new Screen;
  return *instance;
}

// One at a time; a full pipe on one descriptor does not hold up the other.
Mutex& turn_of(int descriptor) {
  static auto* turns = new std::array<Mutex, 2>;
  return (*turns)[descriptor == STDERR_FILENO ? 1 : 0];
}

}  // namespace

Status write_output(int descriptor, std::string_view text) {
  MutexLock turn(turn_of(descriptor));
  if (::isatty(descriptor) != 1) return write_fully(descriptor, text);
  Screen& terminal = screen();
  MutexLock lock(terminal.mutex);
  terminal.erase();
  Status status = write_fully(descriptor, text);
  // Behind half a line it would end it.
  if (text.ends_with('\n')) terminal.draw();
  return status;
}

void set_status_line(std::string line) {
  Screen& terminal = screen();
  MutexLock lock(terminal.mutex);
  terminal.line = std::move(line);
  terminal.draw();
}

SLIPSTREAM_ANNOTATE(no_thread_safety_analysis)
StatusLinePause::StatusLinePause() {
  screen().mutex.lock();
  screen().erase();
}

SLIPSTREAM_ANNOTATE(no_thread_safety_analysis)
StatusLinePause::~StatusLinePause() {
  screen().draw();
  screen().mutex.unlock();
}

void fill_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free is this one.
    static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace slipstream
