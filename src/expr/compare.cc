// = <> < <= > >= and IS [NOT] DISTINCT FROM.
#include "expr/compare.h"

#include <cstdint>
#include <optional>

#include "base/try.h"
#include "data/compare.h"
#include "data/text/number.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

std::uint8_t as_cell(bool value) { return static_cast<std::uint8_t>(value ? 1 : 0); }

template <Comparison kOp, typename T>
ColumnPtr compare_plain(const KernelContext& ctx, const Column& a, const Column& b,
                        const Type& type) {
  return map_binary<std::uint8_t, T, T>(ctx, a, b, type, [](const T& left, const T& right) {
    return as_cell(holds<kOp, T>(left, right));
  });
}

template <Comparison kOp>
ColumnPtr compare_decimal_columns(const KernelContext& ctx, const Column& a, const Column& b,
                                  const Type& type) {
  const int scale_a = a.type().scale();
  const int scale_b = b.type().scale();
  if (scale_a == scale_b) return compare_plain<kOp, Int128>(ctx, a, b, type);
  return map_binary<std::uint8_t, Int128, Int128>(ctx, a, b, type, [=](Int128 left, Int128 right) {
    return as_cell(holds<kOp, int>(compare_decimals(left, scale_a, right, scale_b), 0));
  });
}

template <Comparison kOp>
ColumnPtr compare_nested(const KernelContext& ctx, const Column& a, const Column& b,
                         const Type& type) {
  BoolResult result(type, ctx.rows());
  result.validity().add_nulls_of(a);
  result.validity().add_nulls_of(b);
  each_row(ctx, [&](std::size_t row) {
    if (!result.is_null(row))
      result.set(row, as_cell(holds<kOp, int>(compare_cells(a, row, b, row), 0)));
  });
  return result.finish();
}

template <Comparison kOp>
ColumnPtr compare_columns(const KernelContext& ctx, const Column& a, const Column& b,
                          const Type& type) {
  switch (a.type().layout()) {
    case Layout::kBool:
      return compare_plain<kOp, std::uint8_t>(ctx, a, b, type);
    case Layout::kInt8:
      return compare_plain<kOp, std::int8_t>(ctx, a, b, type);
    case Layout::kInt16:
      return compare_plain<kOp, std::int16_t>(ctx, a, b, type);
    case Layout::kInt32:
      return compare_plain<kOp, std::int32_t>(ctx, a, b, type);
    case Layout::kInt64:
      return compare_plain<kOp, std::int64_t>(ctx, a, b, type);
    case Layout::kFloat:
      return compare_plain<kOp, float>(ctx, a, b, type);
    case Layout::kDouble:
      return compare_plain<kOp, double>(ctx, a, b, type);
    case Layout::kInt128:
      return compare_decimal_columns<kOp>(ctx, a, b, type);
    case Layout::kString:
      return compare_plain<kOp, StringView>(ctx, a, b, type);
    case Layout::kNested:
      break;
  }
  return compare_nested<kOp>(ctx, a, b, type);
}

// Types that are compared as they are although they differ in length, digits or precision.
bool comparable_as_is(const Type& a, const Type& b) {
  if ((a.is_text() && b.is_text()) || (a.is_binary() && b.is_binary())) return true;
  if (a.kind() == TypeKind::kDecimal && b.kind() == TypeKind::kDecimal) return true;
  if (a.kind() == TypeKind::kTime && b.kind() == TypeKind::kTime) return true;
  return a.kind() == b.kind() && a.is_timestamp() && a.units_per_second() == b.units_per_second();
}

bool has_order(const Type& type) { return type.layout() != Layout::kNested; }

std::vector<Type> compared_as(const Type& a, const Type& b, const Type& common) {
  if (comparable_as_is(a, b)) return {a, b};
  const bool exact = common.kind() == TypeKind::kDecimal && a.is_numeric() && b.is_numeric();
  if (exact) return {as_decimal(a), as_decimal(b)};
  return {common.with_nullable(a.nullable()), common.with_nullable(b.nullable())};
}

