#include "state/text_arena.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/try.h"

namespace slipstream::state {

namespace {

// In front of every block.
struct BlockHeader {
  std::uint32_t page;
  std::uint32_t size_class;
};
constexpr std::uint32_t kOwnPage = 0xffffffffU;
constexpr std::size_t kLargestShared = 16384;

BlockHeader header_of(const char* block) {
  BlockHeader header;
  std::memcpy(&header, block - sizeof header, sizeof header);
  return header;
}

char* place(const PageRef& page, std::size_t offset, BlockHeader header) {
  char* at = reinterpret_cast<char*>(page.data()) + offset;
  std::memcpy(at, &header, sizeof header);
  return at + sizeof header;
}

}  // namespace

// Classes 0-7: 16, 32, ..., 128 bytes; then 256, 512, ... 16384.
std::size_t TextArena::class_of(std::size_t bytes) {
  if (bytes <= 128) return (bytes + 15) / 16 - 1;
  return 8 + static_cast<std::size_t>(std::bit_width(bytes - 1)) - 8;
}

std::uint32_t TextArena::bytes_of(std::size_t size_class) {
  if (size_class < 8) return static_cast<std::uint32_t>((size_class + 1) * 16);
  return 256U << (size_class - 8);
}

Result<char*> TextArena::allocate_page(std::size_t bytes) {
  if (bytes > 0x7fffffffU)
    return Error{ErrorCode::kResourceExhausted, "a value of more than 2 GiB in keyed state"};
  std::uint32_t number;
  if (free_pages_.empty()) {
    TRY_ASSIGN(PageRef page, pool_->allocate(static_cast<std::uint32_t>(bytes)));
    number = static_cast<std::uint32_t>(pages_.size());
    pages_.push_back(std::move(page));
  } else {
    TRY_ASSIGN(PageRef page, pool_->allocate(static_cast<std::uint32_t>(bytes)));
    number = free_pages_.back();
    free_pages_.pop_back();
    pages_[number] = std::move(page);
  }
  return place(pages_[number], 0, BlockHeader{number, kOwnPage});
}

Result<char*> TextArena::allocate(std::size_t bytes) {
  const std::size_t wanted = bytes + sizeof(BlockHeader);
  if (wanted > kLargestShared) return allocate_page(wanted);
  const std::size_t size_class = class_of(wanted);
  std::vector<char*>& free = free_[size_class];
  if (!free.empty() && pages_[header_of(free.back()).page].exclusive()) {
    char* block = free.back();
    free.pop_back();
    return block;
  }
  const std::uint32_t size = bytes_of(size_class);
  if (!has_current_ || cut_ + size > pages_[current_].size()) {
    const std::uint32_t page_size = std::max(PagePool::size_of_page(shared_pages_), size);
    TRY_ASSIGN(PageRef page, pool_->allocate(page_size));
    current_ = static_cast<std::uint32_t>(pages_.size());
    pages_.push_back(std::move(page));
    ++shared_pages_;
    cut_ = 0;
    has_current_ = true;
  }
  char* block =
      place(pages_[current_], cut_, BlockHeader{current_, static_cast<std::uint32_t>(size_class)});
  cut_ += size;
  return block;
}

Result<StringView> TextArena::keep(std::string_view text) {
  if (text.size() <= StringView::kInline) return StringView(text);
  TRY_ASSIGN(char* block, allocate(text.size()));
  std::memcpy(block, text.data(), text.size());
  return StringView(std::string_view(block, text.size()));
}

void TextArena::release(const StringView& text) {
  if (text.is_inline()) return;
  const BlockHeader header = header_of(text.data());
  if (header.size_class == kOwnPage) {
    pages_[header.page] = PageRef();
    free_pages_.push_back(header.page);
    return;
  }
  free_[header.size_class].push_back(const_cast<char*>(text.data()));
}

}  // namespace slipstream::state
