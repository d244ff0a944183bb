#include "flow/operators/join.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.h"
#include "expr/program.h"
#include "flow/operators/keyed_state.h"
#include "state/encoded_rows.h"
#include "state/multi_map.h"

namespace slipstream::flow {

namespace {

constexpr std::size_t kSweepPerRow = 2;  // stored rows looked at for expiry per row of input

// A batch is first put into its own side, row by row; then each row meets the rows of the other
// side, in as many steps as there is room for. The other side cannot change on the way: nothing
// else arrives before kDone.
class Join final : public Operator {
 public:
  explicit Join(JoinSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext& context) override {
    context_ = context;
    pool_ = StatePool(context.memory);
    snapshot_chain_ = IncrementalChain(context);
    for (std::size_t i = 0; i < spec_.left_keys.size(); ++i) {
      const Type& left = spec_.left[spec_.left_keys[i]].type;
      const Type& right = spec_.right[spec_.right_keys[i]].type;
      if (!same_type(left, right)) {
        return Error{ErrorCode::kInternal, "join keys of different types: " + left.to_string() +
                                               " and " + right.to_string()};
      }
    }
    sides_[0] =
        std::make_unique<state::MultiMap>(pool_.get(), state::MultiMapOptions{spec_.left_ttl_ms});
    sides_[1] =
        std::make_unique<state::MultiMap>(pool_.get(), state::MultiMapOptions{spec_.right_ttl_ms});
    for (const Field& field : spec_.left.fields()) types_[0].push_back(field.type);
    for (const Field& field : spec_.right.fields()) types_[1].push_back(field.type);
    if (spec_.residual) {
      TRY_ASSIGN(residual_, expr::Program::compile({spec_.residual}, spec_.eval));
    }
    return {};
  }

  Result<Progress> push(std::size_t input, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    now_ = spec_.left_ttl_ms > 0 || spec_.right_ttl_ms > 0 ? context_.now_ms() : 0;
    side_ = input;
    batch_ = std::move(batch);
    TRY(store());
    row_ = 0;
    match_ = state::kNoSlot;
    TRY(sweep(batch_.rows() * kSweepPerRow));
    return resume(out);
  }

  Result<Progress> resume(Emitter& out) override {
    const state::MultiMap& other = *sides_[1 - side_];
    while (row_ < batch_.rows()) {
      if (!out.has_room()) return Progress::kMore;
      std::vector<std::uint32_t> rows;
      RowDecoder matches(types_[1 - side_]);
      TRY(gather(other, rows, matches));
      TRY(emit(rows, matches.finish(), out));
    }
    batch_ = Batch();
    return Progress::kDone;
  }

  Result<Progress> on_timer(std::int64_t wall_ms, Emitter&) override {
    timer_set_ = false;
    now_ = wall_ms;
    TRY(sweep(4096));
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) override {
    auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
    snapshot->add("left", *sides_[0]);
    snapshot->add("right", *sides_[1]);
    snapshot->freeze(snapshot_chain_, request);
    return std::unique_ptr<PendingSnapshot>(std::move(snapshot));
  }

  StateSchema state_schema() const override { return flow::state_schema(spec_); }

  Status restore(const SnapshotReader& from) override {
    return restore_tables(from, [&](std::string_view tag, state::EntryReader piece) {
      return sides_[tag == "left" ? 0 : 1]->restore(piece);
    });
  }

 private:
  Status store() {
    const auto keys = columns_at(batch_, side_ == 0 ? spec_.left_keys : spec_.right_keys);
    hashes_ = key_hashes(batch_, keys);
    keys_.encode_keys(keys, batch_.rows());
    rows_.encode_rows(batch_.columns(), batch_.rows());
    null_key_.assign(batch_.rows(), false);
    for (const ColumnPtr& key : keys) {
      for (std::size_t row = 0; row < batch_.rows(); ++row) {
        if (key->is_null(row)) null_key_[row] = true;
      }
    }
    for (std::size_t row = 0; row < batch_.rows(); ++row) {
      if (null_key_[row]) continue;
      const std::int64_t delta = is_retraction(batch_.kind(row)) ? -1 : 1;
      TRY(sides_[side_]->add(keys_[row], hashes_[row], rows_[row], delta, now_));
    }
    return {};
  }

