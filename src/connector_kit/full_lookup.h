// A table that ends as one in which rows are looked up: read whole into memory, once.
#pragma once

#include <memory>

#include "slipstream/connector/lookup.h"
#include "slipstream/connector/source.h"

namespace slipstream::connector_kit {

// What the source of a table has to give for `request`: the projected columns, and its keys.
SourceRequest source_of_lookup(const LookupRequest& request);

// `source` was made for source_of_lookup(request). Each reader reads it from its beginning to its
// end before it answers the first question; what is written later is not seen.
// Rows that cannot be decoded fail the lookup or are counted and left out, as the source's policy
// says.
// Bounds: rows and their keys count against LookupContext::memory; more than it gives is
//         kResourceExhausted.
// Failure: kInvalidArgument when the source does not end, its rows change, or it has a dead-letter
//          table. A reader that failed once answers no more: further questions get the same error.
Result<std::unique_ptr<LookupSource>> make_full_lookup(const LookupRequest& request,
                                                       std::unique_ptr<Source> source);

}  // namespace slipstream::connector_kit
