// Named rewrite rules over relational plans.
#pragma once

#include <vector>

#include "expr/function.h"
#include "sql/parse/diagnostic.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// Rewrites the tree by the rules below, in a fixed order. A join without an equality is reported.
RelPtr optimize(RelPtr root, const expr::EvalContext& eval, std::vector<Diagnostic>& diagnostics);

// The rules, each usable alone (plan tests).
RelPtr merge_calcs(RelPtr rel);  // Calc over Calc -> Calc, when nothing is computed twice
RelPtr fold_constants(RelPtr rel, const expr::EvalContext& eval);  // what can be computed now
// Conjuncts below Union, Join sides, window functions, and aggregates whose keys they are about.
RelPtr push_filters(RelPtr rel);
RelPtr find_join_keys(RelPtr rel, std::vector<Diagnostic>& diagnostics);  // equalities -> keys
RelPtr prune_columns(RelPtr rel);                                         // scans read what is used
RelPtr offer_predicates(RelPtr rel);  // comparisons of columns with texts -> offers to the source

}  // namespace slipstream::sql
