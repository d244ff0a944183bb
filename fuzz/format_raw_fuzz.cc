// Bodies of 'raw' and lines of the format that tables without one have, in several encodings: rows
// that were read are written, if they can be, so that they read back the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "format/testing/round.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void check_round_trip(const std::string& format, const Schema& schema, const OptionMap& options,
                      std::string_view body) {
  const std::vector<std::string> bodies = {std::string(body)};
  const auto decoded = format::testing::decode({format, schema, options}, bodies);
  const auto copied = format::testing::decode(
      {.format = format, .schema = schema, .options = options, .in_place = false}, bodies);
  CHECK(decoded.rows == copied.rows && decoded.failures == copied.failures);
  for (const std::string& piece : decoded.pieces) CHECK(piece.size() <= body.size());
  const auto written = format::testing::encode({format, schema, options}, decoded.batch);
  if (!written.empty() && written.back().starts_with("error: ")) return;
  CHECK(written.size() == decoded.rows.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto again = format::testing::decode({format, schema, options}, {written[i]});
    // A line of nothing but NULL is an empty one, which is no row.
    if (again.rows.empty() && again.failures.empty()) continue;
    CHECK(again.rows == std::vector<std::string>{decoded.rows[i]});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view body = as_text({data + 2, size - 2});
  const Type types[] = {Type::string(),  Type::bytes(),  Type::boolean(), Type::tinyint(),
                        Type::integer(), Type::bigint(), Type::float32(), Type::float64()};
  const char* const encodings[] = {"UTF-8", "UTF-16", "GBK", "ISO-8859-1", "UTF-16LE"};
  const char* const encoding = encodings[data[1] % std::size(encodings)];
  check_round_trip("raw", Schema({{"a", types[data[0] % std::size(types)]}}),
                   {{"raw.charset", encoding},
                    {"raw.endianness", (data[1] & 0x80U) != 0 ? "little-endian" : "big-endian"}},
                   body);
  const char* const checks[] = {"NONE", "SKIP", "EXCEPTION", "PAD"};
  OptionMap options = {{"fieldDelimiter", (data[0] & 8U) != 0 ? "\\u0001" : ","},
                       {"lineDelimiter", (data[0] & 16U) != 0 ? "||" : "\\n"},
                       {"lengthCheck", checks[data[0] >> 6U]},
                       {"encoding", encoding}};
  if ((data[0] & 32U) != 0) options["nullLiteral"] = "N";
  check_round_trip("delimited",
                   Schema({{"s", Type::string()},
                           {"a", Type::integer()},
                           {"t", Type::timestamp(3)},
                           {"l", Type::timestamp_ltz(6)},
                           {"c", Type::time(3)},
                           {"xs", Type::array(Type::string())}}),
                   options, body);
  return 0;
}
