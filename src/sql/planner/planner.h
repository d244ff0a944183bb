// From a statement to a plan that can run: bind, optimize, make sources and sinks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "slipstream/clock.h"
#include "slipstream/connector/registry.h"
#include "slipstream/options.h"

#include "sql/catalog/script_catalog.h"
#include "sql/lower/lower.h"
#include "sql/parse/ast.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// What the settings of a session mean to plans and graphs.
LowerOptions lower_options(const ConnectorRegistry& registry, const Clock& clock,
                           const Options& options);

// Plans the statements of one script, one after the other. A copy plans on from where the original
// stands and does not change it.
//
// Owner:  the run of a script; borrows all that it is given.
// Thread: one.
class Planner {
 public:
  Planner(const ConnectorRegistry& registry, const Clock& clock, ScriptCatalog& catalog,
          const OptionMap& settings, std::vector<Diagnostic>& diagnostics)
      : registry_(registry),
        clock_(clock),
        catalog_(catalog),
        settings_(settings),
        diagnostics_(diagnostics) {}

  // Of a query or an INSERT: its sources and sink are made, nothing is started. Null: reported.
  RelPtr plan(const ast::Statement& statement);

 private:
  // Those that the plans of one job have so far.
  struct Uids {
    std::map<std::string, int> names;
    std::map<std::string, int> former_names;
  };

  void report(const SourceSpan& span, std::string message, std::string fix = {});
  RelPtr finish(RelPtr root, const SourceSpan& span);
  Status make_ends(Rel& root, const LowerOptions& lowering) const;

  const ConnectorRegistry& registry_;
  const Clock& clock_;
  ScriptCatalog& catalog_;
  const OptionMap& settings_;
  std::vector<Diagnostic>& diagnostics_;
  Uids insert_uids_;  // all INSERTs of a script are one job
};

}  // namespace slipstream::sql
