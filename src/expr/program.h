// Programs: bound expressions compiled once, run per batch.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "expr/expr.h"
#include "expr/function.h"

namespace slipstream::expr {

// Evaluates several expressions over one input schema. Constants are folded and common
// subexpressions computed once at compile time; CASE, AND, OR and COALESCE narrow the rows that
// their later arguments see, so a failure in a branch that is not taken is none.
//
// Thread: one at a time (it keeps scratch registers); make one program per operator instance.
class Program {
 public:
  // An error when a constant subexpression fails (division by a literal zero, a bad pattern).
  static Result<std::unique_ptr<Program>> compile(std::vector<ExprPtr> exprs, EvalContext context);
  ~Program();

  // One column of batch.rows() values per expression. The first failing row gives kDataError that
  // names the expression's text and the reason.
  Result<std::vector<ColumnPtr>> run(const Batch& batch);
  // Rows for which expression 0, a BOOLEAN, is TRUE, ascending. NULL counts as FALSE.
  Result<std::vector<std::uint32_t>> select(const Batch& batch);

  class Impl;

 private:
  explicit Program(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What a function's check says of the constant arguments of a call; `argument` is the one to mend.
struct ConstantFault {
  Error error;
  std::optional<std::size_t> argument;  // none: several together
};
std::optional<ConstantFault> constant_fault(const Expr& call);

// The value of a constant expression (no columns), as a one-row column.
Result<ColumnPtr> evaluate_constant(const ExprPtr& e, const EvalContext& context);

}  // namespace slipstream::expr
