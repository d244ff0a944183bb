// A SQL session: settings, a catalog, and scripts that are checked, planned and made into jobs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"

#include "flow/job.h"
#include "flow/operators/collect.h"
#include "flow/runtime.h"
#include "sql/catalog/catalog.h"
#include "sql/parse/diagnostic.h"
#include "sql/plan/rel.h"
#include "sql/statements/compiled.h"

namespace slipstream::sql {

// Thread: one.
class Session {
 public:
  // With a catalog of its own, empty. What is given outlives the session, and `runtime` the jobs
  // that are started from it.
  Session(const ConnectorRegistry& registry, flow::Runtime& runtime);
  // With the tables and views of a catalog, which outlives the session.
  Session(const ConnectorRegistry& registry, flow::Runtime& runtime, Catalog& catalog);

  // Parses, binds, plans. Nothing is started. Sources and sinks of INSERT and SELECT are made, so
  // their option errors are among the diagnostics. DDL and SET count for what follows in the
  // script, and for the session when nothing is wrong with any of it.
  Compiled compile(std::string_view script);
  // The same, and the session stays as it is.
  std::vector<Diagnostic> check(std::string_view script) const;

  // A SET from outside (--set k=v). What there is to say of a key that has no effect here; empty:
  // nothing.
  Result<std::string> set(std::string_view key, std::string_view value);
  const OptionMap& settings() const { return settings_; }
  const Catalog& catalog() const { return *catalog_; }
  flow::Runtime& runtime() const { return runtime_; }

  // One job of several inserts, or one select.
  Result<flow::Graph> graph(const std::vector<RelPtr>& plans, flow::CollectSpec collect) const;
  // Settings as job options; checkpoint_dir from the settings when there is one.
  Result<JobOptions> job_options() const;
  // Logical plan with push-downs and state, as EXPLAIN prints it.
  std::string explain(const std::vector<const Rel*>& plans) const;

 private:
  const ConnectorRegistry& registry_;
  flow::Runtime& runtime_;
  const std::unique_ptr<Catalog> own_catalog_;  // null: it is another's
  Catalog* const catalog_;
  OptionMap settings_;
};

}  // namespace slipstream::sql
