// + - * / % and unary minus on numbers. Integers wrap and their division by zero fails; floating
// point follows IEEE 754; a DECIMAL that has too many digits is NULL.
#include "expr/arithmetic.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "base/try.h"
#include "expr/cast.h"
#include "expr/decimal_math.h"
#include "expr/kernel.h"
#include "expr/one_row.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

constexpr const char* kByZero = "division by zero";

template <typename T>
using Unsigned = std::make_unsigned_t<std::conditional_t<std::is_integral_v<T>, T, int>>;

// Wraps for integers; the small types compute as int, which the cast back cuts.
template <Arithmetic kOp, typename T>
T plain(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (kOp == Arithmetic::kAdd) return a + b;
    if constexpr (kOp == Arithmetic::kSubtract) return a - b;
    if constexpr (kOp == Arithmetic::kMultiply) return a * b;
    if constexpr (kOp == Arithmetic::kDivide) return a / b;
    return std::fmod(a, b);
  } else {
    using U = std::common_type_t<Unsigned<T>, unsigned>;
    const auto left = static_cast<U>(static_cast<Unsigned<T>>(a));
    const auto right = static_cast<U>(static_cast<Unsigned<T>>(b));
    if constexpr (kOp == Arithmetic::kAdd) return static_cast<T>(left + right);
    if constexpr (kOp == Arithmetic::kSubtract) return static_cast<T>(left - right);
    if constexpr (kOp == Arithmetic::kMultiply) return static_cast<T>(left * right);
    if constexpr (kOp == Arithmetic::kDivide)
      return b == -1 ? static_cast<T>(U{0} - left) : static_cast<T>(a / b);
    return b == -1 ? T{0} : static_cast<T>(a % b);
  }
}

template <Arithmetic kOp, typename T>
ColumnPtr plain_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  constexpr bool kMayFail =
      std::is_integral_v<T> && (kOp == Arithmetic::kDivide || kOp == Arithmetic::kModulo);
  if constexpr (!kMayFail) {
    return map_binary<T, T, T>(ctx, *args[0], *args[1], type,
                               [](T a, T b) { return plain<kOp, T>(a, b); });
  } else {
    FixedResult<T> result(type, ctx.rows());
    const T* left = args[0]->data<T>();
    const T* right = args[1]->data<T>();
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      if (right[row] == 0) {
        ctx.fail(row, kByZero);
        result.set_null(row);
      } else {
        result.set(row, plain<kOp, T>(left[row], right[row]));
      }
    });
    return result.finish();
  }
}

template <Arithmetic kOp>
std::optional<Int128> decimal_operation(Int128 a, Int128 b, const DecimalShape& shape) {
  if constexpr (kOp == Arithmetic::kAdd) return decimal_add(a, b, shape);
  if constexpr (kOp == Arithmetic::kSubtract) return decimal_subtract(a, b, shape);
  if constexpr (kOp == Arithmetic::kMultiply) return decimal_multiply(a, b, shape);
  if constexpr (kOp == Arithmetic::kDivide) return decimal_divide(a, b, shape);
  return decimal_modulo(a, b, shape);
}

template <Arithmetic kOp>
ColumnPtr decimal_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<Int128> result(type, ctx.rows());
  const auto* left = args[0]->data<Int128>();
  const auto* right = args[1]->data<Int128>();
  const DecimalShape shape = {args[0]->type().scale(), args[1]->type().scale(), type.precision(),
                              type.scale()};
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    if constexpr (kOp == Arithmetic::kDivide || kOp == Arithmetic::kModulo) {
      if (right[row] == 0) {
        ctx.fail(row, kByZero);
        return result.set_null(row);
      }
    }
    if (const std::optional<Int128> value = decimal_operation<kOp>(left[row], right[row], shape)) {
      result.set(row, *value);
    } else {
      result.set_null(row);
    }
  });
  return result.finish();
}

template <Arithmetic kOp>
ColumnPtr numeric_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  switch (args[0]->type().layout()) {
    case Layout::kInt8:
      return plain_kernel<kOp, std::int8_t>(ctx, args, type);
    case Layout::kInt16:
      return plain_kernel<kOp, std::int16_t>(ctx, args, type);
    case Layout::kInt32:
      return plain_kernel<kOp, std::int32_t>(ctx, args, type);
    case Layout::kInt64:
      return plain_kernel<kOp, std::int64_t>(ctx, args, type);
    case Layout::kFloat:
      return plain_kernel<kOp, float>(ctx, args, type);
    case Layout::kDouble:
      return plain_kernel<kOp, double>(ctx, args, type);
    case Layout::kInt128:
      return decimal_kernel<kOp>(ctx, args, type);
    default:
      return all_null(type, ctx.rows());
  }
}

// Integers of unlike width are computed in the wider one; the remainder then has the type of the
// divisor.
ColumnPtr modulo_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const Type& computed = args[0]->type();
  if (!computed.is_integer() || computed.kind() == type.kind()) {
    return numeric_kernel<Arithmetic::kModulo>(ctx, args, type);
  }
  const ColumnPtr wide = numeric_kernel<Arithmetic::kModulo>(ctx, args, computed);
  return cast_numeric(ctx, wide, type);
}

