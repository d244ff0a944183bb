#include "state/multi_map.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include <xxhash.h>

#include "base/try.h"

namespace slipstream::state {

namespace {

constexpr std::uint32_t kLayout = 0x4d4d0001;

struct RowEntry {
  std::uint64_t index_hash;
  std::int64_t written_ms;
  StringView row;
  std::int64_t count;  // > 0; 0 = free
  SlotId next;
  SlotId previous;
  SlotId key;
  std::uint32_t stamp;     // the slab's
  std::uint64_t key_hash;  // stays when the row is gone
};
static_assert(sizeof(RowEntry) == 64);
constexpr std::uint32_t kStampAt = offsetof(RowEntry, stamp);

const RowEntry& entry_of(const std::byte* slot) { return *reinterpret_cast<const RowEntry*>(slot); }
RowEntry& entry_of(std::byte* slot) { return *reinterpret_cast<RowEntry*>(slot); }

std::uint64_t hash_with_row(std::uint64_t key_hash, std::string_view row) {
  return XXH3_64bits_withSeed(row.data(), row.size(), key_hash);
}

// The value of a key: 0 = no row, else slot + 1.
SlotId head_of(const std::byte* value) {
  SlotId head;
  std::memcpy(&head, value, sizeof head);
  return head - 1;
}
void set_head(std::byte* value, SlotId head) {
  head += 1;
  std::memcpy(value, &head, sizeof head);
}

}  // namespace

MultiMap::MultiMap(std::shared_ptr<PagePool> pool, MultiMapOptions options)
    : options_(options),
      keys_(pool, KeyTableOptions{sizeof(SlotId), {}, 0}),
      slab_(pool, sizeof(RowEntry), kStampAt),
      index_(pool),
      arena_(pool) {}

bool MultiMap::expired(const std::byte* row, std::int64_t now_ms) const {
  return options_.ttl_ms > 0 && entry_of(row).written_ms + options_.ttl_ms <= now_ms;
}

Result<std::int64_t> MultiMap::add(std::string_view key, std::uint64_t hash, std::string_view row,
                                   std::int64_t delta, std::int64_t now_ms) {
  const std::uint64_t index_hash = hash_with_row(hash, row);
  const SlotId slot = index_.find(index_hash, [&](SlotId candidate) {
    const RowEntry& entry = entry_of(slab_.at(candidate));
    return entry.index_hash == index_hash && entry.row.view() == row && keys_.key(entry.key) == key;
  });
  if (slot == kNoSlot) {
    if (delta > 0) TRY(insert(key, hash, row, index_hash, delta, now_ms));
    return std::int64_t{0};
  }
  TRY_ASSIGN(std::byte * bytes, slab_.changing(slot));
  RowEntry& entry = entry_of(bytes);
  const std::int64_t before = expired(bytes, now_ms) ? 0 : entry.count;
  const std::int64_t count = std::max<std::int64_t>(before + delta, 0);
  if (count == 0) {
    TRY(erase(slot));
  } else {
    entry.count = count;
    entry.written_ms = now_ms;
  }
  return before;
}

Status MultiMap::insert(std::string_view key, std::uint64_t hash, std::string_view row,
                        std::uint64_t index_hash, std::int64_t count, std::int64_t now_ms) {
  TRY_ASSIGN(const KeyTable::Found found, keys_.find_or_insert(key, hash, now_ms));
  keys_.release();
  TRY_ASSIGN(const StringView kept, arena_.keep(row));
  TRY_ASSIGN(const SlotId slot, slab_.allocate());
  TRY(index_.insert(index_hash, slot));
  const SlotId head = head_of(found.value);
  TRY_ASSIGN(std::byte * bytes, slab_.writable(slot));
  const std::uint32_t stamp = entry_of(bytes).stamp;
  entry_of(bytes) =
      RowEntry{index_hash, now_ms, kept, count, head, kNoSlot, found.slot, stamp, hash};
  if (head != kNoSlot) {
    TRY_ASSIGN(std::byte * other, slab_.writable(head));
    entry_of(other).previous = slot;
  }
  set_head(found.value, slot);
  return {};
}

Status MultiMap::erase(SlotId slot) {
  const RowEntry entry = entry_of(slab_.at(slot));
  if (entry.next != kNoSlot) {
    TRY_ASSIGN(std::byte * other, slab_.writable(entry.next));
    entry_of(other).previous = entry.previous;
  }
  if (entry.previous != kNoSlot) {
    TRY_ASSIGN(std::byte * other, slab_.writable(entry.previous));
    entry_of(other).next = entry.next;
  } else if (entry.next != kNoSlot) {
    TRY_ASSIGN(std::byte * value, keys_.writable(entry.key));
    set_head(value, entry.next);
  } else {
    TRY(keys_.erase(entry.key));
  }
  index_.erase(entry.index_hash, slot);
  arena_.release(entry.row);
  TRY_ASSIGN(std::byte * gone, slab_.writable(slot));
  entry_of(gone).count = 0;
  return slab_.free(slot);
}

SlotId MultiMap::skip_expired(SlotId row, std::int64_t now_ms) const {
  while (row != kNoSlot && expired(slab_.at(row), now_ms)) row = entry_of(slab_.at(row)).next;
  return row;
}

SlotId MultiMap::first(std::string_view key, std::uint64_t hash, std::int64_t now_ms) const {
  const SlotId slot = keys_.find(key, hash, now_ms);
  return slot == kNoSlot ? kNoSlot : skip_expired(head_of(keys_.value(slot)), now_ms);
}

SlotId MultiMap::next(SlotId row, std::int64_t now_ms) const {
  return skip_expired(entry_of(slab_.at(row)).next, now_ms);
}

std::string_view MultiMap::row(SlotId row) const { return entry_of(slab_.at(row)).row.view(); }
std::int64_t MultiMap::count(SlotId row) const { return entry_of(slab_.at(row)).count; }
std::string_view MultiMap::key_of(SlotId row) const {
  return keys_.key(entry_of(slab_.at(row)).key);
}
std::uint64_t MultiMap::hash_of(SlotId row) const {
  return keys_.hash(entry_of(slab_.at(row)).key);
}

SlotId MultiMap::after(SlotId row) const {
  for (row = slab_.after(row); row != kNoSlot; row = slab_.after(row)) {
    if (entry_of(slab_.at(row)).count > 0) return row;
  }
  return kNoSlot;
}

Status MultiMap::erase_key(std::string_view key, std::uint64_t hash) {
  const SlotId slot = keys_.find(key, hash, 0);
  if (slot == kNoSlot) return {};
  SlotId row = head_of(keys_.value(slot));
  while (row != kNoSlot) {
    const SlotId following = entry_of(slab_.at(row)).next;
    TRY(erase(row));
    row = following;
  }
  return {};
}

Status MultiMap::expire(std::int64_t now_ms, std::size_t rows) {
  if (options_.ttl_ms == 0) return {};
  for (std::size_t i = 0; i < rows; ++i) {
    sweep_ = slab_.after(sweep_);
    if (sweep_ == kNoSlot) return {};
    const std::byte* slot = slab_.at(sweep_);
    if (entry_of(slot).count > 0 && expired(slot, now_ms)) TRY(erase(sweep_));
  }
  return {};
}

namespace {

class MultiMapSnapshot final : public TableSnapshot {
 public:
  MultiMapSnapshot(std::uint64_t table_id, SlabView rows, std::vector<PageRef> texts,
                   KeyTable::KeyLookup key)
      : table_id_(table_id),
        rows_(std::move(rows)),
        texts_(std::move(texts)),
        key_(std::move(key)) {}

