// CEIL, FLOOR, ROUND and TRUNCATE of numbers.
//
// DOUBLE is rounded by the digits it prints, as Java's BigDecimal.valueOf does: ROUND(1.005, 2)
// is 1.01.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/try.h"
#include "data/text/number.h"
#include "expr/kernel.h"
#include "expr/number_layout.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

enum class Rounding : std::uint8_t { kHalfUp, kDown, kFloor, kCeiling };

// A multiple of `unit`. REQUIRES: unit > 0
Int128 to_multiple(Int128 value, Int128 unit, Rounding rounding) {
  const Int128 rest = value % unit;
  const Int128 down = value - rest;
  switch (rounding) {
    case Rounding::kDown:
      return down;
    case Rounding::kFloor:
      return rest < 0 ? down - unit : down;
    case Rounding::kCeiling:
      return rest > 0 ? down + unit : down;
    case Rounding::kHalfUp:
      break;
  }
  const Int128 magnitude = rest < 0 ? -rest : rest;
  if (magnitude < unit - magnitude) return down;
  return value < 0 ? down - unit : down + unit;
}

// Rounded to `digits` after the point; negative ones count before it.
std::optional<Int128> rounded(Int128 unscaled, int scale, std::int64_t digits, const Type& to,
                              Rounding rounding) {
  Int128 value = unscaled;
  if (digits < scale) {
    if (digits < scale - 38) return Int128{0};
    value = to_multiple(value, text::power_of_ten(static_cast<int>(scale - digits)), rounding);
  }
  return text::rescale(value, scale, to.precision(), to.scale());
}

// Fractional digits that a DOUBLE below 10^17 is taken with; it prints 17 at most.
constexpr int kDoubleScale = 20;

double rounded_double(double value, std::int64_t digits, Rounding rounding) {
  if (!std::isfinite(value) || digits >= kDoubleScale) return value;
  const int scale = std::fabs(value) < 1e17 ? kDoubleScale : 0;
  const std::optional<Int128> unscaled = text::decimal_from_double(value, 38, scale);
  if (!unscaled) return value;
  const std::optional<Int128> result =
      rounded(*unscaled, scale, digits, Type::decimal(38, scale), rounding);
  return result ? text::decimal_to_double(*result, scale) : value;
}

template <typename T>
T rounded_number(T value, std::int64_t digits, Rounding rounding) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(rounded_double(static_cast<double>(value), digits, rounding));
  } else {
    if (digits >= 0) return value;
    if (digits < -19) return 0;
    return static_cast<T>(
        to_multiple(value, text::power_of_ten(static_cast<int>(-digits)), rounding));
  }
}

// Digits per row, or for all rows when there is no second argument.
template <typename T>
ColumnPtr round_numbers(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type,
                        Rounding rounding) {
  FixedResult<T> result(type, ctx.rows());
  const T* in = args[0]->data<T>();
  const auto* digits = args.size() > 1 ? args[1]->data<std::int64_t>() : nullptr;
  const int scale = args[0]->type().scale();
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::int64_t wanted = digits != nullptr ? digits[row] : 0;
    if constexpr (std::is_same_v<T, Int128>) {
      const std::optional<Int128> value = rounded(in[row], scale, wanted, type, rounding);
      if (value) return result.set(row, *value);
      result.set_null(row);
    } else {
      result.set(row, rounded_number<T>(in[row], wanted, rounding));
    }
  });
  return result.finish();
}

Kernel rounding_kernel(Rounding rounding) {
  return [rounding](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return with_number_layout(args[0]->type().layout(), [&](auto zero) {
      return round_numbers<decltype(zero)>(ctx, args, type, rounding);
    });
  };
}

template <bool kCeil>
ColumnPtr whole_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const Rounding rounding = kCeil ? Rounding::kCeiling : Rounding::kFloor;
  return with_number_layout(args[0]->type().layout(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) {
      return map_unary<T, T>(ctx, *args[0], type,
                             [](T value) { return kCeil ? std::ceil(value) : std::floor(value); });
    } else {
      return round_numbers<T>(ctx, args, type, rounding);
    }
  });
}

// What Flink derives for ROUND(DECIMAL(p, s), digits) with literal digits.
Type rounded_decimal(const Type& type, std::int64_t digits) {
  const int scale = type.scale();
  if (digits >= scale) return type;
  if (digits < 0) return Type::decimal(std::min(38, 1 + type.precision() - scale), 0);
  return Type::decimal(1 + type.precision() - scale + static_cast<int>(digits),
                       static_cast<int>(digits));
}

std::optional<std::int64_t> literal_integer(const Expr& e) {
  if (e.kind != ExprKind::kLiteral || e.literal->is_null(0)) return std::nullopt;
  switch (e.literal->type().layout()) {
    case Layout::kInt8:
      return e.literal->data<std::int8_t>()[0];
    case Layout::kInt16:
      return e.literal->data<std::int16_t>()[0];
    case Layout::kInt32:
      return e.literal->data<std::int32_t>()[0];
    case Layout::kInt64:
      return e.literal->data<std::int64_t>()[0];
    default:
      return std::nullopt;
  }
}

Function digits_function(const std::string& name, const std::string& description,
                         Rounding rounding) {
  Function function;
  function.name = name;
  function.usage = name + "(number [, digits])";
  function.description = description;
  function.resolve = [name,
                      usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(auto targets, accepted(name, usage,
                                      {.accepts = {Accepts::kNumeric, Accepts::kInteger},
                                       .required = 1,
                                       .variadic = false,
                                       .result = {}},
                                      args));
    Type result = targets[0];
    if (result.kind() == TypeKind::kDecimal && args.size() == 1)
      result = rounded_decimal(result, 0);
    return Signature{targets, result.with_nullable(any_nullable(args))};
  };
  function.refine = [](std::span<const ExprPtr> args, const Type& resolved) {
    if (resolved.kind() != TypeKind::kDecimal || args.size() < 2) return resolved;
    const std::optional<std::int64_t> digits = literal_integer(*args[1]);
    return digits ? rounded_decimal(resolved, *digits).with_nullable(resolved.nullable())
                  : resolved;
  };
  function.kernel = rounding_kernel(rounding);
  return function;
}

Function whole_function(const std::string& name, const std::string& description, Kernel kernel) {
  Function function;
  function.name = name;
  function.usage = name + "(number)";
  function.description = description;
  function.resolve = [name](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(
        auto targets,
        accepted(name, name + "(number), " + name + "(time TO unit)",
                 {.accepts = {Accepts::kNumeric}, .required = 1, .variadic = false, .result = {}},
                 args));
    Type result = targets[0];
    if (result.kind() == TypeKind::kDecimal) result = Type::decimal(result.precision(), 0);
    return Signature{targets, result.with_nullable(targets[0].nullable())};
  };
  function.kernel = std::move(kernel);
  return function;
}

}  // namespace

void add_rounding(Functions& out) {
  out.push_back(whole_function("FLOOR", "The largest whole number that is not greater.",
                               whole_kernel<false>));
  out.push_back(
      whole_function("CEIL", "The smallest whole number that is not less.", whole_kernel<true>));
  out.push_back(
      whole_function("CEILING", "The smallest whole number that is not less.", whole_kernel<true>));
  out.push_back(
      digits_function("ROUND", "Rounded half up to digits after the point.", Rounding::kHalfUp));
  out.push_back(digits_function("TRUNCATE", "Cut to digits after the point.", Rounding::kDown));
}

}  // namespace slipstream::expr
