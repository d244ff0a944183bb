// One JSON scalar, as its token in the document, into a column.
#pragma once

#include <string_view>

#include "slipstream/batch.h"

namespace slipstream::format {

// A JSON number by the grammar: no leading zeros or '+'.
bool is_json_number(std::string_view token);

// `token` is a number, true or false. False and nothing appended when the type of `out` does not
// take it.
bool append_json_literal(std::string_view token, ColumnBuilder& out);

// `content` is a string's text without quotes and escapes, for any type but CHAR and VARCHAR.
bool append_json_text(std::string_view content, bool iso_timestamps, ColumnBuilder& out);

}  // namespace slipstream::format
