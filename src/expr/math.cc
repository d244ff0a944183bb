// Functions of DOUBLE as in java.lang.Math, ABS, SIGN, RAND and constants.
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/try.h"
#include "expr/kernel.h"
#include "expr/number_layout.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

using Unary = double (*)(double);
using Binary = double (*)(double, double);

Kernel unary(Unary f) {
  return [f](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return map_unary<double, double>(ctx, *args[0], type, f);
  };
}

Kernel binary(Binary f) {
  return [f](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return map_binary<double, double, double>(ctx, *args[0], *args[1], type, f);
  };
}

Kernel constant(double value) {
  return [value](KernelContext& ctx, std::span<const ColumnPtr>, const Type& type) {
    FixedResult<double> result(type, ctx.rows());
    each_row(ctx, [&](std::size_t row) { result.set(row, value); });
    return result.finish();
  };
}

// --- ABS, SIGN: the type stays ---

template <typename T>
T absolute(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fabs(value);
  } else if constexpr (sizeof(T) == 16) {
    return value < 0 ? -value : value;
  } else {
    return value < 0 ? static_cast<T>(0 - static_cast<std::uint64_t>(value)) : value;
  }
}

ColumnPtr abs_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  return with_number_layout(type.layout(), [&](auto zero) {
    using T = decltype(zero);
    return map_unary<T, T>(ctx, *args[0], type, absolute<T>);
  });
}

ColumnPtr sign_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  return with_number_layout(type.layout(), [&](auto zero) {
    using T = decltype(zero);
    // One in units of the last digit.
    const auto one =
        static_cast<T>(type.kind() == TypeKind::kDecimal ? decimal_one(type) : Int128{1});
    return map_unary<T, T>(ctx, *args[0], type, [one](T value) -> T {
      if (value > 0) return one;
      if (value < 0) return static_cast<T>(-one);
      return value;  // zeros and NaN
    });
  });
}

Result<Signature> same_number(const std::string& name, std::span<const Type> args) {
  TRY_ASSIGN(
      auto targets,
      accepted(name, name + "(number)",
               {.accepts = {Accepts::kNumeric}, .required = 1, .variadic = false, .result = {}},
               args));
  return Signature{targets, targets[0]};
}

Function keeping_type(const std::string& name, const std::string& description, Kernel kernel) {
  Function function;
  function.name = name;
  function.usage = name + "(number)";
  function.description = description;
  function.resolve = [name](std::span<const Type> args) { return same_number(name, args); };
  function.kernel = std::move(kernel);
  return function;
}

// --- RAND: java.util.Random when a seed is given ---

class SeededRandom {
 public:
  explicit SeededRandom(std::int64_t seed)
      : state_((static_cast<std::uint64_t>(seed) ^ kFactor) & kMask) {}
  double next_double() {
    const std::uint64_t high = next(26);
    return static_cast<double>((high << 27U) + next(27)) * 0x1.0p-53;
  }

 private:
  static constexpr std::uint64_t kFactor = 0x5DEECE66DULL;
  static constexpr std::uint64_t kMask = (std::uint64_t{1} << 48U) - 1;
  std::uint64_t next(unsigned bits) {
    state_ = (state_ * kFactor + 11) & kMask;
    return state_ >> (48 - bits);
  }
  std::uint64_t state_;
};

ColumnPtr rand_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<double> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    if (args.empty())
      return result.set(row, static_cast<double>(ctx.eval().random() >> 11U) * 0x1.0p-53);
    if (ctx.memo() == nullptr)
      ctx.memo() = std::make_shared<SeededRandom>(args[0]->data<std::int64_t>()[row]);
    result.set(row, static_cast<SeededRandom*>(ctx.memo().get())->next_double());
  });
  return result.finish();
}

ColumnPtr rand_integer_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                              const Type& type) {
  FixedResult<std::int32_t> result(type, ctx.rows());
  const auto* bounds = args[0]->data<std::int64_t>();
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    if (bounds[row] < 1 || bounds[row] > 2'147'483'647) {
      ctx.fail(row, "the bound must be from 1 to 2147483647");
      return result.set_null(row);
    }
    const std::uint64_t high = ctx.eval().random() >> 32U;
    result.set(row,
               static_cast<std::int32_t>((high * static_cast<std::uint64_t>(bounds[row])) >> 32U));
  });
  return result.finish();
}

Parameters numbers(std::size_t count) {
  return {.accepts = std::vector<Accepts>(count, Accepts::kNumber),
          .required = count,
          .variadic = false,
          .result = Type::float64()};
}

