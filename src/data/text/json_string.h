// Strings of JSON texts: written with escapes, read without.
#pragma once

#include <string>
#include <string_view>

namespace slipstream::text {

// In quotes, with the escapes of Jackson: \n, \u001F. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);

// What stands between a string's quotes, without escapes. A surrogate without its other half is
// '?', as in Flink. False for an escape that JSON does not have; `out` then ends anywhere.
bool append_unescaped_json(std::string_view content, std::string& out);

// A copy of `json` in which control characters inside strings are escapes.
std::string with_escaped_controls(std::string_view json);

}  // namespace slipstream::text
