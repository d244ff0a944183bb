#include "data/text/json_string.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include <simdjson.h>

#include "base/utf8.h"

namespace slipstream::text {

namespace {

constexpr std::string_view kLetters = "\"\\/bfnrt";
constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }
bool needs_escape(char c) { return is_control(c) || c == '"' || c == '\\'; }

void append_escape(char c, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::size_t letter = kMeanings.find(c);
  if (letter != std::string_view::npos) {
    out += '\\';
    out += kLetters[letter];
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

constexpr std::uint64_t kEveryByte = 0x0101010101010101ULL;
constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

// High bit set somewhere if a byte of the word is zero; of a word without high bits, exactly then.
std::uint64_t zero_bytes(std::uint64_t word) { return (word - kEveryByte) & ~word & kHighBits; }

// Whether one of eight bytes is below 0x20, a quote, a backslash, or not ASCII (then the bytes are
// looked at one by one).
bool is_special(std::uint64_t word) {
  return ((word & kHighBits) | zero_bytes(word & ~(kEveryByte * 0x1F)) |
          zero_bytes(word ^ (kEveryByte * '"')) | zero_bytes(word ^ (kEveryByte * '\\'))) != 0;
}

// Bytes at the start of `text` that can be copied as they are: all ASCII.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    if (is_special(word)) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80 && !needs_escape(text[at]))
    ++at;
  return at;
}

std::string repaired(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (decode_utf8(text, at) == kInvalidCodePoint) {
      result += "\xEF\xBF\xBD";
    } else {
      result.append(text, begin, at - begin);
    }
  }
  return result;
}

// XXXX of \uXXXX at the front of `text`.
std::optional<std::uint32_t> code_unit(std::string_view text) {
  constexpr std::size_t kDigits = 4;
  if (text.size() < kDigits) return std::nullopt;
  std::uint32_t unit = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + kDigits, unit, 16);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + kDigits) return std::nullopt;
  return unit;
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// From behind "\u"; how many bytes were read, 0 when they are no code.
std::size_t append_code(std::string_view rest, std::string& out) {
  const auto unit = code_unit(rest);
  if (!unit) return 0;
  if (is_high(*unit) && rest.substr(4).starts_with("\\u")) {
    const auto low = code_unit(rest.substr(6));
    if (low && is_low(*low)) {
      append_utf8(0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00), out);
      return 10;
    }
  }
  append_utf8(is_high(*unit) || is_low(*unit) ? U'?' : static_cast<char32_t>(*unit), out);
  return 4;
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  std::size_t done = 0;
  std::size_t at = plain_prefix(text);
  std::string fixed;
  if (at < text.size() && !simdjson::validate_utf8(text.data() + at, text.size() - at)) {
    fixed = repaired(text);
    text = fixed;
    at = 0;
  }
  out += '"';
  for (; at < text.size(); ++at) {
    if (!needs_escape(text[at])) continue;
    out.append(text, done, at - done);
    append_escape(text[at], out);
    done = at + 1;
  }
  out.append(text, done, text.size() - done);
  out += '"';
}

bool append_unescaped_json(std::string_view content, std::string& out) {
  for (std::size_t at = 0;;) {
    const std::size_t escape = content.find('\\', at);
    out.append(content, at, escape - at);
    if (escape == std::string_view::npos) return true;
    if (escape + 1 == content.size()) return false;
    at = escape + 2;
    if (content[escape + 1] == 'u') {
      const std::size_t read = append_code(content.substr(at), out);
      if (read == 0) return false;
      at += read;
      continue;
    }
    const std::size_t letter = kLetters.find(content[escape + 1]);
    if (letter == std::string_view::npos) return false;
    out += kMeanings[letter];
  }
}

std::string with_escaped_controls(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 8);
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (in_string && is_control(c)) {
      append_escape(c, out);
      continue;
    }
    out += c;
    if (in_string && c == '\\' && at + 1 < json.size()) {
      out += json[++at];
    } else if (c == '"') {
      in_string = !in_string;
    }
  }
  return out;
}

}  // namespace slipstream::text
