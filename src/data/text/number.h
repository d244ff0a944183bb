// Numbers and booleans as text, by the rules of Flink's CAST.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "slipstream/batch.h"

namespace slipstream::text {

// Without ASCII blanks (0x20) at both ends.
std::string_view trim(std::string_view text);

void append_integer(std::int64_t value, std::string& out);
// Shortest digits that read back equal, in Java's layout: "1.0", "0.001", "1.0E10", "NaN",
// "-Infinity".
void append_double(double value, std::string& out);
void append_float(float value, std::string& out);
// Plain: "-0.50" for (-50, scale 2).
void append_decimal(Int128 unscaled, int scale, std::string& out);
void append_boolean(bool value, std::string& out);  // TRUE, FALSE

// '42', ' -7 ', '42.9' (42). Not '1e3', '', '+', text beyond the range [low, high].
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low,
                                          std::int64_t high);
// As Java's Double.parseDouble, without hexadecimal: '1', '1.', '.5', '1e3', '1.5f', 'NaN',
// '-Infinity'.
std::optional<double> parse_double(std::string_view text);
std::optional<float> parse_float(std::string_view text);
// '12.345', '-1E-3'; rounds half up to the scale; none when it needs more than `precision` digits.
std::optional<Int128> parse_decimal(std::string_view text, int precision, int scale);
// t true y yes 1 / f false n no 0, any case, no blanks.
std::optional<bool> parse_boolean(std::string_view text);

// 10^exponent. REQUIRES: 0 <= exponent <= 38
Int128 power_of_ten(int exponent);
// The same number with another scale, rounded half up (away from zero); none when it needs more
// digits.
std::optional<Int128> rescale(Int128 unscaled, int from_scale, int precision, int to_scale);
// Exactly the decimal that append_double prints, rounded half up; none for NaN, infinities and
// overflow.
std::optional<Int128> decimal_from_double(double value, int precision, int scale);
double decimal_to_double(Int128 unscaled, int scale);

}  // namespace slipstream::text
