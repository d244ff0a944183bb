// CREATE and DROP.
#include <utility>

#include "sql/bind/query_binder.h"
#include "sql/parse/hide_secrets.h"
#include "sql/parse/printer.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {

void ScriptRun::create_table(const ast::CreateTable& statement) {
  const std::string& name = statement.name.parts.back().name;
  if (catalog_.find_created(name, statement.name.span)) {
    if (!statement.if_not_exists)
      report(statement.name.span, "'" + name + "' exists already",
             "CREATE TABLE IF NOT EXISTS, or DROP it first");
    return;
  }
  auto table = bind_create_table(statement, registry_, out_.diagnostics);
  if (!table) return catalog_.mark_broken(name);
  catalog_.create(*std::move(table), statement.name.span);
  add_text(statement, "OK");
}

void ScriptRun::create_view(const ast::CreateView& statement) {
  const std::string& name = statement.name.parts.back().name;
  if (catalog_.find_created(name, statement.name.span)) {
    if (!statement.if_not_exists)
      report(statement.name.span, "'" + name + "' exists already",
             "CREATE VIEW IF NOT EXISTS, or DROP it first");
    return;
  }
  QueryBinder binder(catalog_, registry_, out_.diagnostics);
  const RelPtr bound = binder.bind_query(*statement.query);
  if (!bound) return catalog_.mark_broken(name);
  if (!statement.columns.empty() && statement.columns.size() != bound->schema.size()) {
    catalog_.mark_broken(name);
    report(statement.name.span, "the view names " + std::to_string(statement.columns.size()) +
                                    " columns and its query has " +
                                    std::to_string(bound->schema.size()));
    return;
  }
  CatalogView view;
  view.name = name;
  view.temporary = statement.temporary;
  for (const ast::Identifier& column : statement.columns) view.columns.push_back(column.name);
  view.query = to_sql(*statement.query);
  view.text = hide_secrets(to_sql(statement));
  catalog_.create(std::move(view), statement.name.span);
  add_text(statement, "OK");
}

void ScriptRun::drop(const ast::DropStatement& statement) {
  const std::string& name = statement.name.parts.back().name;
  const bool is_table = statement.object == ast::ObjectKind::kTable;
  const CatalogEntryPtr entry = catalog_.find_created(name, statement.name.span);
  const bool found = is_table ? as_table(entry) != nullptr : as_view(entry) != nullptr;
  if (!found && catalog_.is_broken(name)) return;
  if (!found && !statement.if_exists) {
    const auto near = catalog_.nearest(name, !is_table);
    report(statement.name.span,
           std::string("no ") + (is_table ? "table" : "view") + " '" + name + "'",
           near ? "did you mean '" + *near + "'?" : "");
    return;
  }
  if (found) catalog_.drop(name, statement.name.span);
  add_text(statement, "OK");
}

}  // namespace slipstream::sql
