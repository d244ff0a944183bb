// Pages of keyed state: reference counted, accounted, shared with running snapshots.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "slipstream/status.h"

#include "base/mutex.h"

namespace slipstream::state {

// Where the memory of state comes from. Both may be null: unlimited.
struct MemorySource {
  std::function<Status(std::size_t bytes)> grow;
  std::function<void(std::size_t bytes)> shrink;  // Thread: any
};

class PagePool;

// A block of memory that a table and the snapshots of it share. Whoever wants to write asks
// exclusive() first.
struct Page {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t size = 0;
  std::shared_ptr<PagePool> pool;
  std::byte* data = nullptr;
};

// A counted reference to a page.
// Thread: one at a time; copies may live on different threads.
class PageRef {
 public:
  PageRef() = default;
  explicit PageRef(Page* page) : page_(page) {}
  PageRef(const PageRef& other) : page_(other.page_) {
    if (page_ != nullptr) page_->references.fetch_add(1, std::memory_order_relaxed);
  }
  PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PageRef() {
    if (page_ != nullptr && page_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy(page_);
  }

  explicit operator bool() const { return page_ != nullptr; }
  std::byte* data() const { return page_->data; }
  std::uint32_t size() const { return page_->size; }
  // No snapshot holds it.
  bool exclusive() const { return page_->references.load(std::memory_order_acquire) == 1; }

 private:
  static void destroy(Page* page);
  Page* page_ = nullptr;
};

// Hands out pages and counts the memory of one operator's state.
//
// Owner: shared by the tables of one operator and by their snapshots.
// Thread: any. close() is called by the operator's destructor: what snapshots still hold is no
// longer counted.
// Bounds: what MemorySource::grow allows; memory is reserved in steps of kStep before it is used.
// Failure: allocate() and charge() answer the error of MemorySource::grow.
class PagePool : public std::enable_shared_from_this<PagePool> {
 public:
  static constexpr std::size_t kStep = std::size_t{64} << 10;
  static constexpr std::uint32_t kFirstPage = 4096;
  static constexpr std::uint32_t kLargestPage = 65536;
  // Size of the page after `pages` others of a table: tables start small.
  static std::uint32_t size_of_page(std::size_t pages) {
    return pages >= 4 ? kLargestPage : kFirstPage << pages;
  }

  static std::shared_ptr<PagePool> make(MemorySource source);
  ~PagePool();

  Result<PageRef> allocate(std::uint32_t bytes);  // zeroed
  Result<PageRef> copy(const PageRef& page);
  // Memory outside of pages (indexes).
  Status charge(std::size_t bytes);
  void release(std::size_t bytes);
  std::size_t used() const;
  void close();

 private:
  explicit PagePool(MemorySource source) : source_(std::move(source)) {}

  mutable Mutex mutex_;
  MemorySource source_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t used_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::size_t reserved_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

}  // namespace slipstream::state
