#include "data/digest.h"

#include <algorithm>

#include <xxhash.h>

#include "base/bytes.h"

namespace slipstream {

Digest& Digest::add(std::string_view text) {
  ByteWriter writer(bytes_);
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.text(text);
  return *this;
}

Digest& Digest::add(std::uint64_t number) {
  ByteWriter writer(bytes_);
  writer.u32(sizeof number);
  writer.u64(number);
  return *this;
}

Digest& Digest::add_set(std::vector<std::uint64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  add(static_cast<std::uint64_t>(numbers.size()));
  for (const std::uint64_t number : numbers) add(number);
  return *this;
}

std::uint64_t Digest::value() const { return XXH3_64bits(bytes_.data(), bytes_.size()); }

std::string hex_text(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

}  // namespace slipstream
