#include "expr/type_rules.h"

#include <algorithm>
#include <optional>

#include "base/try.h"

namespace slipstream::expr {

namespace {

constexpr int kMaxDigits = 38;

Type adjusted(int precision, int scale) {
  if (precision <= kMaxDigits) return Type::decimal(precision, scale);
  const int whole = precision - scale;
  const int least_scale = std::min(scale, 6);
  return Type::decimal(kMaxDigits, std::max(kMaxDigits - whole, least_scale));
}

bool is_approximate(const Type& type) {
  return type.kind() == TypeKind::kFloat || type.kind() == TypeKind::kDouble;
}

Type common_numeric(const Type& a, const Type& b) {
  if (is_approximate(a) && is_approximate(b)) return a;
  if (is_approximate(a) || is_approximate(b)) {
    const Type& exact = is_approximate(a) ? b : a;
    if (exact.kind() == TypeKind::kDecimal) return Type::float64();
    return is_approximate(a) ? a : b;
  }
  if (a.kind() != TypeKind::kDecimal && b.kind() != TypeKind::kDecimal)
    return a.kind() >= b.kind() ? a : b;
  const Type left = as_decimal(a);
  const Type right = as_decimal(b);
  const int scale = std::max(left.scale(), right.scale());
  const int whole = std::max(left.precision() - left.scale(), right.precision() - right.scale());
  const int precision = std::min(kMaxDigits, whole + scale);
  return Type::decimal(precision, std::min(scale, precision));
}

Type common_text(const Type& a, const Type& b, TypeKind fixed, TypeKind varying) {
  if (a.kind() == fixed && b.kind() == fixed && a.precision() == b.precision()) return a;
  return Type(varying, std::max(a.precision(), b.precision()));
}

bool is_date_or_timestamp(const Type& type) {
  return type.kind() == TypeKind::kDate || type.is_timestamp();
}

Type common_timestamp(const Type& a, const Type& b) {
  if (a.kind() == TypeKind::kDate && b.kind() == TypeKind::kDate) return a;
  const bool zoned = a.kind() == TypeKind::kTimestampLtz || b.kind() == TypeKind::kTimestampLtz;
  const int precision =
      std::max(a.is_timestamp() ? a.precision() : 0, b.is_timestamp() ? b.precision() : 0);
  return zoned ? Type::timestamp_ltz(precision) : Type::timestamp(precision);
}

Result<Type> common_nested(const Type& a, const Type& b);

Result<Type> common_pair(const Type& a, const Type& b) {
  const bool nullable = a.nullable() || b.nullable();
  if (a.kind() == TypeKind::kNull) return b.with_nullable(true);
  if (b.kind() == TypeKind::kNull) return a.with_nullable(true);
  if (same_type(a, b)) return a.with_nullable(nullable);
  if (a.is_numeric() && b.is_numeric()) return common_numeric(a, b).with_nullable(nullable);
  if (a.is_text() && b.is_text()) {
    return common_text(a, b, TypeKind::kChar, TypeKind::kVarChar).with_nullable(nullable);
  }
  if (a.is_binary() && b.is_binary()) {
    return common_text(a, b, TypeKind::kBinary, TypeKind::kVarBinary).with_nullable(nullable);
  }
  if (is_date_or_timestamp(a) && is_date_or_timestamp(b))
    return common_timestamp(a, b).with_nullable(nullable);
  if (a.kind() == TypeKind::kTime && b.kind() == TypeKind::kTime) {
    return Type::time(std::max(a.precision(), b.precision())).with_nullable(nullable);
  }
  if (a.kind() == b.kind() && a.layout() == Layout::kNested) {
    TRY_ASSIGN(const Type nested, common_nested(a, b));
    return nested.with_nullable(nullable);
  }
  if (a.kind() == b.kind()) return a.with_nullable(nullable);
  return Error{ErrorCode::kInvalidArgument, a.with_nullable(true).to_string() + " and " +
                                                b.with_nullable(true).to_string() +
                                                " have no common type: CAST one of them"};
}

Result<Type> common_nested(const Type& a, const Type& b) {
  const auto& left = a.children();
  const auto& right = b.children();
  if (left.size() != right.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 a.to_string() + " and " + b.to_string() + " differ in their fields"};
  }
  std::vector<Field> fields;
  for (std::size_t i = 0; i < left.size(); ++i) {
    TRY_ASSIGN(Type field, common_pair(left[i].type, right[i].type));
    fields.push_back(Field{left[i].name, std::move(field)});
  }
  switch (a.kind()) {
    case TypeKind::kArray:
      return Type::array(fields[0].type);
    case TypeKind::kMultiset:
      return Type::multiset(fields[0].type);
    case TypeKind::kMap:
      return Type::map(fields[0].type, fields[1].type);
    default:
      return Type::row(std::move(fields));
  }
}

bool is_exact(const Type& type) { return type.is_integer() || type.kind() == TypeKind::kDecimal; }

CastRule numeric_rule(const Type& from, const Type& to) {
  const bool widens = to.kind() >= from.kind() && to.is_integer();
  const bool to_decimal = to.kind() == TypeKind::kDecimal && is_exact(from);
  const bool to_float = to.kind() == TypeKind::kFloat && from.kind() != TypeKind::kDouble;
  if (widens || to_decimal || to_float || to.kind() == TypeKind::kDouble)
    return CastRule::kImplicit;
  return CastRule::kExplicit;
}

CastRule from_text_rule(const Type& to) {
  if (to.kind() == TypeKind::kVarChar) return CastRule::kImplicit;
  if (to.layout() == Layout::kNested || to.is_interval()) return CastRule::kNever;
  return CastRule::kExplicit;
}

CastRule time_rule(const Type& from, const Type& to) {
  const bool from_timestamp = from.is_timestamp();
  if (to.is_timestamp()) {
    if (from_timestamp) return CastRule::kImplicit;
    return CastRule::kExplicit;  // DATE, TIME
  }
  if (to.kind() == from.kind()) return CastRule::kImplicit;
  if (from_timestamp && (to.kind() == TypeKind::kDate || to.kind() == TypeKind::kTime)) {
    return from.kind() == TypeKind::kTimestamp ? CastRule::kImplicit : CastRule::kExplicit;
  }
  return CastRule::kNever;
}

CastRule nested_rule(const Type& from, const Type& to) {
  if (from.kind() != to.kind() || from.children().size() != to.children().size())
    return CastRule::kNever;
  CastRule rule = CastRule::kImplicit;
  for (std::size_t i = 0; i < from.children().size(); ++i) {
    rule = std::min(rule, cast_rule(from.children()[i].type, to.children()[i].type));
  }
  return rule;
}

}  // namespace

