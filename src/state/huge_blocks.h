// Blocks of memory out of huge pages: random access to much state then misses the processor's
// address cache seldom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "base/mutex.h"

namespace slipstream::state {

// Cuts chunks of 2 MiB, for which the kernel is asked for huge pages, into blocks of 64 KiB. A
// chunk goes back to the system when all its blocks are free; one is kept.
//
// Thread: any.
class HugeBlocks {
 public:
  static constexpr std::size_t kBlock = std::size_t{64} << 10;

  static HugeBlocks& of_process();  // never destroyed

  // Aligned to its size; not zeroed. Throws std::bad_alloc.
  std::byte* take();
  void give(std::byte* block);

 private:
  Mutex mutex_;
  // Chunks with free blocks, one bit each: the lowest address is filled first.
  std::map<std::byte*, std::uint32_t> free_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::state
