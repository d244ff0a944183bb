#include <simdjson.h>

#include "base/try.h"
#include "data/text/number.h"
#include "data/text/temporal.h"
#include "data/text/value.h"
#include "format/csv.h"
#include "format/formats.h"
#include "format/json_value.h"
#include "format/json_writer.h"

namespace slipstream::format {

namespace {

struct CsvStyle {
  CsvSyntax syntax;
  char element_delimiter = ';';
  bool has_null_literal = false;
  std::string null_literal;
  bool ignore_errors = false;
  bool scientific_decimals = true;
};

bool is_scalar(const Type& type) {
  return type.layout() != Layout::kNested && !type.is_interval() && type.kind() != TypeKind::kNull;
}

// Scalars; ARRAY and ROW of scalars.
Status check_csv_type(const Field& field) {
  const Type& type = field.type;
  bool supported = is_scalar(type);
  if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kRow) {
    supported = true;
    for (const Field& child : type.children()) supported = supported && is_scalar(child.type);
  }
  if (supported) return {};
  return Error{ErrorCode::kUnsupported, "column '" + field.name + "': format 'csv' cannot hold " +
                                            type.to_string() + ", use format 'json'"};
}

// '42', '2024-01-31 10:00:00': the values of a record, and the elements of one.
class ValueReader {
 public:
  explicit ValueReader(CsvStyle style) : style_(std::move(style)) {}

  const CsvStyle& style() const { return style_; }

  bool read(const CsvField& field, bool views, ColumnBuilder& out) {
    const Type& type = out.type();
    if (!field.quoted && style_.has_null_literal && field.text == style_.null_literal) {
      out.append_null();
      return true;
    }
    if (type.is_text()) {
      if (views && !field.copied) {
        out.append_text_view(field.text);
      } else {
        out.append_text(field.text);
      }
      return true;
    }
    // Nothing is a value of these types: NULL.
    if (field.text.empty() && !field.quoted) {
      out.append_null();
      return true;
    }
    if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kRow)
      return read_elements(field.text, views && !field.copied, out);
    return append_json_text(text::trim(field.text), false, out);
  }

 private:
  bool read_elements(std::string_view text, bool views, ColumnBuilder& out) {
    const bool row = out.type().kind() == TypeKind::kRow;
    const std::size_t wanted = out.type().children().size();
    std::size_t count = 0;
    bool more = true;
    while (more) {
      const std::size_t end = text.find(style_.element_delimiter);
      more = end != std::string_view::npos;
      const CsvField element{text.substr(0, end), false, !views};
      if (row && count == wanted) return false;
      if (!read(element, views, out.child(row ? count : 0))) return false;
      ++count;
      if (more) text.remove_prefix(end + 1);
    }
    if (row && count != wanted) return false;
    out.append_nested();
    return true;
  }

  CsvStyle style_;
};

class CsvDecoder final : public RowDecoder {
 public:
  CsvDecoder(const Schema& schema, std::span<const std::size_t> projection, CsvStyle style)
      : schema_(schema),
        projection_(projection.begin(), projection.end()),
        reader_(std::move(style)),
        scanner_(reader_.style().syntax) {}

  void decode(const Bodies& bodies, DecodedRows& out) override {
    pin_text(out.columns, bodies.buffer);
    for (std::size_t i = 0; i < bodies.bodies.size(); ++i) {
      decode_body(bodies.bodies[i], static_cast<std::uint32_t>(i), bodies.buffer != nullptr, out);
    }
  }

 private:
  void decode_body(std::string_view body, std::uint32_t index, bool views, DecodedRows& out) {
    if (!simdjson::validate_utf8(body.data(), body.size()))
      return fail(index, "the body is not UTF-8", body, out);
    scanner_.start(body);
    while (scanner_.next(fields_)) {
      if (read_record(views, out)) {
        out.bodies.push_back(index);
        if (!out.kinds.empty()) out.kinds.push_back(RowKind::kInsert);
      } else {
        fail(index, problem_, scanner_.record(), out);
      }
    }
    if (scanner_.broken()) {
      fail(index,
           "a quoted field does not end at a delimiter: '" + shown_text(scanner_.record()) + "'",
           scanner_.record(), out);
    }
  }

  void fail(std::uint32_t index, std::string reason, std::string_view piece, DecodedRows& out) {
    if (reader_.style().ignore_errors) {
      ++out.ignored;
    } else {
      out.failures.push_back({index, std::move(reason), piece});
    }
  }