Result<Signature> resolve(const std::string& name, bool equality, bool null_safe,
                          std::span<const Type> args) {
  if (args.size() != 2) return signature_error(name, args, "a " + name + " b");
  auto common = comparison_type(args[0], args[1], equality);
  if (!common.ok()) return std::move(common).error().with_context(name);
  if (!equality && !has_order(*common)) {
    return Error{ErrorCode::kInvalidArgument, name + ": " +
                                                  common->with_nullable(true).to_string() +
                                                  " has no order; only = and <> compare it"};
  }
  const bool nullable = !null_safe && any_nullable(args);
  return Signature{compared_as(args[0], args[1], *common), Type::boolean().with_nullable(nullable)};
}

template <Comparison kOp, bool kSwapped>
Function comparison(const std::string& name, Relation relation, const std::string& description) {
  Function function;
  function.name = name;
  function.relation = relation;
  function.usage = "a " + name + " b";
  function.description = description;
  constexpr bool kEquality = kOp == Comparison::kEqual || kOp == Comparison::kNotEqual;
  function.resolve = [name](std::span<const Type> args) {
    return resolve(name, kEquality, false, args);
  };
  function.kernel = [](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return kSwapped ? compare_columns<kOp>(ctx, *args[1], *args[0], type)
                    : compare_columns<kOp>(ctx, *args[0], *args[1], type);
  };
  return function;
}

Function distinct(const std::string& name, bool negated) {
  Function function;
  function.name = name;
  function.usage = "a " + name + " b";
  function.description =
      negated ? "Equal, or both NULL; never NULL." : "Unequal, or one of them NULL; never NULL.";
  function.resolve = [name](std::span<const Type> args) { return resolve(name, true, true, args); };
  function.kernel = [negated](KernelContext& ctx, std::span<const ColumnPtr> args,
                              const Type& type) {
    const ColumnPtr equal = compare_columns<Comparison::kEqual>(ctx, *args[0], *args[1], type);
    const auto* values = equal->data<std::uint8_t>();
    BoolResult result(type, ctx.rows());
    each_row(ctx, [&](std::size_t row) {
      const bool left = args[0]->is_null(row);
      const bool right = args[1]->is_null(row);
      const bool same = left || right ? left && right : values[row] != 0;
      result.set(row, as_cell(same == negated));
    });
    return result.finish();
  };
  return function;
}

}  // namespace

int compare_decimals(Int128 a, int scale_a, Int128 b, int scale_b) {
  if (scale_a > scale_b) return -compare_decimals(b, scale_b, a, scale_a);
  if ((a < 0) != (b < 0)) return a < 0 ? -1 : 1;
  Int128 scaled = 0;
  // When a * 10^n leaves 128 bits it is beyond every b.
  if (__builtin_mul_overflow(a, text::power_of_ten(scale_b - scale_a), &scaled))
    return a < 0 ? -1 : 1;
  return scaled < b ? -1 : static_cast<int>(scaled > b);
}

void add_comparisons(Functions& out) {
  out.push_back(comparison<Comparison::kEqual, false>("=", Relation::kEqual, "Equal."));
  out.push_back(comparison<Comparison::kNotEqual, false>("<>", Relation::kNotEqual, "Unequal."));
  out.push_back(comparison<Comparison::kLess, false>("<", Relation::kLess, "Less."));
  out.push_back(
      comparison<Comparison::kLessOrEqual, false>("<=", Relation::kLessOrEqual, "Less or equal."));
  out.push_back(comparison<Comparison::kLess, true>(">", Relation::kGreater, "Greater."));
  out.push_back(comparison<Comparison::kLessOrEqual, true>(">=", Relation::kGreaterOrEqual,
                                                           "Greater or equal."));
  out.push_back(distinct("IS DISTINCT FROM", false));
  out.push_back(distinct("IS NOT DISTINCT FROM", true));
}

}  // namespace slipstream::expr
