// CURRENT_TIMESTAMP and its kin: the wall clock, read once per batch and cut to milliseconds.
#include <cstdint>

#include "base/try.h"
#include "data/text/civil.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kDayMicros = kMicros * text::kSecondsPerDay;

std::int64_t instant(const EvalContext& eval) {
  return text::floor_div(eval.wall_micros(), 1000) * 1000;
}
std::int64_t wall_clock(const EvalContext& eval) {
  return eval.zone.to_local(instant(eval), kMicros);
}

std::int32_t today(const EvalContext& eval) {
  return static_cast<std::int32_t>(text::floor_div(wall_clock(eval), kDayMicros));
}
// Whole seconds: TIME(0).
std::int32_t time_of_day(const EvalContext& eval) {
  return static_cast<std::int32_t>(text::floor_mod(wall_clock(eval), kDayMicros) / kMicros * 1000);
}

template <typename T>
Function clock(const std::string& name, const Type& type, const std::string& description,
               T (*read)(const EvalContext&)) {
  Function function;
  function.name = name;
  function.usage = name;
  function.description = description;
  function.deterministic = false;
  function.resolve = [name, type](std::span<const Type> args) -> Result<Signature> {
    if (!args.empty()) return signature_error(name, args, name);
    return Signature{{}, type.not_null()};
  };
  function.kernel = [read](KernelContext& ctx, std::span<const ColumnPtr>,
                           const Type& result_type) {
    FixedResult<T> result(result_type, ctx.rows());
    const T value = read(ctx.eval());
    each_row(ctx, [&](std::size_t row) { result.set(row, value); });
    return result.finish();
  };
  return function;
}

}  // namespace

void add_clock(Functions& out) {
  for (const char* name : {"CURRENT_TIMESTAMP", "NOW", "CURRENT_ROW_TIMESTAMP"}) {
    out.push_back(clock(name, Type::timestamp_ltz(3), "The present instant.", instant));
  }
  out.push_back(clock("LOCALTIMESTAMP", Type::timestamp(3),
                      "The present time in the session's zone.", wall_clock));
  out.push_back(
      clock("CURRENT_DATE", Type::date(), "The present date in the session's zone.", today));
  for (const char* name : {"CURRENT_TIME", "LOCALTIME"}) {
    out.push_back(
        clock(name, Type::time(0), "The present time of day in the session's zone.", time_of_day));
  }
}

}  // namespace slipstream::expr
