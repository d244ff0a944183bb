#include "base/suggest.h"

#include <algorithm>
#include <vector>

#include "base/utf8.h"

namespace slipstream {

namespace {

constexpr std::size_t kLongestName = 128;

std::u32string fold(std::string_view text) {
  std::u32string folded;
  std::size_t position = 0;
  while (position < text.size()) {
    const char32_t code_point = decode_utf8(text, position);
    const bool upper = code_point >= U'A' && code_point <= U'Z';
    folded.push_back(upper ? code_point - U'A' + U'a' : code_point);
  }
  return folded;
}

bool comparable(const std::u32string& name) {
  return !name.empty() && name.size() <= kLongestName &&
         name.find(kInvalidCodePoint) == std::u32string::npos;
}

// Optimal string alignment over three rows.
std::size_t distance(const std::u32string& from, const std::u32string& to) {
  std::vector<std::size_t> before(to.size() + 1);
  std::vector<std::size_t> above(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replace = above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[to.size()];
}

bool one_contains_other(const std::u32string& left, const std::u32string& right) {
  const std::u32string& shorter = left.size() < right.size() ? left : right;
  const std::u32string& longer = left.size() < right.size() ? right : left;
  const bool ascii = std::all_of(shorter.begin(), shorter.end(),
                                 [](char32_t code_point) { return code_point < 0x80; });
  return shorter.size() >= (ascii ? 3U : 2U) && longer.find(shorter) != std::u32string::npos;
}

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
  return distance(fold(from), fold(to));
}

std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates) {
  const std::u32string folded = fold(name);
  if (!comparable(folded)) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_score = 0;
  for (const std::string& candidate : candidates) {
    const std::u32string other = fold(candidate);
    if (!comparable(other)) continue;
    const std::size_t longer = std::max(folded.size(), other.size());
    const std::size_t edits = distance(folded, other);
    const bool near = edits < longer && edits <= std::max<std::size_t>(1, longer / 3);
    if (!near && !one_contains_other(folded, other)) continue;
    // A small edit beats containment; among containments the one that leaves least over.
    const std::size_t score = near ? edits : kLongestName + edits;
    if (best == nullptr || score < best_score) {
      best = &candidate;
      best_score = score;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::optional<std::string> nearest = nearest_name(name, candidates);
  return nearest ? ", did you mean '" + *nearest + "'?" : std::string();
}

}  // namespace slipstream
