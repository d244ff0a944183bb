#include "data/text/character_set.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace slipstream::text {

namespace {

constexpr char32_t kLast = 0x10FFFF;
constexpr char32_t kFirstSurrogate = 0xD800;
constexpr char32_t kLastSurrogate = 0xDFFF;

void append_code(char32_t c, std::string& out) {
  std::array<char, 8> digits = {};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::uint32_t>(c), 16)
          .ptr;
  out += "\\x{";
  out.append(digits.data(), end);
  out += '}';
}

}  // namespace

CharacterSet CharacterSet::of(char32_t first, char32_t last) { return of({{first, last}}); }

CharacterSet CharacterSet::of(std::vector<std::pair<char32_t, char32_t>> ranges) {
  CharacterSet set;
  set.ranges_ = std::move(ranges);
  set.normalise();
  return set;
}

CharacterSet CharacterSet::property(std::string spelled) {
  CharacterSet set;
  set.properties_.push_back(std::move(spelled));
  return set;
}

// Ascending, merged, and without surrogates, which are no characters of UTF-8.
void CharacterSet::normalise() {
  std::vector<std::pair<char32_t, char32_t>> parts;
  for (const auto& [first, last] : ranges_) {
    if (first < kFirstSurrogate)
      parts.emplace_back(first, std::min<char32_t>(last, kFirstSurrogate - 1));
    if (last > kLastSurrogate)
      parts.emplace_back(std::max<char32_t>(first, kLastSurrogate + 1), last);
  }
  std::sort(parts.begin(), parts.end());
  ranges_.clear();
  for (const auto& part : parts) {
    if (!ranges_.empty() && part.first <= ranges_.back().second + 1) {
      ranges_.back().second = std::max(ranges_.back().second, part.second);
    } else {
      ranges_.push_back(part);
    }
  }
}

void CharacterSet::unite(const CharacterSet& other) {
  const bool nothing = ranges_.empty() && properties_.empty() && other_.empty() && !negated_;
  if (nothing) {
    *this = other;
    return;
  }
  const bool plain = other_.empty() && other.other_.empty() && !negated_ && !other.negated_ &&
                     fold_unicode_ == other.fold_unicode_;
  if (!plain) {
    CharacterSet both;
    both.other_ = "(?:" + text() + "|" + other.text() + ")";
    both.look_ahead_ = look_ahead_ || other.look_ahead_;
    *this = std::move(both);
    return;
  }
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  properties_.insert(properties_.end(), other.properties_.begin(), other.properties_.end());
  normalise();
}

void CharacterSet::intersect(const CharacterSet& other) {
  if (is_ranges() && other.is_ranges()) {
    std::vector<std::pair<char32_t, char32_t>> common;
    for (const auto& a : ranges_) {
      for (const auto& b : other.ranges_) {
        const char32_t first = std::max(a.first, b.first);
        const char32_t last = std::min(a.second, b.second);
        if (first <= last) common.emplace_back(first, last);
      }
    }
    ranges_ = std::move(common);
    normalise();
    return;
  }
  CharacterSet both;
  both.other_ = "(?:(?=" + text() + ")" + other.text() + ")";
  both.look_ahead_ = true;
  *this = std::move(both);
}

void CharacterSet::complement() {
  if (!other_.empty()) {
    other_ = "(?:(?!" + other_ + ")(?s:.))";
    look_ahead_ = true;
    return;
  }
  if (properties_.size() == 1 && ranges_.empty() && !fold_unicode_) {
    properties_[0][1] ^= 'p' ^ 'P';
    return;
  }
  if (!is_ranges()) {
    negated_ = !negated_;
    return;
  }
  std::vector<std::pair<char32_t, char32_t>> rest;
  char32_t next = 0;
  for (const auto& [first, last] : ranges_) {
    if (first > next) rest.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kLast) rest.emplace_back(next, kLast);
  ranges_ = std::move(rest);
  normalise();
}

void CharacterSet::fold_ascii() {
  constexpr char32_t kCase = 'a' - 'A';
  std::vector<std::pair<char32_t, char32_t>> folded;
  for (const auto& [first, last] : ranges_) {
    const char32_t lower = std::max<char32_t>(first, 'a');
    const char32_t upper = std::max<char32_t>(first, 'A');
    if (lower <= std::min<char32_t>(last, 'z'))
      folded.emplace_back(lower - kCase, std::min<char32_t>(last, 'z') - kCase);
    if (upper <= std::min<char32_t>(last, 'Z'))
      folded.emplace_back(upper + kCase, std::min<char32_t>(last, 'Z') + kCase);
  }
  ranges_.insert(ranges_.end(), folded.begin(), folded.end());
  normalise();
}

std::string CharacterSet::text() const {
  if (!other_.empty()) return other_;
  if (ranges_.empty() && properties_.empty()) {
    return negated_ ? "(?s:.)" : "[^\\x{0}-\\x{10ffff}]";
  }
  std::string set = negated_ ? "[^" : "[";
  for (const auto& [first, last] : ranges_) {
    append_code(first, set);
    if (last == first) continue;
    set += '-';
    append_code(last, set);
  }
  for (const std::string& property : properties_) set += property;
  set += ']';
  return fold_unicode_ ? "(?i:" + set + ")" : set;
}

}  // namespace slipstream::text
