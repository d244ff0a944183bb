// Where each file of functions adds its own to the registry.
#pragma once

#include <vector>

#include "expr/function.h"

namespace slipstream::expr {

using Functions = std::vector<Function>;
using AggregateFunctions = std::vector<AggregateFunction>;

void add_arithmetic(Functions& out);
void add_comparisons(Functions& out);
void add_logic(Functions& out);
void add_in(Functions& out);
void add_like(Functions& out);
void add_math(Functions& out);
void add_rounding(Functions& out);
void add_conditionals(Functions& out);
void add_text_cases(Functions& out);
void add_text_parts(Functions& out);
void add_text_builders(Functions& out);
void add_regex(Functions& out);
void add_hashing(Functions& out);
void add_json_value(Functions& out);
void add_clock(Functions& out);
void add_time_fields(Functions& out);
void add_time_text(Functions& out);
void add_time_arithmetic(Functions& out);
void add_types(Functions& out);
void add_collections(Functions& out);

void add_counts(AggregateFunctions& out);
void add_sums(AggregateFunctions& out);
void add_extremes(AggregateFunctions& out);

}  // namespace slipstream::expr
