#include "base/try.h"
#include "format/formats.h"
#include "format/json_options.h"
#include "format/json_reader.h"
#include "format/json_writer.h"

namespace slipstream::format {

namespace {

constexpr std::string_view kPrefix = "debezium-json.";
constexpr Option<bool> kSchemaInclude{
    .name = "debezium-json.schema-include",
    .default_value = "false",
    .description = "The event lies in the field 'payload' beside its 'schema' (reading only)."};

class ChangeDecoder final : public RowDecoder {
 public:
  ChangeDecoder(std::vector<Field> fields, JsonRules rules, bool with_schema)
      : reader_(std::move(fields), rules),
        ignore_(rules.null_for_bad_fields),
        with_schema_(with_schema) {}

  void decode(const Bodies& bodies, DecodedRows& out) override {
    pin_text(out.columns, bodies.buffer);
    // An insert-only past of the batch gets its kinds now.
    out.kinds.resize(out.bodies.size(), RowKind::kInsert);
    const std::uint64_t bad_before = reader_.bad_fields();
    for (std::size_t i = 0; i < bodies.bodies.size(); ++i) {
      const std::string_view body = bodies.bodies[i];
      const JsonText document{body, i < bodies.padded_count, bodies.buffer != nullptr};
      if (reader_.read_change(document, with_schema_, out.columns, out.kinds)) {
        out.bodies.resize(out.kinds.size(), static_cast<std::uint32_t>(i));
      } else if (ignore_) {
        ++out.ignored;
      } else {
        out.failures.push_back({static_cast<std::uint32_t>(i), reader_.problem(), body});
      }
    }
    out.ignored += reader_.bad_fields() - bad_before;
  }

 private:
  JsonReader reader_;
  bool ignore_;
  bool with_schema_;
};

// As Flink: an update is a delete of the old row and a create of the new one.
class ChangeEncoder final : public RowEncoder {
 public:
  ChangeEncoder(const std::vector<Field>& fields, JsonStyle style)
      : writer_(fields, std::move(style)) {}

  Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                EncodedBodies& out) override {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t before = out.bytes.size();
      const bool retraction = is_retraction(batch.kind(row));
      out.bytes += retraction ? "{\"before\":" : "{\"before\":null,\"after\":";
      Status status = writer_.append_row(batch.columns(), row, out.bytes);
      if (!status.ok()) {
        out.bytes.resize(before);
        return status;
      }
      out.bytes += retraction ? ",\"after\":null,\"op\":\"d\"}" : ",\"op\":\"c\"}";
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
  return std::unique_ptr<RowDecoder>(std::make_unique<ChangeDecoder>(
      projected_fields(schema, projection), json_rules(options, kPrefix), options[kSchemaInclude]));
}

Result<std::unique_ptr<RowEncoder>> make_encoder(const Schema& schema, const Options& options) {
  if (options[kSchemaInclude]) {
    return Error{ErrorCode::kUnsupported,
                 "'debezium-json.schema-include' = 'true' is for reading only: a sink writes "
                 "events without schema"};
  }
  for (const Field& field : schema.fields()) TRY(check_json_type(field));
  return std::unique_ptr<RowEncoder>(
      std::make_unique<ChangeEncoder>(schema.fields(), json_style(options, kPrefix)));
}

}  // namespace

Format debezium_json_format() {
  Format format;
  format.name = "debezium-json";
  format.description = "Change events as Debezium writes them: before, after and op (c, r, u, d).";
  std::vector<OptionSpec> specs = json_option_specs("debezium-json.");
  specs.push_back(kSchemaInclude.spec());
  format.options = OptionTable(std::move(specs));
  format.changelog = true;
  format.line_based = true;
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
