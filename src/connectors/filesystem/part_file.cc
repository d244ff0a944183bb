#include "connectors/filesystem/part_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/try.h"
#include "connectors/filesystem/epoch_handle.h"
#include "io/files.h"

namespace slipstream::filesystem_connector {
namespace {

namespace fs = std::filesystem;

Error failure(std::string_view what, const fs::path& path, int code) {
  const std::string text =
      std::string(what) + " '" + path.string() + "': " + std::system_category().message(code);
  if (code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE)
    return Error::retry(ErrorCode::kResourceExhausted, text);
  if (code == EACCES || code == EPERM || code == EROFS)
    return Error{ErrorCode::kPermissionDenied, text};
  if (code == ENOENT || code == ENOTDIR) return Error{ErrorCode::kNotFound, text};
  return Error::retry(ErrorCode::kUnavailable, text);
}

int open_retrying(const fs::path& path, int flags) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

Result<std::unique_ptr<PartFile>> PartFile::create(const fs::path& folder, const std::string& name,
                                                   bool durable) {
  const fs::path path = folder / hidden_name(name);
  const int descriptor = open_retrying(path, O_WRONLY | O_CREAT);
  if (descriptor < 0) return failure("creating", path, errno);
  std::unique_ptr<PartFile> file(new PartFile(descriptor, folder, name, durable));
  // Taken from a dead process only; its content is written anew.
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    ::close(std::exchange(file->descriptor_, -1));
    if (code != EWOULDBLOCK) return failure("locking", path, code);
    return Error::retry(ErrorCode::kUnavailable,
                        "'" + path.string() + "' is being written by another process");
  }
  if (::ftruncate(descriptor, 0) != 0) return failure("emptying", path, errno);
  return file;
}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  ::unlink(hidden_path().c_str());
  ::close(descriptor_);
}

fs::path PartFile::hidden_path() const { return folder_ / hidden_name(name_); }

Status PartFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("writing", hidden_path(), errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    size_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

Status PartFile::publish() {
  if (durable_ && ::fsync(descriptor_) != 0) return failure("syncing", hidden_path(), errno);
  const fs::path path = folder_ / name_;
  if (::rename(hidden_path().c_str(), path.c_str()) != 0)
    return failure("renaming to", path, errno);
  ::close(std::exchange(descriptor_, -1));
  return durable_ ? io::sync_directory(folder_) : Status();
}

Status remove_left_overs(const fs::path& folder, std::string_view sink) {
  TRY_ASSIGN(const std::vector<std::string> names, io::list_directory(folder));
  for (const std::string& name : names) {
    if (!is_hidden_part(name, sink)) continue;
    const fs::path path = folder / name;
    const int descriptor = open_retrying(path, O_WRONLY);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      log(LogLevel::kInfo, "filesystem", "removing '" + path.string() + "', never published");
      ::unlink(path.c_str());
    }
    ::close(descriptor);
  }
  return {};
}

}  // namespace slipstream::filesystem_connector
