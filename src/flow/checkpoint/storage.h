// Where checkpoints are kept: named blobs in a directory, or in the memory of the process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

namespace slipstream::flow {

// A blob that is being written; checksums as it goes.
// Owner: one thread at a time.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  // What was appended survives a power loss from here on, its name included.
  virtual Status sync() = 0;
  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t checksum() const = 0;  // XXH3-64 of all that was appended
};

// Thread: any. Names are relative, with '/': "chk-7/state".
class CheckpointStorage {
 public:
  virtual ~CheckpointStorage() = default;
  // An empty blob of that name, whatever was there.
  virtual Result<std::unique_ptr<BlobWriter>> create(const std::string& name) = 0;
  // The old or the new content is there after a crash; durable.
  virtual Status publish(const std::string& name, std::string_view content) = 0;
  virtual Result<std::string> read(const std::string& name) = 0;
  virtual Result<std::string> read_range(const std::string& name, std::uint64_t offset,
                                         std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size(const std::string& name) = 0;
  // No error when it is not there.
  virtual Status remove(const std::string& name) = 0;
  virtual Status remove_folder(const std::string& folder) = 0;
  // Names inside a folder ("" = the root); empty when it is not there.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  // For people and committers.
  virtual std::string path(const std::string& name) const = 0;
  virtual bool durable() const = 0;
};

std::unique_ptr<CheckpointStorage> make_memory_storage();
// Makes the directory when it is not there. What `may_change` forbids when it is asked, before each
// change, is not done.
Result<std::unique_ptr<CheckpointStorage>> open_directory_storage(
    const std::string& root, std::function<Status()> may_change = {});

std::uint64_t checksum_of(std::string_view bytes);

}  // namespace slipstream::flow
