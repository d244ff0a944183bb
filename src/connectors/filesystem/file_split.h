// A file that is read, and the state of the source, as texts of snapshots. Versioned: what was
// written once stays readable.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "slipstream/connector.h"

namespace slipstream::filesystem_connector {

// How many bytes stand for the content of a file: its first ones, and those before the offset.
inline constexpr std::size_t kFingerprintBytes = 4'096;

// Where a file stands. `name` is relative to the folder of the table.
struct FileSplit {
  std::string name;
  std::uint64_t offset = 0;  // of the next line
  std::uint64_t end = 0;     // its size when it was found: what is appended later is not read
  std::uint64_t line = 0;    // lines before the offset
  std::int64_t modified_ms = 0;
  std::uint64_t head = 0;  // fingerprint of the first min(end, kFingerprintBytes) bytes
  std::uint64_t tail = 0;  // of the min(offset, kFingerprintBytes) bytes before the offset

  bool ended() const { return offset >= end; }
};

// id: the name; state: "1,offset,end,line,modified,head,tail".
Split encode_split(const FileSplit& split);
Result<FileSplit> decode_split(const Split& split);

// The names of all files ever found, one per line behind "1".
std::string encode_known_files(const std::set<std::string>& names);
Result<std::set<std::string>> decode_known_files(std::string_view text);

// Stable 64-bit hash.
std::uint64_t fingerprint(std::string_view bytes);

}  // namespace slipstream::filesystem_connector
