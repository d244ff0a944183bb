#include "state/key_table.h"

#include <cstring>
#include <string>

#include "base/try.h"

namespace slipstream::state {

namespace {

// An entry: hash, time of writing, key, live, mark, stamp, 4 unused bytes; then the value.
constexpr std::size_t kHashAt = 0;
constexpr std::size_t kWrittenAt = 8;
constexpr std::size_t kKeyAt = 16;
constexpr std::size_t kLiveAt = 32;
constexpr std::size_t kMarkAt = 36;
constexpr std::uint32_t kStampAt = 40;

constexpr std::size_t kKeysAhead = 8;

template <typename T>
T get(const std::byte* entry, std::size_t at) {
  T value;
  std::memcpy(&value, entry + at, sizeof(T));
  return value;
}

template <typename T>
void set(std::byte* entry, std::size_t at, T value) {
  std::memcpy(entry + at, &value, sizeof(T));
}

// The view's inline bytes lie in the entry itself.
std::string_view text_at(const std::byte* entry, std::size_t at) {
  return reinterpret_cast<const StringView*>(entry + at)->view();
}

std::uint32_t aligned(std::uint32_t bytes) { return (bytes + 15U) & ~15U; }

}  // namespace

KeyTable::KeyTable(std::shared_ptr<PagePool> pool, KeyTableOptions options)
    : options_(std::move(options)),
      slab_(pool, kHeader + aligned(options_.value_width), kStampAt),
      index_(pool),
      arena_(pool) {}

bool KeyTable::expired(const std::byte* entry, std::int64_t now_ms) const {
  return options_.ttl_ms > 0 && get<std::int64_t>(entry, kWrittenAt) + options_.ttl_ms <= now_ms;
}

SlotId KeyTable::find(std::string_view key, std::uint64_t hash, std::int64_t now_ms) const {
  const SlotId slot = index_.find(hash, [&](SlotId candidate) {
    const std::byte* entry = slab_.at(candidate);
    return get<std::uint64_t>(entry, kHashAt) == hash && text_at(entry, kKeyAt) == key;
  });
  return slot == kNoSlot || expired(slab_.at(slot), now_ms) ? kNoSlot : slot;
}

Result<KeyTable::Found> KeyTable::find_or_insert(std::string_view key, std::uint64_t hash,
                                                 std::int64_t now_ms) {
  pinned_ = true;
  const SlotId slot = index_.find(hash, [&](SlotId candidate) {
    const std::byte* entry = slab_.at(candidate);
    return get<std::uint64_t>(entry, kHashAt) == hash && text_at(entry, kKeyAt) == key;
  });
  if (slot == kNoSlot) return insert(key, hash, now_ms);
  TRY_ASSIGN(std::byte * entry, slab_.changing(slot));
  Found found{slot, entry + kHeader, false, false};
  if (expired(entry, now_ms)) {
    free_texts(entry);
    std::memset(entry + kHeader, 0, options_.value_width);
    found.inserted = found.expired = true;
  }
  set(entry, kWrittenAt, now_ms);
  return found;
}

Status KeyTable::find_or_insert(const EncodedRows& keys, std::span<const std::uint64_t> hashes,
                                std::int64_t now_ms, std::vector<Found>& out) {
  out.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // A large table misses the caches twice for each key: hidden behind the keys before it.
    if (i + 2 * kKeysAhead < keys.size()) index_.prefetch(hashes[i + 2 * kKeysAhead]);
    if (i + kKeysAhead < keys.size()) {
      const SlotId slot = index_.likely_slot(hashes[i + kKeysAhead]);
      if (slot != kNoSlot) __builtin_prefetch(slab_.at(slot), 1);
    }
    if (i > 0 && hashes[i] == hashes[i - 1] && keys[i] == keys[i - 1]) {
      out[i] = Found{out[i - 1].slot, out[i - 1].value, false, false};
      continue;
    }
    TRY_ASSIGN(out[i], find_or_insert(keys[i], hashes[i], now_ms));
  }
  return {};
}

Result<KeyTable::Found> KeyTable::insert(std::string_view key, std::uint64_t hash,
                                         std::int64_t now_ms) {
  TRY_ASSIGN(const StringView kept, arena_.keep(key));
  TRY_ASSIGN(const SlotId slot, slab_.allocate());
  TRY(index_.insert(hash, slot));
  TRY_ASSIGN(std::byte * entry, slab_.writable(slot));
  set(entry, kHashAt, hash);
  set(entry, kWrittenAt, now_ms);
  set(entry, kKeyAt, kept);
  set(entry, kLiveAt, std::uint32_t{1});
  return Found{slot, entry + kHeader, true, false};
}

std::string_view KeyTable::key(SlotId slot) const { return text_at(slab_.at(slot), kKeyAt); }

std::uint64_t KeyTable::hash(SlotId slot) const {
  return get<std::uint64_t>(slab_.at(slot), kHashAt);
}

Result<std::byte*> KeyTable::writable(SlotId slot) {
  TRY_ASSIGN(std::byte * entry, slab_.changing(slot));
  return entry + kHeader;
}

std::uint32_t KeyTable::mark(SlotId slot) const {
  return get<std::uint32_t>(slab_.at(slot), kMarkAt);
}

Status KeyTable::set_mark(SlotId slot, std::uint32_t mark) {
  TRY_ASSIGN(std::byte * entry, slab_.writable(slot));
  set(entry, kMarkAt, mark);
  return {};
}

