#include "state/huge_blocks.h"

#include <bit>
#include <cstdlib>
#include <new>

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) static_cast<void>(address)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) static_cast<void>(address)
#endif

namespace slipstream::state {
namespace {

constexpr std::size_t kChunk = std::size_t{2} << 20;
constexpr std::uint32_t kAllFree = 0xffffffffU;
static_assert(kChunk / HugeBlocks::kBlock == 32);

std::byte* chunk_of(const std::byte* block) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return reinterpret_cast<std::byte*>(address / kChunk * kChunk);
}

}  // namespace

HugeBlocks& HugeBlocks::of_process() {
  static auto* const kBlocks = new HugeBlocks();
  return *kBlocks;
}

std::byte* HugeBlocks::take() {
  MutexLock lock(mutex_);
  if (free_.empty()) {
    auto* chunk = static_cast<std::byte*>(std::aligned_alloc(kChunk, kChunk));
    if (chunk == nullptr) throw std::bad_alloc();
    // A wish: without huge pages it is memory like any other.
    static_cast<void>(::madvise(chunk, kChunk, MADV_HUGEPAGE));
    ASAN_POISON_MEMORY_REGION(chunk, kChunk);
    free_.emplace(chunk, kAllFree);
  }
  const auto [chunk, mask] = *free_.begin();
  const int number = std::countr_zero(mask);
  const std::uint32_t left = mask & (mask - 1);
  if (left == 0)
    free_.erase(free_.begin());
  else
    free_.begin()->second = left;
  std::byte* block = chunk + static_cast<std::size_t>(number) * kBlock;
  ASAN_UNPOISON_MEMORY_REGION(block, kBlock);
  return block;
}

void HugeBlocks::give(std::byte* block) {
  std::byte* const chunk = chunk_of(block);
  const auto number = static_cast<std::size_t>(block - chunk) / kBlock;
  MutexLock lock(mutex_);
  ASAN_POISON_MEMORY_REGION(block, kBlock);
  std::uint32_t& mask = free_[chunk];
  mask |= std::uint32_t{1} << number;
  if (mask != kAllFree || free_.size() == 1) return;
  free_.erase(chunk);
  ASAN_UNPOISON_MEMORY_REGION(chunk, kChunk);
  std::free(chunk);
}

}  // namespace slipstream::state
