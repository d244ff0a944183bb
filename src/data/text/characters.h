// Steps through UTF-8 by code points. Bytes that are no UTF-8 count as characters of their own.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/utf8.h"

namespace slipstream::text {

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Bytes of the character that starts at `at`. REQUIRES: at < text.size()
inline std::size_t character_length(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && is_continuation(text[end])) ++end;
  return end - at;
}

inline std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += is_continuation(c) ? 0U : 1U;
  return count;
}

// Byte position of character number `index` (from 0); text.size() when there are fewer.
inline std::size_t character_position(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (index > 0 && at < text.size()) {
    at += character_length(text, at);
    --index;
  }
  return at;
}

// The code point that starts at `at`, and where the next one starts.
struct CodePoint {
  char32_t value;
  std::size_t next;
};
CodePoint code_point_at(std::string_view text, std::size_t at);

// Java counts characters outside the basic plane twice.
inline std::size_t utf16_units(char32_t code_point) { return code_point >= 0x10000 ? 2 : 1; }

}  // namespace slipstream::text
