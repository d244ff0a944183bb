#include "flow/operators/calc.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "expr/program.h"

namespace slipstream::flow {

namespace {

class Calc final : public Operator {
 public:
  explicit Calc(CalcSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext&) override {
    if (spec_.predicate) {
      TRY_ASSIGN(predicate_, expr::Program::compile({spec_.predicate}, spec_.eval));
    }
    TRY_ASSIGN(projections_, expr::Program::compile(spec_.projections, spec_.eval));
    for (const expr::ExprPtr& e : spec_.projections) {
      for (const std::size_t column : expr::columns_read(*e)) read_.push_back(column);
    }
    std::sort(read_.begin(), read_.end());
    read_.erase(std::unique(read_.begin(), read_.end()), read_.end());
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    TRY_ASSIGN(Batch result, project(batch));
    if (result.rows() != 0) out.emit(std::move(result));
    return Progress::kDone;
  }

  Result<Progress> push_from_source(SourceBatch&& batch, Emitter& out) override {
    SourceBatch result;
    if (batch.rows.rows() != 0) {
      TRY_ASSIGN(result.rows, project(batch.rows));
    }
    result.runs =
        result.rows.rows() == batch.rows.rows() ? std::move(batch.runs) : narrowed_runs(batch.runs);
    result.events = std::move(batch.events);
    if (!result.empty()) out.emit_from_source(std::move(result));
    return Progress::kDone;
  }

  RowLaw row_law() const override { return spec_.predicate ? RowLaw::kAtMost : RowLaw::kEach; }

 private:
  // Leaves the selected rows in selected_ when they are not all.
  Result<Batch> project(const Batch& batch) {
    bool all = true;
    if (predicate_ && batch.rows() > 0) {
      TRY_ASSIGN(selected_, predicate_->select(batch));
      all = selected_.size() == batch.rows();
    }
    const std::size_t count = all ? batch.rows() : selected_.size();
    if (count == 0) return Batch();
    TRY_ASSIGN(auto columns, projections_->run(all ? batch : narrowed(batch, selected_)));
    Batch result(count, std::move(columns));
    if (batch.kinds().empty()) return result;
    std::vector<RowKind> kinds;
    if (all) {
      kinds.assign(batch.kinds().begin(), batch.kinds().end());
    } else {
      for (const std::uint32_t row : selected_) kinds.push_back(batch.kind(row));
    }
    result.set_kinds(std::move(kinds));
    return result;
  }

  // The selected rows of the columns that projections read; the other columns stay as they are,
  // unread.
  Batch narrowed(const Batch& batch, const std::vector<std::uint32_t>& rows) const {
    std::vector<ColumnPtr> columns = batch.columns();
    for (const std::size_t column : read_) columns[column] = take(*columns[column], rows);
    return Batch(rows.size(), std::move(columns));
  }

  std::vector<SplitRun> narrowed_runs(const std::vector<SplitRun>& all) const {
    const std::vector<std::uint32_t>& rows = selected_;
    std::vector<SplitRun> runs;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto from = std::lower_bound(rows.begin(), rows.end(), all[i].begin);
      const auto to =
          i + 1 < all.size() ? std::lower_bound(from, rows.end(), all[i + 1].begin) : rows.end();
      if (from != to)
        runs.push_back(SplitRun{all[i].split, static_cast<std::uint32_t>(from - rows.begin())});
    }
    return runs;
  }

  CalcSpec spec_;
  std::unique_ptr<expr::Program> predicate_;
  std::unique_ptr<expr::Program> projections_;
  std::vector<std::size_t> read_;
  std::vector<std::uint32_t> selected_;
};

}  // namespace

std::unique_ptr<Operator> make_calc(CalcSpec spec) {
  return std::make_unique<Calc>(std::move(spec));
}

}  // namespace slipstream::flow
