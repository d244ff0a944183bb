// Rows of a query as JSON objects.
#pragma once

#include <cstddef>
#include <string>

#include "slipstream/batch.h"

#include "data/text/time_zone.h"

namespace slipstream::sql {

// One object without a line end. `updating`: "op" (+I, -U, +U, -D) comes first. Numbers and
// booleans are themselves, NaN and the infinities and everything else strings: cell_text(). Of a
// STRING, bytes that are not UTF-8 become U+FFFD. As format `json` writes them.
void append_json_row(const Batch& batch, std::size_t row, const Schema& schema, bool updating,
                     const TimeZone& zone, std::string& out);

// For programs: bytes in base64, everything else as SQL writes it.
// REQUIRES: not NULL
std::string cell_text(const Column& column, std::size_t row, const TimeZone& zone);

}  // namespace slipstream::sql
