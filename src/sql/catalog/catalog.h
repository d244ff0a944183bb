// What tables and views there are. Definitions are plain values: their expressions and queries are
// SQL text, which is read when a statement uses them, so any store of table definitions can be a
// catalog.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "slipstream/connector/table.h"
#include "slipstream/status.h"

namespace slipstream::sql {

struct CatalogColumn {
  enum class Kind : std::uint8_t { kPhysical, kMetadata, kComputed } kind = Kind::kPhysical;
  std::string name;
  Type type;                 // not of kComputed: its expression has one
  std::string metadata_key;  // kMetadata
  bool is_virtual = false;   // kMetadata: read only
  std::string expression;    // kComputed: over the columns that are not computed
};

// A table: a connector, its options, and columns in the order of their declaration.
struct CatalogTable {
  std::string name;
  bool temporary = false;
  // There without CREATE TABLE; what is created under its name hides it.
  bool system = false;
  std::string connector;
  OptionMap options;  // without 'connector'
  std::vector<CatalogColumn> columns;
  std::string watermark_column;          // empty = no event time
  std::string watermark;                 // an expression over all columns
  std::vector<std::string> primary_key;  // physical columns; their types are NOT NULL
  std::string text;                      // as SHOW CREATE TABLE prints it, without secrets

  TableDefinition definition() const;
};

struct CatalogView {
  std::string name;
  bool temporary = false;
  std::vector<std::string> columns;  // empty: those of the query
  std::string query;
  std::string text;  // as SHOW CREATE VIEW prints it, without secrets
};

using CatalogEntry = std::variant<CatalogTable, CatalogView>;
using CatalogEntryPtr = std::shared_ptr<const CatalogEntry>;

const std::string& name_of(const CatalogEntry& entry);
// nullptr when there is no entry, or it is of the other kind.
const CatalogTable* as_table(const CatalogEntryPtr& entry);
const CatalogView* as_view(const CatalogEntryPtr& entry);

struct CatalogName {
  std::string name;
  bool is_view = false;
};

// Names to definitions. Tables and views share one space of names, which is case-sensitive.
//
// Owner:   whoever gives it to a session; it outlives the session.
// Thread:  one at a time for each session that uses it.
// Failure: an error says that the catalog could not be asked, or does not take the change; that a
//          name is not there is none.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // nullptr: there is none.
  virtual Result<CatalogEntryPtr> find(std::string_view name) const = 0;
  // Ascending by name.
  virtual Result<std::vector<CatalogName>> list() const = 0;
  // REQUIRES: find() has none of that name, or a system table.
  virtual Status create(CatalogEntry entry) = 0;
  // REQUIRES: find() has one of that name, and it is no system table.
  virtual Status drop(std::string_view name) = 0;
};

}  // namespace slipstream::sql
