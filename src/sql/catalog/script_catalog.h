// The catalog as the statements of one script see it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sql/catalog/catalog.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::sql {

// A catalog with what the script has created and dropped so far; the catalog itself changes in
// commit(), when the whole script is right. A definition is read once and stays the same for the
// script.
//
// Owner:   the run of a script; borrows the catalog and `diagnostics`.
// Thread:  one.
// Failure: what the catalog says goes to `diagnostics`, at the place given; the name is then broken.
class ScriptCatalog {
 public:
  ScriptCatalog(const Catalog& catalog, std::vector<Diagnostic>& diagnostics)
      : catalog_(catalog), diagnostics_(diagnostics) {}

  // nullptr: there is none, or it could not be found out.
  CatalogEntryPtr find(const std::string& name, const SourceSpan& at);
  // Without system tables, which CREATE and DROP do not know.
  CatalogEntryPtr find_created(const std::string& name, const SourceSpan& at);
  // Ascending by name.
  Result<std::vector<CatalogName>> list() const;
  // The name that was most likely meant, of tables and views or of views only.
  std::optional<std::string> nearest(std::string_view name, bool only_views = false) const;

  // Something of this name could not be created or found: that it is unknown is not to be reported
  // as well.
  void mark_broken(std::string name) { broken_.insert(std::move(name)); }
  bool is_broken(std::string_view name) const { return broken_.contains(name); }

  // `at`: where the statement stands.
  // REQUIRES: find_created() has none of that name.
  void create(CatalogEntry entry, const SourceSpan& at);
  // REQUIRES: find_created() has one of that name.
  void drop(const std::string& name, const SourceSpan& at);

  // All changes, in order, to the catalog. When it refuses one, those before are taken back and the
  // refusal is reported.
  void commit(Catalog& catalog);

 private:
  struct Change {
    std::string name;
    CatalogEntryPtr before;  // nullptr: it is created
    CatalogEntryPtr after;   // nullptr: it is dropped
    SourceSpan at;
  };
  static Status apply(Catalog& catalog, const std::string& name, const CatalogEntryPtr& after);

  const Catalog& catalog_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<Change> changes_;
  // Names that were read or changed; nullptr: there is none, or it could not be found out.
  std::map<std::string, CatalogEntryPtr, std::less<>> known_;
  std::set<std::string, std::less<>> broken_;
};

}  // namespace slipstream::sql
