#include "flow/operators/group_aggregate.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "data/compare.h"
#include "flow/operators/aggregate_set.h"
#include "flow/operators/keyed_state.h"

namespace slipstream::flow {

namespace {

constexpr std::size_t kSweepPerRow = 2;  // entries looked at for expiry per row of input

class GroupAggregate final : public Operator {
 public:
  explicit GroupAggregate(GroupAggregateSpec spec) : spec_(std::move(spec)) {}

  Status open(const OperatorContext& context) override {
    context_ = context;
    pool_ = StatePool(context.memory);
    snapshot_chain_ = IncrementalChain(context);
    TRY_ASSIGN(set_, AggregateSet::make(spec_.calls, spec_.updating_input));
    tables_ = std::make_unique<GroupTables>(pool_.get(), set_->table_options(spec_.ttl_ms));
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    const std::int64_t now = spec_.ttl_ms > 0 ? context_.now_ms() : 0;
    TRY(apply(batch, now, out));
    TRY(sweep(now, batch.rows() * kSweepPerRow));
    return Progress::kDone;
  }

  Result<Progress> on_timer(std::int64_t wall_ms, Emitter&) override {
    timer_set_ = false;
    TRY(sweep(wall_ms, 4096));
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) override {
    auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
    snapshot->add("groups", tables_->groups);
    snapshot->add("values", tables_->values);
    snapshot->freeze(snapshot_chain_, request);
    return std::unique_ptr<PendingSnapshot>(std::move(snapshot));
  }

  StateSchema state_schema() const override { return flow::state_schema(spec_); }

  Status restore(const SnapshotReader& from) override {
    return restore_tables(from, [&](std::string_view tag, state::EntryReader piece) {
      return tag == "groups" ? tables_->groups.restore(piece) : tables_->values.restore(piece);
    });
  }

 private:
  // One group of the batch: what it showed before, and where it is.
  struct Touched {
    state::SlotId slot;
    std::uint32_t first_row;
    bool existed;
  };

  Status apply(const Batch& batch, std::int64_t now, Emitter& out) {
    const auto keys = columns_at(batch, spec_.keys);
    const auto hashes = key_hashes(batch, keys);
    keys_.encode_keys(keys, batch.rows());
    TRY(tables_->groups.find_or_insert(keys_, hashes, now, found_));
    TRY(find_touched(hashes));
    // Results as they were, before anything changes.
    std::vector<ColumnPtr> before;
    set_->results(values(), before);
    TRY(set_->update(AggregateSet::Rows{&batch, &keys_, hashes, found_}, *tables_));
    std::vector<ColumnPtr> after;
    set_->results(values(), after);
    emit_changes(keys, before, after, out);
    tables_->groups.release();
    for (const Touched& group : touched_) {
      TRY(tables_->groups.set_mark(group.slot, 0));
      if (AggregateSet::rows_of(tables_->groups.value(group.slot)) > 0) continue;
      TRY(set_->drop_values(*tables_, keys_[group.first_row], hashes[group.first_row]));
      TRY(tables_->groups.erase(group.slot));
    }
    return {};
  }

  Status find_touched(std::span<const std::uint64_t> hashes) {
    touched_.clear();
    for (std::uint32_t row = 0; row < found_.size(); ++row) {
      const auto& found = found_[row];
      if (tables_->groups.mark(found.slot) != 0) continue;
      TRY(tables_->groups.set_mark(found.slot, 1));
      touched_.push_back(Touched{found.slot, row, AggregateSet::rows_of(found.value) > 0});
      // Its values had no time of their own: they end with the group.
      if (found.expired) TRY(set_->drop_values(*tables_, keys_[row], hashes[row]));
    }
    return {};
  }

  std::vector<const std::byte*> values() const {
    std::vector<const std::byte*> out;
    for (const Touched& group : touched_) out.push_back(tables_->groups.value(group.slot));
    return out;
  }

