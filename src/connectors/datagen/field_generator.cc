#include "connectors/datagen/field_generator.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/try.h"

namespace slipstream::connectors {
namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

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
      : type_(std::move(type)), start_(start), end_(end) {}
  void append(std::uint64_t row, ColumnBuilder& out) const override {
    append_integer(type_, start_ + static_cast<std::int64_t>(row), out);
  }
  std::uint64_t rows() const override { return static_cast<std::uint64_t>(end_ - start_) + 1; }

 private:
  Type type_;
  std::int64_t start_;
  std::int64_t end_;
};

struct RandomSpec {
  std::uint64_t seed = 0;
  double null_rate = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  double real_min = 0;
  double real_max = 1;
  std::int64_t length = 100;
  std::int64_t now_ms = 0;
  std::int64_t max_past_ms = 0;
};

class RandomField : public FieldGenerator {
 public:
  RandomField(Type type, RandomSpec spec) : type_(std::move(type)), spec_(spec) {}

  void append(std::uint64_t row, ColumnBuilder& out) const override {
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
        out.append((spec_.now_ms - past) * (type_.units_per_second() / 1000));
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
      const int digits = std::min(type.precision(), 18);
      return {0, static_cast<std::int64_t>(std::pow(10.0, digits)) - 1};
    }
    default:
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

Status check_names(const Field& field, const OptionMap& options) {
  static constexpr std::array<std::string_view, 8> kKnown = {
      "kind", "min", "max", "length", "start", "end", "max-past", "null-rate"};
  for (const auto& [name, value] : options) {
    bool known = false;
    for (const std::string_view candidate : kKnown) known = known || candidate == name;
    if (!known) {
      return bad_option(
          field, name, value,
          "unknown; one of kind, min, max, length, start, end, max-past, null-rate is expected");
    }
  }
  return {};
}

Result<std::unique_ptr<FieldGenerator>> make_random(const Field& field, const OptionMap& options,
                                                    std::int64_t now_ms) {
  RandomSpec spec;
  for (const char letter : field.name)
    spec.seed = mix(spec.seed ^ static_cast<unsigned char>(letter));
  const Range range = natural_range(field.type);
  const bool real = field.type.kind() == TypeKind::kFloat || field.type.kind() == TypeKind::kDouble;
  if (real) {
    TRY_ASSIGN(spec.real_min, number_option(field, options, "min", 0.0));
    TRY_ASSIGN(spec.real_max, number_option(field, options, "max", 1.0));
  } else {
    TRY_ASSIGN(spec.min, integer_option(field, options, "min", range.min));
    TRY_ASSIGN(spec.max, integer_option(field, options, "max", range.max));
  }
  if (spec.max < spec.min || spec.real_max < spec.real_min) {
    return bad_option(field, "max", options.find("max")->second, "must not be below min");
  }
  TRY_ASSIGN(spec.null_rate, number_option(field, options, "null-rate", 0.0));
  const bool sized = field.type.kind() == TypeKind::kChar || field.type.kind() == TypeKind::kBinary;
  TRY_ASSIGN(spec.length,
             integer_option(field, options, "length", sized ? field.type.precision() : 100));
  if (spec.length < 0 || spec.length > 1'000'000) {
    return bad_option(field, "length", std::to_string(spec.length),
                      "must lie between 0 and 1000000");
  }
  const auto past = options.find("max-past");
  if (past != options.end()) {
    TRY_ASSIGN(const auto duration, parse_duration(past->second));
    spec.max_past_ms = duration.count();
  }
  spec.now_ms = now_ms;
  return std::unique_ptr<FieldGenerator>(std::make_unique<RandomField>(field.type, spec));
}

}  // namespace

Result<std::unique_ptr<FieldGenerator>> FieldGenerator::make(const Field& field,
                                                             const OptionMap& options,
                                                             std::int64_t now_ms) {
  TRY(check_names(field, options));
  if (field.type.layout() == Layout::kNested) {
    return Error{ErrorCode::kUnsupported,
                 "column '" + field.name + "' has type " + field.type.to_string() +
                     ", which datagen cannot make; use a computed column instead"};
  }
  const auto kind = options.find("kind");
  if (kind == options.end() || kind->second == "random") return make_random(field, options, now_ms);
  if (kind->second != "sequence")
    return bad_option(field, "kind", kind->second, "'random' or 'sequence' is expected");
  if (options.find("start") == options.end() || options.find("end") == options.end()) {
    return bad_option(field, "kind", kind->second, "needs 'start' and 'end' too");
  }
  TRY_ASSIGN(const std::int64_t start, integer_option(field, options, "start", 0));
  TRY_ASSIGN(const std::int64_t end, integer_option(field, options, "end", 0));
  if (end < start) return bad_option(field, "end", std::to_string(end), "must not be below start");
  return std::unique_ptr<FieldGenerator>(std::make_unique<SequenceField>(field.type, start, end));
}

}  // namespace slipstream::connectors
