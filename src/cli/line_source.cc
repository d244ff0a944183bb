#include "cli/line_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::cli {

Result<LineSource::Next> LineSource::next(std::string* line, int wait_ms) {
  while (true) {
    const std::size_t end = buffer_.find('\n', begin_);
    const std::size_t size = std::min(end, buffer_.size()) - begin_;
    if (size > longest_) {
      return Error{ErrorCode::kResourceExhausted,
                   "line " + std::to_string(lines_ + 1) + " is longer than " +
                       std::to_string(longest_ >> 20) + " MiB; the largest message has 4 MiB"};
    }
    if (end != std::string::npos) {
      line->assign(buffer_, begin_, end - begin_);
      begin_ = end + 1;
      ++lines_;
      return Next::kLine;
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (ended_ && buffer_.empty()) return Next::kEnd;
    if (ended_) {
      *line = std::exchange(buffer_, {});
      ++lines_;
      return Next::kLine;
    }
    pollfd waited{descriptor_, POLLIN, 0};
    if (::poll(&waited, 1, wait_ms) == 0) return Next::kNothingYet;
    TRY(fill());
  }
}

Status LineSource::fill() {
  constexpr std::size_t kChunk = std::size_t{64} << 10;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kChunk);
  const ssize_t count = ::read(descriptor_, buffer_.data() + had, kChunk);
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0 && errno != EINTR) {
    return Error{ErrorCode::kUnavailable, std::string("reading lines: ") + std::strerror(errno)};
  }
  ended_ = count == 0;
  return {};
}

}  // namespace slipstream::cli
