// Access to aggregate states: plain bytes in slots without alignment.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "expr/function.h"
#include "expr/number_layout.h"

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
  if (layout == Layout::kBool) return f(std::uint8_t{});
  if (layout == Layout::kString) return f(StringView{});
  return with_number_layout(layout, std::forward<F>(f));
}

using KeepText = std::function<StringView(std::string_view)>;
using States = std::span<std::byte* const>;
using ConstStates = std::span<const std::byte* const>;

}  // namespace slipstream::expr