void add_logarithms(Functions& out) {
  out.push_back(ordinary("LN", "LN(x)", "Natural logarithm.", numbers(1),
                         unary([](double x) { return std::log(x); })));
  out.push_back(ordinary("LOG10", "LOG10(x)", "Logarithm to base 10.", numbers(1),
                         unary([](double x) { return std::log10(x); })));
  out.push_back(ordinary("LOG2", "LOG2(x)", "Logarithm to base 2.", numbers(1),
                         unary([](double x) { return std::log(x) / std::log(2.0); })));
  Parameters either = numbers(2);
  either.required = 1;
  out.push_back(ordinary("LOG", "LOG(x), LOG(base, x)", "Natural logarithm, or to a base.", either,
                         [](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
                           if (args.size() == 1)
                             return unary([](double x) { return std::log(x); })(ctx, args, type);
                           return binary([](double base, double x) {
                             return std::log(x) / std::log(base);
                           })(ctx, args, type);
                         }));
}

void add_random(Functions& out) {
  Function random = ordinary(
      "RAND", "RAND([seed])", "A random number from 0 up to, not including, 1.",
      {.accepts = {Accepts::kInteger}, .required = 0, .variadic = false, .result = Type::float64()},
      rand_kernel);
  random.deterministic = false;
  out.push_back(std::move(random));
  Function integer = ordinary(
      "RAND_INTEGER", "RAND_INTEGER(bound)", "A random number from 0 up to bound - 1.",
      {.accepts = {Accepts::kInteger}, .required = 1, .variadic = false, .result = Type::integer()},
      rand_integer_kernel);
  integer.deterministic = false;
  out.push_back(std::move(integer));
}

}  // namespace

void add_math(Functions& out) {
  struct Named {
    const char* name;
    const char* description;
    Unary f;
  };
  const Named functions[] = {
      {"SQRT", "Square root.", [](double x) { return std::sqrt(x); }},
      {"EXP", "e to the power of x.", [](double x) { return std::exp(x); }},
      {"SIN", "Sine.", [](double x) { return std::sin(x); }},
      {"COS", "Cosine.", [](double x) { return std::cos(x); }},
      {"TAN", "Tangent.", [](double x) { return std::tan(x); }},
      {"COT", "Cotangent.", [](double x) { return 1.0 / std::tan(x); }},
      {"ASIN", "Arc sine.", [](double x) { return std::asin(x); }},
      {"ACOS", "Arc cosine.", [](double x) { return std::acos(x); }},
      {"ATAN", "Arc tangent.", [](double x) { return std::atan(x); }},
      {"SINH", "Hyperbolic sine.", [](double x) { return std::sinh(x); }},
      {"COSH", "Hyperbolic cosine.", [](double x) { return std::cosh(x); }},
      {"TANH", "Hyperbolic tangent.", [](double x) { return std::tanh(x); }},
      {"DEGREES", "Radians as degrees.", [](double x) { return x * (180.0 / std::numbers::pi); }},
      {"RADIANS", "Degrees as radians.", [](double x) { return x * (std::numbers::pi / 180.0); }},
  };
  for (const Named& named : functions) {
    out.push_back(ordinary(named.name, std::string(named.name) + "(x)", named.description,
                           numbers(1), unary(named.f)));
  }
  out.push_back(ordinary("POWER", "POWER(base, exponent)", "Base to the power of exponent.",
                         numbers(2), binary([](double a, double b) { return std::pow(a, b); })));
  out.push_back(ordinary("ATAN2", "ATAN2(y, x)", "Angle of a point.", numbers(2),
                         binary([](double a, double b) { return std::atan2(a, b); })));
  out.push_back(
      ordinary("PI", "PI()", "3.141592653589793.", numbers(0), constant(std::numbers::pi)));
  out.push_back(ordinary("E", "E()", "2.718281828459045.", numbers(0), constant(std::numbers::e)));
  for (Function* constant_function : {&out[out.size() - 2], &out[out.size() - 1]}) {
    constant_function->resolve =
        [name = constant_function->name](std::span<const Type> args) -> Result<Signature> {
      if (!args.empty()) return signature_error(name, args, name + "()");
      return Signature{{}, Type::float64().not_null()};
    };
  }
  add_logarithms(out);
  out.push_back(keeping_type("ABS", "Magnitude.", abs_kernel));
  out.push_back(keeping_type("SIGN", "-1, 0 or 1, in the type of the number.", sign_kernel));
  add_random(out);
}

}  // namespace slipstream::expr
