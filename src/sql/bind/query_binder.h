// Queries and statements -> relational plans.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sql/bind/expr_binder.h"
#include "sql/catalog.h"
#include "sql/plan/rel.h"

namespace slipstream::sql {

// Binds queries against a catalog. Problems go to `diagnostics`; the result is then null. Thread:
// one.
class QueryBinder {
 public:
  QueryBinder(const Catalog& catalog, const ConnectorRegistry& registry,
              std::vector<Diagnostic>& diagnostics)
      : catalog_(catalog), registry_(registry), diagnostics_(diagnostics) {}

  // A query at the top: its root is kCollect.
  RelPtr bind_select(const ast::Query& query);
  // INSERT INTO: the root is kSink. Refuses what the sink's schema cannot take.
  RelPtr bind_insert(const ast::InsertStatement& insert);
  RelPtr bind_query(const ast::Query& query);

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
  // Null when there is no such table to be written; then the query was bound for its own errors.
  const CatalogTable* insert_target(const ast::InsertStatement& insert);
  RelPtr arrange_for_sink(const ast::InsertStatement& insert, const CatalogTable& table,
                          RelPtr query);
  RelPtr bind_scan(const CatalogTable& table, const std::vector<ast::Hint>& hints);
  RelPtr bind_aggregate(const ast::SelectBody& select, RelPtr input, const Scope& scope);
  RelPtr project(RelPtr input, std::vector<expr::ExprPtr> projections,
                 std::vector<std::string> names);
  RelPtr distinct(RelPtr input);
  // Options that say what a table stands for, as its connector names them.
  std::vector<std::string> declared_identity(const std::string& connector,
                                             const OptionMap& options) const;
  static void point_at(Rel& rel, const SourceSpan& span);
  void rename(Rel& rel, const std::vector<ast::Identifier>& columns, const SourceSpan& span);
  void report(const SourceSpan& span, std::string message, std::string fix = {}) {
    diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
  }

  const Catalog& catalog_;
  const ConnectorRegistry& registry_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<CommonTables> with_;
  int view_depth_ = 0;
};

// CREATE TABLE -> a checked table. Null after errors.
std::unique_ptr<CatalogTable> bind_create_table(std::shared_ptr<const ast::CreateTable> statement,
                                                const ConnectorRegistry& registry,
                                                std::vector<Diagnostic>& diagnostics);

}  // namespace slipstream::sql
