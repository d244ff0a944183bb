// JSON bodies: whatever the bytes, all columns stay of one size, what was read can be written, and
// what was written reads back.
#include <memory>

#include "base/try.h"
#include "format/format.h"

namespace {

using namespace slipstream;  // NOLINT: one file

// Bytes of one body with the padding behind it.
struct Body final : Buffer {
  std::string text;
  std::size_t bytes() const override { return text.size(); }
};

Schema schema() {
  return Schema({{"a", Type::bigint()},
                 {"s", Type::string()},
                 {"d", Type::decimal(20, 3)},
                 {"t", Type::timestamp(3)},
                 {"b", Type::bytes()},
                 {"r", Type::row({{"x", Type::array(Type::float64())},
                                  {"m", Type::map(Type::string(), Type::string())}})}});
}

Batch decode(const char* name, const OptionMap& given, const std::shared_ptr<Body>& body,
             std::size_t size, bool padded) {
  const format::Format* format = *format::find_format(name);
  const Schema columns = schema();
  const std::vector<std::size_t> projection = {5, 1, 0, 2, 3, 4};
  const auto decoder =
      std::move(*format->make_decoder(columns, projection, *format->options.parse(given, "fuzz")));
  std::vector<std::unique_ptr<ColumnBuilder>> owned;
  std::vector<ColumnBuilder*> builders;
  for (const std::size_t index : projection) {
    owned.push_back(std::make_unique<ColumnBuilder>(columns[index].type));
    builders.push_back(owned.back().get());
  }
  const std::string_view view = std::string_view(body->text).substr(0, size);
  const std::vector<std::string_view> bodies = {view, view};
  format::DecodedRows out;
  out.columns = builders;
  decoder->decode({bodies, padded ? body : nullptr, padded ? bodies.size() : 0}, out);
  std::vector<ColumnPtr> finished;
  for (ColumnBuilder* builder : builders) {
    CHECK(builder->size() == out.bodies.size());
    finished.push_back(builder->finish());
  }
  CHECK(out.kinds.empty() || out.kinds.size() == out.bodies.size());
  return Batch(out.bodies.size(), std::move(finished));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto body = std::make_shared<Body>();
  body->text.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  body->text.append(format::kBodyPadding, '\0');
  const bool padded = (data[0] & 1U) != 0;
  const char* ignore = (data[0] & 2U) != 0 ? "true" : "false";
  decode("debezium-json", {{"debezium-json.ignore-parse-errors", ignore}}, body, size - 1, padded);
  const Batch batch =
      decode("json", {{"json.ignore-parse-errors", ignore}}, body, size - 1, padded);
  const format::Format* format = *format::find_format("json");
  Schema written;
  const std::vector<std::size_t> projection = {5, 1, 0, 2, 3, 4};
  for (const std::size_t index : projection)
    written.add(schema()[index].name, schema()[index].type);
  const auto encoder =
      std::move(*format->make_encoder(written, *format->options.parse({}, "fuzz")));
  format::EncodedBodies bodies;
  CHECK(encoder->encode(batch, 0, batch.rows(), bodies).ok());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const auto again = std::make_shared<Body>();
    again->text = std::string(bodies[i]);
    CHECK(decode("json", {}, again, again->text.size(), false).rows() == 2);
  }
  return 0;
}
