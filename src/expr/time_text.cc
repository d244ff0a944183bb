// Times as text and back: DATE_FORMAT, TO_DATE, TO_TIMESTAMP, TO_TIMESTAMP_LTZ, UNIX_TIMESTAMP,
// FROM_UNIXTIME, CONVERT_TZ.
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/try.h"
#include "data/text/civil.h"
#include "data/text/number.h"
#include "data/text/temporal.h"
#include "data/text/value.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/temporal.h"
#include "expr/time_format.h"
#include "expr/time_unit.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

using Leniency = TimeFormat::Leniency;
using Dialect = TimeFormat::Dialect;
using Use = TimeFormat::Use;

constexpr std::string_view kDefaultFormat = "yyyy-MM-dd HH:mm:ss";
constexpr std::int64_t kMicros = 1'000'000;

// The pattern of the last row, which for a constant is that of all rows, and the zones of the last
// row.
struct Memo {
  std::string pattern;
  std::optional<TimeFormat> format;
  bool compiled = false;
  std::string zone_names[2];
  std::optional<TimeZone> zones[2];

  // nullptr for a pattern that cannot be.
  const TimeFormat* format_of(std::string_view wanted, Dialect dialect, Use use) {
    if (!compiled || wanted != pattern) {
      pattern = wanted;
      compiled = true;
      format.reset();
      if (auto made = TimeFormat::compile(pattern, dialect, use); made.ok())
        format = std::move(*made);
    }
    return format ? &*format : nullptr;
  }
  // nullptr for a zone that is not known.
  const TimeZone* zone_of(std::size_t slot, std::string_view name) {
    if (!zones[slot] || zone_names[slot] != name) {
      zone_names[slot] = name;
      zones[slot].reset();
      if (auto found = TimeZone::from_name(name); found.ok()) zones[slot] = std::move(*found);
    }
    return zones[slot] ? &*zones[slot] : nullptr;
  }
};

Memo& memo_of(KernelContext& ctx) {
  if (ctx.memo() == nullptr) ctx.memo() = std::make_shared<Memo>();
  return *static_cast<Memo*>(ctx.memo().get());
}

std::string_view format_text(std::span<const ColumnPtr> args, std::size_t index, std::size_t row) {
  return args.size() > index ? args[index]->text(row) : kDefaultFormat;
}

Kernel text_kernel(Dialect dialect, std::optional<text::CivilTime> (*civil)(
                                        KernelContext&, std::span<const ColumnPtr>, std::size_t)) {
  return [=](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    TextResult result(type, ctx.rows());
    Memo& memo = memo_of(ctx);
    std::string scratch;
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      const TimeFormat* format =
          memo.format_of(format_text(args, 1, row),
                         args[0]->type().is_text() ? Dialect::kSimple : dialect, Use::kPrint);
      const std::optional<text::CivilTime> time = civil(ctx, args, row);
      if (format == nullptr || !time) return result.set_null(row);
      scratch.clear();
      format->append(*time, scratch);
      result.set(row, scratch);
    });
    return result.finish();
  };
}

// DATE_FORMAT of a moment, or of a text that is read as one.
std::optional<text::CivilTime> formatted_moment(KernelContext& ctx, std::span<const ColumnPtr> args,
                                                std::size_t row) {
  const Column& moment = *args[0];
  if (!moment.type().is_text()) {
    return text::civil_from_timestamp(local_value(moment, row, ctx.eval().zone),
                                      local_units(moment.type()));
  }
  // As Flink: read with the default pattern, fraction left out.
  static const Result<TimeFormat> kFormat =
      TimeFormat::compile(kDefaultFormat, Dialect::kSimple, Use::kRead);
  return kFormat->parse(moment.text(row), Leniency::kLenient);
}

std::optional<text::CivilTime> unix_moment(KernelContext& ctx, std::span<const ColumnPtr> args,
                                           std::size_t row) {
  const std::int64_t seconds = args[0]->data<std::int64_t>()[row];
  // Years up to about 292 million either way, as in Java.
  if (seconds > std::int64_t{9'000'000'000'000'000} ||
      seconds < -std::int64_t{9'000'000'000'000'000}) {
    return std::nullopt;
  }
  return text::civil_from_timestamp(ctx.eval().zone.to_local(seconds * 1000, 1000), 1000);
}

// --- reading ---

ColumnPtr to_date_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int32_t> result(type, ctx.rows());
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    std::optional<std::int32_t> days;
    if (args.size() == 1) {
      days = text::parse_date(args[0]->text(row));
    } else if (const TimeFormat* format =
                   memo.format_of(args[1]->text(row), Dialect::kSimple, Use::kRead)) {
      if (const auto time = format->parse(args[0]->text(row), Leniency::kLenient)) {
        days = static_cast<std::int32_t>(
            text::days_from_civil(time->date.year, time->date.month, time->date.day));
      }
    }
    if (days) return result.set(row, *days);
    result.set_null(row);
  });
  return result.finish();
}

