#include "expr/decimal_math.h"

#include <algorithm>
#include <array>

#include "data/text/number.h"

namespace slipstream::expr {

namespace {

__extension__ using UInt128 = unsigned __int128;
using text::power_of_ten;

UInt128 magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

std::optional<Int128> fitted(UInt128 value, bool negative, int precision) {
  if (value >= static_cast<UInt128>(power_of_ten(precision))) return std::nullopt;
  return negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
}

std::optional<Int128> times_power(Int128 value, int exponent) {
  if (exponent > 38) return value == 0 ? std::optional<Int128>(0) : std::nullopt;
  Int128 scaled = 0;
  if (__builtin_mul_overflow(value, power_of_ten(exponent), &scaled)) return std::nullopt;
  return scaled;
}

// A product of two 128-bit numbers: four 64-bit limbs, least significant first.
using Wide = std::array<std::uint64_t, 4>;

Wide wide_product(UInt128 a, UInt128 b) {
  const std::array<std::uint64_t, 2> left = {static_cast<std::uint64_t>(a),
                                             static_cast<std::uint64_t>(a >> 64U)};
  const std::array<std::uint64_t, 2> right = {static_cast<std::uint64_t>(b),
                                              static_cast<std::uint64_t>(b >> 64U)};
  Wide result = {};
  for (std::size_t i = 0; i < 2; ++i) {
    UInt128 carry = 0;
    for (std::size_t j = 0; j < 2; ++j) {
      const UInt128 sum = static_cast<UInt128>(left[i]) * right[j] + result[i + j] + carry;
      result[i + j] = static_cast<std::uint64_t>(sum);
      carry = sum >> 64U;
    }
    result[i + 2] = static_cast<std::uint64_t>(carry);
  }
  return result;
}

// Divides in place and answers the remainder.
std::uint64_t divide_wide(Wide& value, std::uint64_t by) {
  UInt128 remainder = 0;
  for (std::size_t i = value.size(); i-- > 0;) {
    const UInt128 part = (remainder << 64U) | value[i];
    value[i] = static_cast<std::uint64_t>(part / by);
    remainder = part % by;
  }
  return static_cast<std::uint64_t>(remainder);
}

// Drops `digits` decimal digits: all but one cut, the last one decides the rounding.
std::optional<Int128> narrowed(Wide value, int digits, bool negative, int precision) {
  for (int left = digits - 1; left > 0;) {
    const int step = std::min(left, 18);
    divide_wide(value, static_cast<std::uint64_t>(power_of_ten(step)));
    left -= step;
  }
  const bool up = digits > 0 && divide_wide(value, 10) >= 5;
  if (value[2] != 0 || value[3] != 0) return std::nullopt;
  const UInt128 low = (static_cast<UInt128>(value[1]) << 64U) | value[0];
  if (low >= static_cast<UInt128>(power_of_ten(38))) return std::nullopt;
  return fitted(low + (up ? 1 : 0), negative, precision);
}

// remainder * 10 = digit * divisor + new remainder, without leaving 128 bits. REQUIRES: remainder <
// divisor < 2^127
unsigned next_digit(UInt128& remainder, UInt128 divisor) {
  const UInt128 one = remainder;
  unsigned digit = 0;
  const auto plus = [&](UInt128 more) {
    remainder += more;
    if (remainder >= divisor) {
      remainder -= divisor;
      ++digit;
    }
  };
  for (const bool add : {false, true, false}) {
    digit *= 2;
    plus(remainder);
    if (add) plus(one);
  }
  return digit;
}

}  // namespace

std::optional<Int128> decimal_add(Int128 a, Int128 b, const DecimalShape& shape) {
  const int scale = std::max(shape.scale_a, shape.scale_b);
  const std::optional<Int128> left = times_power(a, scale - shape.scale_a);
  const std::optional<Int128> right = times_power(b, scale - shape.scale_b);
  Int128 sum = 0;
  if (left && right && !__builtin_add_overflow(*left, *right, &sum)) {
    return text::rescale(sum, scale, shape.precision, shape.scale);
  }
  // Too long at the finer scale: each is brought to the result's scale first.
  const std::optional<Int128> a_scaled = text::rescale(a, shape.scale_a, 38, shape.scale);
  const std::optional<Int128> b_scaled = text::rescale(b, shape.scale_b, 38, shape.scale);
  if (!a_scaled || !b_scaled || __builtin_add_overflow(*a_scaled, *b_scaled, &sum))
    return std::nullopt;
  return text::rescale(sum, shape.scale, shape.precision, shape.scale);
}

std::optional<Int128> decimal_subtract(Int128 a, Int128 b, const DecimalShape& shape) {
  return decimal_add(a, -b, shape);
}

std::optional<Int128> decimal_multiply(Int128 a, Int128 b, const DecimalShape& shape) {
  const int scale = shape.scale_a + shape.scale_b;
  Int128 product = 0;
  if (scale == shape.scale && !__builtin_mul_overflow(a, b, &product)) {
    return text::rescale(product, scale, shape.precision, shape.scale);
  }
  return narrowed(wide_product(magnitude(a), magnitude(b)), scale - shape.scale, (a < 0) != (b < 0),
                  shape.precision);
}

std::optional<Int128> decimal_divide(Int128 a, Int128 b, const DecimalShape& shape) {
  const bool negative = (a < 0) != (b < 0);
  const UInt128 divisor = magnitude(b);
  UInt128 quotient = magnitude(a) / divisor;
  UInt128 remainder = magnitude(a) % divisor;
  const int digits = shape.scale - shape.scale_a + shape.scale_b;
  if (digits < 0) {
    // Fewer digits are wanted than the quotient has.
    Wide value = {static_cast<std::uint64_t>(quotient), static_cast<std::uint64_t>(quotient >> 64U),
                  0, 0};
    return narrowed(value, -digits, negative, shape.precision);
  }
  for (int i = 0; i < digits; ++i) {
    if (quotient >= static_cast<UInt128>(power_of_ten(37))) return std::nullopt;
    quotient = quotient * 10 + next_digit(remainder, divisor);
  }
  if (remainder >= divisor - remainder) ++quotient;
  return fitted(quotient, negative, shape.precision);
}

std::optional<Int128> decimal_modulo(Int128 a, Int128 b, const DecimalShape& shape) {
  UInt128 divisor = magnitude(b);
  UInt128 remainder = magnitude(a);
  if (shape.scale_a > shape.scale_b) {
    const std::optional<Int128> scaled =
        times_power(static_cast<Int128>(divisor), shape.scale_a - shape.scale_b);
    if (scaled)
      // Else the divisor is larger than any `a`.
      // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): b is not 0
      remainder %= static_cast<UInt128>(*scaled);
  } else {
    remainder %= divisor;
    for (int i = shape.scale_a; i < shape.scale_b; ++i) next_digit(remainder, divisor);
  }
  const Int128 value = a < 0 ? -static_cast<Int128>(remainder) : static_cast<Int128>(remainder);
  return text::rescale(value, std::max(shape.scale_a, shape.scale_b), shape.precision, shape.scale);
}

}  // namespace slipstream::expr