  Status write(std::string_view tag, std::uint32_t key_groups,
               const EntrySink& sink) const override {
    EntryWriter out({tag, kLayout, table_id_}, key_groups, sink);
    TRY(rows_.each([&](SlotId slot, const std::byte* bytes) -> Status {
      const RowEntry& entry = entry_of(bytes);
      if (entry.count <= 0) {
        const bool known =
            rows_.extent() == Extent::kIncremental && ChangeStamp(bytes + kStampAt).saved();
        return known ? out.add_gone(entry.key_hash, slot) : Status();
      }
      out.begin_entry(entry.key_hash, slot);
      out.put_i64(entry.written_ms);
      out.put_bytes(key_(entry.key));
      out.put_bytes(entry.row.view());
      out.put_i64(entry.count);
      return out.end_entry();
    }));
    return out.finish();
  }

 private:
  std::uint64_t table_id_;
  SlabView rows_;
  std::vector<PageRef> texts_;
  KeyTable::KeyLookup key_;
};

}  // namespace

std::unique_ptr<TableSnapshot> MultiMap::freeze(Extent extent) {
  return std::make_unique<MultiMapSnapshot>(table_id(), slab_.freeze(extent), arena_.freeze(),
                                            keys_.freeze_keys());
}

Status MultiMap::restore(EntryReader piece) {
  if (piece.layout() != kLayout) return Error{ErrorCode::kCorrupt, "saved state is no multimap"};
  EntryReader::Entry entry;
  while (piece.next(entry)) {
    const std::int64_t written = piece.i64();
    const std::string_view key = piece.bytes();
    const std::string_view row = piece.bytes();
    const std::int64_t count = piece.i64();
    if (!piece.ok()) break;
    if (!entry.counts) continue;
    TRY(insert(key, entry.hash, row, hash_with_row(entry.hash, row), count, written));
  }
  if (!piece.ok()) return Error{ErrorCode::kCorrupt, "a piece of keyed state is cut short"};
  return {};
}

}  // namespace slipstream::state
