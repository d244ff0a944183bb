// The statements of one script, one after the other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slipstream/clock.h"
#include "slipstream/connector/registry.h"
#include "slipstream/options.h"

#include "sql/catalog/script_catalog.h"
#include "sql/parse/ast.h"
#include "sql/planner/insert_loops.h"
#include "sql/planner/planner.h"
#include "sql/statements/compiled.h"

namespace slipstream::sql {

// Checks and plans statements in the order of their script. What they create, drop and set is seen
// by later statements; the catalog and the settings of the session follow when the script is right.
//
// Owner:  the compilation of a script; borrows all that it is given.
// Thread: one.
class ScriptRun {
 public:
  ScriptRun(const ConnectorRegistry& registry, const Clock& clock, const Catalog& catalog,
            OptionMap settings);
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  // The steps and errors of the whole script. Once.
  Compiled run(std::string_view script);
  // What it created and dropped goes to `catalog`; answers what the catalog refuses.
  // REQUIRES: run() found nothing wrong.
  std::vector<Diagnostic> commit(Catalog& catalog);
  const OptionMap& settings() const { return settings_; }

 private:
  void statement(const ast::Statement& node);
  void insert(const ast::InsertStatement& statement);
  void select(const ast::QueryStatement& statement);
  void explain(const ast::ExplainStatement& statement);
  // ddl.cc
  void create_table(const ast::CreateTable& statement);
  void create_view(const ast::CreateView& statement);
  void drop(const ast::DropStatement& statement);
  // describe.cc
  void describe(const ast::DescribeStatement& statement);
  // show.cc
  void show(const ast::ShowStatement& statement);
  void show_names(const ast::ShowStatement& statement);
  void show_functions(const ast::ShowStatement& statement);
  void show_create(const ast::ShowStatement& statement);
  // set.cc
  void set(const ast::SetStatement& statement);
  void list_settings(const ast::SetStatement& statement);
  void reset(const ast::ResetStatement& statement);

  void report(const SourceSpan& span, std::string message, std::string fix = {});
  Step& add(Step::Kind kind, const ast::Statement& at);
  void add_text(const ast::Statement& at, std::string text);

  const ConnectorRegistry& registry_;
  OptionMap settings_;
  Compiled out_;
  ScriptCatalog catalog_;
  Planner planner_;
  InsertLoops loops_;
};

}  // namespace slipstream::sql
