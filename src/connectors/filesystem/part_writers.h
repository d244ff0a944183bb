// The two ways to write a filesystem table.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connectors/filesystem/epoch_handle.h"
#include "connectors/filesystem/line_encoder.h"
#include "connectors/filesystem/part_file.h"

namespace slipstream::filesystem_connector {

// At-least-once and none: part files of its own, published when they are full and at every
// checkpoint.
//
// Owner:   a sink task.
// Thread:  task; blocks for the disk.
// Failure: a failed attempt leaves no hidden file; published files stay and their rows come again.
class PartWriter final : public SinkWriter {
 public:
  static Result<std::unique_ptr<SinkWriter>> make(std::shared_ptr<const SinkPlan> plan,
                                                  WriterContext context);

  Result<Write> write(const Batch& batch, EpochFile* file) override;
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override;

 private:
  PartWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
             std::unique_ptr<LineEncoder> encoder);
  Status publish();

  const std::shared_ptr<const SinkPlan> plan_;
  const WriterContext context_;
  const std::unique_ptr<LineEncoder> encoder_;
  std::unique_ptr<PartFile> file_;
  std::int64_t begun_ms_ = 0;
  std::uint64_t files_ = 0;
  std::atomic<std::int64_t>* rows_;
  std::atomic<std::int64_t>* published_;
};

// Exactly-once: lines go into the epoch file; the publisher turns them into part files.
//
// Owner: a sink task.
// Thread: task.
class EpochLineWriter final : public SinkWriter {
 public:
  static Result<std::unique_ptr<SinkWriter>> make(std::shared_ptr<const SinkPlan> plan,
                                                  WriterContext context);

  Result<Write> write(const Batch& batch, EpochFile* file) override;
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override;

 private:
  EpochLineWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
                  std::unique_ptr<LineEncoder> encoder);

  const std::shared_ptr<const SinkPlan> plan_;
  const WriterContext context_;
  const std::unique_ptr<LineEncoder> encoder_;
  std::vector<std::uint64_t> ends_;  // of files that are full
  std::uint64_t bytes_ = 0;          // of the epoch
  std::atomic<std::int64_t>* rows_;
};

}  // namespace slipstream::filesystem_connector
