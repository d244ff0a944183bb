// One file, cut into lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/status.h"

#include "connectors/filesystem/file_split.h"

namespace slipstream::filesystem_connector {

// Lines that lie in one buffer, without their line breaks.
struct Lines {
  std::vector<std::string_view> lines;
  BufferPtr buffer;             // holds them, with format::kBodyPadding readable bytes behind
  std::uint64_t offset = 0;     // in the file, of the first line
  const char* begin = nullptr;  // the byte at `offset`

  std::uint64_t offset_of(std::string_view line) const {
    return offset + static_cast<std::uint64_t>(line.data() - begin);
  }
};

// The fingerprint of the first bytes of a file of which `size` bytes are read.
Result<std::uint64_t> head_fingerprint(const std::filesystem::path& path, std::uint64_t size);

// Owner:   a reader.
// Thread:  task; blocks for the disk.
// Order:   as in the file; \n and \r\n end a line, the last one may lack it.
// Bounds:  one buffer of kChunkBytes, or of twice the longest line.
// Failure: kCorrupt when the file is not the one that the split describes, or becomes shorter;
//          kResourceExhausted for a line longer than allowed. Messages name the file.
class LineFile {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{512} << 10;

  // Opens it at split.offset and compares it with what the split knows of its content.
  static Result<std::unique_ptr<LineFile>> open(const std::filesystem::path& path,
                                                const FileSplit& split,
                                                std::uint64_t line_bytes_max);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // Up to `lines_max` lines, at least one unless the end is reached.
  Status next(std::size_t lines_max, Lines& out);
  // Of the next line.
  std::uint64_t offset() const { return chunk_offset_ + at_; }
  bool at_end() const { return offset() >= end_; }
  Result<std::uint64_t> tail_fingerprint() const;

 private:
  class Chunk;
  LineFile(int descriptor, std::string path, const FileSplit& split, std::uint64_t line_bytes_max);
  Status check_content(const FileSplit& split) const;
  void cut(std::size_t lines_max, Lines& out);
  Status refill();
  Error too_long() const;

  const int descriptor_;
  const std::string path_;
  const std::uint64_t end_;
  const std::uint64_t line_bytes_max_;
  std::shared_ptr<Chunk> chunk_;  // bytes [chunk_offset_, chunk_offset_ + its size)
  std::uint64_t chunk_offset_;
  std::size_t at_ = 0;  // in the chunk: the next line
};

}  // namespace slipstream::filesystem_connector
