#include "slipstream/types.h"

#include <algorithm>

namespace slipstream {

namespace {

const std::vector<Field>& no_children() {
  static const std::vector<Field> kNone;
  return kNone;
}

std::string length_suffix(int length) { return "(" + std::to_string(length) + ")"; }

std::string quoted(std::string_view name) {
  std::string text = "`";
  for (const char c : name) {
    if (c == '`') text += '`';
    text += c;
  }
  return text + "`";
}

std::string row_text(const std::vector<Field>& fields) {
  std::string text = "ROW<";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i != 0) text += ", ";
    text += quoted(fields[i].name) + " " + fields[i].type.to_string();
  }
  return text + ">";
}

std::string type_text(const Type& type) {
  const auto child = [&type](std::size_t i) { return type.children()[i].type.to_string(); };
  const auto sized = [&type](const char* name, const char* unlimited) {
    if (type.precision() == Type::kUnlimited) return std::string(unlimited);
    return name + length_suffix(type.precision());
  };
  switch (type.kind()) {
    case TypeKind::kNull:
      return "NULL";
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kTinyInt:
      return "TINYINT";
    case TypeKind::kSmallInt:
      return "SMALLINT";
    case TypeKind::kInt:
      return "INT";
    case TypeKind::kBigInt:
      return "BIGINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision()) + ", " + std::to_string(type.scale()) +
             ")";
    case TypeKind::kChar:
      return "CHAR" + length_suffix(type.precision());
    case TypeKind::kVarChar:
      return sized("VARCHAR", "STRING");
    case TypeKind::kBinary:
      return "BINARY" + length_suffix(type.precision());
    case TypeKind::kVarBinary:
      return sized("VARBINARY", "BYTES");
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTime:
      return "TIME" + length_suffix(type.precision());
    case TypeKind::kTimestamp:
      return "TIMESTAMP" + length_suffix(type.precision());
    case TypeKind::kTimestampLtz:
      return "TIMESTAMP_LTZ" + length_suffix(type.precision());
    case TypeKind::kIntervalYearMonth:
      return "INTERVAL YEAR TO MONTH";
    case TypeKind::kIntervalDayTime:
      return "INTERVAL DAY TO SECOND(3)";
    case TypeKind::kArray:
      return "ARRAY<" + child(0) + ">";
    case TypeKind::kMap:
      return "MAP<" + child(0) + ", " + child(1) + ">";
    case TypeKind::kMultiset:
      return "MULTISET<" + child(0) + ">";
    case TypeKind::kRow:
      return row_text(type.children());
  }
  return "?";
}

}  // namespace

Type Type::array(Type element) {
  Type type(TypeKind::kArray);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"element", std::move(element)}});
  return type;
}

Type Type::map(Type key, Type value) {
  Type type(TypeKind::kMap);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"key", std::move(key)}, {"value", std::move(value)}});
  return type;
}

Type Type::multiset(Type element) {
  Type type(TypeKind::kMultiset);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"element", std::move(element)}});
  return type;
}

Type Type::row(std::vector<Field> fields) {
  Type type(TypeKind::kRow);
  type.children_ = std::make_shared<const std::vector<Field>>(std::move(fields));
  return type;
}

const std::vector<Field>& Type::children() const { return children_ ? *children_ : no_children(); }

Layout Type::layout() const {
  switch (kind_) {
    case TypeKind::kNull:
    case TypeKind::kBoolean:
      return Layout::kBool;
    case TypeKind::kTinyInt:
      return Layout::kInt8;
    case TypeKind::kSmallInt:
      return Layout::kInt16;
    case TypeKind::kInt:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kIntervalYearMonth:
      return Layout::kInt32;
    case TypeKind::kBigInt:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
    case TypeKind::kIntervalDayTime:
      return Layout::kInt64;
    case TypeKind::kFloat:
      return Layout::kFloat;
    case TypeKind::kDouble:
      return Layout::kDouble;
    case TypeKind::kDecimal:
      return Layout::kInt128;
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return Layout::kString;
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return Layout::kNested;
  }
  return Layout::kNested;
}

std::string Type::to_string() const { return type_text(*this) + (nullable_ ? "" : " NOT NULL"); }

bool same_type(const Type& a, const Type& b) {
  return a.kind_ == b.kind_ && a.precision_ == b.precision_ && a.scale_ == b.scale_ &&
         (a.children_ == b.children_ || a.children() == b.children());
}

bool operator==(const Type& a, const Type& b) {
  return a.nullable_ == b.nullable_ && same_type(a, b);
}

std::optional<std::size_t> Schema::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [name](const Field& field) { return field.name == name; });
  if (found == fields_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields_.begin());
}

std::string Schema::to_string() const {
  std::string text = "(";
  for (const Field& field : fields_) {
    if (text.size() > 1) text += ", ";
    text += field.name + " " + field.type.to_string();
  }
  return text + ")";
}

}  // namespace slipstream
