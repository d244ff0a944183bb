// One value out of a JSON text, as Flink's JSON functions find it (with Jackson).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "expr/json_path.h"

namespace slipstream::expr {

enum class JsonKind : std::uint8_t {
  kNoJson,   // the text does not begin with a JSON value
  kMissing,  // the path leads nowhere
  kNull,
  kBoolean,
  kNumber,
  kString,
  kContainer,  // an object or array
};

// `token`: the scalar as it stands in the text, a string without its quotes but with its escapes.
struct JsonFound {
  JsonKind kind = JsonKind::kNoJson;
  std::string_view token;
};

// The whole first value of `text` must be JSON; what stands behind it is not read. Of a repeated
// key the last one counts.
//
// Bounds: containers 1,000 deep and numbers of 1,000 characters, as Jackson has them; time is
// linear in the text, for every step of the path.
JsonFound find_json(std::string_view text, const JsonPath& path);

// A number token as Java prints what Jackson makes of it: digits are kept, "1e3" is "1E+3".
std::string java_number_text(std::string_view token);
bool is_whole_number(std::string_view token);

}  // namespace slipstream::expr
