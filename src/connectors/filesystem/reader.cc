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

constexpr std::uint64_t kBatchBytesMax = std::uint64_t{8} << 20;

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
                             std::unique_ptr<format::RowDecoder> decoder)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      folder_(folder_of(*plan_->settings)),
      decoder_(std::move(decoder)) {
  for (const Field& field : plan_->schema.fields()) {
    builders_.push_back(std::make_unique<ColumnBuilder>(field.type));
    columns_.push_back(builders_.back().get());
  }
  line_count_ = kSourceLines.in(context_.metrics);
  byte_count_ = kSourceBytes.in(context_.metrics);
  file_count_ = kSourceFiles.in(context_.metrics);
  failed_lines_ = kSourceDecodeErrors.in(context_.metrics);
  ignored_ = kSourceIgnored.in(context_.metrics);
}

Result<std::unique_ptr<SourceReader>> FileRowReader::make(std::shared_ptr<const RowPlan> plan,
                                                          ReaderContext context) {
  const TableFormat& format = plan->settings->format;
  TRY_ASSIGN(auto decoder,
             format.format->make_decoder(plan->physical, plan->projection, format.options));
  return std::unique_ptr<SourceReader>(
      new FileRowReader(std::move(plan), std::move(context), std::move(decoder)));
}

std::filesystem::path FileRowReader::path_of(const FileSplit& file) const {
  return folder_ / file.name;
}

Status FileRowReader::add_split(std::uint32_t index, const Split& split) {
  TRY_ASSIGN(FileSplit file, decode_split(split));
  events_.push_back(SplitEvent{index, SplitAdded{}});
  if (file.ended()) events_.push_back(SplitEvent{index, SplitEnded{}});
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
  static_cast<void>(rejected);
  rows_.bodies.clear();
  rows_.kinds.clear();
  rows_.columns = std::span<ColumnBuilder* const>(columns_.data(), plan_->projection.size());
  batch_bytes_ = 0;
  while (rows_.bodies.size() < context_.batch_rows && batch_bytes_ < kBatchBytesMax) {
    TRY_ASSIGN(const bool some, open_next());
    if (!some) break;
    TRY(read_lines());
  }
  // Blank lines give no rows, but the work is bounded all the same.
  if (!rows_.bodies.empty() || !events_.empty() || batch_bytes_ > 0) {
    build(out);
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
  TRY(file_->next(context_.batch_rows - rows_.bodies.size(), lines_).with_context(place));
  const std::size_t begin_row = rows_.bodies.size();
  TRY(decode(lines_, state));
  add_properties(state, begin_row);
  if (rows_.bodies.size() > begin_row && (runs_.empty() || runs_.back().split != index))
    runs_.push_back(SplitRun{index, static_cast<std::uint32_t>(begin_row)});
  const std::uint64_t bytes = file_->offset() - state.file.offset;
  batch_bytes_ += bytes;
  state.file.offset = file_->offset();
  state.file.line += lines_.lines.size();
  line_count_->fetch_add(static_cast<std::int64_t>(lines_.lines.size()), std::memory_order_relaxed);
  byte_count_->fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  if (!state.file.ended()) return {};
  TRY(close().with_context(place));
  lines_ = Lines{};
  events_.push_back(SplitEvent{index, SplitEnded{}});
  file_count_->fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status FileRowReader::decode(const Lines& lines, const State& state) {
  rows_.failures.clear();
  rows_.ignored = 0;
  decoder_->decode(format::Bodies{lines.lines, lines.buffer, true}, rows_);
  if (rows_.ignored != 0) ignored_->fetch_add(static_cast<std::int64_t>(rows_.ignored));
  if (rows_.failures.empty()) return {};
  if (!plan_->settings->skip_bad_lines) {
    const format::DecodeFailure& first = rows_.failures.front();
    return Error{ErrorCode::kDataError,
                 "table '" + plan_->settings->table + "': line " +
                     std::to_string(state.file.line + first.body + 1) + " (byte " +
                     std::to_string(lines.offset_of(lines.lines[first.body])) + ") of file '" +
                     path_of(state.file).string() + "' is no row of the table: " + first.reason +
                     "; set 'decode.errors' = 'skip' to go on without such lines"};
  }
  failed_lines_->fetch_add(static_cast<std::int64_t>(rows_.failures.size()));
  return {};
}

void FileRowReader::add_properties(const State& state, std::size_t begin_row) {
  const std::size_t first = plan_->projection.size();
  const std::string_view path = path_text_->text();
  for (std::size_t i = 0; i < plan_->properties.size(); ++i) {
    ColumnBuilder& builder = *columns_[first + i];
    const FileProperty property = plan_->properties[i];
    if (property == FileProperty::kPath || property == FileProperty::kName) builder.pin(path_text_);
    for (std::size_t row = begin_row; row < rows_.bodies.size(); ++row) {
      switch (property) {
        case FileProperty::kPath:
          builder.append_text_view(path);
          break;
        case FileProperty::kName:
          builder.append_text_view(path.substr(path.rfind('/') + 1));
          break;
        case FileProperty::kSize:
          builder.append(static_cast<std::int64_t>(state.file.end));
          break;
        case FileProperty::kModified:
          builder.append(static_cast<std::int64_t>(state.file.modified_ms *
                                                   (builder.type().units_per_second() / 1'000)));
          break;
      }
    }
  }
}

void FileRowReader::build(SourceBatch* out) {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder* builder : columns_) columns.push_back(builder->finish());
  out->rows = Batch(rows_.bodies.size(), std::move(columns));
  if (!rows_.kinds.empty()) {
    rows_.kinds.resize(rows_.bodies.size(), RowKind::kInsert);
    out->rows.set_kinds(std::exchange(rows_.kinds, {}));
  }
  out->runs = std::exchange(runs_, {});
  out->events = std::exchange(events_, {});
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
