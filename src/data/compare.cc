#include "data/compare.h"

#include <algorithm>
#include <cmath>

namespace slipstream {

namespace {

template <typename T>
int compare_values(const T& a, const T& b) {
  return static_cast<int>(b < a) - static_cast<int>(a < b);
}

template <typename T>
int compare_floating(T a, T b) {
  if (std::isnan(a) || std::isnan(b))
    return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return compare_values(a, b);
}

int compare_text(std::string_view a, std::string_view b) {
  const int order = a.compare(b);
  return compare_values(order, 0);
}

template <typename T>
int compare_at(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  return compare_values(a.data<T>()[row_a], b.data<T>()[row_b]);
}

int compare_lists(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  auto at_a = static_cast<std::size_t>(a.offsets()[row_a]);
  auto at_b = static_cast<std::size_t>(b.offsets()[row_b]);
  const auto end_a = static_cast<std::size_t>(a.offsets()[row_a + 1]);
  const auto end_b = static_cast<std::size_t>(b.offsets()[row_b + 1]);
  for (; at_a < end_a && at_b < end_b; ++at_a, ++at_b) {
    const int order = compare_cells(*a.children()[0], at_a, *b.children()[0], at_b);
    if (order != 0) return order;
  }
  return compare_values(end_a - at_a, end_b - at_b);
}

// Entries in any order; each entry of `a` claims one equal entry of `b`.
int compare_unordered(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  const auto begin_a = static_cast<std::size_t>(a.offsets()[row_a]);
  const auto begin_b = static_cast<std::size_t>(b.offsets()[row_b]);
  const std::size_t count = static_cast<std::size_t>(a.offsets()[row_a + 1]) - begin_a;
  const std::size_t count_b = static_cast<std::size_t>(b.offsets()[row_b + 1]) - begin_b;
  if (count != count_b) return compare_values(count, count_b);
  std::vector<bool> claimed(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    bool found = false;
    for (std::size_t j = 0; j < count && !found; ++j) {
      if (claimed[j]) continue;
      found = true;
      for (std::size_t child = 0; child < a.children().size() && found; ++child) {
        found = cells_equal(*a.children()[child], begin_a + i, *b.children()[child], begin_b + j);
      }
      if (found) claimed[j] = true;
    }
    if (!found) return -1;
  }
  return 0;
}

int compare_nested(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  switch (a.type().kind()) {
    case TypeKind::kRow:
      for (std::size_t i = 0; i < a.children().size(); ++i) {
        const int order = compare_cells(*a.children()[i], row_a, *b.children()[i], row_b);
        if (order != 0) return order;
      }
      return 0;
    case TypeKind::kArray:
      return compare_lists(a, row_a, b, row_b);
    default:
      return compare_unordered(a, row_a, b, row_b);
  }
}

}  // namespace

int compare_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  const bool null_a = a.is_null(row_a);
  const bool null_b = b.is_null(row_b);
  if (null_a || null_b) return static_cast<int>(null_b) - static_cast<int>(null_a);
  switch (a.type().layout()) {
    case Layout::kBool:
      return compare_at<std::uint8_t>(a, row_a, b, row_b);
    case Layout::kInt8:
      return compare_at<std::int8_t>(a, row_a, b, row_b);
    case Layout::kInt16:
      return compare_at<std::int16_t>(a, row_a, b, row_b);
    case Layout::kInt32:
      return compare_at<std::int32_t>(a, row_a, b, row_b);
    case Layout::kInt64:
      return compare_at<std::int64_t>(a, row_a, b, row_b);
    case Layout::kInt128:
      return compare_at<Int128>(a, row_a, b, row_b);
    case Layout::kFloat:
      return compare_floating(a.data<float>()[row_a], b.data<float>()[row_b]);
    case Layout::kDouble:
      return compare_floating(a.data<double>()[row_a], b.data<double>()[row_b]);
    case Layout::kString:
      return compare_text(a.text(row_a), b.text(row_b));
    case Layout::kNested:
      return compare_nested(a, row_a, b, row_b);
  }
  return 0;
}

}  // namespace slipstream
