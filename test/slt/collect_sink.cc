#include "collect_sink.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/try.h"
#include "data/serialize.h"
#include "data/text/value.h"

namespace slipstream::test {
namespace {

class Writer : public SinkWriter {
 public:
  Result<Write> write(const Batch& batch, EpochFile* file) override {
    if (batch.rows() == 0) return Write::kAccepted;
    std::vector<std::uint8_t> bytes;
    serialize_batch(batch, bytes);
    TRY(file->append(std::as_bytes(std::span(bytes))));
    return Write::kAccepted;
  }
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override {
    static_cast<void>(checkpoint);
    return std::optional<std::string>(file != nullptr && file->size() > 0 ? "rows" : "");
  }
};

Result<std::vector<Batch>> read_batches(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> text(std::istreambuf_iterator<char>(in), {});
  std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(text.data()),
                                      text.size());
  std::vector<Batch> batches;
  while (!bytes.empty()) {
    TRY_ASSIGN(Batch batch, deserialize_batch(bytes));
    batches.push_back(std::move(batch));
  }
  return batches;
}

class Committer : public SinkCommitter {
 public:
  explicit Committer(std::shared_ptr<CollectedRows> rows) : rows_(std::move(rows)) {}
  Status commit(std::span<const Committable> committables, const CommitContext& context) override {
    static_cast<void>(context);
    for (const Committable& committable : committables) {
      if (committable.handle.empty()) continue;
      TRY_ASSIGN(auto batches, read_batches(committable.epoch_file));
      rows_->publish(committable.checkpoint, committable.subtask, std::move(batches));
    }
    return {};
  }

 private:
  std::shared_ptr<CollectedRows> rows_;
};

class CollectSink : public Sink {
 public:
  CollectSink(Schema schema, std::shared_ptr<CollectedRows> rows)
      : schema_(std::move(schema)), rows_(std::move(rows)) {}
  Schema schema() const override { return schema_; }
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Result<std::unique_ptr<SinkWriter>> make_writer(WriterContext context) override {
    static_cast<void>(context);
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>());
  }
  Result<std::unique_ptr<SinkCommitter>> make_committer(CommitterContext context) override {
    static_cast<void>(context);
    return std::unique_ptr<SinkCommitter>(std::make_unique<Committer>(rows_));
  }

 private:
  Schema schema_;
  std::shared_ptr<CollectedRows> rows_;
};

std::string row_text(const Batch& batch, std::size_t row) {
  std::string text;
  for (std::size_t i = 0; i < batch.columns().size(); ++i) {
    if (i != 0) text += ", ";
    const Column& column = *batch.column(i);
    text += column.is_null(row) ? "NULL" : text::to_text(column, row);
  }
  return text;
}

}  // namespace

void CollectedRows::publish(CheckpointId checkpoint, std::uint32_t subtask,
                            std::vector<Batch> batches) {
  const std::lock_guard lock(mutex_);
  epochs_[{checkpoint, subtask}] = std::move(batches);
}

std::vector<std::string> CollectedRows::lines(bool with_kinds) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& [key, batches] : epochs_) {
    for (const Batch& batch : batches) {
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        lines.push_back((with_kinds ? std::string(row_kind_name(batch.kind(row))) + " " : "") +
                        row_text(batch, row));
      }
    }
  }
  return lines;
}

std::vector<std::string> CollectedRows::materialised() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> counts;
  for (const auto& [key, batches] : epochs_) {
    for (const Batch& batch : batches) {
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        counts[row_text(batch, row)] += is_retraction(batch.kind(row)) ? -1 : 1;
      }
    }
  }
  std::vector<std::string> lines;
  for (const auto& [text, count] : counts) {
    for (std::int64_t i = 0; i < count; ++i) lines.push_back(text);
    for (std::int64_t i = count; i < 0; ++i) lines.push_back("MISSING " + text);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::shared_ptr<Sink> make_collect_sink(Schema schema, std::shared_ptr<CollectedRows> rows) {
  return std::make_shared<CollectSink>(std::move(schema), std::move(rows));
}

}  // namespace slipstream::test
