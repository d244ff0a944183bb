// Lines of a descriptor, as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "slipstream/status.h"

namespace slipstream::cli {

// Does not hold back what has come when more takes its time.
// Thread: one.
class LineSource {
 public:
  // `longest` bytes are allowed in a line. The descriptor stays the caller's.
  LineSource(int descriptor, std::size_t longest) : descriptor_(descriptor), longest_(longest) {}

  enum class Next : std::uint8_t { kLine, kNothingYet, kEnd };
  // Waits at most wait_ms for more bytes. The last line needs no line break.
  Result<Next> next(std::string* line, int wait_ms);
  std::int64_t lines() const { return lines_; }  // that next() gave

 private:
  Status fill();

  const int descriptor_;
  const std::size_t longest_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool ended_ = false;
  std::int64_t lines_ = 0;
};

}  // namespace slipstream::cli
