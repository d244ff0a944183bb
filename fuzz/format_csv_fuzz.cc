// CSV and delimited bodies: all columns stay of one size, and a failed piece lies inside the body.
#include <memory>

#include "base/try.h"
#include "format/format.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void decode(const char* name, const OptionMap& given, std::string_view body) {
  const format::Format* format = *format::find_format(name);
  const Schema columns({{"a", Type::integer()},
                        {"s", Type::string()},
                        {"t", Type::timestamp(3)},
                        {"xs", Type::array(Type::string())}});
  const std::vector<std::size_t> projection = {3, 0, 1, 2};
  const auto decoder =
      std::move(*format->make_decoder(columns, projection, *format->options.parse(given, "fuzz")));
  std::vector<std::unique_ptr<ColumnBuilder>> owned;
  std::vector<ColumnBuilder*> builders;
  for (const std::size_t index : projection) {
    owned.push_back(std::make_unique<ColumnBuilder>(columns[index].type));
    builders.push_back(owned.back().get());
  }
  const std::vector<std::string_view> bodies = {body};
  format::DecodedRows out;
  out.columns = builders;
  decoder->decode({bodies, nullptr, false}, out);
  for (const ColumnBuilder* builder : builders) CHECK(builder->size() == out.bodies.size());
  for (const format::DecodeFailure& failure : out.failures) {
    CHECK(failure.piece.data() >= body.data());
    CHECK(failure.piece.data() + failure.piece.size() <= body.data() + body.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string flag = (data[0] & 1U) != 0 ? "true" : "false";
  slipstream::OptionMap csv = {{"csv.ignore-parse-errors", flag}, {"csv.allow-comments", flag}};
  if ((data[0] & 2U) != 0) csv["csv.escape-character"] = "\\";
  if ((data[0] & 4U) != 0) csv["csv.null-literal"] = "N";
  decode("csv", csv, body);
  decode("delimited",
         {{"fieldDelimiter", ","}, {"lengthCheck", (data[0] & 8U) != 0 ? "PAD" : "NONE"}}, body);
  return 0;
}
