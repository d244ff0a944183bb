// CREATE TABLE -> CatalogTable.
#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "base/try.h"
#include "sql/bind/query_binder.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {

using expr::ExprPtr;

namespace {

class TableBinder {
 public:
  TableBinder(const ast::CreateTable& statement, const ConnectorRegistry& registry, std::vector<Diagnostic>& diagnostics)
      : statement_(statement), registry_(registry), diagnostics_(diagnostics) {}

  std::unique_ptr<CatalogTable> bind() {
    const std::size_t before = diagnostics_.size();
    if (statement_.like) report(statement_.like->span, "CREATE TABLE ... LIKE is not supported", "repeat the columns");
    if (statement_.as_query) report(statement_.span, "CREATE TABLE ... AS SELECT is not supported", "CREATE TABLE, then INSERT INTO");
    if (!statement_.partitioned_by.empty()) report(statement_.partitioned_by[0].span, "PARTITIONED BY is not supported");
    table_->name = statement_.name.parts.back().name;
    table_->temporary = statement_.temporary;
    table_->text = to_sql(statement_);
    bind_options();
    bind_columns();
    if (diagnostics_.size() != before) return nullptr;
    bind_computed();
    bind_watermark();
    bind_keys();
    return diagnostics_.size() == before ? std::move(table_) : nullptr;
  }

 private:
  void report(const SourceSpan& span, std::string message, std::string fix = {}) {
    diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
  }

  void bind_options() {
    for (const ast::TableOption& option : statement_.options) {
      if (option.key == "connector") {
        table_->connector = option.value;
        connector_span_ = option.value_span;
      } else if (!table_->options.emplace(option.key, option.value).second) {
        report(option.key_span, "option '" + option.key + "' is given twice");
      }
    }
    if (table_->connector.empty()) {
      report(statement_.name.span, "table '" + table_->name + "' names no connector", "WITH ('connector' = 'rocketmq', ...)");
      return;
    }
    auto factory = registry_.find(table_->connector);
    if (!factory.ok()) {
      report(connector_span_, factory.error().message);
      return;
    }
    factory_ = *factory;
  }

  void bind_columns() {
    std::set<std::string> names;
    for (const ast::ColumnDefinition& definition : statement_.columns) {
      if (!names.insert(definition.name.name).second) {
        report(definition.name.span, "column '" + definition.name.name + "' is declared twice");
      }
      CatalogColumn column;
      column.name = definition.name.name;
      column.expr = definition.expr.get();
      if (definition.kind == ast::ColumnKind::kComputed) {
        column.kind = CatalogColumn::Kind::kComputed;
      } else {
        const auto type = bind_type(*definition.type, diagnostics_);
        if (type) column.type = *type;
      }
      if (definition.kind == ast::ColumnKind::kMetadata) bind_metadata(definition, column);
      if (definition.primary_key) table_->primary_key.push_back(column.name);
      table_->columns.push_back(std::move(column));
    }
  }

  void bind_metadata(const ast::ColumnDefinition& definition, CatalogColumn& column) {
    column.kind = CatalogColumn::Kind::kMetadata;
    column.metadata_key = definition.metadata_key.value_or(column.name);
    column.is_virtual = definition.is_virtual;
    if (factory_ == nullptr) return;
    std::vector<std::string> keys;
    for (const MetadataSpec& spec : factory_->metadata()) {
      keys.push_back(spec.key);
      if (spec.key != column.metadata_key) continue;
      if (expr::cast_rule(spec.type, column.type) == expr::CastRule::kNever) {
        report(definition.type->span, "metadata '" + spec.key + "' is " + spec.type.to_string() + " and cannot become " + column.type.to_string());
      }
      return;
    }
    const auto near = nearest_name(column.metadata_key, keys);
    std::string fix = near ? "did you mean '" + *near + "'?" : "";
    if (!near) {
      for (const std::string& key : keys) fix += (fix.empty() ? "keys are " : ", ") + key;
    }
    report(definition.metadata_key ? definition.metadata_key_span : definition.name.span,
           "connector '" + table_->connector + "' has no metadata '" + column.metadata_key + "'", fix);
  }

