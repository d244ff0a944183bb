// Arithmetic on dates, times and intervals: the part of + - * that is not about numbers.
#pragma once

#include <optional>
#include <span>

#include "expr/function.h"

namespace slipstream::expr {

enum class Arithmetic : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide, kModulo };

// Nothing when the pair has no such operation.
std::optional<Signature> interval_signature(Arithmetic op, const Type& a, const Type& b);
// REQUIRES: interval_signature accepted the arguments
ColumnPtr interval_kernel(Arithmetic op, KernelContext& ctx, std::span<const ColumnPtr> args,
                          const Type& type);

// A date, time or timestamp moved by months or milliseconds; nothing when the result is out of
// range.
std::optional<std::int64_t> moved_by_months(std::int64_t value, const Type& type,
                                            std::int64_t months);
std::optional<std::int64_t> moved_by_millis(std::int64_t value, const Type& type,
                                            std::int64_t millis);

}  // namespace slipstream::expr
