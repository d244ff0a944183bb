// Inner equi-join of two streams.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "slipstream/types.h"

#include "expr/expr.h"
#include "expr/function.h"
#include "flow/operator.h"

namespace slipstream::flow {

// Output: left columns, then right columns. A NULL in a key matches nothing. Either input may be
// updating; the output has +I and -D only (-U and +U of an input row would not stay adjacent once
// it has several matches).
struct JoinSpec {
  Schema left;
  Schema right;
  // Pairwise of the same type; none: every row matches every row.
  std::vector<std::size_t> left_keys;
  std::vector<std::size_t> right_keys;
  expr::ExprPtr residual;  // over left columns, then right columns; may be null
  expr::EvalContext eval;
  std::int64_t left_ttl_ms = 0;  // rows not written for so long are forgotten; 0 = never
  std::int64_t right_ttl_ms = 0;
};
// Input 0 is left, input 1 is right; both behind an exchange by their keys (no keys: one subtask).
// State: all rows of both sides, equal rows once with a count.
std::unique_ptr<Operator> make_join(JoinSpec spec);
StateSchema state_schema(const JoinSpec& spec);

}  // namespace slipstream::flow