  bool read_record(bool views, DecodedRows& out) {
    const bool ignore = reader_.style().ignore_errors;
    if (fields_.size() > schema_.size() && !ignore) {
      problem_ = std::to_string(fields_.size()) + " fields instead of " +
                 std::to_string(schema_.size()) + ": '" + shown_text(scanner_.record()) + "'";
      return false;
    }
    for (std::size_t i = 0; i < out.columns.size(); ++i) {
      ColumnBuilder& column = *out.columns[i];
      const std::size_t before = column.size();
      const std::size_t position = projection_[i];
      if (position >= fields_.size()) {
        column.append_null();
        continue;
      }
      if (reader_.read(fields_[position], views, column)) continue;
      column.truncate(before);
      if (ignore) {
        ++out.ignored;
        column.append_null();
        continue;
      }
      problem_ = "field '" + schema_[position].name +
                 "': " + text::parse_failure(fields_[position].text, column.type());
      for (std::size_t done = 0; done < i; ++done) out.columns[done]->truncate(before);
      return false;
    }
    return true;
  }

  Schema schema_;
  std::vector<std::size_t> projection_;
  ValueReader reader_;
  CsvScanner scanner_;
  std::vector<CsvField> fields_;
  std::string problem_;
};

class CsvEncoder final : public RowEncoder {
 public:
  CsvEncoder(const Schema& schema, CsvStyle style)
      : schema_(schema), style_(std::move(style)), values_({}, {}) {}

  Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                EncodedBodies& out) override {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t before = out.bytes.size();
      for (std::size_t i = 0; i < batch.columns().size(); ++i) {
        if (i != 0) out.bytes += style_.syntax.delimiter;
        const Status status = append_field(*batch.column(i), row, out.bytes);
        if (!status.ok()) {
          out.bytes.resize(before);
          return status.with_context("column '" + schema_[i].name + "'");
        }
      }
      out.close(row);
    }
    return {};
  }

 private:
  Status append_field(const Column& column, std::size_t row, std::string& out) {
    if (column.is_null(row)) {
      out += style_.null_literal;
      return {};
    }
    const std::string_view value = field_text(column, row);
    // A text that looks like the NULL literal is told apart by its quotes.
    const bool quotes = style_.has_null_literal && value == style_.null_literal;
    const CsvSyntax& syntax = style_.syntax;
    if (syntax.quote == '\0' && syntax.escape == '\0' &&
        (value.find(syntax.delimiter) != std::string_view::npos ||
         value.find_first_of("\r\n") != std::string_view::npos)) {
      return Error{ErrorCode::kDataError,
                   "'" + shown_text(value) +
                       "' holds a delimiter or line break and quotes are disabled: set "
                       "'csv.escape-character' or enable quotes"};
    }
    if (column.type().is_numeric() || column.type().kind() == TypeKind::kBoolean) {
      out += value;
    } else {
      append_csv_field(syntax, value, quotes, out);
    }
    return {};
  }

  // Without quotes; valid until the next call. REQUIRES: not NULL
  std::string_view field_text(const Column& column, std::size_t row) {
    const TypeKind kind = column.type().kind();
    if (kind != TypeKind::kArray && kind != TypeKind::kRow) return scalar_text(column, row);
    value_.clear();
    append_elements(column, row);
    return value_;
  }

  void append_elements(const Column& column, std::size_t row) {
    const bool is_row = column.type().kind() == TypeKind::kRow;
    const std::size_t begin = is_row ? 0 : static_cast<std::size_t>(column.offsets()[row]);
    const std::size_t end =
        is_row ? column.children().size() : static_cast<std::size_t>(column.offsets()[row + 1]);
    for (std::size_t at = begin; at < end; ++at) {
      if (at != begin) value_ += style_.element_delimiter;
      const Column& child = *column.children()[is_row ? at : 0];
      const std::size_t child_row = is_row ? row : at;
      if (child.is_null(child_row)) {
        value_ += style_.null_literal;
      } else {
        value_ += scalar_text(child, child_row);
      }
    }
  }

  // As in JSON, without quotes; valid until the next call.
  std::string_view scalar_text(const Column& column, std::size_t row) {
    const Type& type = column.type();
    if (type.is_text()) return column.text(row);
    if (type.kind() == TypeKind::kDecimal && !style_.scientific_decimals) {
      decimal_.clear();
      text::append_decimal(column.data<Int128>()[row], type.scale(), decimal_);
      return decimal_;
    }
    std::string_view text = values_.scalar(column, row);
    if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
    return text;
  }

  Schema schema_;
  CsvStyle style_;
  JsonWriter values_;
  std::string value_;
  std::string decimal_;
};

