#include "state/slab.h"

#include <algorithm>
#include <cstring>

#include "base/try.h"

namespace slipstream::state {

std::uint32_t Slab::capacity(std::size_t page) const {
  return std::min(pages_[page].size() / width_, 4096U);
}

Result<SlotId> Slab::allocate() {
  if (free_.empty() && (pages_.empty() || used_.back() == capacity(pages_.size() - 1))) {
    if (pages_.size() >= (std::size_t{1} << 20) - 1) {
      return Error{ErrorCode::kResourceExhausted,
                   "a state table has 2^20 pages: raise the parallelism"};
    }
    TRY_ASSIGN(PageRef page,
               pool_->allocate(std::max(PagePool::size_of_page(pages_.size()), width_)));
    pages_.push_back(std::move(page));
    used_.push_back(0);
    changed_in_.push_back(0);
  }
  const bool again = !free_.empty();
  const SlotId id =
      again ? free_.back() : static_cast<SlotId>((pages_.size() - 1) << 12U) | used_.back();
  TRY_ASSIGN(std::byte * slot, writable(id));
  if (again) {
    free_.pop_back();
    std::memset(slot, 0, width_);
  } else {
    ++used_.back();
  }
  ChangeStamp::put(slot + stamp_at_, generation_, false);
  changed_in_[id >> 12U] = generation_;
  ++changed_;
  return id;
}

Status Slab::free(SlotId id) {
  TRY_ASSIGN(const std::byte* slot, changing(id));
  (ChangeStamp(slot + stamp_at_).saved() ? free_after_freeze_ : free_).push_back(id);
  return {};
}

Result<std::byte*> Slab::writable(SlotId id) {
  PageRef& page = pages_[id >> 12U];
  if (!page.exclusive()) {
    TRY_ASSIGN(PageRef fresh, pool_->copy(page));
    page = std::move(fresh);
  }
  return page.data() + std::size_t{id & 4095U} * width_;
}

SlotId Slab::after(SlotId id) const {
  std::size_t page = 0;
  std::uint32_t slot = 0;
  if (id != kNoSlot) {
    page = id >> 12U;
    slot = (id & 4095U) + 1;
  }
  if (page < pages_.size() && slot >= used_[page]) {
    ++page;
    slot = 0;
  }
  if (page >= pages_.size() || used_[page] == 0) return kNoSlot;
  return static_cast<SlotId>(page << 12U) | slot;
}

SlabView Slab::view() const {
  SlabView view;
  view.width_ = width_;
  view.stamp_at_ = stamp_at_;
  view.generation_ = generation_;
  view.pages_ = pages_;
  view.used_ = used_;
  return view;
}

SlabView Slab::freeze(Extent extent) {
  SlabView shared = view();
  shared.extent_ = extent;
  if (extent == Extent::kIncremental) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (changed_in_[page] != generation_) shared.pages_[page] = PageRef();
    }
  }
  ++generation_;
  changed_ = 0;
  free_.insert(free_.end(), free_after_freeze_.begin(), free_after_freeze_.end());
  free_after_freeze_.clear();
  return shared;
}

}  // namespace slipstream::state
