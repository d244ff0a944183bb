// Filter and projection.
#pragma once

#include <memory>
#include <vector>

#include "expr/expr.h"
#include "expr/function.h"
#include "flow/operator.h"

namespace slipstream::flow {

// Projections see only the rows that pass the predicate, so a failure in a row that is dropped is
// none.
struct CalcSpec {
  expr::ExprPtr predicate;                 // over the input, BOOLEAN; null: every row passes
  std::vector<expr::ExprPtr> projections;  // over the input, one per output column
  expr::EvalContext eval;
};

// Row kinds, split runs and split events pass through; key hashes do not (the columns they were
// made of may be gone). Stateless. open() fails when a constant subexpression does.
std::unique_ptr<Operator> make_calc(CalcSpec spec);

}  // namespace slipstream::flow
