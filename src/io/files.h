// Files whose content survives a crash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::io {

// Every error names the path and the system's reason.
// Thread: any.

Result<std::string> read_file(const std::filesystem::path& path);
// Either the old or the new content is there after a crash: temporary file, fsync, rename, fsync of
// the folder. The folder must exist.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);
// Names of folders that were made survive a power loss.
Status make_directories(const std::filesystem::path& path);
Status sync_directory(const std::filesystem::path& path);
// Of a file or folder, in the folder above it, where that may be read.
Status sync_name(const std::filesystem::path& path);
// No error when it is not there.
Status remove_file(const std::filesystem::path& path);
// Names inside the folder, sorted; temporary files of interrupted atomic writes are left out.
Result<std::vector<std::string>> list_directory(const std::filesystem::path& path);
Result<std::uint64_t> file_size(const std::filesystem::path& path);
// Exactly `size` bytes at `offset`; a shorter file is kCorrupt.
Result<std::string> read_file_range(const std::filesystem::path& path, std::uint64_t offset,
                                    std::uint64_t size);

// A file that only grows.
//
// Owner:  one writer. The destructor closes without fsync.
// Thread: one.
class AppendFile {
 public:
  // Creates it, or continues at its end.
  static Result<AppendFile> open(const std::filesystem::path& path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  Status append(std::string_view bytes);
  // What was appended survives a power loss from here on. The folder entry too, once it is synced.
  Status sync();
  // Cuts off a torn tail.
  Status truncate(std::uint64_t size);
  std::uint64_t size() const { return size_; }

 private:
  AppendFile(int fd, std::string path, std::uint64_t size);
  int fd_;
  std::string path_;
  std::uint64_t size_;
};

// An exclusive lock between processes, free again when the holder dies.
class FileLock {
 public:
  // kUnavailable when another process (or object) holds it; the message names the holder's pid.
  static Result<FileLock> acquire(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace slipstream::io
