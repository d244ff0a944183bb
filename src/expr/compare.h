// Comparison of two values of one type, as the operators = < <= and their kin see them.
#pragma once

#include <cmath>
#include <cstring>
#include <type_traits>

#include "slipstream/batch.h"

namespace slipstream::expr {

enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kLessOrEqual };

// Bytes in order; most pairs differ in the four bytes that both views hold inside.
inline int compare_text(const StringView& a, const StringView& b) {
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  std::memcpy(&left, reinterpret_cast<const char*>(&a) + 4, 4);
  std::memcpy(&right, reinterpret_cast<const char*>(&b) + 4, 4);
  if (left != right) return __builtin_bswap32(left) < __builtin_bswap32(right) ? -1 : 1;
  return a.view().compare(b.view());
}

// As in Flink NaN equals NaN, and is neither less nor greater than anything.
template <typename T>
bool equals(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a == b || (std::isnan(a) && std::isnan(b));
  } else {
    return a == b;
  }
}

template <Comparison kOp, typename T>
bool holds(const T& a, const T& b) {
  if constexpr (kOp == Comparison::kEqual) return equals(a, b);
  if constexpr (kOp == Comparison::kNotEqual) return !equals(a, b);
  if constexpr (std::is_same_v<T, StringView>) {
    const int order = compare_text(a, b);
    return kOp == Comparison::kLess ? order < 0 : order <= 0;
  } else {
    return kOp == Comparison::kLess ? a < b : a <= b;
  }
}

// a and b as numbers with these scales; exact for every pair.
int compare_decimals(Int128 a, int scale_a, Int128 b, int scale_b);

}  // namespace slipstream::expr
