// Any value as text and back: CAST to and from STRING, text formats, printed results.
#pragma once

#include <string>
#include <string_view>

#include "slipstream/batch.h"
#include "slipstream/status.h"

#include "data/text/time_zone.h"

namespace slipstream::text {

// Appends the cell as CAST(... AS STRING) shows it; `zone` shows TIMESTAMP_LTZ. Nested values as in
// Flink: [1, NULL], {k=v}, (1, a). BYTES are taken as UTF-8. Appends "NULL" for NULL: the caller
// decides what else.
void to_text(const Column& column, std::size_t row, const TimeZone& zone, std::string& out);
std::string to_text(const Column& column, std::size_t row, const TimeZone& zone = TimeZone());

// Appends the value that `text` stands for to `out`, of a scalar type; false and nothing appended
// when it stands for none. CHAR(n) is padded with blanks, text longer than its type is cut (as CAST
// does). BYTES take the text's bytes.
bool parse(std::string_view text, const TimeZone& zone, ColumnBuilder& out);

// "'abc' is no INT": for an error message; long texts are shortened.
std::string parse_failure(std::string_view text, const Type& type);

// Number of code points; the text's first `count` code points.
std::size_t code_points(std::string_view utf8);
std::string_view first_code_points(std::string_view utf8, std::size_t count);

}  // namespace slipstream::text
