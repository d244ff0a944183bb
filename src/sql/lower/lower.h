// Relational plans -> job graphs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "expr/function.h"
#include "flow/graph.h"
#include "flow/operators/collect.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

struct LowerOptions {
  const ConnectorRegistry* registry = nullptr;
  expr::EvalContext eval;
  std::string job_name;
  bool drop_null_rows = false;  // instead of failing, before sinks with NOT NULL columns
  flow::CollectSpec collect;    // for roots of kind kCollect
};

// Makes the sources and sinks of a plan that has its uids (identify): their option errors appear here.
// After this the plan can be explained.
Status make_connectors(Rel& root, const LowerOptions& options);

// Aggregates that cannot take rows back, over inputs that do. REQUIRES: make_connectors(), after
// which it is known what is updating.
void check_aggregates(const Rel& root, std::vector<Diagnostic>& diagnostics);

// REQUIRES: make_connectors() succeeded for every root.
Result<flow::Graph> lower(const std::vector<RelPtr>& roots, const LowerOptions& options);

// A bounded source of the given rows, constant expressions, in order.
Result<std::shared_ptr<Source>> make_values_source(const Rel& values,
                                                   const expr::EvalContext& eval);

}  // namespace slipstream::sql
