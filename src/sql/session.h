// A SQL session: settings, a catalog, and scripts that are checked, planned and made into jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"

#include "flow/job.h"
#include "flow/operators/collect.h"
#include "flow/runtime.h"
#include "sql/catalog.h"
#include "sql/parse/diagnostic.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// What one statement comes to.
struct Step {
  enum class Kind : std::uint8_t {
    kText,    // text: a message, a plan
    kNote,    // text: what a statement does not do; beside the results
    kTable,   // header and rows: SHOW, DESCRIBE
    kInsert,  // plan: part of the job of its script
    kSelect,  // plan: a query whose rows go to a person
  } kind = Kind::kText;
  std::string text;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  RelPtr plan;  // made: sources and sinks exist
  std::uint32_t line = 0;
};

// Everything a script says, or everything that is wrong with it.
struct Compiled {
  std::vector<Step> steps;
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return diagnostics.empty(); }
};

// Thread: one.
class Session {
 public:
  // Both outlive the session, and `runtime` the jobs that are started from it.
  Session(const ConnectorRegistry& registry, flow::Runtime& runtime);

  // Parses, binds, plans; applies DDL and SET as it goes, and takes all of it back when anything is
  // wrong. Nothing is started. Sources and sinks of
  // INSERT and SELECT are made, so their option errors are among the diagnostics.
  Compiled compile(std::string_view script);
  // The same on a copy of the catalog and settings.
  std::vector<Diagnostic> check(std::string_view script);

  // A SET from outside (--set k=v).
  Status set(std::string_view key, std::string_view value);
  const OptionMap& settings() const { return settings_; }
  const Catalog& catalog() const { return catalog_; }
  flow::Runtime& runtime() const { return runtime_; }

  // One job of several inserts, or one select.
  Result<flow::Graph> graph(const std::vector<RelPtr>& plans, flow::CollectSpec collect) const;
  // Settings as job options; checkpoint_dir from the settings when there is one.
  Result<flow::JobOptions> job_options() const;
  // Logical plan with push-downs and state, as EXPLAIN prints it.
  std::string explain(const std::vector<const Rel*>& plans) const;

 private:
  struct Run;
  const ConnectorRegistry& registry_;
  flow::Runtime& runtime_;
  Catalog catalog_;
  OptionMap settings_;
};

}  // namespace slipstream::sql