Type as_decimal(const Type& numeric) {
  switch (numeric.kind()) {
    case TypeKind::kTinyInt:
      return Type::decimal(3, 0);
    case TypeKind::kSmallInt:
      return Type::decimal(5, 0);
    case TypeKind::kInt:
      return Type::decimal(10, 0);
    case TypeKind::kBigInt:
      return Type::decimal(19, 0);
    default:
      return numeric;
  }
}

Type decimal_sum(const Type& a, const Type& b) {
  const int scale = std::max(a.scale(), b.scale());
  return adjusted(std::max(a.precision() - a.scale(), b.precision() - b.scale()) + scale + 1,
                  scale);
}
Type decimal_product(const Type& a, const Type& b) {
  return adjusted(a.precision() + b.precision() + 1, a.scale() + b.scale());
}
Type decimal_quotient(const Type& a, const Type& b) {
  const int scale = std::max(6, a.scale() + b.precision() + 1);
  return adjusted(a.precision() - a.scale() + b.scale() + scale, scale);
}
Type decimal_remainder(const Type& a, const Type& b) {
  const int scale = std::max(a.scale(), b.scale());
  return adjusted(
      std::max(1, std::min(a.precision() - a.scale(), b.precision() - b.scale()) + scale), scale);
}

Result<Type> common_type(std::span<const Type> types) {
  if (types.empty()) return Type::null();
  Type result = types[0];
  for (std::size_t i = 1; i < types.size(); ++i) {
    TRY_ASSIGN(result, common_pair(result, types[i]));
  }
  return result;
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
CastRule cast_rule(const Type& from, const Type& to) {
  if (from.kind() == TypeKind::kNull || same_type(from, to)) return CastRule::kImplicit;
  if (to.kind() == TypeKind::kNull) return CastRule::kNever;
  if (to.is_text() && !from.is_text()) {
    return CastRule::kExplicit;  // every value has a text
  }
  if (from.is_text() && to.is_text()) {
    return to.kind() == TypeKind::kVarChar || from.kind() == to.kind() ? CastRule::kImplicit
                                                                       : CastRule::kExplicit;
  }
  if (from.is_text()) return from_text_rule(to);
  if (from.is_numeric() && to.is_numeric()) return numeric_rule(from, to);
  if (from.kind() == TypeKind::kBoolean)
    return to.is_numeric() ? CastRule::kExplicit : CastRule::kNever;
  if (to.kind() == TypeKind::kBoolean)
    return from.is_numeric() ? CastRule::kExplicit : CastRule::kNever;
  if (from.is_binary() && to.is_binary()) {
    return to.kind() == TypeKind::kVarBinary || from.kind() == to.kind() ? CastRule::kImplicit
                                                                         : CastRule::kExplicit;
  }
  if (from.is_interval() && to.is_interval()) {
    return from.kind() == to.kind() ? CastRule::kImplicit : CastRule::kNever;
  }
  if (from.is_interval() || to.is_interval()) return CastRule::kNever;
  if (from.layout() == Layout::kNested || to.layout() == Layout::kNested)
    return nested_rule(from, to);
  if (from.is_numeric() || to.is_numeric() || from.is_binary() || to.is_binary())
    return CastRule::kNever;
  return time_rule(from, to);
}

Result<Type> comparison_type(const Type& a, const Type& b, bool equality) {
  const bool mixed =
      a.is_text() != b.is_text() && a.kind() != TypeKind::kNull && b.kind() != TypeKind::kNull;
  if (!mixed) {
    const Type pair[] = {a, b};
    return common_type(pair);
  }
  const Type& other = a.is_text() ? b : a;
  const bool nullable = a.nullable() || b.nullable();
  if (other.kind() == TypeKind::kDate || other.kind() == TypeKind::kTime || other.is_timestamp()) {
    return other.with_nullable(nullable);
  }
  if (other.is_numeric() && !equality) {
    // Text against an exact number keeps 18 fractional digits.
    return (is_exact(other) ? Type::decimal(kMaxDigits, 18) : Type::float64())
        .with_nullable(nullable);
  }
  return Error{ErrorCode::kInvalidArgument,
               a.with_nullable(true).to_string() + " is not comparable with " +
                   b.with_nullable(true).to_string() + ": CAST one of them"};
}

bool any_nullable(std::span<const Type> types) {
  return std::any_of(types.begin(), types.end(), [](const Type& type) { return type.nullable(); });
}

std::string call_with_types(std::string_view name, std::span<const Type> args) {
  std::string text(name);
  text += '(';
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i != 0) text += ", ";
    text += args[i].with_nullable(true).to_string();
  }
  return text + ")";
}

