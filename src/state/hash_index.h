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
// Owner:  one table. Thread: task.
// Bounds: an insert moves at most the 512 cells of one segment, and now and then copies the
// directory (4 bytes per
//         ~300 entries). Segments whose hashes cannot be told apart grow instead of splitting.
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
    const Segment& segment = *segments_[directory_[directory_index(tag)]];
    const std::size_t mask = segment.cells.size() - 1;
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      const Cell& cell = segment.cells[at];
      if (cell.slot == kNoSlot) return kNoSlot;
      if (cell.tag == tag && same(cell.slot)) return cell.slot;
    }
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

  static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash * 0x9e3779b97f4a7c15ULL) >> 32U);
  }
  std::size_t directory_index(std::uint32_t tag) const {
    return depth_ == 0 ? 0 : tag >> (32U - depth_);
  }
  static void put(Segment& segment, Cell cell);
  Status make_room(std::uint32_t tag);
  Status split(std::size_t number, std::uint32_t tag);
  Status enlarge(Segment& segment);

  std::shared_ptr<PagePool> pool_;
  std::uint32_t depth_ = 0;
  std::vector<std::uint32_t> directory_;
  std::vector<std::unique_ptr<Segment>> segments_;
  std::size_t charged_ = 0;
  std::size_t size_ = 0;
};

}  // namespace slipstream::state