  // Pairs for one output batch: rows of the batch and, decoded, what each of them meets.
  Status gather(const state::MultiMap& other, std::vector<std::uint32_t>& rows,
                RowDecoder& matches) {
    for (; row_ < batch_.rows(); ++row_) {
      if (null_key_[row_]) continue;
      if (match_ == state::kNoSlot) {
        match_ = other.first(keys_[row_], hashes_[row_], now_);
        copies_ = 0;
      }
      while (match_ != state::kNoSlot) {
        for (; copies_ < other.count(match_); ++copies_) {
          if (rows.size() >= context_.batch_rows) return {};
          rows.push_back(static_cast<std::uint32_t>(row_));
          TRY(matches.add(other.row(match_)));
        }
        match_ = other.next(match_, now_);
        copies_ = 0;
      }
    }
    return {};
  }

  Status emit(const std::vector<std::uint32_t>& rows, std::vector<ColumnPtr> matches,
              Emitter& out) {
    if (rows.empty()) return {};
    std::vector<ColumnPtr> own;
    for (const ColumnPtr& column : batch_.columns()) own.push_back(take(*column, rows));
    std::vector<ColumnPtr>& left = side_ == 0 ? own : matches;
    std::vector<ColumnPtr>& right = side_ == 0 ? matches : own;
    left.insert(left.end(), right.begin(), right.end());
    Batch result(rows.size(), std::move(left));
    if (!batch_.kinds().empty()) {
      std::vector<RowKind> kinds;
      for (const std::uint32_t row : rows) {
        kinds.push_back(is_retraction(batch_.kind(row)) ? RowKind::kDelete : RowKind::kInsert);
      }
      result.set_kinds(std::move(kinds));
    }
    if (residual_) {
      TRY_ASSIGN(const std::vector<std::uint32_t> kept, residual_->select(result));
      if (kept.empty()) return {};
      if (kept.size() < result.rows()) result = take(result, kept);
    }
    out.emit(std::move(result));
    return {};
  }

  Status sweep(std::size_t rows) {
    TRY(sides_[0]->expire(now_, rows));
    TRY(sides_[1]->expire(now_, rows));
    const std::int64_t ttl = std::max(spec_.left_ttl_ms, spec_.right_ttl_ms);
    if (ttl > 0 && !timer_set_ && sides_[0]->rows() + sides_[1]->rows() > 0 && context_.set_timer) {
      timer_set_ = true;
      context_.set_timer(now_ + std::max<std::int64_t>(ttl / 16, 1000));
    }
    return {};
  }

  JoinSpec spec_;
  OperatorContext context_;
  StatePool pool_;
  IncrementalChain snapshot_chain_;
  std::array<std::unique_ptr<state::MultiMap>, 2> sides_;
  std::array<std::vector<Type>, 2> types_;
  std::unique_ptr<expr::Program> residual_;
  bool timer_set_ = false;

  // The batch in work and where in it.
  Batch batch_;
  std::size_t side_ = 0;
  std::int64_t now_ = 0;
  std::vector<std::uint64_t> hashes_;
  state::EncodedRows keys_;
  state::EncodedRows rows_;
  std::vector<bool> null_key_;
  std::size_t row_ = 0;
  state::SlotId match_ = state::kNoSlot;
  std::int64_t copies_ = 0;
};

}  // namespace

StateSchema state_schema(const JoinSpec& spec) {
  StateSchema schema;
  const auto add_side = [&](const std::string& side, const Schema& row,
                            const std::vector<std::size_t>& keys) {
    for (const std::size_t key : keys)
      schema.push_back({side + " key", row[key].name, state_type(row[key].type)});
    for (const Field& field : row.fields())
      schema.push_back({side + " column", field.name, state_type(field.type)});
  };
  add_side("left", spec.left, spec.left_keys);
  add_side("right", spec.right, spec.right_keys);
  return schema;
}

std::unique_ptr<Operator> make_join(JoinSpec spec) {
  return std::make_unique<Join>(std::move(spec));
}

}  // namespace slipstream::flow
