#include "connectors/filesystem/line_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"
#include "format/format.h"

namespace slipstream::filesystem_connector {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error failure(std::string_view what, const std::string& path, int code) {
  ErrorCode kind = ErrorCode::kUnavailable;
  if (code == ENOENT || code == ENOTDIR) kind = ErrorCode::kNotFound;
  if (code == EACCES || code == EPERM) kind = ErrorCode::kPermissionDenied;
  std::string text = std::string(what) + " '" + path + "': " + std::system_category().message(code);
  if (code == EMFILE || code == ENFILE)
    return Error::retry(ErrorCode::kResourceExhausted, std::move(text));
  return Error{kind, std::move(text)};
}

Error replaced(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kCorrupt,
               "file '" + path + "' is not the one that was found before: " + why +
                   "; files must not change once they are in the folder. Put the former one back, "
                   "or start anew, without the checkpoints"};
}

int open_to_read(const std::string& path) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

Status read_exactly(int descriptor, std::uint64_t offset, std::span<char> out,
                    const std::string& path) {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("reading", path, errno);
    if (count == 0) {
      return replaced(path, "it became shorter and ends at byte " + std::to_string(offset));
    }
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::uint64_t> fingerprint_of(int descriptor, std::uint64_t begin, std::uint64_t size,
                                     const std::string& path) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  TRY(read_exactly(descriptor, begin, bytes, path));
  return fingerprint(bytes);
}

std::uint64_t fingerprint_size(std::uint64_t size) {
  return std::min<std::uint64_t>(size, kFingerprintBytes);
}

}  // namespace

class LineFile::Chunk final : public Buffer {
 public:
  explicit Chunk(std::size_t size)
      : size_(size), bytes_(std::make_unique_for_overwrite<char[]>(size + format::kBodyPadding)) {
    std::memset(bytes_.get() + size, 0, format::kBodyPadding);
  }
  std::size_t bytes() const override { return size_; }
  char* data() { return bytes_.get(); }
  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;
};

Result<std::uint64_t> head_fingerprint(const std::filesystem::path& path, std::uint64_t size) {
  const int descriptor = open_to_read(path.string());
  if (descriptor < 0) return failure("opening", path.string(), errno);
  auto result = fingerprint_of(descriptor, 0, fingerprint_size(size), path.string());
  ::close(descriptor);
  return result;
}

LineFile::LineFile(int descriptor, std::string path, const FileSplit& split,
                   std::uint64_t line_bytes_max)
    : descriptor_(descriptor),
      path_(std::move(path)),
      end_(split.end),
      line_bytes_max_(line_bytes_max),
      chunk_(std::make_shared<Chunk>(0)),
      chunk_offset_(split.offset) {}

LineFile::~LineFile() { ::close(descriptor_); }

Result<std::unique_ptr<LineFile>> LineFile::open(const std::filesystem::path& path,
                                                 const FileSplit& split,
                                                 std::uint64_t line_bytes_max) {
  const int descriptor = open_to_read(path.string());
  if (descriptor < 0) return failure("opening", path.string(), errno);
  std::unique_ptr<LineFile> file(new LineFile(descriptor, path.string(), split, line_bytes_max));
  TRY(file->check_content(split));
  return file;
}

Status LineFile::check_content(const FileSplit& split) const {
  struct stat attributes {};
  if (::fstat(descriptor_, &attributes) != 0) return failure("looking at", path_, errno);
  const auto size = static_cast<std::uint64_t>(attributes.st_size);
  if (size < split.end) {
    return replaced(
        path_, "it has " + std::to_string(size) + " bytes and had " + std::to_string(split.end));
  }
  TRY_ASSIGN(const std::uint64_t head,
             fingerprint_of(descriptor_, 0, fingerprint_size(split.end), path_));
  if (head != split.head) return replaced(path_, "its first bytes are others");
  TRY_ASSIGN(const std::uint64_t tail, tail_fingerprint());
  if (tail != split.tail) {
    return replaced(path_, "the bytes before byte " + std::to_string(split.offset) +
                               ", where reading stood, are others");
  }
  return {};
}

Result<std::uint64_t> LineFile::tail_fingerprint() const {
  const std::uint64_t size = fingerprint_size(offset());
  if (size == 0) return std::uint64_t{0};
  return fingerprint_of(descriptor_, offset() - size, size, path_);
}

Error LineFile::too_long() const {
  return Error{ErrorCode::kResourceExhausted,
               "the line at byte " + std::to_string(offset()) + " of file '" + path_ +
                   "' is longer than " + std::to_string(line_bytes_max_) +
                   " bytes; raise 'source.line-bytes-max' if it is not damaged"};
}

void LineFile::cut(std::size_t lines_max, Lines& out) {
  const std::string_view text = chunk_->text();
  while (out.lines.size() < lines_max && at_ < text.size()) {
    const void* found = std::memchr(text.data() + at_, '\n', text.size() - at_);
    if (found == nullptr && chunk_offset_ + text.size() < end_) return;
    const std::size_t stop =
        found == nullptr ? text.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    if (stop - at_ > line_bytes_max_) return;
    std::string_view line = text.substr(at_, stop - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.lines.push_back(line);
    at_ = std::min(stop + 1, text.size());
  }
}

// The rest of the chunk and what follows it in the file.
Status LineFile::refill() {
  const std::string_view rest = chunk_->text().substr(at_);
  if (rest.size() > line_bytes_max_) return too_long();
  const std::uint64_t read_to = chunk_offset_ + chunk_->bytes();
  const auto more = static_cast<std::size_t>(
      std::min<std::uint64_t>(end_ - read_to, std::max(kChunkBytes, rest.size())));
  auto chunk = std::make_shared<Chunk>(rest.size() + more);
  std::memcpy(chunk->data(), rest.data(), rest.size());
  TRY(read_exactly(descriptor_, read_to, {chunk->data() + rest.size(), more}, path_));
  chunk_offset_ += at_;
  chunk_ = std::move(chunk);
  at_ =
      chunk_offset_ == 0 && chunk_->text().starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  return {};
}

Status LineFile::next(std::size_t lines_max, Lines& out) {
  out.lines.clear();
  while (true) {
    out.buffer = chunk_;
    out.offset = offset();
    out.begin = chunk_->text().data() + at_;
    cut(lines_max, out);
    if (!out.lines.empty() || at_end()) return {};
    // All was read and still no line was cut: it is too long.
    if (chunk_offset_ + chunk_->bytes() >= end_) return too_long();
    TRY(refill());
  }
}

}  // namespace slipstream::filesystem_connector
