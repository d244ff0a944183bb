// Fixed-width slots in pages, addressed by number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "state/page_pool.h"

namespace slipstream::state {

using SlotId = std::uint32_t;  // page << 12 | slot of the page
inline constexpr SlotId kNoSlot = 0xffffffffU;

// The slots as they were when it was taken.
//
// Thread: any one.
class SlabView {
 public:
  // f(const std::byte* slot) -> Status, for every slot ever used, free ones included.
  template <typename F>
  Status each(F&& f) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      for (std::uint32_t slot = 0; slot < used_[page]; ++slot) {
        Status status = f(pages_[page].data() + std::size_t{slot} * width_);
        if (!status.ok()) return status;
      }
    }
    return {};
  }
  const std::byte* at(SlotId id) const {
    return pages_[id >> 12].data() + std::size_t{id & 4095U} * width_;
  }

 private:
  friend class Slab;
  std::uint32_t width_ = 0;
  std::vector<PageRef> pages_;
  std::vector<std::uint32_t> used_;
};

// Owner:  one table. Thread: task.
// Bounds: grows by one page at a time; a slot stays where it is until its page is copied for a
// running snapshot, so
//         a pointer from writable() holds until the next share().
class Slab {
 public:
  // REQUIRES: width >= 16, a multiple of 16
  Slab(std::shared_ptr<PagePool> pool, std::uint32_t width)
      : pool_(std::move(pool)), width_(width) {}

  Result<SlotId> allocate();  // zeroed, writable
  Status free(SlotId id);     // leaves zeros
  const std::byte* at(SlotId id) const {
    return pages_[id >> 12].data() + std::size_t{id & 4095U} * width_;
  }
  Result<std::byte*> writable(SlotId id);
  // The next slot ever used, or kNoSlot; start with kNoSlot.
  SlotId after(SlotId id) const;
  SlabView share() const;

 private:
  std::uint32_t capacity(std::size_t page) const;

  std::shared_ptr<PagePool> pool_;
  std::uint32_t width_;
  std::vector<PageRef> pages_;
  std::vector<std::uint32_t> used_;  // slots of each page that were handed out once
  std::vector<SlotId> free_;
};

}  // namespace slipstream::state
