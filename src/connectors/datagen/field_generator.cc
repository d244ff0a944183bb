#include "connectors/datagen/field_generator.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/try.h"

namespace slipstream::datagen_connector {
namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
constexpr int kDigitsMax = 18;  // of numbers made for DECIMAL: they fit into 64 bits

// SplitMix64: a good 64-bit mix of (row, column) without state.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

Error bad_option(const Field& field, std::string_view option, std::string_view value,
                 std::string_view wanted) {
  return Error{ErrorCode::kInvalidArgument, "option 'fields." + field.name + "." +
                                                std::string(option) + "' = '" + std::string(value) +
                                                "': " + std::string(wanted)};
}

Result<std::int64_t> integer_option(const Field& field, const OptionMap& options,
                                    std::string_view name, std::int64_t fallback) {
  const auto found = options.find(name);
  if (found == options.end()) return fallback;
  std::int64_t value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return bad_option(field, name, found->second, "a whole number is needed");
  return value;
}

Result<double> number_option(const Field& field, const OptionMap& options, std::string_view name,
                             double fallback) {
  const auto found = options.find(name);
  if (found == options.end()) return fallback;
  double value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return bad_option(field, name, found->second, "a number is needed");
  return value;
}

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// DECIMAL: unscaled.
void append_integer(const Type& type, std::int64_t value, ColumnBuilder& out) {
  switch (type.layout()) {
    case Layout::kInt8:
      out.append(static_cast<std::int8_t>(value));
      return;
    case Layout::kInt16:
      out.append(static_cast<std::int16_t>(value));
      return;
    case Layout::kInt32:
      out.append(static_cast<std::int32_t>(value));
      return;
    case Layout::kInt64:
      out.append(value);
      return;
    case Layout::kInt128:
      out.append(static_cast<Int128>(value));
      return;
    case Layout::kFloat:
      out.append(static_cast<float>(value));
      return;
    case Layout::kDouble:
      out.append(static_cast<double>(value));
      return;
    default:
      out.append_text(std::to_string(value));
      return;
  }
}

// start, start + 1, ... end.
class SequenceField : public FieldGenerator {
 public:
  SequenceField(Type type, std::int64_t start, std::int64_t end)
      : type_(std::move(type)),
        start_(start),
        end_(end),
        scale_(type_.kind() == TypeKind::kDecimal ? power_of_ten(type_.scale()) : 1) {}
  void append(std::uint64_t row, std::int64_t now_ms, ColumnBuilder& out) const override {
    static_cast<void>(now_ms);
    append_integer(type_, (start_ + static_cast<std::int64_t>(row)) * scale_, out);
  }
  std::uint64_t rows() const override {
    const std::uint64_t last =
        static_cast<std::uint64_t>(end_) - static_cast<std::uint64_t>(start_);
    return last == kNoEnd ? kNoEnd : last + 1;
  }

 private:
  Type type_;
  std::int64_t start_;
  std::int64_t end_;
  std::int64_t scale_;
};

struct RandomSpec {
  std::uint64_t seed = 0;
  double null_rate = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  double real_min = 0;
  double real_max = 1;
  std::int64_t length = 100;
  std::int64_t max_past_ms = 0;
};

class RandomField : public FieldGenerator {
 public:
  RandomField(Type type, RandomSpec spec) : type_(std::move(type)), spec_(spec) {}

  void append(std::uint64_t row, std::int64_t now_ms, ColumnBuilder& out) const override {
    const std::uint64_t bits = mix(mix(row) ^ spec_.seed);
    if (spec_.null_rate > 0 && unit(mix(bits ^ 1)) < spec_.null_rate) {
      out.append_null();
      return;
    }
    switch (type_.kind()) {
      case TypeKind::kBoolean:
        out.append(static_cast<std::uint8_t>(bits & 1));
        return;
      case TypeKind::kFloat:
        out.append(static_cast<float>(real(bits)));
        return;
      case TypeKind::kDouble:
        out.append(real(bits));
        return;
      case TypeKind::kChar:
      case TypeKind::kVarChar:
      case TypeKind::kBinary:
      case TypeKind::kVarBinary:
        append_hex(bits, out);
        return;
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampLtz: {
        const std::int64_t past =
            spec_.max_past_ms == 0
                ? 0
                : static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(spec_.max_past_ms));
        out.append((now_ms - past) * (type_.units_per_second() / 1000));
        return;
      }
      default:
        append_integer(type_, whole(bits), out);
        return;
    }
  }
  std::uint64_t rows() const override { return kNoEnd; }

