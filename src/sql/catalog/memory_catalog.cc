#include "sql/catalog/memory_catalog.h"

#include <utility>

namespace slipstream::sql {

Result<CatalogEntryPtr> MemoryCatalog::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? CatalogEntryPtr() : found->second;
}

Result<std::vector<CatalogName>> MemoryCatalog::list() const {
  std::vector<CatalogName> names;
  for (const auto& [name, entry] : entries_) names.push_back({name, as_view(entry) != nullptr});
  return names;
}

Status MemoryCatalog::create(CatalogEntry entry) {
  std::string name = name_of(entry);
  entries_.emplace(std::move(name), std::make_shared<const CatalogEntry>(std::move(entry)));
  return {};
}

Status MemoryCatalog::drop(std::string_view name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) entries_.erase(found);
  return {};
}

}  // namespace slipstream::sql
