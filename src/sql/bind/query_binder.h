// Queries and statements -> relational plans.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/bind/expr_binder.h"
#include "sql/catalog/script_catalog.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// Binds queries against a catalog. Problems go to `diagnostics`; the result is then null.
//
// What is wrong in a definition of the catalog is reported where a query names it: its own text is
// not part of the script.
// Thread: one.
class QueryBinder {
 public:
  QueryBinder(ScriptCatalog& catalog, const ConnectorRegistry& registry,
              std::vector<Diagnostic>& diagnostics)
      : catalog_(catalog), registry_(registry), diagnostics_(diagnostics) {}

  // A query at the top: its root is kCollect.
  RelPtr bind_select(const ast::Query& query);
  // INSERT INTO: the root is kSink. Refuses what the sink's schema cannot take.
  RelPtr bind_insert(const ast::InsertStatement& insert);
  RelPtr bind_query(const ast::Query& query);
  // All of a table or view, its columns in the order of their declaration.
  RelPtr bind_table(const ast::QualifiedName& name) { return bind_named(name, {}); }

 private:
  using CommonTables = std::map<std::string, const ast::CommonTable*, std::less<>>;

  RelPtr bind_body(const ast::QueryBody& body);
  RelPtr bind_select_body(const ast::SelectBody& select);
  // Columns of * or t.*; false: reported.
  bool bind_star(const ast::StarExpr& star, const Scope& scope,
                 std::vector<expr::ExprPtr>& projections, std::vector<std::string>& names);
  static std::string item_name(const ast::SelectItem& item, std::size_t position);
  RelPtr bind_set_operation(const ast::SetOperation& operation);
  RelPtr bind_values(const ast::ValuesBody& values);
  RelPtr bind_table_ref(const ast::TableRef& ref, Scope* scope);
  RelPtr bind_named(const ast::QualifiedName& name, const std::vector<ast::Hint>& hints);
  RelPtr bind_join(const ast::JoinTable& join, Scope* scope);
  RelPtr bind_window_function(const ast::FunctionTable& table);
  RelPtr bind_view(const CatalogView& view, const SourceSpan& at);
  // Null when there is no such table to be written; then the query was bound for its own errors.
  CatalogEntryPtr insert_target(const ast::InsertStatement& insert);
  RelPtr arrange_for_sink(const ast::InsertStatement& insert, const CatalogTable& table,
                          RelPtr query);
  RelPtr bind_scan(const CatalogTable& table, const std::vector<ast::Hint>& hints,
                   const SourceSpan& at);
  // With the watermark of a table that has one, over its columns; `options`: the table's, with those
  // of hints.
  RelPtr bind_event_time(const CatalogTable& table, const OptionMap& options, RelPtr rel,
                         const SourceSpan& at);
  // An expression of a table's definition; `what` it is: "column 'c'".
  expr::ExprPtr bind_stored(const CatalogTable& table, const std::string& what,
                            const std::string& expression, const Scope& scope,
                            const SourceSpan& at);
  RelPtr bind_aggregate(const ast::SelectBody& select, RelPtr input, const Scope& scope);
  RelPtr project(RelPtr input, std::vector<expr::ExprPtr> projections,
                 std::vector<std::string> names);
  RelPtr distinct(RelPtr input);
  // Options that say what a table stands for, as its connector names them.
  std::vector<std::string> declared_identity(const std::string& connector,
                                             const OptionMap& options) const;
  static void point_at(Rel& rel, const SourceSpan& span);
  void rename(Rel& rel, const std::vector<std::string>& columns, const SourceSpan& span);
  void report(const SourceSpan& span, std::string message, std::string fix = {}) {
    diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
  }

  ScriptCatalog& catalog_;
  const ConnectorRegistry& registry_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<CommonTables> with_;
  int view_depth_ = 0;
};

// CREATE TABLE -> a checked table. nullopt after errors.
std::optional<CatalogTable> bind_create_table(const ast::CreateTable& statement,
                                              const ConnectorRegistry& registry,
                                              std::vector<Diagnostic>& diagnostics);

}  // namespace slipstream::sql
