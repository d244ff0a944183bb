// Text cut by delimiters: the body of a rocketmq table that names no format.
#include <limits>
#include <optional>

#include "base/try.h"
#include "data/text/number.h"
#include "data/text/temporal.h"
#include "data/text/value.h"
#include "format/charset.h"
#include "format/formats.h"
#include "format/json_reader.h"
#include "format/json_writer.h"

namespace slipstream::format {

namespace {

enum class LengthCheck : std::uint8_t { kReport, kSkipShort, kSkip, kPad, kStrict };

struct DelimitedStyle {
  std::string field_delimiter;
  std::string line_delimiter;
  LengthCheck length_check = LengthCheck::kReport;
  bool has_null_literal = false;
  std::string null_literal;
};

bool is_nested(const Type& type) { return type.layout() == Layout::kNested; }

// The body, or the line, is the value.
bool is_whole_body(const Schema& schema) {
  return schema.size() == 1 && schema[0].type.is_binary();
}

bool all_digits(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Also epoch milliseconds, ISO 8601, and 'Z' behind instants: what older writers left in topics.
bool parse_timestamp_field(std::string_view text, ColumnBuilder& out) {
  const Type& type = out.type();
  std::optional<std::int64_t> value;
  if (all_digits(text)) {
    const auto limit = std::numeric_limits<std::int64_t>::max() / (type.units_per_second() / 1000);
    value = text::parse_integer(text, -limit, limit);
    if (value) *value *= type.units_per_second() / 1000;
  } else if (type.kind() == TypeKind::kTimestampLtz && !text.empty() && text.back() == 'Z') {
    value = text::parse_instant_as(text::kSqlForm, text, type.precision());
    if (!value) value = text::parse_instant_as(text::kIsoForm, text, type.precision());
  } else {
    value = text::parse_timestamp(text, type.precision());
    if (!value) value = text::parse_timestamp_as(text::kIsoForm, text, type.precision());
  }
  if (!value) return false;
  out.append(*value);
  return true;
}

bool parse_time_field(std::string_view text, ColumnBuilder& out) {
  if (!all_digits(text)) return text::parse(text, TimeZone(), out);
  const auto millis = text::parse_integer(text, 0, std::numeric_limits<std::int64_t>::max());
  if (!millis) return false;
  out.append(static_cast<std::int32_t>(*millis % 86'400'000));
  return true;
}

class DelimitedDecoder final : public RowDecoder {
 public:
  DelimitedDecoder(const Schema& schema, std::span<const std::size_t> projection,
                   DelimitedStyle style, Charset charset)
      : schema_(schema),
        projection_(projection.begin(), projection.end()),
        style_(std::move(style)),
        charset_(std::move(charset)),
        nested_(schema.fields(), JsonRules{}) {
    for (const Field& field : schema.fields())
      holds_bytes_ = holds_bytes_ || field.type.is_binary();
  }

  void decode(const Bodies& bodies, DecodedRows& out) override {
    pin_text(out.columns, bodies.buffer);
    for (std::size_t i = 0; i < bodies.bodies.size(); ++i) {
      decode_body(bodies.bodies[i], static_cast<std::uint32_t>(i), bodies.buffer != nullptr, out);
    }
  }

 private:
  void decode_body(std::string_view body, std::uint32_t index, bool views, DecodedRows& out) {
    if (is_whole_body(schema_)) {
      if (!out.columns.empty()) append_bytes(body, views, *out.columns[0]);
      return add_row(index, out);
    }
    std::string_view text = body;
    converted_.clear();
    const bool decoded = (holds_bytes_ && charset_.is_utf8()) || charset_.decode(body, converted_);
    if (!decoded) {
      out.failures.push_back(
          {index, "the body is not text in the encoding of the option 'encoding'", body});
      return;
    }
    if (!charset_.is_utf8()) {
      text = converted_;
      views = false;
    }
    while (!text.empty()) {
      const std::size_t end = text.find(style_.line_delimiter);
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) decode_line(line, index, body, views, out);
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + style_.line_delimiter.size());
    }
  }

  void decode_line(std::string_view line, std::uint32_t index, std::string_view body, bool views,
                   DecodedRows& out) {
    split(line);
    const bool too_few = fields_.size() < schema_.size();
    const bool too_many = fields_.size() > schema_.size();
    const LengthCheck check = style_.length_check;
    if ((too_few && check == LengthCheck::kSkipShort) ||
        ((too_few || too_many) && check == LengthCheck::kSkip)) {
      ++out.ignored;
      return;
    }
    // A converted line does not live as long as the body.
    const std::string_view piece = charset_.is_utf8() ? line : body;
    if ((too_few && check != LengthCheck::kPad) || (too_many && check == LengthCheck::kStrict)) {
      out.failures.push_back({index,
                              std::to_string(fields_.size()) + " fields instead of " +
                                  std::to_string(schema_.size()) + ": '" + shown_text(line) + "'",
                              piece});
      return;
    }
    if (read_fields(views, out)) {
      add_row(index, out);
    } else {
      out.failures.push_back({index, problem_, piece});
    }
  }

