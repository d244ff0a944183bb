// Keyed state: encoded key -> multiset of encoded rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "state/hash_index.h"
#include "state/key_table.h"
#include "state/page_pool.h"
#include "state/slab.h"
#include "state/snapshot_entries.h"
#include "state/text_arena.h"

namespace slipstream::state {

struct MultiMapOptions {
  // A row is forgotten when it was not added or taken for so long; 0 = never.
  std::int64_t ttl_ms = 0;
};

// Sides of joins, DISTINCT values, values of MIN and MAX over updating input. A row is found in
// O(1) however many rows its key has; equal rows are stored once with a count.
//
// Owner, thread, bounds, failure: as KeyTable.
class MultiMap final : public SavedTable {
 public:
  MultiMap(std::shared_ptr<PagePool> pool, MultiMapOptions options);

  // Adds `delta` equal rows, takes them away when it is negative. Returns how many there were;
  // there are never fewer than none: taking what is not there changes nothing.
  Result<std::int64_t> add(std::string_view key, std::uint64_t hash, std::string_view row,
                           std::int64_t delta, std::int64_t now_ms);

  // The first row of a key and the row after another one, in no useful order; kNoSlot at the end.
  // Rows that have expired are passed over.
  SlotId first(std::string_view key, std::uint64_t hash, std::int64_t now_ms) const;
  SlotId next(SlotId row, std::int64_t now_ms) const;
  std::string_view row(SlotId row) const;  // valid until the row is erased
  std::int64_t count(SlotId row) const;

  // Every row of every key in storage order, expired ones included; start with kNoSlot.
  SlotId after(SlotId row) const;
  std::string_view key_of(SlotId row) const;
  std::uint64_t hash_of(SlotId row) const;

  Status erase_key(std::string_view key, std::uint64_t hash);  // O(rows of the key)
  // Erases what has expired among the next `rows` rows of a round.
  Status expire(std::int64_t now_ms, std::size_t rows);
  std::size_t rows() const { return index_.size(); }
  std::size_t keys() const { return keys_.size(); }

  std::size_t entries() const override { return rows(); }
  std::size_t changed() const override { return slab_.changed(); }
  std::unique_ptr<TableSnapshot> freeze(Extent extent) override;
  // The rows of a piece that count. REQUIRES: they are not in the map.
  Status restore(EntryReader piece);

 private:
  bool expired(const std::byte* row, std::int64_t now_ms) const;
  SlotId skip_expired(SlotId row, std::int64_t now_ms) const;
  Status insert(std::string_view key, std::uint64_t hash, std::string_view row,
                std::uint64_t index_hash, std::int64_t count, std::int64_t now_ms);
  Status erase(SlotId row);

  MultiMapOptions options_;
  KeyTable keys_;    // value: first row
  Slab slab_;        // rows, doubly linked per key
  HashIndex index_;  // (key, row) -> row
  TextArena arena_;
  SlotId sweep_ = kNoSlot;
};

}  // namespace slipstream::state
