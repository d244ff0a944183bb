// Makes a complete changelog out of rows that are written by key.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "slipstream/types.h"

#include "flow/operator.h"

namespace slipstream::flow {

// Input: +I and +U mean "this is the row of its key now", -D "the key is gone" (its other columns
// may be NULL), -U is passed over.
// Output: +I, then -U/+U per change, -D with the row as it was last. Equal rows and deletions of
// unknown keys emit nothing.
struct ChangelogNormalizeSpec {
  Schema input;
  std::vector<std::size_t> keys;  // primary key
  std::int64_t ttl_ms = 0;        // table.exec.state.ttl; 0 = never
};
// Place it behind an exchange by `keys`. State: the last row of every key.
std::unique_ptr<Operator> make_changelog_normalize(ChangelogNormalizeSpec spec);

}  // namespace slipstream::flow
