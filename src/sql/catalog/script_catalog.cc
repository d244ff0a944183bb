#include "sql/catalog/script_catalog.h"

#include <utility>

#include "base/suggest.h"
#include "base/try.h"

namespace slipstream::sql {

CatalogEntryPtr ScriptCatalog::find(const std::string& name, const SourceSpan& at) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  auto found = catalog_.find(name);
  if (!found.ok()) {
    diagnostics_.push_back(
        Diagnostic::at(at, "reading '" + name + "' from the catalog: " + found.error().message));
    mark_broken(name);
  }
  return known_[name] = found.ok() ? *std::move(found) : nullptr;
}

CatalogEntryPtr ScriptCatalog::find_created(const std::string& name, const SourceSpan& at) {
  CatalogEntryPtr entry = find(name, at);
  const CatalogTable* table = as_table(entry);
  return table != nullptr && table->system ? nullptr : entry;
}

Result<std::vector<CatalogName>> ScriptCatalog::list() const {
  TRY_ASSIGN(const std::vector<CatalogName> before, catalog_.list());
  std::map<std::string, bool> names;
  for (const CatalogName& each : before) names[each.name] = each.is_view;
  for (const Change& change : changes_) {
    if (change.after)
      names[change.name] = as_view(change.after) != nullptr;
    else
      names.erase(change.name);
  }
  std::vector<CatalogName> result;
  for (const auto& [name, is_view] : names) result.push_back({name, is_view});
  return result;
}

std::optional<std::string> ScriptCatalog::nearest(std::string_view name, bool only_views) const {
  const auto all = list();
  if (!all.ok()) return std::nullopt;
  std::vector<std::string> names;
  for (const CatalogName& each : *all) {
    if (each.is_view || !only_views) names.push_back(each.name);
  }
  return nearest_name(name, names);
}

void ScriptCatalog::create(CatalogEntry entry, const SourceSpan& at) {
  std::string name = name_of(entry);
  auto made = std::make_shared<const CatalogEntry>(std::move(entry));
  known_[name] = made;
  changes_.push_back({std::move(name), nullptr, std::move(made), at});
}

void ScriptCatalog::drop(const std::string& name, const SourceSpan& at) {
  changes_.push_back({name, std::exchange(known_[name], nullptr), nullptr, at});
}

Status ScriptCatalog::apply(Catalog& catalog, const std::string& name,
                            const CatalogEntryPtr& after) {
  return after ? catalog.create(*after) : catalog.drop(name);
}

void ScriptCatalog::commit(Catalog& catalog) {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    const Status done = apply(catalog, change.name, change.after);
    if (done.ok()) continue;
    std::string message = (change.after ? "creating '" : "dropping '") + change.name +
                          "' in the catalog: " + done.error().message;
    for (std::size_t back = i; back-- > 0;) {
      const Status undone = apply(catalog, changes_[back].name, changes_[back].before);
      if (!undone.ok())
        message += "; '" + changes_[back].name + "' stays changed: " + undone.error().message;
    }
    diagnostics_.push_back(Diagnostic::at(change.at, std::move(message)));
    return;
  }
}

}  // namespace slipstream::sql
