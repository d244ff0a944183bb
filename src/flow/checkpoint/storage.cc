#include "flow/checkpoint/storage.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <xxhash.h>

#include "base/mutex.h"
#include "base/try.h"
#include "io/files.h"

namespace slipstream::flow {
namespace {

namespace fs = std::filesystem;

class Checksum {
 public:
  Checksum() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
  ~Checksum() { XXH3_freeState(state_); }
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  void update(std::string_view bytes) { XXH3_64bits_update(state_, bytes.data(), bytes.size()); }
  std::uint64_t digest() const { return XXH3_64bits_digest(state_); }

 private:
  XXH3_state_t* state_;
};

class FileBlob final : public BlobWriter {
 public:
  FileBlob(io::AppendFile file, fs::path folder)
      : file_(std::move(file)), folder_(std::move(folder)) {}
  Status append(std::string_view bytes) override {
    checksum_.update(bytes);
    return file_.append(bytes);
  }
  Status sync() override {
    TRY(file_.sync());
    return io::sync_directory(folder_);
  }
  std::uint64_t size() const override { return file_.size(); }
  std::uint64_t checksum() const override { return checksum_.digest(); }

 private:
  io::AppendFile file_;
  const fs::path folder_;
  Checksum checksum_;
};

class DirectoryStorage final : public CheckpointStorage {
 public:
  DirectoryStorage(fs::path root, std::function<Status()> may_change)
      : root_(std::move(root)), may_change_(std::move(may_change)) {}

  Result<std::unique_ptr<BlobWriter>> create(const std::string& name) override {
    TRY(may_change());
    TRY(io::remove_file(root_ / name));
    TRY(make_folder(name));
    TRY_ASSIGN(io::AppendFile file, io::AppendFile::open(root_ / name));
    return std::unique_ptr<BlobWriter>(
        std::make_unique<FileBlob>(std::move(file), (root_ / name).parent_path()));
  }
  Status publish(const std::string& name, std::string_view content) override {
    TRY(may_change());
    TRY(make_folder(name));
    return io::write_file_atomically(root_ / name, content);
  }
  Result<std::string> read(const std::string& name) override { return io::read_file(root_ / name); }
  Result<std::string> read_range(const std::string& name, std::uint64_t offset,
                                 std::uint64_t size) override {
    return io::read_file_range(root_ / name, offset, size);
  }
  Result<std::uint64_t> size(const std::string& name) override {
    return io::file_size(root_ / name);
  }
  Status remove(const std::string& name) override {
    TRY(may_change());
    return io::remove_file(root_ / name);
  }
  Status remove_folder(const std::string& folder) override {
    TRY(may_change());
    std::error_code error;
    fs::remove_all(root_ / folder, error);
    if (!error) return {};
    return Error{ErrorCode::kUnavailable,
                 "removing '" + (root_ / folder).string() + "': " + error.message()};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    const fs::path path = folder.empty() ? root_ : root_ / folder;
    std::error_code error;
    if (!fs::exists(path, error)) return std::vector<std::string>();
    return io::list_directory(path);
  }
  std::string path(const std::string& name) const override { return (root_ / name).string(); }
  bool durable() const override { return true; }

 private:
  Status may_change() const { return may_change_ ? may_change_() : Status(); }
  Status make_folder(const std::string& name) {
    const fs::path folder = (root_ / name).parent_path();
    std::error_code error;
    if (fs::exists(folder, error)) return {};
    return io::make_directories(folder);
  }

  const fs::path root_;
  const std::function<Status()> may_change_;
};

class MemoryStorage final : public CheckpointStorage {
 public:
  Result<std::unique_ptr<BlobWriter>> create(const std::string& name) override;
  Status publish(const std::string& name, std::string_view content) override {
    MutexLock lock(mutex_);
    blobs_[name] = std::string(content);
    return {};
  }
  Result<std::string> read(const std::string& name) override {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(name);
    if (found == blobs_.end()) return missing(name);
    return found->second;
  }
  Result<std::string> read_range(const std::string& name, std::uint64_t offset,
                                 std::uint64_t size) override {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(name);
    if (found == blobs_.end()) return missing(name);
    if (offset > found->second.size() || size > found->second.size() - offset) {
      return Error{ErrorCode::kCorrupt, "'" + name + "' in memory is too short"};
    }
    return found->second.substr(offset, size);
  }
  Result<std::uint64_t> size(const std::string& name) override {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(name);
    if (found == blobs_.end()) return missing(name);
    return static_cast<std::uint64_t>(found->second.size());
  }
  Status remove(const std::string& name) override {
    MutexLock lock(mutex_);
    blobs_.erase(name);
    return {};
  }
  Status remove_folder(const std::string& folder) override {
    MutexLock lock(mutex_);
    const std::string prefix = folder + "/";
    for (auto blob = blobs_.lower_bound(prefix);
         blob != blobs_.end() && blob->first.starts_with(prefix);) {
      blob = blobs_.erase(blob);
    }
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    MutexLock lock(mutex_);
    const std::string prefix = folder.empty() ? "" : folder + "/";
    std::set<std::string> names;
    for (const auto& [name, content] : blobs_) {
      if (name.starts_with(prefix))
        names.insert(name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size()));
    }
    return std::vector<std::string>(names.begin(), names.end());
  }
  std::string path(const std::string& name) const override { return "memory:" + name; }
  bool durable() const override { return false; }

  void append(const std::string& name, std::string_view bytes) {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(name);
    if (found != blobs_.end()) found->second.append(bytes);
  }

 private:
  static Error missing(const std::string& name) {
    return Error{ErrorCode::kNotFound, "'" + name + "' is not among the checkpoints in memory"};
  }

  Mutex mutex_;
  std::map<std::string, std::string> blobs_ SLIPSTREAM_GUARDED_BY(mutex_);
};

class MemoryBlob final : public BlobWriter {
 public:
  MemoryBlob(MemoryStorage& storage, std::string name)
      : storage_(storage), name_(std::move(name)) {}
  Status append(std::string_view bytes) override {
    checksum_.update(bytes);
    size_ += bytes.size();
    storage_.append(name_, bytes);
    return {};
  }
  Status sync() override { return {}; }
  std::uint64_t size() const override { return size_; }
  std::uint64_t checksum() const override { return checksum_.digest(); }

 private:
  MemoryStorage& storage_;
  const std::string name_;
  std::uint64_t size_ = 0;
  Checksum checksum_;
};

Result<std::unique_ptr<BlobWriter>> MemoryStorage::create(const std::string& name) {
  TRY(publish(name, ""));
  return std::unique_ptr<BlobWriter>(std::make_unique<MemoryBlob>(*this, name));
}

}  // namespace

std::unique_ptr<CheckpointStorage> make_memory_storage() {
  return std::make_unique<MemoryStorage>();
}

Result<std::unique_ptr<CheckpointStorage>> open_directory_storage(
    const std::string& root, std::function<Status()> may_change) {
  TRY(io::make_directories(root));
  return std::unique_ptr<CheckpointStorage>(
      std::make_unique<DirectoryStorage>(root, std::move(may_change)));
}

std::uint64_t checksum_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace slipstream::flow