void KeyTable::free_texts(const std::byte* entry) {
  for (const std::uint32_t at : options_.text_offsets)
    arena_.release(get<StringView>(entry, kHeader + at));
}

Status KeyTable::erase(SlotId slot) {
  DCHECK(!pinned_);
  TRY_ASSIGN(std::byte * entry, slab_.writable(slot));
  index_.erase(get<std::uint64_t>(entry, kHashAt), slot);
  free_texts(entry);
  arena_.release(get<StringView>(entry, kKeyAt));
  set(entry, kLiveAt, std::uint32_t{0});
  return slab_.free(slot);
}

SlotId KeyTable::after(SlotId slot) const {
  for (slot = slab_.after(slot); slot != kNoSlot; slot = slab_.after(slot)) {
    if (get<std::uint32_t>(slab_.at(slot), kLiveAt) != 0) return slot;
  }
  return kNoSlot;
}

Status KeyTable::expire(std::int64_t now_ms, std::size_t entries,
                        const std::function<Status(SlotId)>& gone) {
  DCHECK(!pinned_);
  if (options_.ttl_ms == 0) return {};
  for (std::size_t i = 0; i < entries; ++i) {
    sweep_ = slab_.after(sweep_);
    if (sweep_ == kNoSlot) return {};  // the next call begins the next round
    const std::byte* entry = slab_.at(sweep_);
    if (get<std::uint32_t>(entry, kLiveAt) == 0 || !expired(entry, now_ms)) continue;
    if (gone) TRY(gone(sweep_));
    TRY(erase(sweep_));
  }
  return {};
}

// Holds slots and texts; the index is not needed.
class KeyTableSnapshot final : public TableSnapshot {
 public:
  KeyTableSnapshot(std::uint64_t table_id, SlabView slots, std::vector<PageRef> texts,
                   KeyTableOptions options)
      : table_id_(table_id),
        slots_(std::move(slots)),
        texts_(std::move(texts)),
        options_(std::move(options)) {}

  Status write(std::string_view tag, std::uint32_t key_groups,
               const EntrySink& sink) const override {
    EntryWriter out({tag, options_.value_width, table_id_}, key_groups, sink);
    std::vector<std::byte> value(options_.value_width);
    TRY(slots_.each([&](SlotId slot, const std::byte* entry) -> Status {
      const auto hash = get<std::uint64_t>(entry, kHashAt);
      if (get<std::uint32_t>(entry, kLiveAt) == 0) {
        const bool known =
            slots_.extent() == Extent::kIncremental && ChangeStamp(entry + kStampAt).saved();
        return known ? out.add_gone(hash, slot) : Status();
      }
      out.begin_entry(hash, slot);
      out.put_i64(get<std::int64_t>(entry, kWrittenAt));
      out.put_bytes(text_at(entry, kKeyAt));
      if (!value.empty()) std::memcpy(value.data(), entry + KeyTable::kHeader, value.size());
      for (const std::uint32_t at : options_.text_offsets)
        std::memset(value.data() + at, 0, sizeof(StringView));
      out.put(value.data(), value.size());
      for (const std::uint32_t at : options_.text_offsets)
        out.put_bytes(text_at(entry, KeyTable::kHeader + at));
      return out.end_entry();
    }));
    return out.finish();
  }

 private:
  std::uint64_t table_id_;
  SlabView slots_;
  std::vector<PageRef> texts_;
  KeyTableOptions options_;
};

std::unique_ptr<TableSnapshot> KeyTable::freeze(Extent extent) {
  DCHECK(!pinned_);
  return std::make_unique<KeyTableSnapshot>(table_id(), slab_.freeze(extent), arena_.freeze(),
                                            options_);
}

KeyTable::KeyLookup KeyTable::freeze_keys() const {
  DCHECK(!pinned_);
  auto slots = std::make_shared<const SlabView>(slab_.view());
  auto texts = std::make_shared<const std::vector<PageRef>>(arena_.freeze());
  return [slots, texts](SlotId slot) { return text_at(slots->at(slot), kKeyAt); };
}

Status KeyTable::restore(EntryReader piece) {
  if (piece.layout() != options_.value_width) {
    return Error{ErrorCode::kCorrupt,
                 "saved state has values of " + std::to_string(piece.layout()) +
                     " bytes, this query has " + std::to_string(options_.value_width) +
                     ": the query was changed; give the operator another uid, or start without the "
                     "checkpoint"};
  }
  EntryReader::Entry entry;
  while (piece.next(entry)) {
    const std::int64_t written = piece.i64();
    const std::string_view key = piece.bytes();
    const std::string_view value = piece.raw(options_.value_width);
    if (!entry.counts) {
      for (std::size_t i = 0; i < options_.text_offsets.size(); ++i) piece.bytes();
      continue;
    }
    if (!piece.ok()) break;
    TRY_ASSIGN(const Found found, insert(key, entry.hash, written));
    if (!value.empty()) std::memcpy(found.value, value.data(), value.size());
    for (const std::uint32_t at : options_.text_offsets) {
      TRY_ASSIGN(const StringView text, arena_.keep(piece.bytes()));
      std::memcpy(found.value + at, &text, sizeof text);
    }
  }
  if (!piece.ok()) return Error{ErrorCode::kCorrupt, "a piece of keyed state is cut short"};
  return {};
}

}  // namespace slipstream::state
