// Updating GROUP BY without a window.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "slipstream/types.h"

#include "flow/operator.h"
#include "flow/operators/aggregate_call.h"

namespace slipstream::flow {

// Output: keys, results of `calls`; the changes of one group within one input batch are folded into
//         one. No calls: DISTINCT over the keys. No keys: one group, nothing before its first row.
struct GroupAggregateSpec {
  Schema input;
  std::vector<std::size_t> keys;
  std::vector<AggregateCallSpec> calls;
  bool updating_input = false;  // -U and -D may come: MIN and MAX keep all their values
  // table.exec.state.ttl: groups not written for so long are forgotten; 0 = never.
  std::int64_t ttl_ms = 0;
};
// Place it behind an exchange by `keys` (no keys: one subtask). State grows with the number of
// groups (and of distinct values; MIN and MAX over updating input: of rows).
std::unique_ptr<Operator> make_group_aggregate(GroupAggregateSpec spec);
StateSchema state_schema(const GroupAggregateSpec& spec);

}  // namespace slipstream::flow