// The wall clock in microseconds, cut to milliseconds.
std::optional<std::int64_t> parsed_micros(Memo& memo, std::span<const ColumnPtr> args,
                                          std::size_t row) {
  if (args.size() == 1) return text::parse_timestamp(args[0]->text(row), 3);
  const TimeFormat* format = memo.format_of(args[1]->text(row), Dialect::kFormatter, Use::kRead);
  if (format == nullptr) return std::nullopt;
  auto time = format->parse(args[0]->text(row), Leniency::kSmart);
  // As Flink: what does not fit the pattern may still have the plain form, 2024-8-5 1:02:03.
  if (!time) return text::parse_timestamp(text::trim(args[0]->text(row)), 3);
  time->nanos -= time->nanos % 1'000'000;
  return text::timestamp_from_civil(*time, kMicros);
}

ColumnPtr to_timestamp_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                              const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    if (const auto micros = parsed_micros(memo, args, row)) return result.set(row, *micros);
    result.set_null(row);
  });
  return result.finish();
}

// UTC unless a zone is given, whatever the session's zone is, as in Flink.
ColumnPtr ltz_from_text(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const TimeZone* zone =
        memo.zone_of(0, args.size() > 2 ? args[2]->text(row) : std::string_view("UTC"));
    const auto micros = parsed_micros(memo, args.first(std::min<std::size_t>(args.size(), 2)), row);
    if (micros && zone != nullptr) return result.set(row, zone->from_local(*micros, kMicros));
    ctx.fail(row, zone == nullptr ? "no time zone '" + std::string(args[2]->text(row)) + "'"
                                  : text::parse_failure(args[0]->text(row), type));
    result.set_null(row);
  });
  return result.finish();
}

// As Flink: from year 0 to 9999, in seconds.
constexpr std::int64_t kFirstSecond = -62'167'219'200;
constexpr std::int64_t kLastSecond = 253'402'300'799;

bool is_precision(std::int64_t precision) { return precision >= 0 && precision <= 3; }

// Units of 10^-precision seconds as microseconds; none out of range. REQUIRES: is_precision
std::optional<std::int64_t> epoch_micros(const Column& number, std::size_t row,
                                         std::int64_t precision) {
  const auto units = static_cast<std::int64_t>(text::power_of_ten(static_cast<int>(precision)));
  const auto factor = kMicros / units;
  if (number.type().kind() == TypeKind::kDouble) {
    const double value = number.data<double>()[row];
    const auto per_second = static_cast<double>(units);
    if (std::isnan(value)) return 0;
    if (!(value >= static_cast<double>(kFirstSecond) * per_second &&
          value <= static_cast<double>(kLastSecond) * per_second)) {
      return std::nullopt;
    }
    const std::int64_t micros = std::llround(value * static_cast<double>(factor));
    return text::floor_div(micros, 1000) * 1000;
  }
  const std::int64_t value = number.data<std::int64_t>()[row];
  const std::int64_t second = text::floor_div(value, units);
  if (second < kFirstSecond || second > kLastSecond) return std::nullopt;
  return value * factor;
}

constexpr const char* kWrongPrecision = "the precision must be 0 (seconds) to 3 (milliseconds)";

ColumnPtr ltz_from_number(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::int64_t precision = args.size() > 1 ? args[1]->data<std::int64_t>()[row] : 3;
    if (!is_precision(precision)) {
      ctx.fail(row, kWrongPrecision);
      return result.set_null(row);
    }
    if (const auto micros = epoch_micros(*args[0], row, precision)) return result.set(row, *micros);
    result.set_null(row);
  });
  return result.finish();
}

