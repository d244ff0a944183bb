// Files of the checkpoint directory that hold what a sink writer wrote in one epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

namespace slipstream::flow {

class CheckpointStorage;
class BlobWriter;

// Owner: the sink task until it is sealed, then the snapshot.
// Thread: task; seal(): background.
// Bounds: 256 KiB of buffer; the rest is in the file, which exists from the first flush on.
// Failure: kept and answered by the next append() and by seal().
class EpochLog final : public EpochFile {
 public:
  EpochLog(CheckpointStorage& storage, std::string name);
  ~EpochLog() override;

  Status append(std::span<const std::byte> bytes) override;
  std::uint64_t size() const override { return size_; }

  struct Sealed {
    std::string name;  // in the storage; empty when nothing was appended
    std::uint64_t size = 0;
    std::uint64_t checksum = 0;
  };
  // Durable from here on.
  Result<Sealed> seal();
  // Removes what was written.
  void discard();

 private:
  Status flush();

  CheckpointStorage& storage_;
  const std::string name_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  std::unique_ptr<BlobWriter> file_;
  Status failure_;
};

}  // namespace slipstream::flow
