// 1. poll() takes lines from the open file, or the next one, until the batch is full.
// 2. A file that is left (paused) is closed; its offset is all that is needed to go on.
#include "connectors/filesystem/reader.h"

#include <algorithm>
#include <utility>

#include "base/suggest.h"
#include "base/try.h"
#include "connectors/filesystem/listing.h"
#include "connectors/filesystem/metrics.h"

namespace slipstream::filesystem_connector {
namespace {

struct PropertyRow {
  FileProperty property;
  const char* key;
  Type type;
  const char* description;
};

const std::vector<PropertyRow>& properties() {
  static const std::vector<PropertyRow> kAll = {
      {FileProperty::kPath, "file.path", Type::string(), "Absolute path of the file."},
      {FileProperty::kName, "file.name", Type::string(), "Its name without the folder."},
      {FileProperty::kSize, "file.size", Type::bigint(), "Its bytes when it was found."},
      {FileProperty::kModified, "file.modification-time", Type::timestamp_ltz(3),
       "When it was changed last, as of when it was found."},
  };
  return kAll;
}

bool fits(const PropertyRow& row, const Type& type) {
  switch (row.property) {
    case FileProperty::kPath:
    case FileProperty::kName:
      return type.kind() == TypeKind::kVarChar;
    case FileProperty::kSize:
      return type.kind() == TypeKind::kBigInt;
    case FileProperty::kModified:
      break;
  }
  return type.is_timestamp();
}

}  // namespace

std::vector<MetadataSpec> filesystem_metadata() {
  std::vector<MetadataSpec> specs;
  for (const PropertyRow& row : properties()) {
    specs.push_back(MetadataSpec{.key = row.key,
                                 .type = row.type,
                                 .readable = true,
                                 .writable = false,
                                 .description = row.description});
  }
  return specs;
}

Result<FileProperty> resolve_property(const TableDefinition& table,
                                      const TableDefinition::MetadataColumn& column) {
  const std::string place = "table '" + table.name + "': column '" + column.name + "': ";
  std::vector<std::string> keys;
  for (const PropertyRow& row : properties()) {
    keys.emplace_back(row.key);
    if (row.key != column.key) continue;
    if (fits(row, column.type)) return row.property;
    return Error{ErrorCode::kInvalidArgument, place + "metadata '" + row.key + "' cannot be " +
                                                  column.type.to_string() + "; declare it " +
                                                  row.type.to_string()};
  }
  std::string all;
  for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
  return Error{ErrorCode::kInvalidArgument, place + "no metadata '" + column.key + "'" +
                                                did_you_mean(column.key, keys) + " (there are " +
                                                all + ")"};
}

// The path of a file, for as long as a column refers to it.
class FileRowReader::Text final : public Buffer {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::size_t bytes() const override { return text_.size(); }
  std::string_view text() const { return text_; }

