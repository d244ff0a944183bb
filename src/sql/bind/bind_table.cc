// Tables and views of the catalog -> plans.
#include <map>

#include "sql/bind/query_binder.h"
#include "sql/parse/parser.h"
#include "sql/settings/watermark_options.h"

namespace slipstream::sql {

using expr::ExprPtr;

std::vector<std::string> QueryBinder::declared_identity(const std::string& connector,
                                                        const OptionMap& options) const {
  const auto factory = registry_.find(connector);
  if (!factory.ok()) return {};  // reported where it is made
  const OptionTable known = (*factory)->options();
  std::vector<std::string> identity;
  for (const std::string& name : (*factory)->identity_options()) {
    for (const auto& [key, value] : options) {
      const OptionSpec* spec = known.find(key);
      if (spec != nullptr && spec->name == name) identity.push_back(name + "=" + value);
    }
  }
  return identity;
}

void QueryBinder::point_at(Rel& rel, const SourceSpan& span) {
  rel.span = span;
  for (AggregateCall& call : rel.calls) call.span = span;
  for (const RelPtr& input : rel.inputs) point_at(*input, span);
}

RelPtr QueryBinder::bind_view(const CatalogView& view, const SourceSpan& at) {
  if (view_depth_ >= 32) {
    report(at, "views are nested more than 32 deep");
    return nullptr;
  }
  const ParseResult parsed = parse_script(view.query);
  const auto* query = parsed.ok() && parsed.statements.size() == 1
                          ? ast::as_if<ast::QueryStatement>(*parsed.statements[0])
                          : nullptr;
  std::vector<Diagnostic> inner = parsed.diagnostics;
  RelPtr rel;
  if (query != nullptr) {
    QueryBinder binder(catalog_, registry_, inner);
    binder.view_depth_ = view_depth_ + 1;
    rel = binder.bind_query(*query->query);
  } else if (inner.empty()) {
    inner.push_back(Diagnostic::at(at, "its definition is no query"));
  }
  if (!inner.empty()) {
    report(at, "view '" + view.name + "': " + inner[0].message, inner[0].fix);
    return nullptr;
  }
  if (!rel) return nullptr;
  point_at(*rel, at);
  rename(*rel, view.columns, at);
  return rel;
}

ExprPtr QueryBinder::bind_stored(const CatalogTable& table, const std::string& what,
                                 const std::string& expression, const Scope& scope,
                                 const SourceSpan& at) {
  const ExpressionResult parsed = parse_expression(expression);
  std::vector<Diagnostic> inner = parsed.diagnostics;
  ExprPtr bound;
  if (parsed.expr) bound = ExprBinder(scope, inner).bind(*parsed.expr);
  if (inner.empty()) return bound;
  report(at, "table '" + table.name + "', " + what + ": " + inner[0].message, inner[0].fix);
  return nullptr;
}

RelPtr QueryBinder::bind_scan(const CatalogTable& table, const std::vector<ast::Hint>& hints,
                              const SourceSpan& at) {
  auto scan = std::make_unique<Rel>();
  scan->kind = RelKind::kScan;
  scan->scan.emplace();
  scan->scan->table = table.definition();
  scan->scan->connector = table.connector;
  for (const ast::Hint& hint : hints) {
    if (hint.name.name != "OPTIONS" && hint.name.name != "options") {
      report(hint.span, "the hint " + hint.name.name + " is not supported",
             "OPTIONS('key' = 'value') is");
      return nullptr;
    }
    for (const ast::HintArgument& argument : hint.arguments) {
      scan->scan->table.options[argument.key] = argument.value.value_or("");
    }
  }
  scan->scan->identity = declared_identity(table.connector, scan->scan->table.options);
  std::map<std::string, std::size_t, std::less<>> positions;
  const TableDefinition& definition = scan->scan->table;
  for (std::size_t i = 0; i < definition.physical.size(); ++i) {
    positions[definition.physical[i].name] = scan->schema.size();
    scan->scan->physical.push_back(i);
    scan->schema.add(definition.physical[i].name, definition.physical[i].type);
  }
  for (std::size_t i = 0; i < definition.metadata.size(); ++i) {
    positions[definition.metadata[i].name] = scan->schema.size();
    scan->scan->metadata.push_back(i);
    scan->schema.add(definition.metadata[i].name, definition.metadata[i].type);
  }
  scan->traits.resize(scan->schema.size());
  const Scope below = Scope::of(*scan, table.name);
  std::vector<ExprPtr> projections;
  std::vector<std::string> names;
  for (const CatalogColumn& column : table.columns) {
    if (column.kind == CatalogColumn::Kind::kComputed) {
      ExprPtr bound =
          bind_stored(table, "column '" + column.name + "'", column.expression, below, at);
      if (!bound) return nullptr;
      projections.push_back(std::move(bound));
    } else {
      projections.push_back(expr::column(positions[column.name], column.type, column.name));
    }
    names.push_back(column.name);
  }
  const OptionMap options = definition.options;
  RelPtr rel = make_calc(std::move(scan), nullptr, std::move(projections), std::move(names));
  if (table.watermark_column.empty()) return rel;
  return bind_event_time(table, options, std::move(rel), at);
}

RelPtr QueryBinder::bind_event_time(const CatalogTable& table, const OptionMap& options, RelPtr rel,
                                    const SourceSpan& at) {
  const auto time_column = rel->schema.find(table.watermark_column);
  if (!time_column || !rel->schema[*time_column].type.is_timestamp()) {
    report(at, "table '" + table.name + "': its event time '" + table.watermark_column +
                   "' is no timestamp column");
    return nullptr;
  }
  const Scope above = Scope::of(*rel, table.name);
  ExprPtr watermark = bind_stored(table, "watermark", table.watermark, above, at);
  if (!watermark) return nullptr;
  if (!watermark->type.is_timestamp()) {
    report(at, "table '" + table.name + "': its watermark is no timestamp but " +
                   watermark->type.to_string());
    return nullptr;
  }
  const auto factory = registry_.find(table.connector);
  if (factory.ok() && (*factory)->gives_watermarks()) {
    rel->traits[*time_column].rowtime = true;
    return rel;
  }
  auto assigner = std::make_unique<Rel>();
  assigner->kind = RelKind::kWatermark;
  assigner->schema = rel->schema;
  assigner->traits = rel->traits;
  assigner->time_column = *time_column;
  assigner->traits[assigner->time_column].rowtime = true;
  assigner->watermark = std::move(watermark);
  assigner->updating = rel->updating;
  for (const auto& [key, value] : options) {
    if (key.starts_with("scan.watermark.")) assigner->watermark_options[key] = value;
  }
  const auto checked =
      watermark_options().parse(assigner->watermark_options, "table '" + table.name + "'");
  if (!checked.ok()) {
    report(at, checked.error().message);
    return nullptr;
  }
  assigner->inputs.push_back(std::move(rel));
  return assigner;
}

}  // namespace slipstream::sql