 private:
  std::int64_t whole(std::uint64_t bits) const {
    const auto span =
        static_cast<std::uint64_t>(spec_.max) - static_cast<std::uint64_t>(spec_.min) + 1;
    const std::uint64_t offset = span == 0 ? bits : bits % span;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(spec_.min) + offset);
  }
  double real(std::uint64_t bits) const {
    return spec_.real_min + unit(bits) * (spec_.real_max - spec_.real_min);
  }
  void append_hex(std::uint64_t bits, ColumnBuilder& out) const {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(static_cast<std::size_t>(spec_.length), '0');
    for (char& digit : text) {
      digit = kDigits[bits & 15];
      bits = mix(bits);
    }
    out.append_text(text);
  }

  Type type_;
  RandomSpec spec_;
};

struct Range {
  std::int64_t min;
  std::int64_t max;
};

// What values of the type can be: bounds of 'min' and 'max', and their defaults. DECIMAL: unscaled.
Range natural_range(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kTinyInt:
      return {-128, 127};
    case TypeKind::kSmallInt:
      return {-32768, 32767};
    case TypeKind::kInt:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case TypeKind::kDate:
      return {0, 20'000};
    case TypeKind::kTime:
      return {0, 86'399'999};
    case TypeKind::kDecimal: {
      const std::int64_t most = power_of_ten(std::min(type.precision(), kDigitsMax)) - 1;
      return {-most, most};
    }
    default:
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

bool takes_sequence(const Type& type) {
  return type.is_numeric() || type.kind() == TypeKind::kChar || type.kind() == TypeKind::kVarChar;
}

Status check_names(const Field& field, const OptionMap& options) {
  for (const auto& [name, value] : options) {
    bool known = false;
    for (const std::string_view candidate : kFieldOptions) known = known || candidate == name;
    if (!known) {
      return bad_option(
          field, name, value,
          "unknown; one of kind, min, max, length, start, end, max-past, null-rate is expected");
    }
  }
  return {};
}

Error beyond_type(const Field& field, std::string_view option, std::string_view value) {
  return bad_option(field, option, value, "is beyond what " + field.type.to_string() + " can be");
}

// One of 'min' and 'max' of a column of whole numbers or decimals.
Result<std::int64_t> bound_option(const Field& field, const OptionMap& options,
                                  std::string_view name, std::int64_t fallback) {
  const auto given = options.find(name);
  if (given == options.end()) return fallback;
  const Range range = natural_range(field.type);
  std::int64_t value = 0;
  if (field.type.kind() == TypeKind::kDecimal) {
    TRY_ASSIGN(const double number, number_option(field, options, name, 0));
    const double unscaled = std::round(number * std::pow(10.0, field.type.scale()));
    if (!(std::abs(unscaled) <= static_cast<double>(range.max)))
      return beyond_type(field, name, given->second);
    value = static_cast<std::int64_t>(unscaled);
  } else {
    TRY_ASSIGN(value, integer_option(field, options, name, 0));
  }
  if (value < range.min || value > range.max) return beyond_type(field, name, given->second);
  return value;
}

Status read_bounds(const Field& field, const OptionMap& options, RandomSpec& spec) {
  const Range range = natural_range(field.type);
  if (field.type.kind() == TypeKind::kFloat || field.type.kind() == TypeKind::kDouble) {
    TRY_ASSIGN(spec.real_min, number_option(field, options, "min", 0.0));
    TRY_ASSIGN(spec.real_max, number_option(field, options, "max", std::max(1.0, spec.real_min)));
  } else {
    // Decimals are positive unless asked otherwise.
    const bool decimal = field.type.kind() == TypeKind::kDecimal;
    TRY_ASSIGN(spec.max, bound_option(field, options, "max", range.max));
    TRY_ASSIGN(spec.min, bound_option(field, options, "min",
                                      decimal ? std::min<std::int64_t>(0, spec.max) : range.min));
  }
  if (spec.max >= spec.min && spec.real_max >= spec.real_min) return {};
  const auto max = options.find("max");
  return bad_option(field, "max", max == options.end() ? "" : max->second, "must not be below min");
}

// CHAR and BINARY have one length; VARCHAR and VARBINARY an upper bound.
Status read_length(const Field& field, const OptionMap& options, RandomSpec& spec) {
  const TypeKind kind = field.type.kind();
  const bool sized = kind == TypeKind::kChar || kind == TypeKind::kBinary;
  if (!sized && kind != TypeKind::kVarChar && kind != TypeKind::kVarBinary) return {};
  const std::int64_t most = field.type.precision();
  TRY_ASSIGN(spec.length, integer_option(field, options, "length",
                                         sized ? most : std::min<std::int64_t>(most, 100)));
  if (spec.length < 0 || spec.length > 1'000'000) {
    return bad_option(field, "length", std::to_string(spec.length),
                      "must lie between 0 and 1000000");
  }
  if (spec.length > most || (sized && spec.length != most)) {
    return bad_option(field, "length", std::to_string(spec.length),
                      "is not a length of " + field.type.to_string());
  }
  return {};
}

Result<std::unique_ptr<FieldGenerator>> make_random(const Field& field, const OptionMap& options) {
  RandomSpec spec;
  for (const char letter : field.name)
    spec.seed = mix(spec.seed ^ static_cast<unsigned char>(letter));
  TRY(read_bounds(field, options, spec));
  TRY(read_length(field, options, spec));
  TRY_ASSIGN(spec.null_rate, number_option(field, options, "null-rate", 0.0));
  if (!(spec.null_rate >= 0 && spec.null_rate <= 1)) {
    return bad_option(field, "null-rate", options.find("null-rate")->second,
                      "must lie between 0 and 1");
  }
  const auto past = options.find("max-past");
  if (past != options.end()) {
    const auto duration = parse_duration(past->second);
    if (!duration.ok())
      return bad_option(field, "max-past", past->second, duration.error().message);
    spec.max_past_ms = duration->count();
  }
  return std::unique_ptr<FieldGenerator>(std::make_unique<RandomField>(field.type, spec));
}

Result<std::unique_ptr<FieldGenerator>> make_sequence(const Field& field,
                                                      const OptionMap& options) {
  if (!takes_sequence(field.type)) {
    return bad_option(
        field, "kind", "sequence",
        field.type.to_string() + " columns cannot be a sequence; numbers and text can");
  }
  if (options.find("start") == options.end() || options.find("end") == options.end())
    return bad_option(field, "kind", "sequence", "needs 'start' and 'end' too");
  TRY_ASSIGN(const std::int64_t start, integer_option(field, options, "start", 0));
  TRY_ASSIGN(const std::int64_t end, integer_option(field, options, "end", 0));
  if (end < start) return bad_option(field, "end", std::to_string(end), "must not be below start");
  Range range = natural_range(field.type);
  if (field.type.kind() == TypeKind::kDecimal) {
    const int scale = field.type.scale();
    if (scale > kDigitsMax) return beyond_type(field, "start", std::to_string(start));
    range = {range.min / power_of_ten(scale), range.max / power_of_ten(scale)};
  }
  if (start < range.min) return beyond_type(field, "start", std::to_string(start));
  if (end > range.max) return beyond_type(field, "end", std::to_string(end));
  return std::unique_ptr<FieldGenerator>(std::make_unique<SequenceField>(field.type, start, end));
}

}  // namespace

Result<std::unique_ptr<FieldGenerator>> FieldGenerator::make(const Field& field,
                                                             const OptionMap& options) {
  TRY(check_names(field, options));
  if (field.type.layout() == Layout::kNested) {
    return Error{ErrorCode::kUnsupported,
                 "column '" + field.name + "' has type " + field.type.to_string() +
                     ", which datagen cannot make; use a computed column instead"};
  }
  const auto kind = options.find("kind");
  if (kind == options.end() || kind->second == "random") return make_random(field, options);
  if (kind->second == "sequence") return make_sequence(field, options);
  return bad_option(field, "kind", kind->second, "'random' or 'sequence' is expected");
}

}  // namespace slipstream::datagen_connector
