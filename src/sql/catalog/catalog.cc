#include "sql/catalog/catalog.h"

namespace slipstream::sql {

TableDefinition CatalogTable::definition() const {
  TableDefinition definition;
  definition.name = name;
  definition.options = options;
  definition.primary_key = primary_key;
  for (const CatalogColumn& column : columns) {
    if (column.kind == CatalogColumn::Kind::kPhysical)
      definition.physical.add(column.name, column.type);
    if (column.kind == CatalogColumn::Kind::kMetadata) {
      definition.metadata.push_back(
          {column.name, column.metadata_key, column.type, column.is_virtual});
    }
  }
  return definition;
}

const std::string& name_of(const CatalogEntry& entry) {
  return std::visit([](const auto& each) -> const std::string& { return each.name; }, entry);
}

const CatalogTable* as_table(const CatalogEntryPtr& entry) {
  return std::get_if<CatalogTable>(entry.get());
}

const CatalogView* as_view(const CatalogEntryPtr& entry) {
  return std::get_if<CatalogView>(entry.get());
}

}  // namespace slipstream::sql
