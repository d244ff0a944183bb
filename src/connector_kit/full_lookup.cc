#include "connector_kit/full_lookup.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "data/serialize.h"

namespace slipstream::connector_kit {
namespace {

constexpr std::size_t kQuestionsMax = 16;

// A lookup's columns among those of its source.
struct Layout {
  std::string table;
  Schema schema;
  std::vector<std::size_t> output;  // where each column of `schema` is in the source's rows
  std::vector<std::size_t> keys;    // and each key
};

// The rows of a table by the bytes of their keys.
class RowIndex {
 public:
  struct Position {
    std::uint32_t batch = 0;
    std::uint32_t row = 0;
  };

  // What add() takes besides the batch, at most: each row has a key of its own.
  static std::size_t bytes_for(const Batch& batch, std::span<const std::size_t> keys) {
    std::size_t bytes = batch.rows() * kEntryBytes;
    for (const std::size_t key : keys) bytes += batch.column(key)->bytes_used();
    return bytes;
  }
  void add(Batch batch, std::span<const std::size_t> keys) {
    const auto columns = select(batch, keys);
    for (std::uint32_t row = 0; row < batch.rows(); ++row) {
      if (encode(columns, row)) {
        rows_[key_].push_back({static_cast<std::uint32_t>(batches_.size()), row});
      }
    }
    batches_.push_back(std::move(batch));
  }
  // f(batch, row) for each row with the key, in the order in which they were added.
  template <typename F>
  void find(const Batch& keys, std::size_t row, F&& f) {
    if (!encode(keys.columns(), row)) return;
    const auto found = rows_.find(key_);
    if (found == rows_.end()) return;
    for (const Position& at : found->second) f(batches_[at.batch], at.row);
  }

 private:
  using Rows = std::unordered_map<std::string, std::vector<Position>>;
  // A node, its share of the buckets, one position, and what the allocator adds to each.
  static constexpr std::size_t kEntryBytes =
      sizeof(Rows::value_type) + 4 * sizeof(void*) + sizeof(Position) + 3 * 2 * sizeof(void*);

  static std::vector<ColumnPtr> select(const Batch& batch, std::span<const std::size_t> columns) {
    std::vector<ColumnPtr> selected;
    for (const std::size_t index : columns) selected.push_back(batch.column(index));
    return selected;
  }
  // Into key_; false when a column is NULL.
  bool encode(const std::vector<ColumnPtr>& columns, std::size_t row) {
    if (std::ranges::any_of(columns, [&](const ColumnPtr& each) { return each->is_null(row); }))
      return false;
    bytes_.clear();
    encode_key(columns, row, bytes_);
    key_.assign(bytes_.begin(), bytes_.end());
    return true;
  }

  std::vector<Batch> batches_;
  Rows rows_;
  std::vector<std::uint8_t> bytes_;
  std::string key_;
};

class FullLookupReader final : public LookupReader {
 public:
  FullLookupReader(const Layout& layout, LookupContext context,
                   std::unique_ptr<SourceReader> reader)
      : layout_(layout), context_(std::move(context)), reader_(std::move(reader)) {}
  ~FullLookupReader() override { release(); }

  Result<Ask> ask(std::uint64_t question, const Batch& keys) override {
    if (questions_.size() == kQuestionsMax) return Ask::kFull;
    if (questions_.empty()) context_.wake();
    questions_.push_back({question, keys});
    return Ask::kAccepted;
  }

  Result<std::optional<LookupAnswer>> poll() override {
    if (questions_.empty()) return std::optional<LookupAnswer>();
    if (reader_ != nullptr) {
      const auto whole = read();
      if (whole.ok() && !*whole) return std::optional<LookupAnswer>();
      if (!whole.ok()) fail(whole.error());
    }
    if (questions_.size() == kQuestionsMax) context_.wake();  // ask() has room from here on
    if (failure_) {
      questions_.clear();
      return *failure_;
    }
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    return std::optional(answer(question));
  }

 private:
  struct Question {
    std::uint64_t number = 0;
    Batch keys;
  };

  // One batch more; true when the table was read to its end.
  Result<bool> read() {
    SourceBatch batch;
    Batch rejected;
    TRY_ASSIGN(const auto polled, reader_->poll(&batch, &rejected));
    if (polled == SourceReader::Poll::kNothing) return false;
    if (polled == SourceReader::Poll::kEnd) {
      reader_.reset();
      return true;
    }
    TRY(reserve(batch.rows.bytes_used() + batch.rows.bytes_pinned() +
                RowIndex::bytes_for(batch.rows, layout_.keys)));
    index_.add(std::move(batch.rows), layout_.keys);
    context_.wake();
    return false;
  }

  Status reserve(std::size_t bytes) {
    if (context_.memory.reserve && !context_.memory.reserve(bytes, false)) {
      return Error{ErrorCode::kResourceExhausted,
                   "table '" + layout_.table + "' is looked up in memory and does not fit: " +
                       std::to_string(reserved_ + bytes) +
                       " bytes were read so far; raise 'slipstream.memory' or use fewer rows"};
    }
    reserved_ += bytes;
    return {};
  }

