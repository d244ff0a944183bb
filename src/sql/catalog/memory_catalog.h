// A catalog that ends with its process.
#pragma once

#include <map>
#include <string>

#include "sql/catalog/catalog.h"

namespace slipstream::sql {

// Never fails.
// Thread: one at a time.
class MemoryCatalog final : public Catalog {
 public:
  Result<CatalogEntryPtr> find(std::string_view name) const override;
  Result<std::vector<CatalogName>> list() const override;
  Status create(CatalogEntry entry) override;
  Status drop(std::string_view name) override;

 private:
  std::map<std::string, CatalogEntryPtr, std::less<>> entries_;
};

}  // namespace slipstream::sql
