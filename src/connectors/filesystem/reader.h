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

#include "connector_kit/row_assembler.h"
#include "connectors/filesystem/file_split.h"
#include "connectors/filesystem/line_file.h"
#include "connectors/filesystem/settings.h"

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
  std::shared_ptr<const connector_kit::DecodedTable> rows;
  std::vector<FileProperty> properties;
};

// Owner:   a source task.
// Thread:  task; blocks for the disk.
// Order:   lines of a file as they stand; files one after the other, by index of their splits.
// Bounds:  one open file, one buffer of lines, RowAssembler::kBytesMax per batch.
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
  std::vector<SplitProgress> progress() const override;

 private:
  struct State {
    FileSplit file;
    bool paused = false;
  };
  class Text;

  FileRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                std::unique_ptr<connector_kit::RowAssembler> rows);

  Result<bool> open_next();
  Status close();
  Status read_lines();
  Status decode(const State& state);
  connector_kit::BodyOrigin origin_of(const State& state, std::uint32_t line) const;
  void append_property(FileProperty property, std::size_t rows, ColumnBuilder& out) const;
  std::filesystem::path path_of(const FileSplit& file) const;

  const std::shared_ptr<const RowPlan> plan_;
  const ReaderContext context_;
  const std::filesystem::path folder_;
  const std::unique_ptr<connector_kit::RowAssembler> rows_;
  std::vector<connector_kit::RowAssembler::AppendMetadata> metadata_;

  std::map<std::uint32_t, State> splits_;
  std::map<std::uint32_t, State>::iterator current_;  // valid while file_ is there
  std::unique_ptr<LineFile> file_;
  std::shared_ptr<const Text> path_text_;  // of the open file
  Lines lines_;

  std::atomic<std::int64_t>* file_count_;
};

}  // namespace slipstream::filesystem_connector