// Seconds of a wall clock. Of the two instants of an hour that clocks repeat it is the later one,
// as java.util.Calendar has it (a CAST to TIMESTAMP_LTZ takes the earlier one).
std::int64_t later_seconds(const text::CivilTime& time, const TimeZone& zone) {
  constexpr std::int64_t kBehindTheChange = 6 * 3600;
  const std::int64_t local = text::timestamp_from_civil(time, 1000) / 1000;
  const std::int64_t earlier = zone.from_local(local * 1000, 1000) / 1000;
  const std::int64_t later = local - zone.offset_at(earlier + kBehindTheChange);
  return later > earlier && later + zone.offset_at(later) == local ? later : earlier;
}

// The least BIGINT for a text that cannot be read, as in Flink.
ColumnPtr unix_timestamp_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                                const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  if (args.empty()) {
    const std::int64_t now = text::floor_div(ctx.eval().wall_micros(), kMicros);
    each_row(ctx, [&](std::size_t row) { result.set(row, now); });
    return result.finish();
  }
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const TimeFormat* format =
        memo.format_of(format_text(args, 1, row), Dialect::kSimple, Use::kRead);
    const auto time =
        format == nullptr ? std::nullopt : format->parse(args[0]->text(row), Leniency::kLenient);
    if (!time) return result.set(row, std::numeric_limits<std::int64_t>::min());
    result.set(row, later_seconds(*time, ctx.eval().zone));
  });
  return result.finish();
}

ColumnPtr convert_tz_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  Memo& memo = memo_of(ctx);
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const TimeZone* from = memo.zone_of(0, args[1]->text(row));
    const TimeZone* to = memo.zone_of(1, args[2]->text(row));
    const auto value = text::parse_timestamp(args[0]->text(row), 0);
    if (!value || from == nullptr || to == nullptr) return result.set_null(row);
    scratch.clear();
    text::append_timestamp(to->to_local(from->from_local(*value, kMicros), kMicros), 0, scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

// --- checks of constants ---

Status check_format(std::span<const ColumnPtr> constants, std::size_t index, Dialect dialect,
                    Use use) {
  if (constants.size() <= index || constants[index] == nullptr || constants[index]->is_null(0))
    return {};
  if (!constants[index]->type().is_text()) return {};
  return TimeFormat::compile(constants[index]->text(0), dialect, use).status();
}

Status check_zone(std::span<const ColumnPtr> constants, std::size_t index) {
  if (constants.size() <= index || constants[index] == nullptr || constants[index]->is_null(0))
    return {};
  return TimeZone::from_name(constants[index]->text(0)).status();
}

// Of TO_TIMESTAMP_LTZ(number, precision).
Status check_precision(std::span<const ColumnPtr> constants) {
  if (constants.size() < 2 || constants[1] == nullptr || constants[1]->is_null(0) ||
      constants[1]->type().kind() != TypeKind::kBigInt ||
      is_precision(constants[1]->data<std::int64_t>()[0])) {
    return {};
  }
  return Error{ErrorCode::kInvalidArgument, kWrongPrecision};
}

template <Dialect kDialect, Use kUse>
Status check_second(std::span<const ColumnPtr> constants) {
  return check_format(constants, 1, kDialect, kUse);
}

Parameters parameters(std::vector<Accepts> accepts, std::size_t required, const Type& result) {
  return {.accepts = std::move(accepts),
          .required = required,
          .variadic = false,
          .result = result,
          .always_nullable = true};
}

Function date_format() {
  Function function = ordinary("DATE_FORMAT", "DATE_FORMAT(timestamp or text, pattern)",
                               "A time as text by a pattern of Java's DateTimeFormatter.",
                               parameters({Accepts::kText, Accepts::kText}, 2, Type::string()),
                               text_kernel(Dialect::kFormatter, formatted_moment));
  function.resolve = [usage = function.usage](std::span<const Type> args) {
    const Accepts first = !args.empty() && args[0].is_text() ? Accepts::kText : Accepts::kTimestamp;
    return with_parameters("DATE_FORMAT", usage,
                           parameters({first, Accepts::kText}, 2, Type::string()))(args);
  };
  // A text's pattern has SimpleDateFormat's letters; the argument may be no constant, so that only
  // what neither dialect has is refused here.
  function.check = [](std::span<const ColumnPtr> constants) -> Status {
    Status simple = check_format(constants, 1, Dialect::kSimple, Use::kPrint);
    return simple.ok() ? simple : check_format(constants, 1, Dialect::kFormatter, Use::kPrint);
  };
  return function;
}

Function to_timestamp_ltz() {
  Function function;
  function.name = "TO_TIMESTAMP_LTZ";
  function.usage =
      "TO_TIMESTAMP_LTZ(epoch number [, 0 or 3]), TO_TIMESTAMP_LTZ(text [, pattern [, zone]])";
  function.description =
      "An instant from seconds (0) or milliseconds (3), or from a text, in UTC unless a zone is "
      "given.";
  function.resolve = [usage = function.usage](std::span<const Type> args) {
    const bool is_text = !args.empty() && args[0].is_text();
    const bool approximate = !args.empty() && (args[0].kind() == TypeKind::kFloat ||
                                               args[0].kind() == TypeKind::kDouble);
    const Accepts number = approximate ? Accepts::kNumber : Accepts::kInteger;
    const Type result = Type::timestamp_ltz(3);
    if (!args.empty() && args[0].kind() == TypeKind::kDecimal) {
      // As in Flink the fraction of a DECIMAL is cut.
      std::vector<Type> whole(args.begin(), args.end());
      whole[0] = Type::bigint().with_nullable(args[0].nullable());
      return with_parameters("TO_TIMESTAMP_LTZ", usage,
                             parameters({Accepts::kInteger, Accepts::kInteger}, 1, result))(whole);
    }
    return with_parameters(
        "TO_TIMESTAMP_LTZ", usage,
        is_text ? parameters({Accepts::kText, Accepts::kText, Accepts::kText}, 1, result)
                : parameters({number, Accepts::kInteger}, 1, result))(args);
  };
  function.check = [](std::span<const ColumnPtr> constants) -> Status {
    TRY(check_precision(constants));
    TRY(check_format(constants, 1, Dialect::kFormatter, Use::kRead));
    return check_zone(constants, 2);
  };
  function.kernel = [](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return args[0]->type().is_text() ? ltz_from_text(ctx, args, type)
                                     : ltz_from_number(ctx, args, type);
  };
  return function;
}

Function unix_timestamp() {
  Function function =
      ordinary("UNIX_TIMESTAMP", "UNIX_TIMESTAMP(), UNIX_TIMESTAMP(text [, pattern])",
               "Seconds since 1970, now or of a text in the session's zone.",
               {.accepts = {Accepts::kText, Accepts::kText},
                .required = 0,
                .variadic = false,
                .result = Type::bigint()},
               unix_timestamp_kernel);
  function.check = check_second<Dialect::kSimple, Use::kRead>;
  function.deterministic = false;  // without arguments; with them only folding is lost
  return function;
}

}  // namespace

