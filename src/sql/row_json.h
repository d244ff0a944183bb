// Rows of a query as JSON objects.
#pragma once

#include <cstddef>
#include <string>

#include "slipstream/batch.h"

#include "data/text/time_zone.h"

namespace slipstream::sql {

// One object without a line end. `updating`: "op" (+I, -U, +U, -D) comes first. Numbers and
// booleans are themselves, NaN and the infinities and everything else strings as SQL writes them.
void append_json_row(const Batch& batch, std::size_t row, const Schema& schema, bool updating,
                     const TimeZone& zone, std::string& out);

}  // namespace slipstream::sql
