// SQL types and schemas. The type system is Flink SQL's (1.20/2.x).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream {

enum class TypeKind : std::uint8_t {
  kNull,  // the type of a bare NULL before it is coerced
  kBoolean,
  kTinyInt,
  kSmallInt,
  kInt,
  kBigInt,
  kFloat,
  kDouble,
  kDecimal,
  kChar,
  kVarChar,
  kBinary,
  kVarBinary,
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,
  kIntervalYearMonth,
  kIntervalDayTime,
  kArray,
  kMap,
  kMultiset,
  kRow,
};

// How values of a type lie in a column.
enum class Layout : std::uint8_t {
  kBool,    // std::uint8_t 0 or 1: BOOLEAN
  kInt8,    // TINYINT
  kInt16,   // SMALLINT
  kInt32,   // INT; DATE: days since 1970-01-01; TIME: milliseconds of the day; INTERVAL YEAR TO
            // MONTH: months
  kInt64,   // BIGINT; TIMESTAMP and TIMESTAMP_LTZ: microseconds since the epoch for precision <= 6,
            // else nanoseconds; INTERVAL DAY TO SECOND: milliseconds
  kFloat,   //
  kDouble,  //
  kInt128,  // DECIMAL: unscaled value
  kString,  // StringView: CHAR, VARCHAR (UTF-8), BINARY, VARBINARY
  kNested,  // ARRAY, MAP, MULTISET (offsets + children), ROW (children)
};

struct Field;

// A SQL type. A value: cheap to copy, compared by content.
class Type {
 public:
  static constexpr int kUnlimited = 2147483647;  // length of STRING and BYTES

  Type() = default;
  explicit Type(TypeKind kind, int precision = 0, int scale = 0)
      : kind_(kind), precision_(precision), scale_(scale) {}

  static Type boolean() { return Type(TypeKind::kBoolean); }
  static Type tinyint() { return Type(TypeKind::kTinyInt); }
  static Type smallint() { return Type(TypeKind::kSmallInt); }
  static Type integer() { return Type(TypeKind::kInt); }
  static Type bigint() { return Type(TypeKind::kBigInt); }
  static Type float32() { return Type(TypeKind::kFloat); }
  static Type float64() { return Type(TypeKind::kDouble); }
  // REQUIRES: 1 <= precision <= 38, 0 <= scale <= precision
  static Type decimal(int precision, int scale) {
    return Type(TypeKind::kDecimal, precision, scale);
  }
  static Type character(int length) { return Type(TypeKind::kChar, length); }
  static Type varchar(int length) { return Type(TypeKind::kVarChar, length); }
  static Type string() { return Type(TypeKind::kVarChar, kUnlimited); }
  static Type binary(int length) { return Type(TypeKind::kBinary, length); }
  static Type varbinary(int length) { return Type(TypeKind::kVarBinary, length); }
  static Type bytes() { return Type(TypeKind::kVarBinary, kUnlimited); }
  static Type date() { return Type(TypeKind::kDate); }
  static Type time(int precision = 0) { return Type(TypeKind::kTime, precision); }
  static Type timestamp(int precision = 6) { return Type(TypeKind::kTimestamp, precision); }
  static Type timestamp_ltz(int precision = 6) { return Type(TypeKind::kTimestampLtz, precision); }
  static Type interval_year_month() { return Type(TypeKind::kIntervalYearMonth); }
  static Type interval_day_time() { return Type(TypeKind::kIntervalDayTime, 3); }
  static Type null() { return Type(TypeKind::kNull); }
  static Type array(Type element);
  static Type map(Type key, Type value);
  static Type multiset(Type element);
  static Type row(std::vector<Field> fields);

  TypeKind kind() const { return kind_; }
  bool nullable() const { return nullable_; }
  Type with_nullable(bool nullable) const {
    Type copy = *this;
    copy.nullable_ = nullable;
    return copy;
  }
  Type not_null() const { return with_nullable(false); }
  // DECIMAL digits; length of CHAR, VARCHAR, BINARY, VARBINARY; fractional digits of TIME and
  // TIMESTAMPs.
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  // ARRAY, MULTISET: {element}; MAP: {key, value}; ROW: its fields. Empty otherwise.
  const std::vector<Field>& children() const;

  Layout layout() const;
  bool is_integer() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kBigInt; }
  bool is_numeric() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kDecimal; }
  bool is_text() const { return kind_ == TypeKind::kChar || kind_ == TypeKind::kVarChar; }
  bool is_binary() const { return kind_ == TypeKind::kBinary || kind_ == TypeKind::kVarBinary; }
  bool is_timestamp() const {
    return kind_ == TypeKind::kTimestamp || kind_ == TypeKind::kTimestampLtz;
  }
  bool is_interval() const {
    return kind_ == TypeKind::kIntervalYearMonth || kind_ == TypeKind::kIntervalDayTime;
  }
  // Units of a TIMESTAMP or TIMESTAMP_LTZ column per second: 1,000,000 or 1,000,000,000.
  std::int64_t units_per_second() const { return precision_ <= 6 ? 1'000'000 : 1'000'000'000; }

  // Flink's spelling: "DECIMAL(10, 2) NOT NULL", "VARCHAR(2147483647)" as "STRING", "TIMESTAMP(3)".
  std::string to_string() const;

  // Equal in everything, nullability included. `same_type` leaves nullability of the outermost
  // level out.
  friend bool operator==(const Type& a, const Type& b);
  friend bool same_type(const Type& a, const Type& b);

 private:
  TypeKind kind_ = TypeKind::kNull;
  bool nullable_ = true;
  int precision_ = 0;
  int scale_ = 0;
  std::shared_ptr<const std::vector<Field>> children_;
};

// A named part of a ROW type, or a column of a schema.
struct Field {
  std::string name;
  Type type;

  friend bool operator==(const Field& a, const Field& b) = default;
};

// The columns of a batch, in order. Names are case-sensitive.
class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  std::size_t size() const { return fields_.size(); }
  const Field& operator[](std::size_t index) const { return fields_[index]; }
  const std::vector<Field>& fields() const { return fields_; }
  std::optional<std::size_t> find(std::string_view name) const;
  void add(std::string name, Type type) {
    fields_.push_back(Field{std::move(name), std::move(type)});
  }
  std::string to_string() const;  // "(a INT, b STRING)"

  friend bool operator==(const Schema& a, const Schema& b) = default;

 private:
  std::vector<Field> fields_;
};

}  // namespace slipstream
