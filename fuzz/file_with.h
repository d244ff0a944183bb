// For readers of files: a file that holds what a target was given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::fuzz {

// In memory, readable by its owner only; gone with this.
//
// Owner:  one call of a target.
// Thread: one.
class FileWith {
 public:
  FileWith(const std::uint8_t* data, std::size_t size) : file_(::memfd_create("fuzz", 0)) {
    CHECK(file_ >= 0 && ::fchmod(file_, 0600) == 0);
    CHECK(::write(file_, data, size) == static_cast<ssize_t>(size));
  }
  ~FileWith() { ::close(file_); }
  FileWith(const FileWith&) = delete;
  FileWith& operator=(const FileWith&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  const int file_;
};

}  // namespace slipstream::fuzz
