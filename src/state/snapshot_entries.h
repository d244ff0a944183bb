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

namespace slipstream::state {

using EntrySink = std::function<Status(std::uint32_t key_group, std::span<const std::byte> piece)>;

// A table as it was when share() was called; holds its pages. Thread: one, any.
class TableSnapshot {
 public:
  virtual ~TableSnapshot() = default;
  // `tag` is put in front of every piece and given back by EntryReader: what the owner needs to
  // know which of its tables a piece belongs to.
  virtual Status write(std::string_view tag, std::uint32_t key_groups,
                       const EntrySink& sink) const = 0;
};

// Gathers entries into pieces of about 64 KiB per key group.
class EntryWriter {
 public:
  EntryWriter(std::string_view tag, std::uint32_t layout, std::uint32_t key_groups,
              const EntrySink& sink);

  // Starts an entry of this key hash; then the parts; then end_entry().
  void begin_entry(std::uint64_t hash);
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
  Status flush(std::uint32_t group);

  std::vector<std::byte> header_;
  const EntrySink& sink_;
  std::vector<std::vector<std::byte>> groups_;
  std::uint32_t current_ = 0;
};

// Reads one piece. Failure: sticky, all reads give 0 or empty.
class EntryReader {
 public:
  // kUnsupported for another version, kCorrupt for another layout (the query computes something
  // else now).
  static Result<EntryReader> open(std::span<const std::byte> piece);

  std::string_view tag() const { return tag_; }
  std::uint32_t layout() const { return layout_; }
  bool at_end() const { return bytes_.empty(); }
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
  std::uint32_t layout_ = 0;
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace slipstream::state