  // The rows of one output batch: a group and which of its two results.
  struct Change {
    RowKind kind;
    std::uint32_t group;
    bool before;
  };

  void emit_changes(const std::vector<ColumnPtr>& keys, const std::vector<ColumnPtr>& before,
                    const std::vector<ColumnPtr>& after, Emitter& out) {
    std::vector<Change> changes;
    for (std::uint32_t i = 0; i < touched_.size(); ++i) {
      const bool exists = AggregateSet::rows_of(tables_->groups.value(touched_[i].slot)) > 0;
      if (!touched_[i].existed && !exists) continue;
      if (!exists) {
        changes.push_back({RowKind::kDelete, i, true});
      } else if (!touched_[i].existed) {
        changes.push_back({RowKind::kInsert, i, false});
      } else if (differ(before, after, i)) {
        changes.push_back({RowKind::kUpdateBefore, i, true});
        changes.push_back({RowKind::kUpdateAfter, i, false});
      }
      // A pair is never cut in two.
      if (changes.size() + 1 >= context_.batch_rows) emit(changes, keys, before, after, out);
    }
    emit(changes, keys, before, after, out);
  }

  static bool differ(const std::vector<ColumnPtr>& before, const std::vector<ColumnPtr>& after,
                     std::size_t row) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!cells_equal(*before[i], row, *after[i], row)) return true;
    }
    return false;
  }

  void emit(std::vector<Change>& changes, const std::vector<ColumnPtr>& keys,
            const std::vector<ColumnPtr>& before, const std::vector<ColumnPtr>& after,
            Emitter& out) {
    if (changes.empty()) return;
    std::vector<RowKind> kinds;
    std::vector<std::uint32_t> rows;
    for (const Change& change : changes) {
      kinds.push_back(change.kind);
      rows.push_back(touched_[change.group].first_row);
    }
    std::vector<ColumnPtr> columns;
    for (const ColumnPtr& key : keys) columns.push_back(take(*key, rows));
    for (std::size_t i = 0; i < before.size(); ++i) {
      ColumnBuilder builder(before[i]->type());
      builder.reserve(changes.size());
      for (const Change& change : changes)
        builder.append_from(change.before ? *before[i] : *after[i], change.group);
      columns.push_back(builder.finish());
    }
    Batch batch(changes.size(), std::move(columns));
    if (std::any_of(kinds.begin(), kinds.end(),
                    [](RowKind kind) { return kind != RowKind::kInsert; })) {
      batch.set_kinds(std::move(kinds));
    }
    out.emit(std::move(batch));
    changes.clear();
  }

  Status sweep(std::int64_t now, std::size_t entries) {
    if (spec_.ttl_ms == 0) return {};
    TRY(tables_->groups.expire(now, entries, [&](state::SlotId slot) {
      return set_->drop_values(*tables_, tables_->groups.key(slot), tables_->groups.hash(slot));
    }));
    if (!timer_set_ && tables_->groups.size() > 0 && context_.set_timer) {
      timer_set_ = true;
      context_.set_timer(now + std::max<std::int64_t>(spec_.ttl_ms / 16, 1000));
    }
    return {};
  }

  GroupAggregateSpec spec_;
  OperatorContext context_;
  StatePool pool_;
  IncrementalChain snapshot_chain_;
  std::unique_ptr<AggregateSet> set_;
  std::unique_ptr<GroupTables> tables_;
  state::EncodedRows keys_;
  std::vector<state::KeyTable::Found> found_;
  std::vector<Touched> touched_;
  bool timer_set_ = false;
};

}  // namespace

StateSchema state_schema(const GroupAggregateSpec& spec) {
  return AggregateSet::schema(spec.input, spec.keys, spec.calls, spec.updating_input);
}

std::unique_ptr<Operator> make_group_aggregate(GroupAggregateSpec spec) {
  return std::make_unique<GroupAggregate>(std::move(spec));
}

}  // namespace slipstream::flow