  // Columns that expressions of the table may name: all but later computed ones.
  Scope scope() const {
    Scope scope;
    for (const CatalogColumn& column : table_->columns) {
      if (column.kind == CatalogColumn::Kind::kComputed && column.type.kind() == TypeKind::kNull) continue;
      scope.columns.push_back(ScopeColumn{table_->name, column.name, column.type, {}});
    }
    return scope;
  }

  void bind_computed() {
    Scope plain;
    for (const CatalogColumn& column : table_->columns) {
      if (column.kind != CatalogColumn::Kind::kComputed) {
        plain.columns.push_back(ScopeColumn{table_->name, column.name, column.type, {}});
      }
    }
    for (CatalogColumn& column : table_->columns) {
      if (column.kind != CatalogColumn::Kind::kComputed) continue;
      ExprBinder binder(plain, diagnostics_);
      const expr::ExprPtr bound = binder.bind(*column.expr);
      if (bound) column.type = bound->type;
    }
  }

  void bind_watermark() {
    if (statement_.watermarks.empty()) return;
    const ast::WatermarkDefinition& definition = statement_.watermarks[0];
    if (statement_.watermarks.size() > 1) {
      report(statement_.watermarks[1].span, "a table has one watermark");
      return;
    }
    const Scope all = scope();
    ExprBinder binder(all, diagnostics_);
    const auto index = binder.find_column(definition.column);
    if (!index) return;
    const ScopeColumn& column = all.columns[*index];
    if (!column.type.is_timestamp()) {
      report(definition.column.span, "event time must be TIMESTAMP or TIMESTAMP_LTZ, and '" + column.name + "' is " + column.type.to_string(),
             "a computed column: ts AS TO_TIMESTAMP(" + column.name + ")");
      return;
    }
    const expr::ExprPtr bound = binder.bind(*definition.expr);
    if (bound && !bound->type.is_timestamp()) {
      report(definition.expr->span, "a watermark must be a timestamp, and this is " + bound->type.to_string());
    }
    table_->watermark_column = column.name;
    table_->watermark = definition.expr.get();
  }

  void bind_keys() {
    for (const ast::KeyDefinition& key : statement_.keys) {
      if (key.unique_only) report(key.span, "UNIQUE is not supported", "PRIMARY KEY (...) NOT ENFORCED");
      for (const ast::Identifier& column : key.columns) {
        const bool known = std::any_of(table_->columns.begin(), table_->columns.end(), [&](const CatalogColumn& c) {
          return c.name == column.name && c.kind == CatalogColumn::Kind::kPhysical;
        });
        if (!known) report(column.span, "the key names no physical column '" + column.name + "'");
        table_->primary_key.push_back(column.name);
      }
    }
  }

  const ast::CreateTable& statement_;
  const ConnectorRegistry& registry_;
  std::vector<Diagnostic>& diagnostics_;
  std::unique_ptr<CatalogTable> table_ = std::make_unique<CatalogTable>();
  const ConnectorFactory* factory_ = nullptr;
  SourceSpan connector_span_;
};

}  // namespace

std::unique_ptr<CatalogTable> bind_create_table(std::shared_ptr<const ast::CreateTable> statement,
                                                const ConnectorRegistry& registry,
                                                std::vector<Diagnostic>& diagnostics) {
  auto table = TableBinder(*statement, registry, diagnostics).bind();
  if (table) table->source = std::move(statement);
  return table;
}

// ---------------------------------------------------------------- INSERT

