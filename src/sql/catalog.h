// What CREATE TABLE and CREATE VIEW declared.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "sql/parse/ast.h"

namespace slipstream::sql {

struct CatalogColumn {
  enum class Kind : std::uint8_t { kPhysical, kMetadata, kComputed } kind = Kind::kPhysical;
  std::string name;
  Type type;                        // kComputed: of the expression
  std::string metadata_key;         // kMetadata
  bool is_virtual = false;          // kMetadata: read only
  const ast::Expr* expr = nullptr;  // kComputed; lives in CatalogTable::source
};

// A table: a connector, its options, and columns in the order of their declaration.
struct CatalogTable {
  std::string name;
  bool temporary = false;
  std::string connector;
  OptionMap options;  // without 'connector'
  std::vector<CatalogColumn> columns;
  std::string watermark_column;  // empty = no event time
  const ast::Expr* watermark = nullptr;
  std::vector<std::string> primary_key;
  std::shared_ptr<const ast::CreateTable> source;  // keeps the expressions alive
  std::string text;                                // as SHOW CREATE TABLE prints it

  Schema schema() const;  // all columns
  TableDefinition definition() const;
};

struct CatalogView {
  std::string name;
  bool temporary = false;
  std::shared_ptr<const ast::CreateView> source;
  std::string text;
};

// Names to tables and views; they share one space of names. Case-sensitive. Thread: one session.
class Catalog {
 public:
  const CatalogTable* find_table(std::string_view name) const;
  const CatalogView* find_view(std::string_view name) const;
  bool contains(std::string_view name) const {
    return find_table(name) != nullptr || find_view(name) != nullptr;
  }
  // A CREATE of this name failed in the running script: that it is unknown is no news.
  void mark_broken(std::string name) { broken_.insert(std::move(name)); }
  bool is_broken(std::string_view name) const { return broken_.count(name) != 0; }
  void add(CatalogTable table);
  void add(CatalogView view);
  bool drop_table(std::string_view name);
  bool drop_view(std::string_view name);
  std::vector<std::string> table_names() const;  // tables and views, sorted
  std::vector<std::string> view_names() const;

 private:
  std::map<std::string, CatalogTable, std::less<>> tables_;
  std::map<std::string, CatalogView, std::less<>> views_;
  std::set<std::string, std::less<>> broken_;
};

}  // namespace slipstream::sql
