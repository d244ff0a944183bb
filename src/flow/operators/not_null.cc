#include "flow/operators/not_null.h"

#include <algorithm>
#include <utility>

#include "flow/operators/keyed_state.h"

namespace slipstream::flow {
namespace {

class NotNull final : public Operator {
 public:
  explicit NotNull(NotNullSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext& context) override {
    dropped_ = Metric(context.metrics, kNullRowsDropped);
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    const auto with_null =
        std::find_if(spec_.columns.begin(), spec_.columns.end(), [&](std::size_t column) {
          return batch.rows() > 0 && batch.column(column)->null_count() > 0;
        });
    if (with_null == spec_.columns.end()) {
      out.emit(std::move(batch));
      return Progress::kDone;
    }
    if (!spec_.drop) {
      return Error{ErrorCode::kDataError,
                   "column '" + spec_.input[*with_null].name + "' of table '" + spec_.table +
                       "' is NOT NULL and a row has NULL there: give it a value (COALESCE), filter "
                       "such rows, or drop them with SET 'table.exec.sink.not-null-enforcer' = "
                       "'drop'"};
    }
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < batch.rows(); ++row) {
      if (!has_null(batch, row)) rows.push_back(row);
    }
    const auto count = static_cast<std::int64_t>(batch.rows() - rows.size());
    dropped_.add(count);
    dropped_rows_ += count;
    if (!rows.empty()) out.emit(take(batch, rows));
    return Progress::kDone;
  }

  RowLaw row_law() const override { return RowLaw::kEach; }
  std::int64_t dropped_rows() const override { return dropped_rows_; }

 private:
  bool has_null(const Batch& batch, std::size_t row) const {
    return std::any_of(spec_.columns.begin(), spec_.columns.end(),
                       [&](std::size_t column) { return batch.column(column)->is_null(row); });
  }

  const NotNullSpec spec_;
  Metric dropped_;
  std::int64_t dropped_rows_ = 0;  // of this instance
};

}  // namespace

std::unique_ptr<Operator> make_not_null(NotNullSpec spec) {
  return std::make_unique<NotNull>(std::move(spec));
}

}  // namespace slipstream::flow
