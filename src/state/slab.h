// Fixed-width slots in pages, addressed by number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "state/extent.h"
#include "state/page_pool.h"

namespace slipstream::state {

using SlotId = std::uint32_t;  // page << 12 | slot of the page
inline constexpr SlotId kNoSlot = 0xffffffffU;

// Kept in each slot: the generation in which its saved content changed last << 1 | whether an
// earlier snapshot has it. A generation ends with each Slab::freeze().
class ChangeStamp {
 public:
  explicit ChangeStamp(const std::byte* at) { std::memcpy(&bits_, at, sizeof bits_); }
  static void put(std::byte* at, std::uint32_t generation, bool saved) {
    const std::uint32_t bits = generation << 1U | static_cast<std::uint32_t>(saved);
    std::memcpy(at, &bits, sizeof bits);
  }
  std::uint32_t generation() const { return bits_ >> 1U; }
  bool saved() const { return (bits_ & 1U) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

// The slots as they were when it was taken.
//
// Thread: any one.
class SlabView {
 public:
  // f(SlotId, const std::byte* slot) -> Status, for every slot ever used, free ones included; of a
  // kIncremental view for those that were handed out, changed or freed in its generation.
  template <typename F>
  Status each(F&& f) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (!pages_[page]) continue;
      for (std::uint32_t number = 0; number < used_[page]; ++number) {
        const std::byte* slot = pages_[page].data() + std::size_t{number} * width_;
        if (extent_ == Extent::kIncremental &&
            ChangeStamp(slot + stamp_at_).generation() != generation_)
          continue;
        Status status = f(static_cast<SlotId>(page << 12U) | number, slot);
        if (!status.ok()) return status;
      }
    }
    return {};
  }
  // REQUIRES: not of a kIncremental view
  const std::byte* at(SlotId id) const {
    return pages_[id >> 12].data() + std::size_t{id & 4095U} * width_;
  }
  Extent extent() const { return extent_; }

 private:
  friend class Slab;
  std::uint32_t width_ = 0;
  std::uint32_t stamp_at_ = 0;
  std::uint32_t generation_ = 0;
  Extent extent_ = Extent::kFull;
  std::vector<PageRef> pages_;  // of a kIncremental view: null where nothing changed
  std::vector<std::uint32_t> used_;
};

// Owner: one table.
// Thread: task.
// Bounds: grows by one page at a time; a slot stays where it is until its page is copied for a
// running snapshot, so a pointer from writable() holds until the next freeze(). A freed slot that a
// snapshot has is given out again after the next freeze() only, whose view shows it as free.
class Slab {
 public:
  // REQUIRES: width >= 16, a multiple of 16; 4 bytes at `stamp_at` of each slot are the slab's
  Slab(std::shared_ptr<PagePool> pool, std::uint32_t width, std::uint32_t stamp_at)
      : pool_(std::move(pool)), width_(width), stamp_at_(stamp_at) {}

  Result<SlotId> allocate();  // zeroed but for its stamp, writable
  // REQUIRES: the owner has marked the slot as free. What it holds else stays until it is given out
  // again.
  Status free(SlotId id);
  const std::byte* at(SlotId id) const {
    return pages_[id >> 12].data() + std::size_t{id & 4095U} * width_;
  }
  Result<std::byte*> writable(SlotId id);
  // Writable, and what is saved of it changes.
  Result<std::byte*> changing(SlotId id) {
    auto slot = writable(id);
    if (slot.ok()) stamp(*slot, id);
    return slot;
  }
  // The next slot ever used, or kNoSlot; start with kNoSlot.
  SlotId after(SlotId id) const;
  // How many slots were changed or freed since the last freeze().
  std::size_t changed() const { return changed_; }
  // For a snapshot: ends the generation.
  SlabView freeze(Extent extent);
  // All slots as they are; changes nothing.
  SlabView view() const;

 private:
  std::uint32_t capacity(std::size_t page) const;
  void stamp(std::byte* slot, SlotId id) {
    const ChangeStamp last(slot + stamp_at_);
    if (last.generation() == generation_) return;
    ChangeStamp::put(slot + stamp_at_, generation_, true);
    changed_in_[id >> 12U] = generation_;
    ++changed_;
  }

  std::shared_ptr<PagePool> pool_;
  std::uint32_t width_;
  std::uint32_t stamp_at_;
  std::uint32_t generation_ = 1;
  std::size_t changed_ = 0;
  std::vector<PageRef> pages_;
  std::vector<std::uint32_t> used_;        // slots of each page that were handed out once
  std::vector<std::uint32_t> changed_in_;  // the last generation in which a page was changed
  std::vector<SlotId> free_;
  std::vector<SlotId> free_after_freeze_;
};

}  // namespace slipstream::state
