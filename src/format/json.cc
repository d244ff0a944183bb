#include "base/try.h"
#include "format/formats.h"
#include "format/json_options.h"
#include "format/json_reader.h"
#include "format/json_writer.h"

namespace slipstream::format {

namespace {

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
      const JsonText document{body, bodies.padded, bodies.buffer != nullptr};
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
  rules.fail_on_missing_field = options.boolean("json.fail-on-missing-field");
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

std::vector<OptionSpec> json_option_specs(const std::string& prefix) {
  return {
      {.name = prefix + "ignore-parse-errors",
       .type = OptionType::kBool,
       .default_value = "false",
       .description = "A field that cannot be read becomes NULL and a body that is no JSON is "
                      "dropped; both are counted."},
      {.name = prefix + "timestamp-format.standard",
       .type = OptionType::kEnum,
       .default_value = "SQL",
       .description = "SQL: '2024-01-31 23:59:59.123'; ISO-8601: '2024-01-31T23:59:59.123'. "
                      "TIMESTAMP_LTZ with 'Z' behind.",
       .values = {"SQL", "ISO-8601"}},
      {.name = prefix + "map-null-key.mode",
       .type = OptionType::kEnum,
       .default_value = "FAIL",
       .description = "What to do with a NULL key of a MAP when writing.",
       .values = {"FAIL", "DROP", "LITERAL"}},
      {.name = prefix + "map-null-key.literal",
       .default_value = "null",
       .description = "The key written for NULL in mode LITERAL."},
      {.name = prefix + "encode.decimal-as-plain-number",
       .type = OptionType::kBool,
       .default_value = "false",
       .description = "DECIMAL as 1500.00 instead of the shortest form, 1.5E+3."},
      {.name = prefix + "encode.ignore-null-fields",
       .type = OptionType::kBool,
       .default_value = "false",
       .description = "Leaves NULL fields out when writing."},
  };
}

JsonRules json_rules(const Options& options, const std::string& prefix) {
  JsonRules rules;
  rules.null_for_bad_fields = options.boolean(prefix + "ignore-parse-errors");
  rules.iso_timestamps = options.text(prefix + "timestamp-format.standard") == "ISO-8601";
  return rules;
}

Format json_format() {
  Format format;
  format.name = "json";
  format.description = "One JSON object per row; an array of objects is several rows.";
  std::vector<OptionSpec> specs = json_option_specs("json.");
  specs.push_back({.name = "json.fail-on-missing-field",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .description = "A field that is not in the body is a failure instead of NULL."});
  format.options = OptionTable(std::move(specs));
  format.line_based = true;
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
