#include "state/page_pool.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/try.h"
#include "state/huge_blocks.h"

namespace slipstream::state {

void PageRef::destroy(Page* page) {
  page->pool->release(page->size);
  if (page->size == HugeBlocks::kBlock)
    HugeBlocks::of_process().give(page->data);
  else
    ::operator delete (page->data, std::align_val_t{16});
  delete page;
}

std::shared_ptr<PagePool> PagePool::make(MemorySource source) {
  return std::shared_ptr<PagePool>(new PagePool(std::move(source)));
}

PagePool::~PagePool() { close(); }

Result<PageRef> PagePool::allocate(std::uint32_t bytes) {
  TRY(charge(bytes));
  Page* page = new Page();
  page->size = bytes;
  page->pool = shared_from_this();
  page->data = bytes == HugeBlocks::kBlock
                   ? HugeBlocks::of_process().take()
                   : static_cast<std::byte*>(::operator new (bytes, std::align_val_t{16}));
  std::memset(page->data, 0, bytes);
  return PageRef(page);
}

Result<PageRef> PagePool::copy(const PageRef& page) {
  TRY_ASSIGN(PageRef fresh, allocate(page.size()));
  std::memcpy(fresh.data(), page.data(), page.size());
  return fresh;
}

Status PagePool::charge(std::size_t bytes) {
  MutexLock lock(mutex_);
  if (used_ + bytes > reserved_) {
    const std::size_t step = std::max(kStep, used_ + bytes - reserved_);
    if (source_.grow) TRY(source_.grow(step));
    reserved_ += step;
  }
  used_ += bytes;
  return {};
}

void PagePool::release(std::size_t bytes) {
  MutexLock lock(mutex_);
  used_ -= bytes;
  // One step is kept, so that a table at the border does not ask for every page.
  if (reserved_ < used_ + 2 * kStep) return;
  const std::size_t excess = reserved_ - used_ - kStep;
  reserved_ -= excess;
  if (source_.shrink) source_.shrink(excess);
}

std::size_t PagePool::used() const {
  MutexLock lock(mutex_);
  return used_;
}

void PagePool::close() {
  MutexLock lock(mutex_);
  if (source_.shrink && reserved_ > 0) source_.shrink(reserved_);
  source_ = {};
}

}  // namespace slipstream::state