 private:
  const std::string text_;
};

FileRowReader::FileRowReader(std::shared_ptr<const RowPlan> plan, ReaderContext context,
                             std::unique_ptr<connector_kit::RowAssembler> rows)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      folder_(folder_of(*plan_->settings)),
      rows_(std::move(rows)),
      file_count_(kSourceFiles.in(context_.metrics)) {
  for (const FileProperty property : plan_->properties) {
    metadata_.push_back([this, property](std::span<const std::uint32_t> lines, ColumnBuilder& out) {
      append_property(property, lines.size(), out);
    });
  }
}

Result<std::unique_ptr<SourceReader>> FileRowReader::make(std::shared_ptr<const RowPlan> plan,
                                                          ReaderContext context) {
  const Metrics& metrics = context.metrics;
  TRY_ASSIGN(auto rows, connector_kit::RowAssembler::make(
                            plan->rows, context.batch_rows,
                            {kSourceLines.in(metrics), kSourceBytes.in(metrics),
                             kSourceDecodeErrors.in(metrics), kSourceIgnored.in(metrics)},
                            "; set 'decode.errors' = 'skip' or 'dead-letter' to go on without "
                            "such lines"));
  return std::unique_ptr<SourceReader>(
      new FileRowReader(std::move(plan), std::move(context), std::move(rows)));
}

std::filesystem::path FileRowReader::path_of(const FileSplit& file) const {
  return folder_ / file.name;
}

Status FileRowReader::add_split(std::uint32_t index, const Split& split) {
  TRY_ASSIGN(FileSplit file, decode_split(split));
  rows_->event(SplitEvent{index, SplitAdded{}});
  if (file.ended()) rows_->event(SplitEvent{index, SplitEnded{}});
  splits_[index] = State{std::move(file), false};
  return {};
}

// False when there is no file to read now.
Result<bool> FileRowReader::open_next() {
  if (file_) return true;
  current_ = std::find_if(splits_.begin(), splits_.end(), [](const auto& each) {
    return !each.second.paused && !each.second.file.ended();
  });
  if (current_ == splits_.end()) return false;
  const FileSplit& split = current_->second.file;
  const std::filesystem::path path = path_of(split);
  auto file = LineFile::open(path, split, plan_->settings->line_bytes_max);
  if (!file.ok()) return file.error().with_context("table '" + plan_->settings->table + "'");
  file_ = std::move(*file);
  path_text_ = std::make_shared<const Text>(path.string());
  return true;
}

// What the split needs to find the place again.
Status FileRowReader::close() {
  if (!file_) return {};
  TRY_ASSIGN(current_->second.file.tail, file_->tail_fingerprint());
  file_.reset();
  return {};
}

Result<SourceReader::Poll> FileRowReader::poll(SourceBatch* out, Batch* rejected) {
  rows_->begin();
  while (!rows_->full()) {
    TRY_ASSIGN(const bool some, open_next());
    if (!some) break;
    TRY(read_lines());
  }
  rows_->give_rejected(rejected);
  // Blank lines give no rows, but the work is bounded all the same.
  if (!rows_->empty() || rows_->bytes() > 0) {
    rows_->finish(out);
    return Poll::kBatch;
  }
  const bool all = std::all_of(splits_.begin(), splits_.end(),
                               [](const auto& each) { return each.second.file.ended(); });
  return all ? Poll::kEnd : Poll::kNothing;
}

Status FileRowReader::read_lines() {
  const std::uint32_t index = current_->first;
  State& state = current_->second;
  const std::string place = "table '" + plan_->settings->table + "'";
  TRY(file_->next(rows_->room(), lines_).with_context(place));
  TRY(decode(state));
  state.file.offset = file_->offset();
  state.file.line += lines_.lines.size();
  if (!state.file.ended()) return {};
  TRY(close().with_context(place));
  lines_ = Lines{};
  rows_->event(SplitEvent{index, SplitEnded{}});
  file_count_->fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status FileRowReader::decode(const State& state) {
  connector_kit::BodyChunk chunk;
  chunk.split = current_->first;
  chunk.bodies = lines_.lines;
  chunk.buffer = lines_.buffer;
  chunk.padded_count = lines_.lines.size();
  chunk.bytes = file_->offset() - state.file.offset;
  return rows_->add(chunk, metadata_, [&](std::uint32_t line) { return origin_of(state, line); });
}

connector_kit::BodyOrigin FileRowReader::origin_of(const State& state, std::uint32_t line) const {
  const std::string path = path_of(state.file).string();
  const std::string number = std::to_string(state.file.line + line + 1);
  const std::string byte = std::to_string(lines_.offset_of(lines_.lines[line]));
  return {state.file.name,
          byte,
          "line " + number + " (byte " + byte + ") of file '" + path + "'",
          {{"file.path", path}, {"line", number}}};
}

void FileRowReader::append_property(FileProperty property, std::size_t rows,
                                    ColumnBuilder& out) const {
  const FileSplit& file = current_->second.file;
  const std::string_view path = path_text_->text();
  if (property == FileProperty::kPath || property == FileProperty::kName) out.pin(path_text_);
  for (std::size_t row = 0; row < rows; ++row) {
    switch (property) {
      case FileProperty::kPath:
        out.append_text_view(path);
        break;
      case FileProperty::kName:
        out.append_text_view(path.substr(path.rfind('/') + 1));
        break;
      case FileProperty::kSize:
        out.append(static_cast<std::int64_t>(file.end));
        break;
      case FileProperty::kModified:
        out.append(
            static_cast<std::int64_t>(file.modified_ms * (out.type().units_per_second() / 1'000)));
        break;
    }
  }
}

std::vector<SplitProgress> FileRowReader::progress() const {
  std::vector<SplitProgress> all;
  for (const auto& [index, state] : splits_) {
    all.push_back({index, static_cast<std::int64_t>(state.file.offset),
                   static_cast<std::int64_t>(state.file.end)});
  }
  return all;
}

Result<std::vector<Split>> FileRowReader::snapshot(CheckpointId checkpoint) {
  static_cast<void>(checkpoint);
  if (file_) {
    TRY_ASSIGN(current_->second.file.tail, file_->tail_fingerprint());
  }
  std::vector<Split> states;
  for (const auto& [index, state] : splits_) states.push_back(encode_split(state.file));
  return states;
}

void FileRowReader::pause(std::span<const std::uint32_t> splits) {
  for (auto& [index, state] : splits_)
    state.paused = std::find(splits.begin(), splits.end(), index) != splits.end();
  if (!file_ || !current_->second.paused) return;
  const Status closed = close();
  // Not readable any more: opening it again says so.
  if (!closed.ok()) file_.reset();
}

}  // namespace slipstream::filesystem_connector
