#include "base/utf8.h"

#include <algorithm>
#include <array>

namespace slipstream {

namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool contains(const std::array<CodePointRange, N>& ranges, char32_t code_point) {
  return std::any_of(ranges.begin(), ranges.end(), [code_point](const CodePointRange& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

constexpr std::array<CodePointRange, 7> kZeroWidth{{{0x0300, 0x036F},
                                                    {0x200B, 0x200F},
                                                    {0x20D0, 0x20FF},
                                                    {0xFE00, 0xFE0F},
                                                    {0xFE20, 0xFE2F},
                                                    {0xFEFF, 0xFEFF},
                                                    {0xE0100, 0xE01EF}}};

constexpr std::array<CodePointRange, 12> kWide{{{0x1100, 0x115F},
                                                {0x2E80, 0x303E},
                                                {0x3041, 0x33FF},
                                                {0x3400, 0x4DBF},
                                                {0x4E00, 0x9FFF},
                                                {0xA000, 0xA4CF},
                                                {0xAC00, 0xD7A3},
                                                {0xF900, 0xFAFF},
                                                {0xFE30, 0xFE6F},
                                                {0xFF00, 0xFF60},
                                                {0xFFE0, 0xFFE6},
                                                {0x1F300, 0x3FFFD}}};

}  // namespace

char32_t decode_utf8(std::string_view text, std::size_t& position) {
  const auto byte_at = [text](std::size_t index) {
    return static_cast<unsigned char>(text[index]);
  };
  const unsigned char lead = byte_at(position++);
  if (lead < 0x80) return lead;
  std::size_t following = 0;
  char32_t smallest = 0;
  char32_t code_point = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    following = 1, smallest = 0x80, code_point = lead & 0x1FU;
  } else if ((lead & 0xF0U) == 0xE0U) {
    following = 2, smallest = 0x800, code_point = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    following = 3, smallest = 0x10000, code_point = lead & 0x07U;
  } else {
    return kInvalidCodePoint;
  }
  if (text.size() - position < following) return kInvalidCodePoint;
  for (std::size_t i = 0; i < following; ++i) {
    const unsigned char next = byte_at(position + i);
    if ((next & 0xC0U) != 0x80U) return kInvalidCodePoint;
    code_point = (code_point << 6U) | (next & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || surrogate) return kInvalidCodePoint;
  position += following;
  return code_point;
}

void append_utf8(char32_t code_point, std::string& out) {
  const auto put = [&](char32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6U));
    put(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12U));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  } else {
    put(0xF0U | (code_point >> 18U));
    put(0x80U | ((code_point >> 12U) & 0x3FU));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  }
}

int display_width(char32_t code_point) {
  if (code_point < 0x300) return 1;
  if (contains(kZeroWidth, code_point)) return 0;
  return contains(kWide, code_point) ? 2 : 1;
}

}  // namespace slipstream
