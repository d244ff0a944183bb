#include "base/try.h"
#include "connector_kit/single_split.h"
#include "expr/program.h"
#include "sql/lower/lower.h"

namespace slipstream::sql {
namespace {

// Hands the one batch out once.
class Reader : public SourceReader {
 public:
  explicit Reader(Batch rows) : rows_(std::move(rows)) {}
  Status add_split(std::uint32_t index, const Split& split) override {
    index_ = index;
    id_ = split.id;
    done_ = split.state == "1";
    return {};
  }
  Result<Poll> poll(SourceBatch* out, Batch* rejected) override {
    static_cast<void>(rejected);
    if (id_.empty() || done_) return Poll::kEnd;
    done_ = true;
    out->rows = rows_;
    out->runs.push_back(SplitRun{index_, 0});
    out->events.push_back(SplitEvent{index_, SplitEnded{}});
    return Poll::kBatch;
  }
  Result<std::vector<Split>> snapshot(CheckpointId checkpoint) override {
    static_cast<void>(checkpoint);
    std::vector<Split> splits;
    if (!id_.empty()) splits.push_back(Split{id_, done_ ? "1" : "0"});
    return splits;
  }
  void checkpoint_complete(CheckpointId checkpoint) override { static_cast<void>(checkpoint); }

 private:
  Batch rows_;
  std::uint32_t index_ = 0;
  std::string id_;
  bool done_ = false;
};

class ValuesSource : public Source {
 public:
  ValuesSource(Schema schema, Batch rows) : schema_(std::move(schema)), rows_(std::move(rows)) {}
  Schema schema() const override { return schema_; }
  bool bounded() const override { return true; }
  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    return connector_kit::make_single_split({"values", "0"}, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    static_cast<void>(context);
    return std::unique_ptr<SourceReader>(std::make_unique<Reader>(rows_));
  }

 private:
  Schema schema_;
  Batch rows_;
};

}  // namespace

Result<std::shared_ptr<Source>> make_values_source(const Rel& values,
                                                   const expr::EvalContext& eval) {
  std::vector<ColumnPtr> columns;
  for (std::size_t column = 0; column < values.schema.size(); ++column) {
    ColumnBuilder builder(values.schema[column].type);
    for (const auto& row : values.rows) {
      TRY_ASSIGN(const ColumnPtr cell, expr::evaluate_constant(row[column], eval));
      builder.append_from(*cell, 0);
    }
    columns.push_back(builder.finish());
  }
  return std::shared_ptr<Source>(
      std::make_shared<ValuesSource>(values.schema, Batch(values.rows.size(), std::move(columns))));
}

}  // namespace slipstream::sql
