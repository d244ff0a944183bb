// SHOW.
#include <algorithm>

#include "expr/function.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {
namespace {

// LIKE with % and _ over short names.
bool matches(const std::string& name, const ast::ShowStatement& show) {
  if (!show.like) return true;
  const std::string& pattern = *show.like;
  std::vector<bool> row(name.size() + 1);
  row[0] = true;
  for (const char p : pattern) {
    std::vector<bool> next(name.size() + 1);
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (p == '%')
        next[i] = row[i] || (i > 0 && next[i - 1]);
      else if (i > 0)
        next[i] = row[i - 1] && (p == '_' || name[i - 1] == p);
    }
    row = std::move(next);
  }
  return row[name.size()] != show.negated;
}

void add_names(const std::vector<std::string>& names, const ast::ShowStatement& show, Step& step) {
  for (const std::string& name : names) {
    if (matches(name, show)) step.rows.push_back({name});
  }
}

}  // namespace

void ScriptRun::show_names(const ast::ShowStatement& statement) {
  const bool only_views = statement.what == ast::ShowKind::kViews;
  const auto all = catalog_.list();
  if (!all.ok()) return report(statement.span, "listing the catalog: " + all.error().message);
  std::vector<std::string> names;
  for (const CatalogName& each : *all) {
    if (each.is_view || !only_views) names.push_back(each.name);
  }
  Step& step = add(Step::Kind::kTable, statement);
  step.header = {only_views ? "view name" : "table name"};
  add_names(names, statement, step);
}

void ScriptRun::show_functions(const ast::ShowStatement& statement) {
  std::vector<std::string> names;
  for (const expr::Function* function : expr::all_functions()) names.push_back(function->name);
  for (const expr::AggregateFunction* function : expr::all_aggregates())
    names.push_back(function->name);
  std::sort(names.begin(), names.end());
  Step& step = add(Step::Kind::kTable, statement);
  step.header = {"function name"};
  add_names(names, statement, step);
}

void ScriptRun::show_create(const ast::ShowStatement& statement) {
  const std::string& name = statement.name->parts.back().name;
  const CatalogEntryPtr entry = catalog_.find(name, statement.name->span);
  if (!entry && catalog_.is_broken(name)) return;
  if (!entry) return report(statement.name->span, "unknown table '" + name + "'");
  add_text(statement, std::visit([](const auto& each) { return each.text; }, *entry));
}

void ScriptRun::show(const ast::ShowStatement& statement) {
  switch (statement.what) {
    case ast::ShowKind::kTables:
    case ast::ShowKind::kViews:
      return show_names(statement);
    case ast::ShowKind::kFunctions:
      return show_functions(statement);
    case ast::ShowKind::kCreateTable:
    case ast::ShowKind::kCreateView:
      return show_create(statement);
    default:
      return report(statement.span, "this SHOW is not supported",
                    "SHOW TABLES, SHOW VIEWS, SHOW FUNCTIONS and SHOW CREATE TABLE are");
  }
}

}  // namespace slipstream::sql
