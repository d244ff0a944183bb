// Bytes of any length for keyed state: long keys, rows, texts of aggregates.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"

#include "state/page_pool.h"

namespace slipstream::state {

// Owner: one table.
// Thread: task.
// Order: a block never moves and is never overwritten while a snapshot holds its page, so a
// StringView into it stays good until release(), and in a snapshot for as long as that lives.
// Bounds: blocks are cut from pages that start at 4 KiB; above 16 KiB a block has a page of its
// own.
class TextArena {
 public:
  explicit TextArena(std::shared_ptr<PagePool> pool) : pool_(std::move(pool)) {}

  // Texts of up to StringView::kInline bytes need no memory here.
  Result<StringView> keep(std::string_view text);
  void release(const StringView& text);
  std::vector<PageRef> freeze() const { return pages_; }

 private:
  static constexpr std::size_t kClasses = 16;
  static std::size_t class_of(std::size_t bytes);
  static std::uint32_t bytes_of(std::size_t size_class);
  Result<char*> allocate(std::size_t bytes);
  Result<char*> allocate_page(std::size_t bytes);

  std::shared_ptr<PagePool> pool_;
  std::vector<PageRef> pages_;
  std::vector<std::uint32_t> free_pages_;  // numbers in pages_ that are empty
  std::size_t shared_pages_ = 0;  // pages cut into blocks so far: decides the size of the next
  std::uint32_t current_ = 0;     // page that is being cut
  std::uint32_t cut_ = 0;         // bytes of it that were handed out
  bool has_current_ = false;
  std::array<std::vector<char*>, kClasses> free_;
};

}  // namespace slipstream::state
