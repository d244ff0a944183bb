#include "sql/catalog.h"

#include <algorithm>

namespace slipstream::sql {

Schema CatalogTable::schema() const {
  Schema schema;
  for (const CatalogColumn& column : columns) schema.add(column.name, column.type);
  return schema;
}

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

const CatalogTable* Catalog::find_table(std::string_view name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : &found->second;
}

const CatalogView* Catalog::find_view(std::string_view name) const {
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : &found->second;
}

void Catalog::add(CatalogTable table) {
  std::string name = table.name;
  tables_.insert_or_assign(std::move(name), std::move(table));
}

void Catalog::add(CatalogView view) {
  std::string name = view.name;
  views_.insert_or_assign(std::move(name), std::move(view));
}

bool Catalog::drop_table(std::string_view name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return false;
  tables_.erase(found);
  return true;
}

bool Catalog::drop_view(std::string_view name) {
  const auto found = views_.find(name);
  if (found == views_.end()) return false;
  views_.erase(found);
  return true;
}

std::vector<std::string> Catalog::table_names() const {
  std::vector<std::string> names = view_names();
  for (const auto& [name, table] : tables_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Catalog::view_names() const {
  std::vector<std::string> names;
  for (const auto& [name, view] : views_) names.push_back(name);
  return names;
}

}  // namespace slipstream::sql
