// CREATE TABLE -> CatalogTable.
#include <algorithm>
#include <optional>
#include <set>

#include "slipstream/secret_values.h"

#include "base/suggest.h"
#include "base/try.h"
#include "connector_kit/table_format.h"
#include "format/format.h"
#include "sql/bind/query_binder.h"
#include "sql/parse/hide_secrets.h"
#include "sql/parse/printer.h"
#include "sql/settings/watermark_options.h"

namespace slipstream::sql {

using expr::ExprPtr;

namespace {

class TableBinder {
 public:
  TableBinder(const ast::CreateTable& statement, const ConnectorRegistry& registry,
              std::vector<Diagnostic>& diagnostics)
      : statement_(statement), registry_(registry), diagnostics_(diagnostics) {}

  std::optional<CatalogTable> bind() {
    const std::size_t before = diagnostics_.size();
    if (statement_.like)
      report(statement_.like->span, "CREATE TABLE ... LIKE is not supported", "repeat the columns");
    if (statement_.as_query)
      report(statement_.span, "CREATE TABLE ... AS SELECT is not supported",
             "CREATE TABLE, then INSERT INTO");
    if (!statement_.partitioned_by.empty())
      report(statement_.partitioned_by[0].span, "PARTITIONED BY is not supported");
    table_.name = statement_.name.parts.back().name;
    table_.temporary = statement_.temporary;
    table_.text = hide_secrets(to_sql(statement_));
    bind_options();
    bind_columns();
    if (diagnostics_.size() == before) {
      bind_keys();
      bind_computed();
      bind_watermark();
    }
    const bool sound = diagnostics_.size() == before;
    check_options();
    if (!sound) return std::nullopt;
    return std::move(table_);
  }

 private:
  void report(const SourceSpan& span, std::string message, std::string fix = {}) {
    diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
  }

  void bind_options() {
    for (const ast::TableOption& option : statement_.options) {
      if (option.key == "connector") {
        table_.connector = option.value;
        connector_span_ = option.value_span;
      } else if (!table_.options.emplace(option.key, option.value).second) {
        report(option.key_span, "option '" + option.key + "' is given twice");
      }
    }
    if (table_.connector.empty()) {
      report(statement_.name.span, "table '" + table_.name + "' names no connector",
             "WITH ('connector' = 'rocketmq', ...)");
      return;
    }
    auto factory = registry_.find(table_.connector);
    if (!factory.ok()) {
      report(connector_span_, factory.error().message);
      return;
    }
    factory_ = *factory;
  }

  // The connector's options with those of the formats that the table names or has by default.
  OptionTable known_options() const {
    return connector_kit::with_format_options(factory_->options().merged(watermark_options()),
                                              table_.options);
  }

  // Names and values one by one; what is missing depends on the use. What is wrong is reported and
  // left out: the table's columns are known to later statements all the same.
  void check_options() {
    if (factory_ == nullptr) return;
    const OptionTable known = known_options();
    for (const ast::TableOption& option : statement_.options) {
      if (option.key == "connector") continue;
      const OptionSpec* spec = known.find(option.key);
      if (spec == nullptr && belongs_to_unknown_format(option.key)) continue;
      if (spec == nullptr) {
        std::vector<std::string> names;
        for (const OptionSpec& each : known.specs()) names.push_back(each.name);
        const auto near = nearest_name(option.key, names);
        report(option.key_span,
               "connector '" + table_.connector + "' has no option '" + option.key + "'",
               near ? "did you mean '" + *near + "'?"
                    : "slipstream connectors " + table_.connector + " lists them");
        table_.options.erase(option.key);
        continue;
      }
      if (SecretValues::is_named_in(option.value)) {  // checked when it is known
        if (!is_engines(spec->name)) continue;
        report(option.value_span,
               "option '" + spec->name + "' belongs to the engine: no secret can stand in it",
               "write the value");
        table_.options.erase(option.key);
        continue;
      }
      OptionSpec alone = *spec;
      alone.required = false;
      const auto parsed = OptionTable({alone}).parse({{option.key, option.value}}, "");
      if (parsed.ok()) continue;
      report(option.value_span, value_problem(parsed.error().message));
      table_.options.erase(option.key);
    }
  }

  static bool is_engines(std::string_view option) {
    return option == "format" || option == "key.format" ||
           watermark_options().find(option) != nullptr;
  }

  static std::string value_problem(const std::string& message) {
    const std::size_t begin = message.find("option '");
    return begin == std::string::npos ? message : message.substr(begin);
  }

  // The connector reports the format when the table is used.
  bool belongs_to_unknown_format(std::string_view key) const {
    return std::any_of(table_.options.begin(), table_.options.end(), [key](const auto& option) {
      return option.first.ends_with("format") && key.starts_with(option.second + ".") &&
             !format::find_format(option.second).ok();
    });
  }

