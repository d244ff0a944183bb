#include "cli/table_inference.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "data/text/temporal.h"
#include "rocketmq/message/envelope.h"

namespace slipstream::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTopicPartMax = 100;                  // a group has at most 120 characters
constexpr std::size_t kCsvBytesMax = std::size_t{1} << 16;  // of a body that may be CSV
constexpr int kLevelsMax = 64;                              // of a value in values

enum class Kind : std::uint8_t {
  kUnknown,  // nothing but NULL was seen
  kBoolean,
  kBigint,
  kDecimal,  // whole numbers beyond BIGINT
  kDouble,
  kDate,
  kTimestamp,        // 2024-01-31 10:11:12
  kTimestampIso,     // 2024-01-31T10:11:12
  kTimestampUtc,     // ... 10:11:12Z
  kTimestampIsoUtc,  // ...T10:11:12Z
  kString,
  kArray,
  kRow,
};

bool is_timestamp(Kind kind) { return kind >= Kind::kTimestamp && kind <= Kind::kTimestampIsoUtc; }
bool is_iso(Kind kind) { return kind == Kind::kTimestampIso || kind == Kind::kTimestampIsoUtc; }

// What values of one place look like.
struct Shape {
  Kind kind = Kind::kUnknown;
  int precision = 3;                                    // of a timestamp: 3, 6, 9
  std::vector<std::pair<std::string, Shape>> fields{};  // kRow, in the order they were seen
  std::vector<Shape> element{};                         // kArray: one, or none for an empty array
};

bool digits_at(std::string_view text, std::size_t from, std::size_t count) {
  return from + count <= text.size() &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                     text.begin() + static_cast<std::ptrdiff_t>(from + count),
                     [](char c) { return c >= '0' && c <= '9'; });
}

// 2024-01-31, or behind it ' ' or 'T', 10:11:12, up to nine digits of a second, Z. A day or time that
// there is not is a text, as it cannot be read.
std::optional<Shape> temporal_shape(std::string_view text) {
  const bool date = digits_at(text, 0, 4) && digits_at(text, 5, 2) && digits_at(text, 8, 2) &&
                    text[4] == '-' && text[7] == '-';
  if (!date) return std::nullopt;
  if (text.size() == 10) {
    if (!text::parse_date(text)) return std::nullopt;
    return Shape{.kind = Kind::kDate};
  }
  const bool iso = text[10] == 'T';
  if (!iso && text[10] != ' ') return std::nullopt;
  if (!digits_at(text, 11, 2) || !digits_at(text, 14, 2) || !digits_at(text, 17, 2) ||
      text[13] != ':' || text[16] != ':')
    return std::nullopt;
  std::string_view rest = text.substr(19);
  const bool utc = rest.ends_with('Z');
  if (utc) rest.remove_suffix(1);
  if (!rest.empty() && (rest[0] != '.' || rest.size() < 2 || rest.size() > 10 ||
                        !digits_at(rest, 1, rest.size() - 1)))
    return std::nullopt;
  Shape shape{.kind = iso ? Kind::kTimestampIso : Kind::kTimestamp};
  if (utc) shape.kind = iso ? Kind::kTimestampIsoUtc : Kind::kTimestampUtc;
  // With the dot.
  shape.precision = rest.size() <= 4 ? 3 : rest.size() <= 7 ? 6 : 9;
  const text::TimestampForm form{.separator = iso ? 'T' : ' ', .zoned = utc};
  if (!text::parse_timestamp_as(form, text, shape.precision)) return std::nullopt;
  return shape;
}

Shape merged(Shape a, const Shape& b);

void merge_fields(Shape& into, const Shape& from) {
  for (const auto& [name, shape] : from.fields) {
    const auto known = std::find_if(into.fields.begin(), into.fields.end(),
                                    [&](const auto& each) { return each.first == name; });
    if (known == into.fields.end()) {
      into.fields.emplace_back(name, shape);
    } else {
      known->second = merged(std::move(known->second), shape);
    }
  }
}

// What holds the values of both; STRING holds everything.
Shape merged(Shape a, const Shape& b) {
  if (b.kind == Kind::kUnknown) return a;
  if (a.kind == Kind::kUnknown) return b;
  const auto number = [](Kind kind) { return kind >= Kind::kBigint && kind <= Kind::kDouble; };
  if (a.kind != b.kind) {
    if (!number(a.kind) || !number(b.kind)) return {.kind = Kind::kString};
    a.kind = std::max(a.kind, b.kind);
    return a;
  }
  a.precision = std::max(a.precision, b.precision);
  if (a.kind == Kind::kRow) merge_fields(a, b);
  if (a.kind == Kind::kArray && !b.element.empty()) {
    if (a.element.empty()) {
      a.element = b.element;
    } else {
      a.element[0] = merged(std::move(a.element[0]), b.element[0]);
    }
  }
  return a;
}

