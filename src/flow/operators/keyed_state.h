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

// Tables and a few bytes of an operator, shared at the barrier, written in the background.
class StateSnapshot final : public PendingSnapshot {
 public:
  explicit StateSnapshot(KeyGroupRange groups) : groups_(groups) {}
  // `tag` tells the operator's tables apart.
  void add(std::string tag, std::unique_ptr<state::TableSnapshot> table) {
    tables_.emplace_back(std::move(tag), std::move(table));
  }
  // Copied into every key group of this instance.
  void set_group_note(std::string bytes) { group_note_ = std::move(bytes); }
  // Once per instance.
  void set_operator_note(std::string bytes) { operator_note_ = std::move(bytes); }
  Status write(SnapshotWriter& out) override;

 private:
  KeyGroupRange groups_;
  std::vector<std::pair<std::string, std::unique_ptr<state::TableSnapshot>>> tables_;
  std::string group_note_;
  std::string operator_note_;
};

// Calls back for every piece of a table, with its tag first.
Status restore_tables(
    const SnapshotReader& from,
    const std::function<Status(std::string_view tag, state::EntryReader piece)>& table);
Status restore_group_notes(
    const SnapshotReader& from,
    const std::function<Status(std::uint32_t group, std::string_view)>& note);
Status restore_operator_notes(const SnapshotReader& from,
                              const std::function<Status(std::string_view)>& note);

// Native-endian numbers in notes and tags.
template <typename T>
void append_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
Result<T> take_number(std::string_view& bytes) {
  if (bytes.size() < sizeof(T))
    return Error{ErrorCode::kCorrupt, "a note of saved state is cut short"};
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
