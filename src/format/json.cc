#include "base/try.h"
#include "format/formats.h"
#include "format/json_options.h"
#include "format/json_reader.h"
#include "format/json_writer.h"

namespace slipstream::format {

namespace {

constexpr Option<bool> kFailOnMissingField{
    .name = "json.fail-on-missing-field",
    .default_value = "false",
    .description = "A field that is not in the body is a failure instead of NULL."};

class JsonDecoder final : public RowDecoder {
 public:
  JsonDecoder(std::vector<Field> fields, JsonRules rules) : reader_(std::move(fields), rules) {
    skip_bad_documents_ = rules.null_for_bad_fields;
  }

  void decode(const Bodies& bodies, DecodedRows& out) override {
    pin_text(out.columns, bodies.buffer);
    const std::uint64_t bad_before = reader_.bad_fields();
    for (std::size_t i = 0; i < bodies.bodies.size(); ++i) {
      const std::string_view body = bodies.bodies[i];
      std::size_t rows = 0;
      const JsonText document{body, i < bodies.padded_count, bodies.buffer != nullptr};
      if (reader_.read_rows(document, out.columns, rows)) {
        for (std::size_t row = 0; row < rows; ++row)
          out.bodies.push_back(static_cast<std::uint32_t>(i));
        if (!out.kinds.empty()) out.kinds.insert(out.kinds.end(), rows, RowKind::kInsert);
      } else if (skip_bad_documents_) {
        ++out.ignored;
      } else {
        out.failures.push_back({static_cast<std::uint32_t>(i), reader_.problem(), body});
      }
    }
    out.ignored += reader_.bad_fields() - bad_before;
  }

 private:
  JsonReader reader_;
  bool skip_bad_documents_ = false;
};

class JsonEncoder final : public RowEncoder {
 public:
  JsonEncoder(const std::vector<Field>& fields, JsonStyle style)
      : writer_(fields, std::move(style)) {}

  Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                EncodedBodies& out) override {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t before = out.bytes.size();
      Status status = writer_.append_row(batch.columns(), row, out.bytes);
      if (!status.ok()) {
        out.bytes.resize(before);
        return status;
      }
      out.close(row);
    }
    return {};
  }

 private:
  JsonWriter writer_;
};

Result<std::unique_ptr<RowDecoder>> make_decoder(const Schema& schema,
                                                 std::span<const std::size_t> projection,
                                                 const Options& options) {
  for (const Field& field : schema.fields()) TRY(check_json_type(field));
  JsonRules rules = json_rules(options, "json.");
  rules.fail_on_missing_field = options[kFailOnMissingField];
  if (rules.fail_on_missing_field && rules.null_for_bad_fields) {
    return Error{ErrorCode::kInvalidArgument,
                 "'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be true: "
                 "drop one"};
  }
  return std::unique_ptr<RowDecoder>(
      std::make_unique<JsonDecoder>(projected_fields(schema, projection), rules));
}

Result<std::unique_ptr<RowEncoder>> make_encoder(const Schema& schema, const Options& options) {
  for (const Field& field : schema.fields()) TRY(check_json_type(field));
  return std::unique_ptr<RowEncoder>(
      std::make_unique<JsonEncoder>(schema.fields(), json_style(options, "json.")));
}

}  // namespace

std::vector<OptionSpec> json_option_specs(std::string_view prefix) {
  using namespace json_option;
  return {kIgnoreParseErrors.spec(prefix), kTimestampFormat.spec(prefix),
          kNullKeyMode.spec(prefix),       kNullKeyLiteral.spec(prefix),
          kPlainDecimals.spec(prefix),     kIgnoreNullFields.spec(prefix)};
}

JsonRules json_rules(const Options& options, std::string_view prefix) {
  JsonRules rules;
  rules.null_for_bad_fields = options.under(prefix, json_option::kIgnoreParseErrors);
  rules.iso_timestamps = options.under(prefix, json_option::kTimestampFormat) ==
                         json_option::TimestampStandard::kIso8601;
  return rules;
}

JsonStyle json_style(const Options& options, std::string_view prefix) {
  JsonStyle style;
  style.iso_timestamps = options.under(prefix, json_option::kTimestampFormat) ==
                         json_option::TimestampStandard::kIso8601;
  style.plain_decimals = options.under(prefix, json_option::kPlainDecimals);
  style.skip_null_fields = options.under(prefix, json_option::kIgnoreNullFields);
  style.null_keys = options.under(prefix, json_option::kNullKeyMode);
  style.null_key = options.under(prefix, json_option::kNullKeyLiteral);
  return style;
}

Format json_format() {
  Format format;
  format.name = "json";
  format.description = "One JSON object per row; an array of objects is several rows.";
  std::vector<OptionSpec> specs = json_option_specs("json.");
  specs.push_back(kFailOnMissingField.spec());
  format.options = OptionTable(std::move(specs));
  format.line_based = true;
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
