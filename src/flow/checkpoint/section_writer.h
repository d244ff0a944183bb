// Operator state as sections of a state file, and back. Bytes: docs/formats/checkpoint.md, "State
// file".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"
#include "flow/operator.h"

namespace slipstream::flow {

// Owner: the snapshot thread.
// Bounds: buffers up to 256 KiB.
class SectionWriter final : public SnapshotWriter {
 public:
  SectionWriter(BlobWriter& out, std::uint32_t subtask);
  ~SectionWriter() override;
  void add_to_base(std::string_view name) override { additions_.emplace_back(name); }
  Status write(std::string_view name, std::uint32_t key_group,
               std::span<const std::byte> bytes) override;
  // Closes the last section; the sections in the order of the file.
  Result<std::vector<Section>> finish();
  const std::vector<std::string>& additions() const { return additions_; }

 private:
  struct Running;
  Status flush();
  Status close_section();

  BlobWriter& out_;
  const std::uint32_t subtask_;
  std::string buffer_;
  std::uint64_t position_ = 0;
  std::unique_ptr<Running> running_;
  std::vector<Section> sections_;
  std::vector<std::string> additions_;
};

// The bytes of a section of `manifest`. kCorrupt, naming the place, when they are damaged.
Result<std::string> read_section(CheckpointStorage& storage, const Manifest& manifest,
                                 const Section& section);

// Visits the pieces of one section's bytes. kCorrupt when lengths do not fit.
Status visit_pieces(std::string_view section,
                    const std::function<Status(std::string_view piece)>& visit);

}  // namespace slipstream::flow
