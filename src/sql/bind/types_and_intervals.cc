#include <charconv>
#include <cmath>

#include "sql/bind/expr_binder.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

struct Limits {
  std::string_view name;
  int fallback;
  int min;
  int max;
};

std::optional<int> checked(const ast::TypeName& type, const Limits& limits,
                           std::vector<Diagnostic>& diagnostics) {
  const int value = type.precision.value_or(limits.fallback);
  if (value >= limits.min && value <= limits.max) return value;
  diagnostics.push_back(Diagnostic::at(
      type.span, std::string(limits.name) + "(" + std::to_string(value) + ") does not exist",
      "use " + std::to_string(limits.min) + " to " + std::to_string(limits.max)));
  return std::nullopt;
}

std::optional<Type> bind_decimal(const ast::TypeName& type, std::vector<Diagnostic>& diagnostics) {
  const auto precision = checked(type, {"DECIMAL", 10, 1, 38}, diagnostics);
  if (!precision) return std::nullopt;
  const int scale = type.scale.value_or(0);
  if (scale < 0 || scale > *precision) {
    diagnostics.push_back(
        Diagnostic::at(type.span, "the scale of a DECIMAL lies between 0 and its precision"));
    return std::nullopt;
  }
  return Type::decimal(*precision, scale);
}

std::optional<Type> bind_nested(const ast::TypeName& type, std::vector<Diagnostic>& diagnostics) {
  std::vector<Type> arguments;
  for (const auto& argument : type.arguments) {
    const auto bound = bind_type(*argument, diagnostics);
    if (!bound) return std::nullopt;
    arguments.push_back(*bound);
  }
  if (type.kind == ast::TypeKind::kArray) return Type::array(arguments[0]);
  if (type.kind == ast::TypeKind::kMultiset) return Type::multiset(arguments[0]);
  if (type.kind == ast::TypeKind::kMap) return Type::map(arguments[0], arguments[1]);
  std::vector<Field> fields;
  for (const auto& field : type.fields) {
    const auto bound = bind_type(*field.type, diagnostics);
    if (!bound) return std::nullopt;
    fields.push_back(Field{field.name.name, *bound});
  }
  return Type::row(std::move(fields));
}

template <typename Make>
std::optional<Type> sized(const ast::TypeName& type, const Limits& limits,
                          std::vector<Diagnostic>& diagnostics, Make make) {
  const auto value = checked(type, limits, diagnostics);
  if (!value) return std::nullopt;
  return make(*value);
}

std::optional<Type> bind_kind(const ast::TypeName& type, std::vector<Diagnostic>& diagnostics) {
  using K = ast::TypeKind;
  switch (type.kind) {
    case K::kBoolean:
      return Type::boolean();
    case K::kTinyint:
      return Type::tinyint();
    case K::kSmallint:
      return Type::smallint();
    case K::kInteger:
      return Type::integer();
    case K::kBigint:
      return Type::bigint();
    case K::kFloat:
      return Type::float32();
    case K::kDouble:
      return Type::float64();
    case K::kDecimal:
      return bind_decimal(type, diagnostics);
    case K::kChar:
      return sized(type, {"CHAR", 1, 1, Type::kUnlimited}, diagnostics, Type::character);
    case K::kVarchar:
      return sized(type, {"VARCHAR", 1, 1, Type::kUnlimited}, diagnostics, [&](int length) {
        return type.precision ? Type::varchar(length) : Type::string();
      });
    case K::kString:
      return Type::string();
    case K::kBinary:
      return sized(type, {"BINARY", 1, 1, Type::kUnlimited}, diagnostics, Type::binary);
    case K::kVarbinary:
      return sized(type, {"VARBINARY", 1, 1, Type::kUnlimited}, diagnostics, [&](int length) {
        return type.precision ? Type::varbinary(length) : Type::bytes();
      });
    case K::kBytes:
      return Type::bytes();
    case K::kDate:
      return Type::date();
    case K::kTime:
      return sized(type, {"TIME", 0, 0, 9}, diagnostics, Type::time);
    case K::kTimestamp:
      return sized(type, {"TIMESTAMP", 6, 0, 9}, diagnostics, Type::timestamp);
    case K::kTimestampLtz:
      return sized(type, {"TIMESTAMP_LTZ", 6, 0, 9}, diagnostics, Type::timestamp_ltz);
    case K::kIntervalYearMonth:
      return Type::interval_year_month();
    case K::kIntervalDayTime:
      return Type::interval_day_time();
    case K::kArray:
    case K::kMap:
    case K::kMultiset:
    case K::kRow:
      return bind_nested(type, diagnostics);
  }
  return std::nullopt;
}

