// Entries of keyed state as bytes, grouped by key group. Format: README.md, "Snapshot format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "slipstream/status.h"

#include "state/extent.h"

namespace slipstream::state {

using EntrySink = std::function<Status(std::uint32_t key_group, std::span<const std::byte> piece)>;

// A table as it was when freeze() was called; holds its pages.
// Thread: one, any.
class TableSnapshot {
 public:
  virtual ~TableSnapshot() = default;
  // `tag` is put in front of every piece and given back by EntryReader: what the owner needs to
  // know which of its tables a piece belongs to.
  virtual Status write(std::string_view tag, std::uint32_t key_groups,
                       const EntrySink& sink) const = 0;
};

// A table that can be saved. An entry is known by its slot: a later snapshot of the same table says
// what became of it.
//
// Thread: task.
class SavedTable {
 public:
  SavedTable();
  virtual ~SavedTable() = default;
  SavedTable(const SavedTable&) = delete;
  SavedTable& operator=(const SavedTable&) = delete;

  // No other table of this process has it.
  std::uint64_t table_id() const { return table_id_; }
  virtual std::size_t entries() const = 0;
  // How many entries a kIncremental snapshot would hold, about.
  virtual std::size_t changed() const = 0;
  // As it is now; what follows counts as changed since then.
  virtual std::unique_ptr<TableSnapshot> freeze(Extent extent) = 0;

 private:
  const std::uint64_t table_id_;
};

// Gathers entries into pieces of about 64 KiB per key group.
class EntryWriter {
 public:
  struct Table {
    std::string_view tag;
    std::uint32_t layout = 0;
    std::uint64_t id = 0;
  };
  EntryWriter(const Table& table, std::uint32_t key_groups, const EntrySink& sink);

  // Starts an entry of this key hash; then the parts; then end_entry().
  void begin_entry(std::uint64_t hash, std::uint32_t slot);
  // The entry that a snapshot before this one has for the slot is gone.
  Status add_gone(std::uint64_t hash, std::uint32_t slot);
  void put_u32(std::uint32_t value) { put(&value, sizeof value); }
  void put_u64(std::uint64_t value) { put(&value, sizeof value); }
  void put_i64(std::int64_t value) { put(&value, sizeof value); }
  void put_bytes(std::string_view bytes) {
    put_u32(static_cast<std::uint32_t>(bytes.size()));
    put(bytes.data(), bytes.size());
  }
  void put(const void* data, std::size_t size);
  Status end_entry();
  Status finish();

 private:
  void begin(std::uint64_t hash, std::uint32_t slot, bool live);
  Status flush(std::uint32_t group);

  std::vector<std::byte> header_;
  const EntrySink& sink_;
  std::vector<std::vector<std::byte>> groups_;
  std::uint32_t current_ = 0;
};

// Of which slots of a table the newest entry was read. Memory: a bit per slot.
class SeenSlots {
 public:
  // False when the slot was there before.
  bool add(std::uint32_t slot);

 private:
  std::vector<std::vector<bool>> pages_;
};

// Reads one piece.
// Failure: sticky, all reads give 0 or empty.
class EntryReader {
 public:
  // kUnsupported for a newer version.
  static Result<EntryReader> open(std::span<const std::byte> piece);

  std::string_view tag() const { return tag_; }
  std::uint32_t layout() const { return layout_; }
  std::uint64_t table_id() const { return table_id_; }  // 0 in version 1
  // Entries of slots that are in it are passed over, others are added to it. Pieces are read from
  // the newest to the oldest. null: every entry counts.
  void pass_over(SeenSlots* seen) { seen_ = seen; }

  struct Entry {
    std::uint64_t hash = 0;
    bool counts = true;  // its parts are to be read all the same
  };
  // The next entry that is not gone; then its parts are to be read. False at the end and after a
  // failure.
  bool next(Entry& entry);
  bool ok() const { return ok_; }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return fixed<std::int64_t>(); }
  std::string_view raw(std::size_t size);
  std::string_view bytes() { return raw(u32()); }

 private:
  template <typename T>
  T fixed() {
    T value{};
    const std::string_view piece = raw(sizeof(T));
    if (ok_) std::char_traits<char>::copy(reinterpret_cast<char*>(&value), piece.data(), sizeof(T));
    return value;
  }

  std::string_view tag_;
  std::uint32_t version_ = 0;
  std::uint32_t layout_ = 0;
  std::uint64_t table_id_ = 0;
  SeenSlots* seen_ = nullptr;
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace slipstream::state
