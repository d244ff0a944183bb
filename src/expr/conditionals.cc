// GREATEST, LEAST, TYPEOF and HASH_CODE: functions of any type.
#include <bit>
#include <cstdint>

#include "base/try.h"
#include "data/compare.h"
#include "data/text/characters.h"
#include "data/text/civil.h"
#include "expr/kernel.h"
#include "expr/merge.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

template <bool kGreatest>
ColumnPtr extreme_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  std::vector<std::vector<std::uint32_t>> chosen(args.size());
  each_row(ctx, [&](std::size_t row) {
    if (any_null(args, row)) return;  // in no piece: NULL
    std::size_t best = 0;
    for (std::size_t i = 1; i < args.size(); ++i) {
      const int order = compare_cells(*args[i], row, *args[best], row);
      if (kGreatest ? order > 0 : order < 0) best = i;
    }
    chosen[best].push_back(static_cast<std::uint32_t>(row));
  });
  std::vector<ColumnPart> parts;
  for (std::size_t i = 0; i < args.size(); ++i) parts.push_back(ColumnPart{args[i], chosen[i]});
  return merge_parts(type, ctx.rows(), parts);
}

Function extreme(const std::string& name, const std::string& description, Kernel kernel) {
  Function function;
  function.name = name;
  function.usage = name + "(value, ...)";
  function.description = description;
  function.resolve = [name,
                      usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    auto common = common_type(args);
    if (!common.ok()) return std::move(common).error().with_context(name);
    if (args.empty() || common->layout() == Layout::kNested)
      return signature_error(name, args, usage);
    std::vector<Type> targets;
    for (const Type& arg : args) targets.push_back(common->with_nullable(arg.nullable()));
    return Signature{targets, *common};
  };
  function.kernel = std::move(kernel);
  return function;
}

ColumnPtr type_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const std::string name = args[0]->type().to_string();
  TextResult result(type, ctx.rows());
  each_row(ctx, [&](std::size_t row) { result.set(row, name); });
  return result.finish();
}

// --- HASH_CODE: what Java's hashCode() gives ---

std::uint32_t fold(std::uint64_t bits) { return static_cast<std::uint32_t>(bits ^ (bits >> 32U)); }

std::uint32_t text_hash(std::string_view text) {
  std::uint32_t value = 0;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    if (text::utf16_units(point.value) == 2) {
      const std::uint32_t offset = static_cast<std::uint32_t>(point.value) - 0x10000U;
      value = value * 31 + (0xD800U + (offset >> 10U));
      value = value * 31 + (0xDC00U + (offset & 0x3FFU));
    } else {
      value = value * 31 + static_cast<std::uint32_t>(point.value);
    }
    at = point.next;
  }
  return value;
}

// BigDecimal: the magnitude's 32-bit words from the most significant one, the sign, the scale.
std::uint32_t decimal_hash(Int128 unscaled, int scale) {
  __extension__ using UInt128 = unsigned __int128;
  const UInt128 magnitude =
      unscaled < 0 ? UInt128{0} - static_cast<UInt128>(unscaled) : static_cast<UInt128>(unscaled);
  std::uint32_t value = 0;
  for (unsigned shift = 128; shift > 0;) {
    shift -= 32;
    value = value * 31 + static_cast<std::uint32_t>(magnitude >> shift);
  }
  if (unscaled < 0) value = 0U - value;
  return value * 31 + static_cast<std::uint32_t>(scale);
}

// Flink's TimestampData: milliseconds, and the nanoseconds behind them.
std::uint32_t timestamp_hash(std::int64_t value, std::int64_t units_per_second) {
  const std::int64_t per_milli = units_per_second / 1000;
  const std::int64_t millis = text::floor_div(value, per_milli);
  const std::int64_t nanos = (value - millis * per_milli) * (1'000'000 / per_milli);
  return fold(static_cast<std::uint64_t>(millis)) * 31 + static_cast<std::uint32_t>(nanos);
}

std::uint32_t cell_hash(const Column& column, std::size_t row) {
  if (column.type().is_timestamp()) {
    return timestamp_hash(column.data<std::int64_t>()[row], column.type().units_per_second());
  }
  switch (column.type().layout()) {
    case Layout::kInt128:
      return decimal_hash(column.data<Int128>()[row], column.type().scale());
    case Layout::kBool:
      return column.data<std::uint8_t>()[row] != 0 ? 1231 : 1237;
    case Layout::kInt8:
      return static_cast<std::uint32_t>(column.data<std::int8_t>()[row]);
    case Layout::kInt16:
      return static_cast<std::uint32_t>(column.data<std::int16_t>()[row]);
    case Layout::kInt32:
      return static_cast<std::uint32_t>(column.data<std::int32_t>()[row]);
    case Layout::kInt64:
      return fold(static_cast<std::uint64_t>(column.data<std::int64_t>()[row]));
    case Layout::kFloat:
      return std::bit_cast<std::uint32_t>(column.data<float>()[row]);
    case Layout::kDouble:
      return fold(std::bit_cast<std::uint64_t>(column.data<double>()[row]));
    default:
      return text_hash(column.text(row));
  }
}

ColumnPtr hash_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int32_t> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    result.set(row, static_cast<std::int32_t>(cell_hash(*args[0], row)));
  });
  return result.finish();
}

}  // namespace

void add_conditionals(Functions& out) {
  out.push_back(
      extreme("GREATEST", "The greatest value; NULL when one is NULL.", extreme_kernel<true>));
  out.push_back(extreme("LEAST", "The least value; NULL when one is NULL.", extreme_kernel<false>));
}

void add_types(Functions& out) {
  Function type;
  type.name = "TYPEOF";
  type.usage = "TYPEOF(value)";
  type.description = "The type as text.";
  type.resolve = [](std::span<const Type> args) -> Result<Signature> {
    if (args.empty() || args.size() > 2) return signature_error("TYPEOF", args, "TYPEOF(value)");
    return Signature{{args.begin(), args.end()}, Type::string().not_null()};
  };
  type.kernel = type_kernel;
  out.push_back(std::move(type));
  Function hash;
  hash.name = "HASH_CODE";
  hash.usage = "HASH_CODE(value)";
  hash.description = "Java's hashCode() of a text, number, BOOLEAN, date or time.";
  hash.resolve = [](std::span<const Type> args) -> Result<Signature> {
    const bool fits = args.size() == 1 && args[0].layout() != Layout::kNested &&
                      !args[0].is_interval() && !args[0].is_binary();
    if (!fits)
      return signature_error("HASH_CODE", args, "HASH_CODE(text, number, BOOLEAN or time)");
    const Type arg = args[0].kind() == TypeKind::kNull ? Type::string() : args[0];
    return Signature{{arg}, Type::integer().with_nullable(arg.nullable())};
  };
  hash.kernel = hash_kernel;
  out.push_back(std::move(hash));
}

}  // namespace slipstream::expr
