// Access to aggregate states: plain bytes in slots without alignment.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "expr/function.h"

namespace slipstream::expr {

template <typename State>
State load_state(const std::byte* slot) {
  State state;
  std::memcpy(&state, slot, sizeof state);
  return state;
}

template <typename State>
void store_state(std::byte* slot, const State& state) {
  std::memcpy(slot, &state, sizeof state);
}

inline std::int64_t sign_of(std::span<const std::int8_t> signs, std::size_t row) {
  return signs.empty() ? 1 : signs[row];
}

// f(T{}) for the C++ type of a fixed-width or text layout.
template <typename F>
auto with_layout(Layout layout, F&& f) {
  switch (layout) {
    case Layout::kBool:
      return f(std::uint8_t{});
    case Layout::kInt8:
      return f(std::int8_t{});
    case Layout::kInt16:
      return f(std::int16_t{});
    case Layout::kInt32:
      return f(std::int32_t{});
    case Layout::kInt64:
      return f(std::int64_t{});
    case Layout::kFloat:
      return f(float{});
    case Layout::kDouble:
      return f(double{});
    case Layout::kInt128:
      return f(Int128{});
    default:
      return f(StringView{});
  }
}

using KeepText = std::function<StringView(std::string_view)>;
using States = std::span<std::byte* const>;
using ConstStates = std::span<const std::byte* const>;

}  // namespace slipstream::expr