constexpr Option<std::string> kFieldDelimiter{
    .name = "csv.field-delimiter",
    .default_value = ",",
    .description = "Between fields; escapes such as \\t are decoded."};
constexpr Option<std::string> kQuoteCharacter{.name = "csv.quote-character",
                                              .default_value = "\"",
                                              .description = "Around a field that needs it."};
constexpr Option<bool> kDisableQuoteCharacter{.name = "csv.disable-quote-character",
                                              .default_value = "false",
                                              .description = "Quotes are ordinary characters."};
constexpr Option<std::string> kEscapeCharacter{
    .name = "csv.escape-character",
    .description = "Before a character that stands for itself; none by default."};
constexpr Option<std::string> kNullLiteral{
    .name = "csv.null-literal",
    .description = "A field with this text, not quoted, is NULL; NULL is written so."};
constexpr Option<std::string> kArrayElementDelimiter{
    .name = "csv.array-element-delimiter",
    .default_value = ";",
    .description = "Between elements of ARRAY and ROW."};
constexpr Option<bool> kScientificDecimals{
    .name = "csv.write-bigdecimal-in-scientific-notation",
    .default_value = "true",
    .description = "DECIMAL in its shortest form, 1.5E+3, instead of 1500.00."};
constexpr Option<bool> kAllowComments{.name = "csv.allow-comments",
                                      .default_value = "false",
                                      .description = "Lines that begin with # are skipped."};
constexpr Option<bool> kIgnoreParseErrors{
    .name = "csv.ignore-parse-errors",
    .default_value = "false",
    .description =
        "A field that cannot be read becomes NULL, surplus fields are dropped; both "
        "are counted."};

Result<char> one_character(const Options& options, const Option<std::string>& option) {
  const std::string text = decode_escapes(options[option]);
  if (text.size() == 1) return text[0];
  return Error{ErrorCode::kInvalidArgument, "option '" + std::string(option.name) + "': '" +
                                                options[option] + "' must be one ASCII character"};
}

Result<CsvStyle> csv_style(const Options& options) {
  CsvStyle style;
  TRY_ASSIGN(style.syntax.delimiter, one_character(options, kFieldDelimiter));
  TRY_ASSIGN(style.element_delimiter, one_character(options, kArrayElementDelimiter));
  if (options[kDisableQuoteCharacter]) {
    if (options.has(kQuoteCharacter)) {
      return Error{
          ErrorCode::kInvalidArgument,
          "'csv.quote-character' is set and 'csv.disable-quote-character' is true: drop one"};
    }
    style.syntax.quote = '\0';
  } else {
    TRY_ASSIGN(style.syntax.quote, one_character(options, kQuoteCharacter));
  }
  if (options.has(kEscapeCharacter)) {
    TRY_ASSIGN(style.syntax.escape, one_character(options, kEscapeCharacter));
  }
  style.syntax.comments = options[kAllowComments];
  style.has_null_literal = options.has(kNullLiteral);
  style.null_literal = options[kNullLiteral];
  style.ignore_errors = options[kIgnoreParseErrors];
  style.scientific_decimals = options[kScientificDecimals];
  return style;
}

Result<std::unique_ptr<RowDecoder>> make_decoder(const Schema& schema,
                                                 std::span<const std::size_t> projection,
                                                 const Options& options) {
  for (const Field& field : schema.fields()) TRY(check_csv_type(field));
  TRY_ASSIGN(CsvStyle style, csv_style(options));
  return std::unique_ptr<RowDecoder>(
      std::make_unique<CsvDecoder>(schema, projection, std::move(style)));
}

Result<std::unique_ptr<RowEncoder>> make_encoder(const Schema& schema, const Options& options) {
  if (schema.size() == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "format 'csv' writes no body without columns; with 'value.fields-include' = "
                 "'EXCEPT_KEY' leave one column out of 'key.fields'"};
  }
  for (const Field& field : schema.fields()) TRY(check_csv_type(field));
  TRY_ASSIGN(CsvStyle style, csv_style(options));
  return std::unique_ptr<RowEncoder>(std::make_unique<CsvEncoder>(schema, std::move(style)));
}

}  // namespace

Format csv_format() {
  Format format;
  format.name = "csv";
  format.description = "Comma-separated values, one record per row.";
  format.options = OptionTable(option_specs(
      kFieldDelimiter, kQuoteCharacter, kDisableQuoteCharacter, kEscapeCharacter, kNullLiteral,
      kArrayElementDelimiter, kScientificDecimals, kAllowComments, kIgnoreParseErrors));
  format.line_based = true;
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
