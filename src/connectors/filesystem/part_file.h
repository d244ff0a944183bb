// A file that appears in its folder at once and whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::filesystem_connector {

// Written under a hidden name, renamed by publish(). Locked while it is there, so that left-overs
// of a dead process can be told from files of a living one.
//
// Owner:   one writer. The destructor removes what was not published.
// Thread:  one; blocks for the disk.
// Failure: retryable when the disk is full or fails.
class PartFile {
 public:
  // `durable`: what was published survives a power loss.
  static Result<std::unique_ptr<PartFile>> create(const std::filesystem::path& folder,
                                                  const std::string& name, bool durable);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Status append(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  // Call once; nothing is appended after it. The folder is synced too when durable.
  Status publish();

 private:
  PartFile(int descriptor, std::filesystem::path folder, std::string name, bool durable)
      : descriptor_(descriptor),
        folder_(std::move(folder)),
        name_(std::move(name)),
        durable_(durable) {}
  std::filesystem::path hidden_path() const;

  int descriptor_;
  const std::filesystem::path folder_;
  const std::string name_;
  const bool durable_;
  std::uint64_t size_ = 0;
};

// Deletes hidden files of the sink that no living process writes. `sink`: hash_of_sink().
Status remove_left_overs(const std::filesystem::path& folder, std::string_view sink);

}  // namespace slipstream::filesystem_connector
