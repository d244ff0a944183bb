// Keyed state: encoded key -> fixed-width value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"

#include "state/encoded_rows.h"
#include "state/hash_index.h"
#include "state/page_pool.h"
#include "state/slab.h"
#include "state/snapshot_entries.h"
#include "state/text_arena.h"

namespace slipstream::state {

struct KeyTableOptions {
  std::uint32_t value_width = 0;  // zeros for a new key; aligned to 16 bytes
  // Where the value holds a StringView made by keep_text().
  std::vector<std::uint32_t> text_offsets;
  std::int64_t ttl_ms = 0;  // forgotten when not written for so long; 0 = never
};

// A hash table whose entries stay in place and can be shared with a snapshot.
//
// Owner: one operator.
// Thread: task.
// Bounds: memory from the pool. No call touches more than its own entries, a segment of the index
// and a page each.
// Failure: the pool's kResourceExhausted.
//
// Values from find_or_insert() and writable() hold until release(); no freeze(), erase() or expire()
// before that.
class KeyTable final : public SavedTable {
 public:
  KeyTable(std::shared_ptr<PagePool> pool, KeyTableOptions options);

  struct Found {
    SlotId slot = kNoSlot;
    std::byte* value = nullptr;
    bool inserted = false;
    bool expired = false;  // inserted again over a value whose time had run out
  };
  // One answer per key, in order; a key that comes twice is inserted by its first place. Sets the
  // time of writing.
  Status find_or_insert(const EncodedRows& keys, std::span<const std::uint64_t> hashes,
                        std::int64_t now_ms, std::vector<Found>& out);
  Result<Found> find_or_insert(std::string_view key, std::uint64_t hash, std::int64_t now_ms);
  void release() { pinned_ = false; }
  // kNoSlot when absent or expired.
  SlotId find(std::string_view key, std::uint64_t hash, std::int64_t now_ms) const;

  std::string_view key(SlotId slot) const;  // REQUIRES: slot is live. Valid until erase()
  std::uint64_t hash(SlotId slot) const;
  const std::byte* value(SlotId slot) const { return slab_.at(slot) + kHeader; }
  Result<std::byte*> writable(SlotId slot);
  Status erase(SlotId slot);
  std::size_t size() const { return index_.size(); }
  // The next live slot in storage order, or kNoSlot; start with kNoSlot. Erasing on the way is
  // allowed.
  SlotId after(SlotId slot) const;

  // A number that the owner may keep with an entry between calls; not saved, 0 for new and restored
  // entries.
  std::uint32_t mark(SlotId slot) const;
  Status set_mark(SlotId slot, std::uint32_t mark);

  Result<StringView> keep_text(std::string_view text) { return arena_.keep(text); }
  void free_text(const StringView& text) { arena_.release(text); }

  // Erases what has expired among the next `entries` entries of a round over the table; calls
  // `gone` before each.
  Status expire(std::int64_t now_ms, std::size_t entries,
                const std::function<Status(SlotId)>& gone = nullptr);

  std::size_t entries() const override { return size(); }
  std::size_t changed() const override { return slab_.changed(); }
  std::unique_ptr<TableSnapshot> freeze(Extent extent) override;
  // Keys as they are now, for the snapshot of a structure that refers to them by slot.
  using KeyLookup = std::function<std::string_view(SlotId slot)>;
  KeyLookup freeze_keys() const;
  // The entries of a piece that count. REQUIRES: their keys are not in the table.
  Status restore(EntryReader piece);

  static constexpr std::uint32_t kHeader = 48;

 private:
  friend class KeyTableSnapshot;
  bool expired(const std::byte* entry, std::int64_t now_ms) const;
  Result<Found> insert(std::string_view key, std::uint64_t hash, std::int64_t now_ms);
  void free_texts(const std::byte* entry);

  KeyTableOptions options_;
  Slab slab_;
  HashIndex index_;
  TextArena arena_;
  SlotId sweep_ = kNoSlot;
  bool pinned_ = false;
};

}  // namespace slipstream::state