RelPtr QueryBinder::bind_insert(const ast::InsertStatement& insert) {
  const std::string& name = insert.table.parts.back().name;
  const CatalogTable* table = catalog_.find_table(name);
  if (table == nullptr) {
    if (catalog_.find_view(name) != nullptr) {
      report(insert.table.span, "'" + name + "' is a view and cannot be written");
    } else {
      const auto near = nearest_name(name, catalog_.table_names());
      report(insert.table.span, "unknown table '" + name + "'", near ? "did you mean '" + *near + "'?" : "");
    }
    bind_query(*insert.query);
    return nullptr;
  }
  if (insert.overwrite || !insert.partition.empty()) {
    report(insert.span, "INSERT OVERWRITE and PARTITION are not supported");
    return nullptr;
  }
  RelPtr query = bind_query(*insert.query);
  if (!query) return nullptr;
  // what a sink takes, in the order of declaration; then where each lies in the sink's schema
  std::vector<const CatalogColumn*> targets;
  for (const CatalogColumn& column : table->columns) {
    if (column.kind == CatalogColumn::Kind::kComputed || (column.kind == CatalogColumn::Kind::kMetadata && column.is_virtual)) continue;
    targets.push_back(&column);
  }
  std::vector<std::optional<std::size_t>> from(targets.size());
  if (insert.columns.empty()) {
    if (query->schema.size() != targets.size()) {
      std::string wanted;
      for (const CatalogColumn* target : targets) wanted += (wanted.empty() ? "" : ", ") + target->name + " " + target->type.to_string();
      report(insert.table.span, "the query has " + std::to_string(query->schema.size()) + " columns, table '" + name + "' takes " +
                                    std::to_string(targets.size()) + ": " + wanted);
      return nullptr;
    }
    for (std::size_t i = 0; i < targets.size(); ++i) from[i] = i;
  } else {
    if (insert.columns.size() != query->schema.size()) {
      report(insert.table.span, std::to_string(insert.columns.size()) + " columns are named and the query has " + std::to_string(query->schema.size()));
      return nullptr;
    }
    for (std::size_t i = 0; i < insert.columns.size(); ++i) {
      bool found = false;
      std::vector<std::string> names;
      for (std::size_t t = 0; t < targets.size(); ++t) {
        names.push_back(targets[t]->name);
        if (targets[t]->name == insert.columns[i].name) from[t] = i, found = true;
      }
      if (!found) {
        const auto near = nearest_name(insert.columns[i].name, names);
        report(insert.columns[i].span, "table '" + name + "' takes no column '" + insert.columns[i].name + "'", near ? "did you mean '" + *near + "'?" : "");
        return nullptr;
      }
    }
  }
  const Scope empty;
  ExprBinder binder(empty, diagnostics_);
  std::vector<ExprPtr> physical;
  std::vector<ExprPtr> metadata;
  std::vector<std::string> physical_names;
  std::vector<std::string> metadata_names;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const CatalogColumn& target = *targets[i];
    ExprPtr value = from[i] ? expr::column(*from[i], query->schema[*from[i]].type, query->schema[*from[i]].name)
                            : expr::null_literal(target.type);
    if (!from[i] && !target.type.nullable()) {
      report(insert.table.span, "column '" + target.name + "' is NOT NULL and the INSERT does not give it");
      return nullptr;
    }
    value = binder.coerce(std::move(value), target.type, insert.table.span, "column '" + target.name + "' of table '" + name + "'");
    if (!value) return nullptr;
    const bool is_metadata = target.kind == CatalogColumn::Kind::kMetadata;
    (is_metadata ? metadata : physical).push_back(std::move(value));
    (is_metadata ? metadata_names : physical_names).push_back(target.name);
  }
  physical.insert(physical.end(), metadata.begin(), metadata.end());
  physical_names.insert(physical_names.end(), metadata_names.begin(), metadata_names.end());
  RelPtr below = make_calc(std::move(query), nullptr, std::move(physical), std::move(physical_names));
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kSink;
  rel->schema = below->schema;
  rel->traits = below->traits;
  rel->updating = below->updating;
  rel->sink_table = table->definition();
  rel->sink_connector = table->connector;
  rel->span = insert.table.span;
  for (const ast::Hint& hint : insert.hints) {
    for (const ast::HintArgument& argument : hint.arguments) rel->sink_table.options[argument.key] = argument.value.value_or("");
  }
  rel->inputs.push_back(std::move(below));
  return rel;
}

}  // namespace slipstream::sql
