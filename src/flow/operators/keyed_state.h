// What operators with keyed state share: memory, hashes of keys, snapshots.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "flow/metrics.h"
#include "flow/operator.h"
#include "state/key_table.h"
#include "state/page_pool.h"
#include "state/snapshot_entries.h"

namespace slipstream::flow {

// A pool over the operator's reservation; closed by the destructor, whatever snapshots still hold.
class StatePool {
 public:
  StatePool() = default;
  explicit StatePool(MemoryReservation* memory);
  ~StatePool() {
    if (pool_) pool_->close();
  }
  StatePool(StatePool&&) = default;
  StatePool& operator=(StatePool&&) = default;
  const std::shared_ptr<state::PagePool>& get() const { return pool_; }

 private:
  std::shared_ptr<state::PagePool> pool_;
};

// The hashes of `keys`: those that came with the batch through its exchange, else computed.
std::vector<std::uint64_t> key_hashes(const Batch& batch, std::span<const ColumnPtr> keys);
std::vector<ColumnPtr> columns_at(const Batch& batch, std::span<const std::size_t> positions);
std::vector<Type> types_at(const Schema& schema, std::span<const std::size_t> positions);

// Encoded rows back into columns of their types.
class RowDecoder {
 public:
  explicit RowDecoder(const std::vector<Type>& types);
  // kCorrupt when the bytes cannot be a row of these types.
  Status add(std::string_view row);
  std::size_t rows() const { return rows_; }
  std::vector<ColumnPtr> finish();

 private:
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;
  std::vector<ColumnBuilder*> pointers_;
  std::size_t rows_ = 0;
};

// Decides what each snapshot of one instance holds: all of its tables, or what changed since the
// one before.
//
// Thread: task. What the background thread found out about a snapshot counts once the next one
// builds on it.
class IncrementalChain {
 public:
  IncrementalChain() = default;
  explicit IncrementalChain(const OperatorContext& context)
      : changes_cost_bytes_(context.changes_cost_bytes *
                            (context.key_groups.end - context.key_groups.begin)) {}

 private:
  friend class StateSnapshot;
  struct Written {
    std::atomic<std::uint64_t> full_bytes{0};
    std::atomic<std::uint64_t> all_bytes{0};  // the changes since then too
  };
  // Of the next snapshot. `changed` of `entries` entries are not in the one before.
  state::Extent choose(const SnapshotRequest& request, std::size_t entries, std::size_t changed);
  bool changes_pay(std::size_t entries, std::size_t changed) const;

  std::size_t changes_cost_bytes_ = 0;
  CheckpointId last_ = 0;
  std::size_t files_ = 0;  // that state is spread over
  std::size_t full_entries_ = 0;
  std::shared_ptr<Written> written_;
};

// Tables and scalar state of an operator, frozen at the barrier, written in the background.
class StateSnapshot final : public PendingSnapshot {
 public:
  explicit StateSnapshot(KeyGroupRange groups) : groups_(groups) {}
  // `tag` tells the operator's tables apart.
  void add(std::string tag, state::SavedTable& table) {
    tables_.push_back(Table{std::move(tag), &table, table.table_id(), nullptr});
  }
  // Of the tables that were added: all of them, or what changed. They are not referred to any more.
  void freeze(IncrementalChain& chain, const SnapshotRequest& request);
  // Scalar state: a few bytes beside the tables. Copied into every key group of this instance.
  void set_group_scalars(std::string bytes) { group_scalars_ = std::move(bytes); }
  // Scalar state that is saved once per instance.
  void set_operator_scalars(std::string bytes) { operator_scalars_ = std::move(bytes); }
  Status write(SnapshotWriter& out) override;

 private:
  struct Table {
    std::string tag;
    state::SavedTable* table;  // until freeze()
    std::uint64_t id;
    std::unique_ptr<state::TableSnapshot> frozen;
  };
  Status write_tables(SnapshotWriter& out);

  KeyGroupRange groups_;
  std::vector<Table> tables_;
  state::Extent extent_ = state::Extent::kFull;
  std::shared_ptr<IncrementalChain::Written> written_;
  std::string group_scalars_;
  std::string operator_scalars_;
};

// Calls back for the pieces of tables that were there in the newest snapshot, with the tag first.
Status restore_tables(
    const SnapshotReader& from,
    const std::function<Status(std::string_view tag, state::EntryReader piece)>& table);
Status restore_group_scalars(
    const SnapshotReader& from,
    const std::function<Status(std::uint32_t group, std::string_view)>& scalars);
Status restore_operator_scalars(const SnapshotReader& from,
                                const std::function<Status(std::string_view)>& scalars);

// Native-endian numbers in scalar state and tags.
template <typename T>
void append_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
Result<T> take_number(std::string_view& bytes) {
  if (bytes.size() < sizeof(T))
    return Error{ErrorCode::kCorrupt, "saved scalar state of an operator is cut short"};
  T value;
  std::char_traits<char>::copy(reinterpret_cast<char*>(&value), bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

// Adds to a counter or sets a gauge, if the engine keeps any.
class Metric {
 public:
  Metric() = default;
  Metric(const Metrics& metrics, const MetricFamily& family)
      : value_(metrics.value ? family.in(metrics) : nullptr) {}
  void add(std::int64_t amount) {
    if (value_ != nullptr) value_->fetch_add(amount, std::memory_order_relaxed);
  }
  void set(std::int64_t value) {
    if (value_ != nullptr) value_->store(value, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t>* value_ = nullptr;
};

}  // namespace slipstream::flow