// Milliseconds, or months, of one unit; 0 for units that an interval cannot have.
std::int64_t unit_size(ast::TimeUnit unit) {
  using U = ast::TimeUnit;
  switch (unit) {
    case U::kYear:
      return 12;
    case U::kQuarter:
      return 3;
    case U::kMonth:
      return 1;
    case U::kWeek:
      return 7 * 86'400'000LL;
    case U::kDay:
      return 86'400'000LL;
    case U::kHour:
      return 3'600'000LL;
    case U::kMinute:
      return 60'000LL;
    case U::kSecond:
      return 1'000LL;
    case U::kMillisecond:
      return 1;
    default:
      return 0;
  }
}

// The unit behind `unit` in "1-2" and "1 2:3:4".
ast::TimeUnit next_unit(ast::TimeUnit unit) {
  using U = ast::TimeUnit;
  switch (unit) {
    case U::kYear:
      return U::kMonth;
    case U::kDay:
      return U::kHour;
    case U::kHour:
      return U::kMinute;
    default:
      return U::kSecond;
  }
}

char separator(ast::TimeUnit from) {
  if (from == ast::TimeUnit::kYear) return '-';
  return from == ast::TimeUnit::kDay ? ' ' : ':';
}

// "12" or, for seconds, "12.345": in milliseconds of the unit; advances `text`.
std::optional<std::int64_t> read_field(std::string_view& text, ast::TimeUnit unit, bool leading) {
  std::int64_t whole = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (parsed.ec != std::errc() || whole < 0) return std::nullopt;
  // HOUR below 24, MINUTE and SECOND below 60, MONTH below 12, unless they come first.
  const std::int64_t most = unit == ast::TimeUnit::kHour    ? 23
                            : unit == ast::TimeUnit::kMonth ? 11
                                                            : 59;
  if (!leading && whole > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  std::int64_t value = whole * unit_size(unit);
  if (unit == ast::TimeUnit::kSecond && !text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    std::int64_t scale = 100;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      value += (text[0] - '0') * scale;
      scale /= 10;
      text.remove_prefix(1);
    }
  }
  return value;
}

std::optional<std::int64_t> interval_value(const ast::IntervalLiteral& e) {
  std::string_view text = e.text;
  bool negative = e.negative;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = negative != (text[0] == '-');
    text.remove_prefix(1);
  }
  ast::TimeUnit unit = e.qualifier.start;
  const ast::TimeUnit last = e.qualifier.end.value_or(unit);
  std::int64_t total = 0;
  while (true) {
    const auto field = read_field(text, unit, unit == e.qualifier.start);
    if (!field) return std::nullopt;
    total += *field;
    if (unit == last) break;
    if (text.empty() || text[0] != separator(unit)) return std::nullopt;
    text.remove_prefix(1);
    unit = next_unit(unit);
  }
  if (!text.empty()) return std::nullopt;
  return negative ? -total : total;
}

}  // namespace

std::optional<Type> bind_type(const ast::TypeName& type, std::vector<Diagnostic>& diagnostics) {
  auto bound = bind_kind(type, diagnostics);
  if (bound && type.nullable) bound = bound->with_nullable(*type.nullable);
  return bound;
}

expr::ExprPtr bind_interval(const ast::IntervalLiteral& e, std::vector<Diagnostic>& diagnostics) {
  const auto value = interval_value(e);
  if (!value || unit_size(e.qualifier.start) == 0) {
    diagnostics.push_back(
        Diagnostic::at(e.span, "'" + e.text + "' is no interval of the given units",
                       "for example INTERVAL '10' SECOND or INTERVAL '1:30' HOUR TO MINUTE"));
    return nullptr;
  }
  if (e.qualifier.start_precision.value_or(2) < 9 && !e.qualifier.end) {
    const std::string digits = e.text.substr(0, e.text.find('.'));
    const auto limit = static_cast<std::size_t>(e.qualifier.start_precision.value_or(2));
    const std::size_t signs = !digits.empty() && (digits[0] == '-' || digits[0] == '+') ? 1 : 0;
    if (digits.size() - signs > limit) {
      const std::string unit(ast::time_unit_name(e.qualifier.start));
      diagnostics.push_back(Diagnostic::at(
          e.span,
          "the interval '" + e.text + "' has more than " + std::to_string(limit) + " digits",
          "write " + unit + "(" + std::to_string(digits.size() - signs) + ")"));
      return nullptr;
    }
  }
  if (e.qualifier.is_year_month()) {
    ColumnBuilder builder(Type::interval_year_month().not_null());
    builder.append(static_cast<std::int32_t>(*value));
    return expr::literal(builder.finish(), to_sql(e));
  }
  ColumnBuilder builder(Type::interval_day_time().not_null());
  builder.append(*value);
  return expr::literal(builder.finish(), to_sql(e));
}

}  // namespace slipstream::sql