Type decimal_result(Arithmetic op, const Type& a, const Type& b) {
  switch (op) {
    case Arithmetic::kAdd:
    case Arithmetic::kSubtract:
      return decimal_sum(a, b);
    case Arithmetic::kMultiply:
      return decimal_product(a, b);
    case Arithmetic::kDivide:
      return decimal_quotient(a, b);
    case Arithmetic::kModulo:
      return decimal_remainder(a, b);
  }
  return a;
}

Result<Signature> numeric_signature(Arithmetic op, const Type& a, const Type& b) {
  const bool nullable = a.nullable() || b.nullable();
  const Type pair[] = {a, b};
  TRY_ASSIGN(const Type common, common_type(pair));
  if (common.kind() == TypeKind::kDecimal) {
    const Type left = as_decimal(a).with_nullable(a.nullable());
    const Type right = as_decimal(b).with_nullable(b.nullable());
    return Signature{{left, right}, decimal_result(op, left, right).with_nullable(nullable)};
  }
  const Type result = op == Arithmetic::kModulo && common.is_integer() ? b : common;
  return Signature{{common.with_nullable(a.nullable()), common.with_nullable(b.nullable())},
                   result.with_nullable(nullable)};
}

template <Arithmetic kOp>
Result<Signature> resolve(const std::string& name, const std::string& usage,
                          std::span<const Type> given) {
  if (given.size() != 2) return signature_error(name, given, usage);
  Type a = given[0];
  Type b = given[1];
  if (a.kind() == TypeKind::kNull && b.kind() == TypeKind::kNull) a = b = Type::integer();
  const bool other_is_time = b.is_interval() || b.is_timestamp() || b.kind() == TypeKind::kDate;
  if (a.kind() == TypeKind::kNull) a = other_is_time ? Type::timestamp(3) : b.with_nullable(true);
  if (b.kind() == TypeKind::kNull)
    b = a.is_numeric() ? a.with_nullable(true) : Type::interval_day_time();
  if (a.is_numeric() && b.is_numeric()) return numeric_signature(kOp, a, b);
  auto moved = interval_signature(kOp, a, b);
  if (!moved) {
    return Error{
        ErrorCode::kInvalidArgument,
        "no " + a.with_nullable(true).to_string() + " " + name + " " +
            b.with_nullable(true).to_string() +
            (a.is_text() || b.is_text() ? ": CAST the text to a number" : "; usage: " + usage)};
  }
  return *moved;
}

template <Arithmetic kOp>
Function binary(const std::string& name, const std::string& usage, const std::string& description) {
  Function function;
  function.name = name;
  function.usage = usage;
  function.description = description;
  function.resolve = [name, usage](std::span<const Type> args) {
    return resolve<kOp>(name, usage, args);
  };
  function.kernel = [](KernelContext& ctx, std::span<const ColumnPtr> args,
                       const Type& type) -> ColumnPtr {
    if (!args[0]->type().is_numeric() || !args[1]->type().is_numeric()) {
      return interval_kernel(kOp, ctx, args, type);
    }
    if constexpr (kOp == Arithmetic::kModulo) {
      return modulo_kernel(ctx, args, type);
    } else {
      return numeric_kernel<kOp>(ctx, args, type);
    }
  };
  return function;
}

template <typename T>
ColumnPtr negated(const KernelContext& ctx, const Column& column, const Type& type) {
  return map_unary<T, T>(ctx, column, type, [](T value) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, Int128>)
      return plain<Arithmetic::kSubtract, T>(0, value);
    else
      return -value;
  });
}

ColumnPtr negate_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  switch (type.layout()) {
    case Layout::kInt8:
      return negated<std::int8_t>(ctx, *args[0], type);
    case Layout::kInt16:
      return negated<std::int16_t>(ctx, *args[0], type);
    case Layout::kInt32:
      return negated<std::int32_t>(ctx, *args[0], type);
    case Layout::kInt64:
      return negated<std::int64_t>(ctx, *args[0], type);
    case Layout::kFloat:
      return negated<float>(ctx, *args[0], type);
    case Layout::kDouble:
      return negated<double>(ctx, *args[0], type);
    case Layout::kInt128:
      return negated<Int128>(ctx, *args[0], type);
    default:
      return all_null(type, ctx.rows());
  }
}

Function negate() {
  Function function;
  function.name = "NEGATE";
  function.usage = "-number, -interval";
  function.description = "The negative.";
  function.resolve = [usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    const bool fits = args.size() == 1 && (args[0].is_numeric() || args[0].is_interval());
    if (!fits) return signature_error("-", args, usage);
    return Signature{{args[0]}, args[0]};
  };
  function.kernel = negate_kernel;
  return function;
}

}  // namespace

void add_arithmetic(Functions& out) {
  out.push_back(
      binary<Arithmetic::kAdd>("+", "a + b", "Sum; a date or time moved by an interval."));
  out.push_back(binary<Arithmetic::kSubtract>(
      "-", "a - b", "Difference; a date or time moved back by an interval."));
  out.push_back(negate());
  out.push_back(binary<Arithmetic::kMultiply>("*", "a * b", "Product."));
  out.push_back(binary<Arithmetic::kDivide>("/", "a / b", "Quotient; whole for integers."));
  out.push_back(binary<Arithmetic::kModulo>("%", "a % b", "Remainder with the sign of a."));
  out.push_back(binary<Arithmetic::kModulo>("MOD", "MOD(a, b)", "Remainder with the sign of a."));
}

}  // namespace slipstream::expr
