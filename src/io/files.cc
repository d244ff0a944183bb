#include "io/files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporarySuffix = ".tmp~";

Error system_error(std::string_view what, const std::string& path, int code) {
  ErrorCode kind = ErrorCode::kUnavailable;
  if (code == ENOENT || code == ENOTDIR) kind = ErrorCode::kNotFound;
  if (code == EACCES || code == EPERM || code == EROFS) kind = ErrorCode::kPermissionDenied;
  std::string text = std::string(what) + " '" + path + "': " + std::system_category().message(code);
  if (code == ENOSPC || code == EDQUOT || code == EMFILE)
    return Error::retry(ErrorCode::kResourceExhausted, std::move(text));
  return Error{kind, std::move(text)};
}

// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int open_retrying(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("writing", path, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// Fills `out` from `offset`; answers how much there was.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<char> out,
                            const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("reading", path, errno);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

Result<std::uint64_t> file_size(const fs::path& path) {
  struct stat attributes {};
  if (::stat(path.c_str(), &attributes) != 0)
    return system_error("looking at", path.string(), errno);
  return static_cast<std::uint64_t>(attributes.st_size);
}

Result<std::string> read_file(const fs::path& path) {
  const Descriptor file(open_retrying(path.string(), O_RDONLY));
  if (!file.ok()) return system_error("opening", path.string(), errno);
  std::string content;
  constexpr std::size_t kStep = std::size_t{1} << 16;
  std::size_t size = 0;
  while (true) {
    // Doubling: the size may not be known in advance (pipes, /proc).
    if (size == content.size()) content.resize(size + std::max(kStep, size));
    const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("reading", path.string(), errno);
    }
    size += static_cast<std::size_t>(count);
    if (count > 0) continue;
    content.resize(size);
    return content;
  }
}

Result<std::string> read_file_range(const fs::path& path, std::uint64_t offset,
                                    std::uint64_t size) {
  const Descriptor file(open_retrying(path.string(), O_RDONLY));
  if (!file.ok()) return system_error("opening", path.string(), errno);
  TRY_ASSIGN(const std::uint64_t whole, io::file_size(path));
  if (offset > whole || size > whole - offset) {
    return Error{ErrorCode::kCorrupt, "'" + path.string() + "' ends at " + std::to_string(whole) +
                                          ", needed up to " + std::to_string(offset + size)};
  }
  std::string content(size, '\0');
  TRY_ASSIGN(const std::size_t count, read_at(file.get(), offset, content, path.string()));
  if (count != size)
    return Error{ErrorCode::kCorrupt, "'" + path.string() + "' became shorter while it was read"};
  return content;
}

Status sync_directory(const fs::path& path) {
  const std::string name = path.empty() ? "." : path.string();
  const Descriptor folder(open_retrying(name, O_RDONLY | O_DIRECTORY));
  if (!folder.ok()) return system_error("opening folder", name, errno);
  if (::fsync(folder.get()) != 0) return system_error("syncing folder", name, errno);
  return {};
}

Status sync_name(const fs::path& path) {
  std::error_code error;
  fs::path named = fs::absolute(path, error).lexically_normal();
  if (!named.has_filename()) named = named.parent_path();
  const std::string parent = named.parent_path().string();
  const Descriptor folder(open_retrying(parent, O_RDONLY | O_DIRECTORY));
  if (!folder.ok() && errno == EACCES) return {};
  if (!folder.ok()) return system_error("opening folder", parent, errno);
  // Of a file system that is only read, another one is mounted in it.
  if (::fsync(folder.get()) == 0 || errno == EINVAL || errno == EROFS) return {};
  return system_error("syncing folder", parent, errno);
}

Status write_file_atomically(const fs::path& path, std::string_view content) {
  static std::atomic<unsigned> sequence{0};
  const std::string temporary = path.string() + "." + std::to_string(::getpid()) + "." +
                                std::to_string(sequence++) + std::string(kTemporarySuffix);
  {
    const Descriptor file(open_retrying(temporary, O_WRONLY | O_CREAT | O_TRUNC));
    if (!file.ok()) return system_error("creating", temporary, errno);
    Status written = write_all(file.get(), content, temporary);
    if (written.ok() && ::fsync(file.get()) != 0)
      written = system_error("syncing", temporary, errno);
    if (!written.ok()) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    return system_error("renaming to", path.string(), code);
  }
  return sync_directory(path.parent_path());
}

Status make_directories(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path each = path; !each.empty() && !fs::exists(each, error); each = each.parent_path())
    missing.push_back(each);
  fs::create_directories(path, error);
  if (error) return system_error("creating folder", path.string(), error.value());
  for (auto each = missing.rbegin(); each != missing.rend(); ++each) TRY(sync_name(*each));
  return {};
}

Status remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return system_error("removing", path.string(), errno);
  return {};
}

Result<std::vector<std::string>> list_directory(const fs::path& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (auto entry = fs::directory_iterator(path, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.ends_with(kTemporarySuffix)) names.push_back(std::move(name));
  }
  if (error) return system_error("listing folder", path.string(), error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<AppendFile> AppendFile::open(const fs::path& path) {
  Descriptor file(open_retrying(path.string(), O_WRONLY | O_CREAT | O_APPEND));
  if (!file.ok()) return system_error("opening", path.string(), errno);
  TRY_ASSIGN(const std::uint64_t size, io::file_size(path));
  return AppendFile(file.release(), path.string(), size);
}

AppendFile::AppendFile(int fd, std::string path, std::uint64_t size)
    : fd_(fd), path_(std::move(path)), size_(size) {}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), size_(other.size_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  return *this;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status AppendFile::append(std::string_view bytes) {
  TRY(write_all(fd_, bytes, path_));
  size_ += bytes.size();
  return {};
}

Status AppendFile::sync() {
  if (::fdatasync(fd_) != 0) return system_error("syncing", path_, errno);
  return {};
}

Status AppendFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("cutting", path_, errno);
  size_ = size;
  return {};
}

Result<FileLock> FileLock::acquire(const fs::path& path) {
  Descriptor file(open_retrying(path.string(), O_RDWR | O_CREAT));
  if (!file.ok()) return system_error("opening lock file", path.string(), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("locking", path.string(), errno);
    const auto holder = read_file(path);
    return Error{ErrorCode::kUnavailable,
                 "'" + path.string() + "' is locked by process " +
                     (holder.ok() && !holder->empty() ? *holder : "(unknown)") +
                     "; stop it or use another folder"};
  }
  if (::ftruncate(file.get(), 0) != 0) return system_error("writing", path.string(), errno);
  TRY(write_all(file.get(), std::to_string(::getpid()), path.string()));
  return FileLock(file.release());
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace slipstream::io
