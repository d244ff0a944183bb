// Sixteen bytes at a time, in what the processor has for it.
#pragma once

#include <cstdint>
#include <cstring>

namespace slipstream::format {

// Compares byte by byte: `block < 0x20` has all bits set in bytes below it. Bytes that are not
// ASCII are negative.
using ByteBlock = signed char __attribute__((vector_size(16)));

inline ByteBlock load_block(const char* from) {
  ByteBlock block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

// Whether a bit is set.
inline bool any(ByteBlock block) {
  std::uint64_t words[2];
  std::memcpy(words, &block, sizeof words);
  return (words[0] | words[1]) != 0;
}

}  // namespace slipstream::format
