// INSERT INTO: the query, arranged and converted for the sink's schema.
#include "base/suggest.h"
#include "sql/bind/query_binder.h"

namespace slipstream::sql {
namespace {

using expr::ExprPtr;
using Targets = std::vector<const CatalogColumn*>;
using Origins = std::vector<std::optional<std::size_t>>;  // per target: column of the query

// What a sink takes, in the order of declaration.
Targets writable_columns(const CatalogTable& table) {
  Targets targets;
  for (const CatalogColumn& column : table.columns) {
    const bool read_only = column.kind == CatalogColumn::Kind::kMetadata && column.is_virtual;
    if (column.kind != CatalogColumn::Kind::kComputed && !read_only) targets.push_back(&column);
  }
  return targets;
}

Diagnostic unknown_target(const ast::Identifier& column, const std::string& table,
                          const Targets& targets) {
  std::vector<std::string> names;
  for (const CatalogColumn* target : targets) names.push_back(target->name);
  const auto near = nearest_name(column.name, names);
  return Diagnostic::at(column.span, "table '" + table + "' takes no column '" + column.name + "'",
                        near ? "did you mean '" + *near + "'?" : "");
}

std::optional<Origins> origins_by_position(const ast::InsertStatement& insert,
                                           const std::string& name, const Schema& query,
                                           const Targets& targets,
                                           std::vector<Diagnostic>& diagnostics) {
  if (query.size() != targets.size()) {
    std::string wanted;
    for (const CatalogColumn* target : targets)
      wanted += (wanted.empty() ? "" : ", ") + target->name + " " + target->type.to_string();
    diagnostics.push_back(Diagnostic::at(
        insert.table.span, "the query has " + std::to_string(query.size()) + " columns, table '" +
                               name + "' takes " + std::to_string(targets.size()) + ": " + wanted));
    return std::nullopt;
  }
  Origins from(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) from[i] = i;
  return from;
}

std::optional<Origins> origins_by_name(const ast::InsertStatement& insert, const std::string& name,
                                       const Schema& query, const Targets& targets,
                                       std::vector<Diagnostic>& diagnostics) {
  if (insert.columns.size() != query.size()) {
    diagnostics.push_back(
        Diagnostic::at(insert.table.span, std::to_string(insert.columns.size()) +
                                              " columns are named and the query has " +
                                              std::to_string(query.size())));
    return std::nullopt;
  }
  Origins from(targets.size());
  for (std::size_t i = 0; i < insert.columns.size(); ++i) {
    bool found = false;
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (targets[t]->name == insert.columns[i].name) from[t] = i, found = true;
    }
    if (found) continue;
    diagnostics.push_back(unknown_target(insert.columns[i], name, targets));
    return std::nullopt;
  }
  return from;
}

}  // namespace

CatalogEntryPtr QueryBinder::insert_target(const ast::InsertStatement& insert) {
  const std::string& name = insert.table.parts.back().name;
  CatalogEntryPtr entry = catalog_.find(name, insert.table.span);
  if (as_table(entry) != nullptr) {
    if (!insert.overwrite && insert.partition.empty()) return entry;
    report(insert.span, "INSERT OVERWRITE and PARTITION are not supported");
    return nullptr;
  }
  if (entry) {
    report(insert.table.span, "'" + name + "' is a view and cannot be written");
  } else if (!catalog_.is_broken(name)) {
    const auto near = catalog_.nearest(name);
    report(insert.table.span, "unknown table '" + name + "'",
           near ? "did you mean '" + *near + "'?" : "");
  }
  bind_query(*insert.query);
  return nullptr;
}

RelPtr QueryBinder::arrange_for_sink(const ast::InsertStatement& insert, const CatalogTable& table,
                                     RelPtr query) {
  const std::string& name = insert.table.parts.back().name;
  const Targets targets = writable_columns(table);
  const auto from = insert.columns.empty()
                        ? origins_by_position(insert, name, query->schema, targets, diagnostics_)
                        : origins_by_name(insert, name, query->schema, targets, diagnostics_);
  if (!from) return nullptr;
  const Scope empty;
  ExprBinder binder(empty, diagnostics_);
  std::vector<ExprPtr> values[2];  // physical, then metadata: the order of a sink's schema
  std::vector<std::string> names[2];
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const CatalogColumn& target = *targets[i];
    const auto& origin = (*from)[i];
    if (!origin && !target.type.nullable()) {
      report(insert.table.span,
             "column '" + target.name + "' is NOT NULL and the INSERT does not give it");
      return nullptr;
    }
    ExprPtr value =
        origin ? expr::column(*origin, query->schema[*origin].type, query->schema[*origin].name)
               : expr::null_literal(target.type);
    value = binder.coerce(std::move(value), target.type, insert.table.span,
                          "column '" + target.name + "' of table '" + name + "'");
    if (!value) return nullptr;
    const std::size_t part = target.kind == CatalogColumn::Kind::kMetadata ? 1 : 0;
    values[part].push_back(std::move(value));
    names[part].push_back(target.name);
  }
  values[0].insert(values[0].end(), values[1].begin(), values[1].end());
  names[0].insert(names[0].end(), names[1].begin(), names[1].end());
  return make_calc(std::move(query), nullptr, std::move(values[0]), std::move(names[0]));
}

RelPtr QueryBinder::bind_insert(const ast::InsertStatement& insert) {
  const CatalogEntryPtr target = insert_target(insert);
  const CatalogTable* table = as_table(target);
  if (table == nullptr) return nullptr;
  RelPtr query = bind_query(*insert.query);
  if (!query) return nullptr;
  RelPtr below = arrange_for_sink(insert, *table, std::move(query));
  if (!below) return nullptr;
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kSink;
  rel->schema = below->schema;
  rel->traits = below->traits;
  rel->updating = below->updating;
  rel->sink_table = table->definition();
  rel->sink_connector = table->connector;
  rel->span = insert.table.span;
  for (const ast::Hint& hint : insert.hints) {
    for (const ast::HintArgument& argument : hint.arguments)
      rel->sink_table.options[argument.key] = argument.value.value_or("");
  }
  rel->sink_identity = declared_identity(table->connector, rel->sink_table.options);
  rel->inputs.push_back(std::move(below));
  return rel;
}

}  // namespace slipstream::sql
