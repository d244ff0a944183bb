#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "flow/operators/window.h"
#include "flow/operators/window_times.h"

namespace slipstream::flow {

namespace {

class WindowAssign final : public Operator {
 public:
  explicit WindowAssign(WindowAssignSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext& context) override {
    batch_rows_ = context.batch_rows;
    TRY_ASSIGN(times_, WindowTimes::make(spec_.window));
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    batch_ = std::move(batch);
    batch_.set_key_hashes({});
    if (batch_.rows() == 0) return Progress::kDone;
    TRY_ASSIGN(wall_ms_, times_->wall_ms(*batch_.column(spec_.window.time_column)));
    row_ = 0;
    window_ = 0;
    return resume(out);
  }

  Result<Progress> resume(Emitter& out) override {
    std::vector<std::uint32_t> rows;
    std::vector<TimeSpan> windows;
    for (; row_ < batch_.rows(); ++row_, window_ = 0) {
      const TimeSpan pane = times_->pane_of(wall_ms_[row_]);
      if (row_ == 0 || pane != pane_) {
        pane_ = pane;
        windows_ = times_->windows_of(pane);
      }
      for (; window_ < windows_.size(); ++window_) {
        if (rows.size() >= batch_rows_) {
          emit(rows, windows, out);
          if (!out.has_room()) return Progress::kMore;
        }
        rows.push_back(static_cast<std::uint32_t>(row_));
        windows.push_back(windows_[window_]);
      }
    }
    emit(rows, windows, out);
    batch_ = Batch();
    return Progress::kDone;
  }

  RowLaw row_law() const override {
    return spec_.window.kind == WindowKind::kTumble ? RowLaw::kEach : RowLaw::kNone;
  }

 private:
  void emit(std::vector<std::uint32_t>& rows, std::vector<TimeSpan>& windows, Emitter& out) {
    if (rows.empty()) return;
    Batch result = take(batch_, rows);
    std::vector<ColumnPtr> columns = result.columns();
    for (const WindowColumn column :
         {WindowColumn::kStart, WindowColumn::kEnd, WindowColumn::kTime}) {
      columns.push_back(times_->column(column, windows));
    }
    result.set_columns(std::move(columns));
    out.emit(std::move(result));
    rows.clear();
    windows.clear();
  }

  WindowAssignSpec spec_;
  std::size_t batch_rows_ = kBatchRows;
  std::optional<WindowTimes> times_;
  Batch batch_;
  std::vector<std::int64_t> wall_ms_;
  std::size_t row_ = 0;
  std::size_t window_ = 0;
  TimeSpan pane_;
  std::vector<TimeSpan> windows_;
};

}  // namespace

std::unique_ptr<Operator> make_window_assign(WindowAssignSpec spec) {
  return std::make_unique<WindowAssign>(std::move(spec));
}

}  // namespace slipstream::flow
