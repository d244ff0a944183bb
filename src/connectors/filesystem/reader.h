// Reads files of a table as batches of rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connectors/filesystem/file_split.h"
#include "connectors/filesystem/line_file.h"
#include "connectors/filesystem/settings.h"
#include "format/format.h"

namespace slipstream::filesystem_connector {

enum class FileProperty : std::uint8_t { kPath, kName, kSize, kModified };

// Metadata keys as Flink's: file.path, file.name, file.size, file.modification-time.
std::vector<MetadataSpec> filesystem_metadata();
// kInvalidArgument for a key or type that there is not.
Result<FileProperty> resolve_property(const TableDefinition& table,
                                      const TableDefinition::MetadataColumn& column);

// What a reader produces.
struct RowPlan {
  std::shared_ptr<const SourceSettings> settings;
  Schema physical;                      // of the table
  std::vector<std::size_t> projection;  // into `physical`
  std::vector<FileProperty> properties;
  Schema schema;  // of the batches
};

// Owner:   a source task.
// Thread:  task; blocks for the disk.
// Order:   lines of a file as they stand; files one after the other, by index of their splits.
// Bounds:  one open file, one buffer of lines, kBatchBytesMax per batch.
// Failure: a line that is no row under 'fail', with file, line and byte; a file that changed.
class FileRowReader final : public SourceReader {
 public:
  static Result<std::unique_ptr<SourceReader>> make(std::shared_ptr<const RowPlan> plan,
                                                    ReaderContext context);

  Status add_split(std::uint32_t index, const Split& split) override;
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override;
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override;
  void checkpoint_complete(CheckpointId checkpoint) override { static_cast<void>(checkpoint); }
  void pause(std::span<const std::uint32_t> splits) override;

 private:
  struct State {
    FileSplit file;
    bool paused = false;
  };
  class Text;

  FileRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                std::unique_ptr<format::RowDecoder> decoder);

  Result<bool> open_next();
  Status close();
  Status read_lines();
  Status decode(const Lines& lines, const State& state);
  void add_properties(const State& state, std::size_t begin_row);
  void build(SourceBatch* out);
  std::filesystem::path path_of(const FileSplit& file) const;

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::filesystem::path folder_;
  const std::unique_ptr<format::RowDecoder> decoder_;

  std::map<std::uint32_t, State> splits_;
  std::map<std::uint32_t, State>::iterator current_;  // valid while file_ is there
  std::unique_ptr<LineFile> file_;
  std::shared_ptr<const Text> path_text_;  // of the open file
  Lines lines_;

  // the batch being built
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;
  std::vector<ColumnBuilder*> columns_;
  format::DecodedRows rows_;
  std::uint64_t batch_bytes_ = 0;
  std::vector<SplitRun> runs_;
  std::vector<SplitEvent> events_;

  std::atomic<std::int64_t>* line_count_;
  std::atomic<std::int64_t>* byte_count_;
  std::atomic<std::int64_t>* file_count_;
  std::atomic<std::int64_t>* failed_lines_;
  std::atomic<std::int64_t>* ignored_;
};

}  // namespace slipstream::filesystem_connector
