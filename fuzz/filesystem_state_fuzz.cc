// What the filesystem connector keeps in checkpoints, and files that it cuts into lines: every line
// lies in the file and holds no line break.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "connectors/filesystem/epoch_handle.h"
#include "connectors/filesystem/file_split.h"
#include "connectors/filesystem/line_file.h"
#include "file_with.h"

namespace {

using namespace slipstream;  // NOLINT: one file
namespace connector = filesystem_connector;

constexpr std::uint64_t kLineBytesMax = 64;

void read_split(std::string_view text, const std::string& path) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const Split split{std::string(text.substr(0, end)),
                    std::string(text.substr(std::min(end + 1, text.size())))};
  const auto file = connector::decode_split(split);
  if (!file.ok()) return;
  const Split written = connector::encode_split(*file);
  CHECK(written.id == split.id);
  CHECK(connector::encode_split(*connector::decode_split(written)).state == written.state);
  static_cast<void>(connector::LineFile::open(path, *file, kLineBytesMax));
}

void read_state(std::string_view text) {
  const auto known = connector::decode_known_files(text);
  if (known.ok())
    CHECK(*connector::decode_known_files(connector::encode_known_files(*known)) == *known);
  const auto handle = connector::decode_epoch_handle(text);
  if (!handle.ok()) return;
  CHECK(connector::encode_epoch_handle(*connector::decode_epoch_handle(
            connector::encode_epoch_handle(*handle))) == connector::encode_epoch_handle(*handle));
  for (std::size_t i = 0; i < handle->ends.size(); ++i)
    CHECK(handle->file_name(i).find('/') == std::string::npos);
}

void read_lines(const std::string& path, std::size_t size) {
  const auto head = connector::head_fingerprint(path, size);
  CHECK(head.ok());
  connector::FileSplit split;
  split.name = "f";
  split.end = size;
  split.head = *head;
  auto file = connector::LineFile::open(path, split, kLineBytesMax);
  CHECK(file.ok());
  while (!(*file)->at_end()) {
    const std::uint64_t before = (*file)->offset();
    connector::Lines lines;
    if (!(*file)->next(3, lines).ok()) return;  // a line that is too long
    CHECK((*file)->offset() > before && (*file)->offset() <= size);
    CHECK(!lines.lines.empty() && lines.lines.size() <= 3);
    for (const std::string_view line : lines.lines) {
      CHECK(line.size() <= kLineBytesMax && line.find('\n') == std::string_view::npos);
      CHECK(lines.offset_of(line) >= before);
      CHECK(lines.offset_of(line) + line.size() <= size);
    }
    CHECK((*file)->tail_fingerprint().ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const fuzz::FileWith file(data, size);
  read_split(text, file.path());
  read_state(text);
  read_lines(file.path(), size);
  return 0;
}