// Deeper than kLevelsMax it is a text.
Shape shape_of(const Json& value, int level = 0) {
  Shape shape;
  if (level > kLevelsMax) return {.kind = Kind::kString};
  if (value.is_boolean()) {
    shape.kind = Kind::kBoolean;
  } else if (value.is_number_unsigned()) {
    shape.kind = value.get<std::uint64_t>() > INT64_MAX ? Kind::kDecimal : Kind::kBigint;
  } else if (value.is_number_integer()) {
    shape.kind = Kind::kBigint;
  } else if (value.is_number()) {
    shape.kind = Kind::kDouble;
  } else if (value.is_string()) {
    shape =
        temporal_shape(value.get_ref<const std::string&>()).value_or(Shape{.kind = Kind::kString});
  } else if (value.is_array()) {
    shape.kind = Kind::kArray;
    Shape element;
    for (const Json& each : value) element = merged(std::move(element), shape_of(each, level + 1));
    if (!value.empty()) shape.element.push_back(std::move(element));
  } else if (value.is_object()) {
    shape.kind = Kind::kRow;
    for (const auto& [name, each] : value.items())
      shape.fields.emplace_back(name, shape_of(each, level + 1));
  }
  return shape;
}

bool has_timestamp(const Shape& shape, bool iso) {
  if (is_timestamp(shape.kind)) return is_iso(shape.kind) == iso;
  return std::any_of(shape.element.begin(), shape.element.end(),
                     [&](const Shape& each) { return has_timestamp(each, iso); }) ||
         std::any_of(shape.fields.begin(), shape.fields.end(),
                     [&](const auto& each) { return has_timestamp(each.second, iso); });
}

std::string quoted(const std::string& name) {
  std::string text = "`";
  for (const char c : name) text += c == '`' ? std::string("``") : std::string(1, c);
  return text + "`";
}

std::string literal(const std::string& value) {
  std::string text = "'";
  for (const char c : value) text += c == '\'' ? std::string("''") : std::string(1, c);
  return text + "'";
}

// `iso`: how timestamps of the table are written; others are texts.
std::string type_of(const Shape& shape, bool iso) {
  if (is_timestamp(shape.kind) && is_iso(shape.kind) != iso) return "STRING";
  switch (shape.kind) {
    case Kind::kBoolean:
      return "BOOLEAN";
    case Kind::kBigint:
      return "BIGINT";
    case Kind::kDecimal:
      return "DECIMAL(20, 0)";
    case Kind::kDouble:
      return "DOUBLE";
    case Kind::kDate:
      return "DATE";
    case Kind::kTimestamp:
    case Kind::kTimestampIso:
      return "TIMESTAMP(" + std::to_string(shape.precision) + ")";
    case Kind::kTimestampUtc:
    case Kind::kTimestampIsoUtc:
      return "TIMESTAMP_LTZ(" + std::to_string(shape.precision) + ")";
    case Kind::kArray:
      return "ARRAY<" + (shape.element.empty() ? "STRING" : type_of(shape.element[0], iso)) + ">";
    case Kind::kRow: {
      std::string fields;
      for (const auto& [name, field] : shape.fields) {
        if (name.empty()) continue;
        fields += (fields.empty() ? "" : ", ") + quoted(name) + " " + type_of(field, iso);
      }
      return fields.empty() ? "STRING" : "ROW<" + fields + ">";
    }
    default:
      return "STRING";
  }
}

std::optional<InferredTable> infer_json(const std::vector<std::string>& bodies) {
  Shape all;
  for (const std::string& body : bodies) {
    const Json value = Json::parse(body, nullptr, false);
    if (!value.is_object()) return std::nullopt;
    all = merged(std::move(all), shape_of(value));
  }
  InferredTable table{.format = "json", .columns = {}, .options = {}, .notes = {}};
  const bool sql = has_timestamp(all, false);
  const bool iso = !sql && has_timestamp(all, true);
  for (const auto& [name, shape] : all.fields) {
    if (name.empty()) {
      table.notes.emplace_back("a field without a name is left out");
      continue;
    }
    table.columns.emplace_back(name, type_of(shape, iso));
  }
  if (iso) table.options.emplace_back("json.timestamp-format.standard", "ISO-8601");
  if (sql && has_timestamp(all, true)) {
    table.notes.emplace_back(
        "times are written in two ways; those with a T between date and time are STRING");
  }
  if (table.columns.empty()) return std::nullopt;
  return table;
}

