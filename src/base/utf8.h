// UTF-8 one code point at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipstream {

// What decode_utf8 answers for bytes that are not UTF-8 (overlong forms and surrogates included).
inline constexpr char32_t kInvalidCodePoint = 0xFFFFFFFF;

// The code point at `position`, which moves behind it. Invalid bytes are consumed one at a time.
// REQUIRES: position < text.size()
char32_t decode_utf8(std::string_view text, std::size_t& position);
void append_utf8(char32_t code_point, std::string& out);

// How many terminal cells a code point takes: 0 (combining), 1, or 2 (East Asian wide, emoji).
int display_width(char32_t code_point);

}  // namespace slipstream