void add_time_text(Functions& out) {
  out.push_back(date_format());
  const std::vector<Accepts> texts = {Accepts::kText, Accepts::kText};
  out.push_back(ordinary("TO_DATE", "TO_DATE(text [, pattern])",
                         "A text as DATE; NULL when it is none.",
                         parameters(texts, 1, Type::date()), to_date_kernel));
  out.back().check = check_second<Dialect::kSimple, Use::kRead>;
  out.push_back(ordinary("TO_TIMESTAMP", "TO_TIMESTAMP(text [, pattern])",
                         "A text as TIMESTAMP(3); NULL when it is none.",
                         parameters(texts, 1, Type::timestamp(3)), to_timestamp_kernel));
  out.back().check = check_second<Dialect::kFormatter, Use::kRead>;
  out.push_back(to_timestamp_ltz());
  out.push_back(unix_timestamp());
  out.push_back(ordinary("FROM_UNIXTIME", "FROM_UNIXTIME(seconds [, pattern])",
                         "Seconds since 1970 as text in the session's zone.",
                         parameters({Accepts::kInteger, Accepts::kText}, 1, Type::string()),
                         text_kernel(Dialect::kSimple, unix_moment)));
  out.back().check = check_second<Dialect::kSimple, Use::kPrint>;
  out.push_back(
      ordinary("CONVERT_TZ", "CONVERT_TZ(text, from zone, to zone)",
               "A wall clock of one zone as another shows it.",
               parameters({Accepts::kText, Accepts::kText, Accepts::kText}, 3, Type::string()),
               convert_tz_kernel));
  out.back().check = [](std::span<const ColumnPtr> constants) -> Status {
    TRY(check_zone(constants, 1));
    return check_zone(constants, 2);
  };
}

}  // namespace slipstream::expr
