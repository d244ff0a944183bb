#include "flow/operators/changelog_normalize.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/try.h"
#include "flow/operators/keyed_state.h"
#include "state/encoded_rows.h"
#include "state/key_table.h"

namespace slipstream::flow {

namespace {

constexpr std::size_t kSweepPerRow = 2;

// The value of a key is its last row, encoded; empty = no row.
class ChangelogNormalize final : public Operator {
 public:
  explicit ChangelogNormalize(ChangelogNormalizeSpec spec) : spec_(std::move(spec)) {
    for (const Field& field : spec_.input.fields()) types_.push_back(field.type);
  }

  Status open(const OperatorContext& context) override {
    context_ = context;
    pool_ = StatePool(context.memory);
    snapshot_chain_ = IncrementalChain(context);
    table_ = std::make_unique<state::KeyTable>(
        pool_.get(), state::KeyTableOptions{sizeof(StringView), {0}, spec_.ttl_ms});
    return {};
  }

  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() == 0) return Progress::kDone;
    const std::int64_t now = spec_.ttl_ms > 0 ? context_.now_ms() : 0;
    const auto keys = columns_at(batch, spec_.keys);
    const auto hashes = key_hashes(batch, keys);
    keys_.encode_keys(keys, batch.rows());
    rows_.encode_rows(batch.columns(), batch.rows());
    RowDecoder changes(types_);
    std::vector<RowKind> kinds;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const RowKind kind = batch.kind(row);
      if (kind == RowKind::kUpdateBefore) continue;
      if (kind == RowKind::kDelete) {
        TRY(remove(keys_[row], hashes[row], now, changes, kinds));
      } else {
        TRY(write(keys_[row], hashes[row], rows_[row], now, changes, kinds));
      }
      if (kinds.size() + 1 >= context_.batch_rows) emit(changes, kinds, out);
    }
    emit(changes, kinds, out);
    TRY(table_->expire(now, batch.rows() * kSweepPerRow));
    return Progress::kDone;
  }

  Result<std::unique_ptr<PendingSnapshot>> snapshot(const SnapshotRequest& request) override {
    auto snapshot = std::make_unique<StateSnapshot>(context_.key_groups);
    snapshot->add("rows", *table_);
    snapshot->freeze(snapshot_chain_, request);
    return std::unique_ptr<PendingSnapshot>(std::move(snapshot));
  }

  StateSchema state_schema() const override {
    StateSchema schema;
    for (const std::size_t key : spec_.keys)
      schema.push_back({"key", spec_.input[key].name, state_type(spec_.input[key].type)});
    for (const Field& field : spec_.input.fields())
      schema.push_back({"column", field.name, state_type(field.type)});
    return schema;
  }

  Status restore(const SnapshotReader& from) override {
    return restore_tables(
        from, [&](std::string_view, state::EntryReader piece) { return table_->restore(piece); });
  }

 private:
  Status write(std::string_view key, std::uint64_t hash, std::string_view row, std::int64_t now,
               RowDecoder& changes, std::vector<RowKind>& kinds) {
    TRY_ASSIGN(const state::KeyTable::Found found, table_->find_or_insert(key, hash, now));
    StringView old;
    std::memcpy(&old, found.value, sizeof old);
    if (old.size() > 0 && old.view() == row) {
      table_->release();
      return {};
    }
    if (old.size() > 0) {
      TRY(changes.add(old.view()));
      kinds.push_back(RowKind::kUpdateBefore);
    }
    TRY(changes.add(row));
    kinds.push_back(old.size() > 0 ? RowKind::kUpdateAfter : RowKind::kInsert);
    table_->free_text(old);
    TRY_ASSIGN(const StringView kept, table_->keep_text(row));
    std::memcpy(found.value, &kept, sizeof kept);
    table_->release();
    return {};
  }

  Status remove(std::string_view key, std::uint64_t hash, std::int64_t now, RowDecoder& changes,
                std::vector<RowKind>& kinds) {
    const state::SlotId slot = table_->find(key, hash, now);
    if (slot == state::kNoSlot) return {};
    StringView old;
    std::memcpy(&old, table_->value(slot), sizeof old);
    TRY(changes.add(old.view()));
    kinds.push_back(RowKind::kDelete);
    return table_->erase(slot);
  }

  static void emit(RowDecoder& changes, std::vector<RowKind>& kinds, Emitter& out) {
    if (kinds.empty()) return;
    Batch batch(kinds.size(), changes.finish());
    if (std::any_of(kinds.begin(), kinds.end(),
                    [](RowKind kind) { return kind != RowKind::kInsert; })) {
      batch.set_kinds(std::move(kinds));
    }
    kinds.clear();
    out.emit(std::move(batch));
  }

  ChangelogNormalizeSpec spec_;
  std::vector<Type> types_;
  OperatorContext context_;
  StatePool pool_;
  IncrementalChain snapshot_chain_;
  std::unique_ptr<state::KeyTable> table_;
  state::EncodedRows keys_;
  state::EncodedRows rows_;
};

}  // namespace

std::unique_ptr<Operator> make_changelog_normalize(ChangelogNormalizeSpec spec) {
  return std::make_unique<ChangelogNormalize>(std::move(spec));
}

}  // namespace slipstream::flow
