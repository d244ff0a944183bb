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
    std::vector<std::uint32_t> rows;
    bool all = true;
    if (predicate_ && batch.rows() > 0) {
      TRY_ASSIGN(rows, predicate_->select(batch));
      all = rows.size() == batch.rows();
    }
    const std::size_t count = all ? batch.rows() : rows.size();
    if (count == 0 && batch.events.empty()) return Progress::kDone;
    TRY_ASSIGN(auto columns, projections_->run(all ? batch : narrowed(batch, rows)));
    Batch result(count, std::move(columns));
    result.events = std::move(batch.events);
    if (all) {
      result.set_kinds({batch.kinds().begin(), batch.kinds().end()});
      result.runs = std::move(batch.runs);
    } else {
      if (!batch.kinds().empty()) {
        std::vector<RowKind> kinds;
        for (const std::uint32_t row : rows) kinds.push_back(batch.kind(row));
        result.set_kinds(std::move(kinds));
      }
      result.runs = narrowed_runs(batch, rows);
    }
    out.emit(std::move(result));
    return Progress::kDone;
  }

 private:
  // The selected rows of the columns that projections read; the other columns stay as they are,
  // unread.
  Batch narrowed(const Batch& batch, const std::vector<std::uint32_t>& rows) const {
    std::vector<ColumnPtr> columns = batch.columns();
    for (const std::size_t column : read_) columns[column] = take(*columns[column], rows);
    return Batch(rows.size(), std::move(columns));
  }

  static std::vector<SplitRun> narrowed_runs(const Batch& batch,
                                             const std::vector<std::uint32_t>& rows) {
    std::vector<SplitRun> runs;
    for (std::size_t i = 0; i < batch.runs.size(); ++i) {
      const auto from = std::lower_bound(rows.begin(), rows.end(), batch.runs[i].begin);
      const auto to = i + 1 < batch.runs.size()
                          ? std::lower_bound(from, rows.end(), batch.runs[i + 1].begin)
                          : rows.end();
      if (from != to)
        runs.push_back(
            SplitRun{batch.runs[i].split, static_cast<std::uint32_t>(from - rows.begin())});
    }
    return runs;
  }

  CalcSpec spec_;
  std::unique_ptr<expr::Program> predicate_;
  std::unique_ptr<expr::Program> projections_;
  std::vector<std::size_t> read_;
};

}  // namespace

std::unique_ptr<Operator> make_calc(CalcSpec spec) {
  return std::make_unique<Calc>(std::move(spec));
}

}  // namespace slipstream::flow