Error signature_error(std::string_view name, std::span<const Type> args, std::string_view usage) {
  return Error{ErrorCode::kInvalidArgument,
               "no " + call_with_types(name, args) + "; usage: " + std::string(usage)};
}

namespace {

// The type an argument is cast to; nothing when it is refused.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
std::optional<Type> target(Accepts accepts, const Type& type) {
  const bool is_null = type.kind() == TypeKind::kNull;
  switch (accepts) {
    case Accepts::kText:
      if (is_null) return Type::string();
      if (type.is_text()) return type;
      break;
    case Accepts::kBytes:
      if (is_null) return Type::bytes();
      if (type.is_binary()) return type;
      break;
    case Accepts::kTextOrBytes:
      if (is_null) return Type::string();
      if (type.is_text() || type.is_binary()) return type;
      break;
    case Accepts::kInteger:
      if (is_null || type.is_integer()) return Type::bigint().with_nullable(type.nullable());
      break;
    case Accepts::kNumber:
      if (is_null || type.is_numeric()) return Type::float64().with_nullable(type.nullable());
      break;
    case Accepts::kNumeric:
      if (is_null) return Type::integer();
      if (type.is_numeric()) return type;
      break;
    case Accepts::kBoolean:
      if (is_null || type.kind() == TypeKind::kBoolean)
        return Type::boolean().with_nullable(type.nullable());
      break;
    case Accepts::kTimestamp:
      if (is_null) return Type::timestamp(3);
      if (type.is_timestamp()) return type;
      if (type.kind() == TypeKind::kDate) return Type::timestamp(0).with_nullable(type.nullable());
      break;
    case Accepts::kDateTime:
      if (is_null) return Type::timestamp(3);
      if (type.is_timestamp() || type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTime)
        return type;
      break;
    case Accepts::kAny:
      return type;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Type>> accepted(std::string_view name, std::string_view usage,
                                   const Parameters& parameters, std::span<const Type> args) {
  if (args.size() < parameters.required ||
      (!parameters.variadic && args.size() > parameters.accepts.size())) {
    return signature_error(name, args, usage);
  }
  std::vector<Type> targets;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Accepts accepts = parameters.accepts[std::min(i, parameters.accepts.size() - 1)];
    std::optional<Type> type = target(accepts, args[i]);
    if (!type) return signature_error(name, args, usage);
    targets.push_back(std::move(*type));
  }
  return targets;
}

Resolve with_parameters(std::string name, std::string usage, Parameters parameters) {
  return [name = std::move(name), usage = std::move(usage),
          parameters = std::move(parameters)](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(std::vector<Type> targets, accepted(name, usage, parameters, args));
    const bool nullable = parameters.always_nullable || any_nullable(args);
    return Signature{std::move(targets), parameters.result.with_nullable(nullable)};
  };
}

Function ordinary(const std::string& name, const std::string& usage, const std::string& description,
                  const Parameters& parameters, Kernel kernel) {
  Function function;
  function.name = name;
  function.usage = usage;
  function.description = description;
  function.resolve = with_parameters(name, usage, parameters);
  function.kernel = std::move(kernel);
  return function;
}

}  // namespace slipstream::expr
