#include "data/text/characters.h"

namespace slipstream::text {

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const std::size_t length = character_length(text, at);
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t wanted = lead < 0x80    ? 1
                             : lead >= 0xF0 ? 4
                             : lead >= 0xE0 ? 3
                             : lead >= 0xC0 ? 2
                                            : 0;
  if (wanted != length) return {0xFFFD, at + length};
  if (length == 1) return {lead, at + 1};
  char32_t value = lead & (0x7FU >> wanted);
  for (std::size_t i = 1; i < length; ++i) {
    value = (value << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return {value, at + length};
}

}  // namespace slipstream::text