  void bind_columns() {
    std::set<std::string> names;
    for (const ast::ColumnDefinition& definition : statement_.columns) {
      if (!names.insert(definition.name.name).second) {
        report(definition.name.span, "column '" + definition.name.name + "' is declared twice");
      }
      CatalogColumn column;
      column.name = definition.name.name;
      if (definition.kind == ast::ColumnKind::kComputed) {
        column.kind = CatalogColumn::Kind::kComputed;
        column.expression = to_sql(*definition.expr);
      } else {
        const auto type = bind_type(*definition.type, diagnostics_);
        if (type) column.type = *type;
      }
      if (definition.kind == ast::ColumnKind::kMetadata) bind_metadata(definition, column);
      table_.columns.push_back(std::move(column));
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
        report(definition.type->span, "metadata '" + spec.key + "' is " + spec.type.to_string() +
                                          " and cannot become " + column.type.to_string());
      }
      return;
    }
    const auto near = nearest_name(column.metadata_key, keys);
    std::string fix = near ? "did you mean '" + *near + "'?" : "";
    if (!near) {
      for (const std::string& key : keys) fix += (fix.empty() ? "keys are " : ", ") + key;
    }
    report(definition.metadata_key ? definition.metadata_key_span : definition.name.span,
           "connector '" + table_.connector + "' has no metadata '" + column.metadata_key + "'",
           fix);
  }

  // Errors in expressions are found here, where their text stands; what is kept is that text.
  void bind_computed() {
    Scope plain;
    for (const CatalogColumn& column : table_.columns) {
      if (column.kind != CatalogColumn::Kind::kComputed) {
        plain.columns.push_back(ScopeColumn{table_.name, column.name, column.type, {}});
      }
    }
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const CatalogColumn& column = table_.columns[i];
      Type type = column.type;
      if (column.kind == CatalogColumn::Kind::kComputed) {
        const expr::ExprPtr bound =
            ExprBinder(plain, diagnostics_).bind(*statement_.columns[i].expr);
        if (!bound || bound->type.kind() == TypeKind::kNull) continue;
        type = bound->type;
      }
      scope_.columns.push_back(ScopeColumn{table_.name, column.name, type, {}});
    }
  }

  void bind_watermark() {
    if (statement_.watermarks.empty()) return;
    const ast::WatermarkDefinition& definition = statement_.watermarks[0];
    if (statement_.watermarks.size() > 1) {
      report(statement_.watermarks[1].span, "a table has one watermark");
      return;
    }
    ExprBinder binder(scope_, diagnostics_);
    const auto index = binder.find_column(definition.column);
    if (!index) return;
    const ScopeColumn& column = scope_.columns[*index];
    if (!column.type.is_timestamp()) {
      report(definition.column.span,
             "event time must be TIMESTAMP or TIMESTAMP_LTZ, and '" + column.name + "' is " +
                 column.type.to_string(),
             column.type.kind() == TypeKind::kBigInt
                 ? "a computed column: ts AS TO_TIMESTAMP_LTZ(" + column.name + ", 3)"
                 : "a computed column: ts AS TO_TIMESTAMP(" + column.name + ")");
      return;
    }
    const expr::ExprPtr bound = binder.bind(*definition.expr);
    if (bound && !bound->type.is_timestamp()) {
      report(definition.expr->span,
             "a watermark must be a timestamp, and this is " + bound->type.to_string());
    }
    table_.watermark_column = column.name;
    table_.watermark = to_sql(*definition.expr);
  }

  void bind_keys() {
    for (const ast::ColumnDefinition& definition : statement_.columns) {
      if (definition.primary_key) add_key_column(definition.name);
    }
    for (const ast::KeyDefinition& key : statement_.keys) {
      if (key.unique_only)
        report(key.span, "UNIQUE is not supported", "PRIMARY KEY (...) NOT ENFORCED");
      for (const ast::Identifier& column : key.columns) add_key_column(column);
    }
  }

  // It is NOT NULL, whatever its type says: so it is in Flink.
  void add_key_column(const ast::Identifier& name) {
    const auto column =
        std::find_if(table_.columns.begin(), table_.columns.end(), [&](const CatalogColumn& c) {
          return c.name == name.name && c.kind == CatalogColumn::Kind::kPhysical;
        });
    if (column == table_.columns.end())
      return report(name.span, "the key names no physical column '" + name.name + "'");
    column->type = column->type.not_null();
    table_.primary_key.push_back(name.name);
  }

  const ast::CreateTable& statement_;
  const ConnectorRegistry& registry_;
  std::vector<Diagnostic>& diagnostics_;
  CatalogTable table_;
  Scope scope_;  // all columns whose types are known
  const ConnectorFactory* factory_ = nullptr;
  SourceSpan connector_span_;
};

}  // namespace

std::optional<CatalogTable> bind_create_table(const ast::CreateTable& statement,
                                              const ConnectorRegistry& registry,
                                              std::vector<Diagnostic>& diagnostics) {
  return TableBinder(statement, registry, diagnostics).bind();
}

}  // namespace slipstream::sql
