// Hash -> slot number, growing in bounded steps.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "state/page_pool.h"
#include "state/slab.h"

namespace slipstream::state {

// An extendible directory of open-addressing segments of up to 512 cells. Not part of snapshots:
// rebuilt by restore.
//
// Owner: one table.
// Thread: task.
// Bounds: an insert moves at most the 512 cells of one segment, and now and then copies the
// directory (16 bytes per ~300 entries). Segments whose hashes cannot be told apart grow instead of
// splitting.
class HashIndex {
 public:
  explicit HashIndex(std::shared_ptr<PagePool> pool);
  ~HashIndex();
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // The first slot of this hash for which same(slot) holds, or kNoSlot.
  template <typename Same>
  SlotId find(std::uint64_t hash, Same&& same) const {
    const std::uint32_t tag = tag_of(hash);
    const DirectoryEntry& entry = directory_[directory_index(tag)];
    for (std::uint32_t at = tag & entry.mask;; at = (at + 1) & entry.mask) {
      const Cell& cell = entry.cells[at];
      if (cell.slot == kNoSlot) return kNoSlot;
      if (cell.tag == tag && same(cell.slot)) return cell.slot;
    }
  }
  // Brings near what find() of this hash will read first; prefetch() some keys ahead, likely_slot()
  // fewer: the slot that find() will probably look at, or kNoSlot.
  void prefetch(std::uint64_t hash) const {
    const std::uint32_t tag = tag_of(hash);
    const DirectoryEntry& entry = directory_[directory_index(tag)];
    __builtin_prefetch(&entry.cells[tag & entry.mask]);
  }
  SlotId likely_slot(std::uint64_t hash) const {
    const std::uint32_t tag = tag_of(hash);
    const DirectoryEntry& entry = directory_[directory_index(tag)];
    for (std::uint32_t at = tag & entry.mask; entry.cells[at].slot != kNoSlot;
         at = (at + 1) & entry.mask) {
      if (entry.cells[at].tag == tag) return entry.cells[at].slot;
    }
    return kNoSlot;
  }
  // REQUIRES: the slot is not in it
  Status insert(std::uint64_t hash, SlotId slot);
  // REQUIRES: inserted with this hash
  void erase(std::uint64_t hash, SlotId slot);
  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint32_t tag = 0;
    SlotId slot = kNoSlot;
  };
  struct Segment {
    std::uint32_t depth = 0;  // leading bits of the tag that all its entries share
    std::uint32_t used = 0;
    std::vector<Cell> cells;
  };
  // A lookup reads nothing else before the cells.
  struct DirectoryEntry {
    const Cell* cells = nullptr;
    std::uint32_t mask = 0;
    std::uint32_t segment = 0;
  };

  static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash * 0x9e3779b97f4a7c15ULL) >> 32U);
  }
  std::size_t directory_index(std::uint32_t tag) const {
    return depth_ == 0 ? 0 : tag >> (32U - depth_);
  }
  static void put(Segment& segment, Cell cell);
  Status make_room(std::uint32_t tag);
  Status split(std::size_t number, std::uint32_t tag);
  Status enlarge(std::size_t number, std::uint32_t tag);
  // Directory entries [first, end) name this segment.
  void point(std::size_t first, std::size_t end, std::size_t number);
  // Those of the segment that has this tag.
  std::size_t first_of(const Segment& segment, std::uint32_t tag) const {
    return directory_index(tag) & ~(span_of(segment) - 1);
  }
  std::size_t span_of(const Segment& segment) const {
    return std::size_t{1} << (depth_ - segment.depth);
  }

  std::shared_ptr<PagePool> pool_;
  std::uint32_t depth_ = 0;
  std::vector<DirectoryEntry> directory_;
  std::vector<std::unique_ptr<Segment>> segments_;
  std::size_t charged_ = 0;
  std::size_t size_ = 0;
};

}  // namespace slipstream::state