  // One column: the whole line is its value.
  void split(std::string_view line) {
    fields_.clear();
    while (schema_.size() != 1) {
      const std::size_t end = line.find(style_.field_delimiter);
      fields_.push_back(line.substr(0, end));
      if (end == std::string_view::npos) return;
      line.remove_prefix(end + style_.field_delimiter.size());
    }
    fields_.push_back(line);
  }

  bool read_fields(bool views, DecodedRows& out) {
    for (std::size_t i = 0; i < out.columns.size(); ++i) {
      ColumnBuilder& column = *out.columns[i];
      const std::size_t before = column.size();
      const std::size_t position = projection_[i];
      if (position >= fields_.size()) {
        column.append_null();
      } else if (!read_field(fields_[position], position, views, column)) {
        problem_ = "field '" + schema_[position].name +
                   "': " + text::parse_failure(fields_[position], column.type());
        for (std::size_t done = 0; done <= i; ++done) out.columns[done]->truncate(before);
        return false;
      }
    }
    return true;
  }

  bool read_field(std::string_view text, std::size_t position, bool views, ColumnBuilder& out) {
    const Type& type = out.type();
    const bool string = type.layout() == Layout::kString;
    if ((style_.has_null_literal && text == style_.null_literal) || (text.empty() && !string)) {
      out.append_null();
      return true;
    }
    if (type.is_text() && holds_bytes_ && charset_.is_utf8() && !charset_.decode(text, converted_))
      return false;
    if (string) {
      append_bytes(text, views, out);
      return true;
    }
    if (is_nested(type)) return nested_.read_value(JsonText{text}, position, out);
    if (type.is_timestamp()) return parse_timestamp_field(text, out);
    if (type.kind() == TypeKind::kTime) return parse_time_field(text, out);
    return text::parse(text, TimeZone(), out);
  }

  static void append_bytes(std::string_view text, bool views, ColumnBuilder& out) {
    if (views) {
      out.append_text_view(text);
    } else {
      out.append_text(text);
    }
  }

  static void add_row(std::uint32_t index, DecodedRows& out) {
    out.bodies.push_back(index);
    if (!out.kinds.empty()) out.kinds.push_back(RowKind::kInsert);
  }

  Schema schema_;
  std::vector<std::size_t> projection_;
  DelimitedStyle style_;
  Charset charset_;
  JsonReader nested_;
  bool holds_bytes_ = false;
  std::string converted_;
  std::vector<std::string_view> fields_;
  std::string problem_;
};

class DelimitedEncoder final : public RowEncoder {
 public:
  DelimitedEncoder(const Schema& schema, DelimitedStyle style, Charset charset)
      : schema_(schema),
        style_(std::move(style)),
        charset_(std::move(charset)),
        nested_(schema.fields(), JsonStyle{}) {}

  Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                EncodedBodies& out) override {
    for (std::size_t row = begin; row < end; ++row) {
      Status status = is_whole_body(schema_) ? append_body(*batch.column(0), row, out.bytes)
                                             : append_line(batch, row, out.bytes);
      if (!status.ok()) return status;
      out.close(row);
    }
    return {};
  }

 private:
  Status append_body(const Column& column, std::size_t row, std::string& out) const {
    if (column.is_null(row)) {
      return Error{ErrorCode::kDataError, "column '" + schema_[0].name +
                                              "' is NULL: there is no body for it, "
                                              "filter such rows or use COALESCE"};
    }
    out += column.text(row);
    return {};
  }

  Status append_line(const Batch& batch, std::size_t row, std::string& out) {
    line_.clear();
    for (std::size_t i = 0; i < batch.columns().size(); ++i) {
      if (i != 0) line_ += style_.field_delimiter;
      const std::size_t before = line_.size();
      const Column& column = *batch.column(i);
      if (column.is_null(row)) {
        line_ += style_.null_literal;
        continue;
      }
      TRY(append_field(i, column, row));
      TRY(check_field(i, std::string_view(line_).substr(before)));
    }
    if (charset_.encode(line_, out)) return {};
    return Error{ErrorCode::kDataError,
                 "a row holds a character that the encoding of the option 'encoding' lacks: '" +
                     shown_text(line_) + "'"};
  }

  Status append_field(std::size_t index, const Column& column, std::size_t row) {
    if (is_nested(column.type())) return nested_.append_value(index, column, row, line_);
    text::to_text(column, row, TimeZone(), line_);
    if (column.type().kind() == TypeKind::kTimestampLtz) line_ += 'Z';
    return {};
  }

  // There is no quoting: what would be read back as something else is refused.
  Status check_field(std::size_t index, std::string_view text) const {
    const bool splits =
        (schema_.size() > 1 && text.find(style_.field_delimiter) != std::string_view::npos) ||
        text.find(style_.line_delimiter) != std::string_view::npos;
    const bool null = style_.has_null_literal && text == style_.null_literal;
    if (!splits && !null) return {};
    return Error{ErrorCode::kDataError,
                 "column '" + schema_[index].name + "': '" + shown_text(text) + "' " +
                     (splits ? "holds a field or line delimiter" : "is the text of 'nullLiteral'") +
                     ": set another one, or use 'format' = 'json'"};
  }

