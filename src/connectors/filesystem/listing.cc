#include "connectors/filesystem/listing.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/stat.h>

#include "base/log.h"
#include "base/try.h"

namespace slipstream::filesystem_connector {
namespace {

namespace fs = std::filesystem;

Error failure(const SourceSettings& settings, const fs::path& path, int code) {
  ErrorCode kind = ErrorCode::kUnavailable;
  std::string fix;
  if (code == ENOENT || code == ENOTDIR) {
    kind = ErrorCode::kNotFound;
    fix = "; create it or correct the option 'path'";
  }
  if (code == EACCES || code == EPERM) {
    kind = ErrorCode::kPermissionDenied;
    fix = "; the user that runs the job must be allowed to read it";
  }
  return Error{kind, "table '" + settings.table + "': looking at '" + path.string() +
                         "': " + std::system_category().message(code) + fix};
}

bool is_hidden(const fs::path& name) {
  const std::string text = name.filename().string();
  return text.starts_with('.') || text.starts_with('_');
}

// Adds the file unless it is gone, no regular file, or not wanted.
Status add_file(const SourceSettings& settings, const fs::path& path, std::string name,
                std::vector<FoundFile>& found) {
  if (settings.pattern) {
    const auto outcome = settings.pattern->match_whole(path.string());
    if (outcome == text::Pattern::Outcome::kNoMatch) return {};
    if (outcome == text::Pattern::Outcome::kGivenUp) {
      return Error{ErrorCode::kResourceExhausted,
                   "table '" + settings.table + "': option 'source.path.regex-pattern', file '" +
                       path.string() + "': " + settings.pattern->given_up()};
    }
  }
  if (name.find('\n') != std::string::npos) {
    log(LogLevel::kWarn, "filesystem",
        "table '" + settings.table + "': a file name with a line break is passed over");
    return {};
  }
  struct stat attributes {};
  if (::stat(path.c_str(), &attributes) != 0) {
    if (errno == ENOENT) return {};
    return failure(settings, path, errno);
  }
  if (!S_ISREG(attributes.st_mode)) return {};
  FoundFile file;
  file.name = std::move(name);
  file.size = static_cast<std::uint64_t>(attributes.st_size);
  file.modified_ms = static_cast<std::int64_t>(attributes.st_mtim.tv_sec) * 1'000 +
                     attributes.st_mtim.tv_nsec / 1'000'000;
  found.push_back(std::move(file));
  return {};
}

Status add_folder(const SourceSettings& settings, const fs::path& folder,
                  std::vector<FoundFile>& found) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    const bool hidden = is_hidden(entry->path());
    if (hidden) {
      entry.disable_recursion_pending();
    } else if (std::error_code ignored; !entry->is_directory(ignored)) {
      TRY(add_file(settings, entry->path(), entry->path().lexically_relative(folder).string(),
                   found));
    }
    entry.increment(error);
  }
  if (error) return failure(settings, folder, error.value());
  return {};
}

}  // namespace

fs::path folder_of(const SourceSettings& settings) {
  std::error_code ignored;
  return fs::is_directory(settings.path, ignored) ? settings.path : settings.path.parent_path();
}

Result<std::vector<FoundFile>> list_files(const SourceSettings& settings) {
  struct stat attributes {};
  if (::stat(settings.path.c_str(), &attributes) != 0)
    return failure(settings, settings.path, errno);
  std::vector<FoundFile> found;
  if (S_ISDIR(attributes.st_mode)) {
    TRY(add_folder(settings, settings.path, found));
  } else if (S_ISREG(attributes.st_mode)) {
    TRY(add_file(settings, settings.path, settings.path.filename().string(), found));
  } else {
    return Error{ErrorCode::kInvalidArgument, "table '" + settings.table + "': '" +
                                                  settings.path.string() +
                                                  "' is neither a file nor a folder"};
  }
  std::sort(found.begin(), found.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.name < b.name; });
  return found;
}

}  // namespace slipstream::filesystem_connector