  void release() {
    if (context_.memory.release) context_.memory.release(reserved_);
    reserved_ = 0;
  }

  // A table of which a part is missing answers nothing.
  void fail(Error error) {
    failure_ = std::move(error);
    reader_.reset();
    index_ = {};
    release();
  }

  LookupAnswer answer(const Question& question) {
    LookupAnswer answer;
    answer.question = question.number;
    std::vector<ColumnBuilder> builders;
    for (const Field& column : layout_.schema.fields()) builders.emplace_back(column.type);
    for (std::uint32_t row = 0; row < question.keys.rows(); ++row) {
      index_.find(question.keys, row, [&](const Batch& batch, std::uint32_t found) {
        for (std::size_t i = 0; i < builders.size(); ++i)
          builders[i].append_from(*batch.column(layout_.output[i]), found);
        answer.keys.push_back(row);
      });
    }
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    answer.rows = Batch(answer.keys.size(), std::move(columns));
    return answer;
  }

  const Layout& layout_;  // of the lookup source, which outlives its readers
  const LookupContext context_;
  std::unique_ptr<SourceReader> reader_;  // null: the table is in index_, or failure_ says why not
  std::optional<Error> failure_;
  RowIndex index_;
  std::deque<Question> questions_;
  std::size_t reserved_ = 0;
};

class FullLookup final : public LookupSource {
 public:
  FullLookup(Layout layout, std::unique_ptr<Source> source)
      : layout_(std::move(layout)), source_(std::move(source)) {}

  Schema schema() const override { return layout_.schema; }
  std::vector<std::string> explain() const override {
    auto lines = source_->explain();
    lines.emplace_back("read whole into memory");
    return lines;
  }
  std::vector<std::string> endpoints() const override { return source_->endpoints(); }

  Result<std::unique_ptr<LookupReader>> make_reader(LookupContext context) override {
    EnumeratorContext finding;
    finding.stop = context.stop;
    finding.metrics = context.metrics;
    finding.clock = context.clock;
    TRY_ASSIGN(const auto enumerator, source_->make_enumerator(std::move(finding)));
    TRY_ASSIGN(const auto found, enumerator->discover());
    ReaderContext reading;
    reading.subtask = context.subtask;
    reading.parallelism = context.parallelism;
    reading.wake = context.wake;
    reading.wake_after = context.wake_after;
    reading.stop = context.stop;
    reading.metrics = context.metrics;
    reading.clock = context.clock;
    TRY_ASSIGN(auto reader, source_->make_reader(std::move(reading)));
    for (std::uint32_t i = 0; i < found.added.size(); ++i)
      TRY(reader->add_split(i, found.added[i]));
    return std::unique_ptr<LookupReader>(
        std::make_unique<FullLookupReader>(layout_, std::move(context), std::move(reader)));
  }

 private:
  const Layout layout_;
  const std::unique_ptr<Source> source_;
};

}  // namespace

SourceRequest source_of_lookup(const LookupRequest& request) {
  SourceRequest source;
  source.table = request.table;
  source.physical = request.physical;
  source.physical.insert(source.physical.end(), request.keys.begin(), request.keys.end());
  std::ranges::sort(source.physical);
  const auto same = std::ranges::unique(source.physical);
  source.physical.erase(same.begin(), same.end());
  source.metadata = request.metadata;
  source.uid = request.uid;
  return source;
}

Result<std::unique_ptr<LookupSource>> make_full_lookup(const LookupRequest& request,
                                                       std::unique_ptr<Source> source) {
  const std::string& table = request.table.name;
  if (!source->bounded()) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table + "' cannot be looked up: it never ends; bound it"};
  }
  if (source->updating()) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table + "' cannot be looked up: its format holds changes of rows"};
  }
  if (source->dead_letters()) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table +
                     "' cannot be looked up: rows that cannot be decoded would go to its "
                     "dead-letter table; set 'decode.errors' = 'fail' or 'skip'"};
  }
  const SourceRequest whole = source_of_lookup(request);
  const auto position = [&](std::size_t column) {
    return static_cast<std::size_t>(std::ranges::find(whole.physical, column) -
                                    whole.physical.begin());
  };
  Layout layout;
  layout.table = table;
  for (const std::size_t column : request.physical) layout.output.push_back(position(column));
  for (std::size_t i = 0; i < request.metadata.size(); ++i)
    layout.output.push_back(whole.physical.size() + i);
  for (const std::size_t key : request.keys) layout.keys.push_back(position(key));
  const Schema rows = source->schema();
  for (const std::size_t column : layout.output)
    layout.schema.add(rows[column].name, rows[column].type);
  return std::unique_ptr<LookupSource>(
      std::make_unique<FullLookup>(std::move(layout), std::move(source)));
}

}  // namespace slipstream::connector_kit