// Fields of a line; nothing when a quote stays open.
std::optional<std::vector<std::string>> split_csv(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && in_quotes && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"' && (in_quotes || fields.back().empty())) {
      in_quotes = !in_quotes;
    } else if (c == delimiter && !in_quotes) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (in_quotes) return std::nullopt;
  return fields;
}

template <typename T>
bool reads_as(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "007" is a code: a number would not keep it.
bool has_leading_zero(std::string_view cell) {
  if (cell.starts_with('-')) cell.remove_prefix(1);
  return cell.starts_with('0') && digits_at(cell, 1, 1);
}

Shape shape_of_cell(const std::string& cell) {
  if (cell.empty()) return {};
  if (cell == "true" || cell == "false") return {.kind = Kind::kBoolean};
  if (!has_leading_zero(cell) && reads_as<std::int64_t>(cell)) return {.kind = Kind::kBigint};
  // Of "inf" and "nan" only the digits count.
  if (!has_leading_zero(cell) && cell.find_first_of("0123456789") != std::string::npos &&
      reads_as<double>(cell))
    return {.kind = Kind::kDouble};
  return temporal_shape(cell).value_or(Shape{.kind = Kind::kString});
}

std::optional<InferredTable> infer_csv(const std::vector<std::string>& bodies, char delimiter) {
  std::vector<Shape> columns;
  for (const std::string& body : bodies) {
    if (body.size() > kCsvBytesMax || !rocketmq::is_utf8(body)) return std::nullopt;
    std::string_view rest = body;
    while (!rest.empty()) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      const auto cells = split_csv(line, delimiter);
      if (!cells || cells->size() < 2) return std::nullopt;
      if (columns.empty()) columns.resize(cells->size());
      if (columns.size() != cells->size()) return std::nullopt;
      for (std::size_t i = 0; i < columns.size(); ++i)
        columns[i] = merged(std::move(columns[i]), shape_of_cell((*cells)[i]));
    }
  }
  if (columns.empty()) return std::nullopt;
  InferredTable table{.format = "csv", .columns = {}, .options = {}, .notes = {}};
  for (std::size_t i = 0; i < columns.size(); ++i)
    table.columns.emplace_back("f" + std::to_string(i), type_of(columns[i], false));
  if (delimiter != ',')
    table.options.emplace_back("csv.field-delimiter",
                               delimiter == '\t' ? "\\t" : std::string(1, delimiter));
  table.notes.emplace_back("bodies do not name their columns: rename f0, f1 and so on");
  return table;
}

}  // namespace

InferredTable infer_table(const std::vector<std::string>& bodies) {
  if (auto json = infer_json(bodies)) return std::move(*json);
  for (const char delimiter : {',', '\t', ';', '|'}) {
    if (auto csv = infer_csv(bodies, delimiter)) return std::move(*csv);
  }
  const bool text = std::all_of(bodies.begin(), bodies.end(),
                                [](const std::string& body) { return rocketmq::is_utf8(body); });
  return {.format = "raw",
          .columns = {{"body", text ? "STRING" : "BYTES"}},
          .options = {},
          .notes = {}};
}

std::string create_table_text(const InferredTable& table, const std::string& name,
                              const std::string& topic, const std::string& name_server) {
  std::string text;
  for (const std::string& note : table.notes) text += "-- " + note + "\n";
  text += "CREATE TABLE " + quoted(name) + " (\n";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    text += "  " + quoted(table.columns[i].first) + " " + table.columns[i].second +
            (i + 1 < table.columns.size() ? ",\n" : "\n");
  }
  text += ") WITH (\n  'connector' = 'rocketmq',\n  'topic' = " + literal(topic) +
          ",\n  'nameServerAddress' = " + literal(name_server) +
          ",\n  'consumerGroup' = " + literal(topic.substr(0, kTopicPartMax) + "_reader") +
          ",\n  'scan.startup.mode' = 'earliest',\n  'format' = " + literal(table.format);
  for (const auto& [option, value] : table.options)
    text += ",\n  " + literal(option) + " = " + literal(value);
  return text + "\n);\n";
}

}  // namespace slipstream::cli