  Schema schema_;
  DelimitedStyle style_;
  Charset charset_;
  JsonWriter nested_;
  std::string line_;
};

constexpr Option<std::string> kFieldDelimiter{
    .name = "fieldDelimiter",
    .default_value = "\\u0001",
    .description = "Between fields; \\u0001, \\t and the like are decoded.",
    .aliases = {"field-delimiter", "rocketmq.client.message.field.delimiter"}};
constexpr Option<std::string> kLineDelimiter{
    .name = "lineDelimiter",
    .default_value = "\\n",
    .description = "Between rows of one body.",
    .aliases = {"line-delimiter", "rocketmq.client.message.line.delimiter"}};
constexpr Option<std::string> kEncoding{.name = "encoding",
                                        .default_value = "UTF-8",
                                        .description = "Encoding of the body.",
                                        .aliases = {"rocketmq.client.message.encoding"}};
constexpr auto kLengthChecks = std::to_array<OptionWord<LengthCheck>>({
    {"NONE", LengthCheck::kSkipShort},
    {"SKIP", LengthCheck::kSkip},
    {"SKIP_SILENT", LengthCheck::kSkip},
    {"PAD", LengthCheck::kPad},
    {"EXCEPTION", LengthCheck::kStrict},
});
constexpr Option<LengthCheck> kLengthCheck{
    .name = "lengthCheck",
    .description =
        "Lines with too few or too many fields. NONE: short ones are skipped, long ones "
        "cut. SKIP: both are skipped. PAD: missing fields are NULL, long ones cut. "
        "EXCEPTION: both are failures. Not given: short ones are failures, long ones "
        "cut. Skipped lines are counted.",
    .limits = {kLengthChecks},
    .aliases = {"length-check", "rocketmq.client.message.length.check"}};
constexpr Option<std::string> kNullLiteral{
    .name = "nullLiteral",
    .description =
        "A field with this text is NULL, and NULL is written so; otherwise NULL is an "
        "empty field.",
    .aliases = {"null-literal"}};

Result<DelimitedStyle> delimited_style(const Options& options) {
  DelimitedStyle style;
  style.field_delimiter = decode_escapes(options[kFieldDelimiter]);
  style.line_delimiter = decode_escapes(options[kLineDelimiter]);
  if (style.field_delimiter.empty() || style.line_delimiter.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "'fieldDelimiter' and 'lineDelimiter' must not be empty"};
  }
  if (style.field_delimiter == style.line_delimiter) {
    return Error{ErrorCode::kInvalidArgument,
                 "'fieldDelimiter' and 'lineDelimiter' are the same: change one"};
  }
  style.length_check = options.find(kLengthCheck).value_or(style.length_check);
  style.has_null_literal = options.has(kNullLiteral);
  style.null_literal = options[kNullLiteral];
  return style;
}

Status check_schema(const Schema& schema) {
  for (const Field& field : schema.fields()) {
    if (field.type.is_interval()) {
      return Error{ErrorCode::kUnsupported, "column '" + field.name +
                                                "': delimited text cannot hold " +
                                                field.type.to_string() + ", use 'format' = 'json'"};
    }
    if (is_nested(field.type)) TRY(check_json_type(field));
  }
  return {};
}

Result<std::unique_ptr<RowDecoder>> make_decoder(const Schema& schema,
                                                 std::span<const std::size_t> projection,
                                                 const Options& options) {
  TRY(check_schema(schema));
  TRY_ASSIGN(DelimitedStyle style, delimited_style(options));
  TRY_ASSIGN(Charset charset, Charset::open(options[kEncoding]));
  return std::unique_ptr<RowDecoder>(
      std::make_unique<DelimitedDecoder>(schema, projection, std::move(style), std::move(charset)));
}

Result<std::unique_ptr<RowEncoder>> make_encoder(const Schema& schema, const Options& options) {
  if (schema.size() == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "format 'delimited' writes no body without columns; with 'value.fields-include' = "
                 "'EXCEPT_KEY' leave one column out of 'key.fields'"};
  }
  TRY(check_schema(schema));
  TRY_ASSIGN(DelimitedStyle style, delimited_style(options));
  TRY_ASSIGN(Charset charset, Charset::open(options[kEncoding]));
  return std::unique_ptr<RowEncoder>(
      std::make_unique<DelimitedEncoder>(schema, std::move(style), std::move(charset)));
}

}  // namespace

Format delimited_format() {
  Format format;
  format.name = "delimited";
  format.description =
      "Lines of fields cut by delimiters; a single BYTES column is the whole body.";
  format.options = OptionTable(
      option_specs(kFieldDelimiter, kLineDelimiter, kEncoding, kLengthCheck, kNullLiteral));
  format.line_based = true;
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
