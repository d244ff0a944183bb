#include <array>
#include <cstddef>

#include "sql/parse/printer.h"
#include "sql/parse/sql_writer.h"

namespace slipstream::sql {

using ast::as;
using ast::TypeKind;

namespace {

std::string_view type_kind_name(TypeKind kind) {
  static constexpr std::array<std::string_view, 24> kNames{
      "BOOLEAN",   "TINYINT",  "SMALLINT", "INT",     "BIGINT",    "FLOAT",
      "DOUBLE",    "DECIMAL",  "CHAR",     "VARCHAR", "STRING",    "BINARY",
      "VARBINARY", "BYTES",    "DATE",     "TIME",    "TIMESTAMP", "TIMESTAMP_LTZ",
      "INTERVAL",  "INTERVAL", "ARRAY",    "MAP",     "MULTISET",  "ROW"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

void SqlWriter::type(const ast::TypeName& node) {
  add(type_kind_name(node.kind));
  if (node.interval) {
    add(" ");
    interval_qualifier(*node.interval);
  }
  if (node.precision) {
    add("(" + std::to_string(*node.precision));
    if (node.scale) add(", " + std::to_string(*node.scale));
    add(")");
  }
  if (!node.arguments.empty()) {
    add("<");
    list(node.arguments, [this](const ast::TypeNamePtr& argument) { type(*argument); });
    add(">");
  }
  if (node.kind == TypeKind::kRow) {
    add("<");
    list(node.fields, [this](const ast::TypeField& field) {
      identifier(field.name);
      add(" ");
      type(*field.type);
      if (!field.comment) return;
      add(" ");
      string(*field.comment);
    });
    add(">");
  }
  if (node.nullable) add(*node.nullable ? " NULL" : " NOT NULL");
}

void SqlWriter::statement(const ast::Statement& node) {
  switch (node.kind) {
    case ast::StatementKind::kCreateTable:
      create_table(as<ast::CreateTable>(node));
      return;
    case ast::StatementKind::kCreateView:
      create_view(as<ast::CreateView>(node));
      return;
    case ast::StatementKind::kInsert:
      insert(as<ast::InsertStatement>(node));
      return;
    case ast::StatementKind::kStatementSet:
      statement_set(as<ast::StatementSet>(node));
      return;
    case ast::StatementKind::kQuery:
      query(*as<ast::QueryStatement>(node).query);
      return;
    case ast::StatementKind::kExplain:
      explain(as<ast::ExplainStatement>(node));
      return;
    case ast::StatementKind::kShow:
      show(as<ast::ShowStatement>(node));
      return;
    case ast::StatementKind::kDrop: {
      const auto& drop = as<ast::DropStatement>(node);
      add(drop.temporary ? "DROP TEMPORARY " : "DROP ");
      add(drop.object == ast::ObjectKind::kTable ? "TABLE " : "VIEW ");
      if (drop.if_exists) add("IF EXISTS ");
      name(drop.name);
      return;
    }
    case ast::StatementKind::kDescribe:
      add(as<ast::DescribeStatement>(node).extended ? "DESCRIBE EXTENDED " : "DESCRIBE ");
      name(as<ast::DescribeStatement>(node).name);
      return;
    case ast::StatementKind::kSet:
    case ast::StatementKind::kReset:
    case ast::StatementKind::kUse:
      session_statement(node);
      return;
  }
}

void SqlWriter::session_statement(const ast::Statement& node) {
  if (const auto* set = ast::as_if<ast::SetStatement>(node)) {
    add("SET");
    if (!set->key) return;
    add(" ");
    string(*set->key);
    add(" = ");
    string(set->value);
  } else if (const auto* reset = ast::as_if<ast::ResetStatement>(node)) {
    add("RESET");
    if (!reset->key) return;
    add(" ");
    string(*reset->key);
  } else {
    const auto& use = as<ast::UseStatement>(node);
    add(use.what == ast::UseKind::kCatalog ? "USE CATALOG " : "USE ");
    name(use.name);
  }
}

void SqlWriter::comment(const std::optional<std::string>& text) {
  if (!text) return;
  add(" COMMENT ");
  string(*text);
}

void SqlWriter::options(const std::vector<ast::TableOption>& nodes) {
  add("(");
  list(nodes, [this](const ast::TableOption& option) {
    string(option.key);
    add(" = ");
    string(option.value);
  });
  add(")");
}

void SqlWriter::create_table(const ast::CreateTable& node) {
  add(node.temporary ? "CREATE TEMPORARY TABLE " : "CREATE TABLE ");
  if (node.if_not_exists) add("IF NOT EXISTS ");
  name(node.name);
  if (node.has_column_list) {
    add(" (");
    table_elements(node);
    add(")");
  }
  comment(node.comment);
  if (!node.partitioned_by.empty()) {
    add(" PARTITIONED BY ");
    names(node.partitioned_by);
  }
  if (!node.options.empty()) {
    add(" WITH ");
    options(node.options);
  }
  if (node.like) {
    add(" LIKE ");
    name(node.like->table);
    if (!node.like->options.empty()) {
      add(" (");
      std::string_view gap;
      for (const ast::LikeOption& option : node.like->options) {
        add(gap);
        gap = " ";
        add(option.strategy + " " + option.feature);
      }
      add(")");
    }
  }
  if (node.as_query != nullptr) {
    add(" AS ");
    query(*node.as_query);
  }
}

void SqlWriter::table_elements(const ast::CreateTable& node) {
  list(node.columns, [this](const ast::ColumnDefinition& definition) { column(definition); });
  std::string_view gap = node.columns.empty() ? "" : ", ";
  for (const ast::WatermarkDefinition& watermark : node.watermarks) {
    add(gap);
    gap = ", ";
    add("WATERMARK FOR ");
    name(watermark.column);
    add(" AS ");
    expr(*watermark.expr);
  }
  for (const ast::KeyDefinition& key : node.keys) {
    add(gap);
    gap = ", ";
    if (key.constraint_name) {
      add("CONSTRAINT ");
      identifier(*key.constraint_name);
      add(" ");
    }
    add(key.unique_only ? "UNIQUE " : "PRIMARY KEY ");
    names(key.columns);
    add(" NOT ENFORCED");
  }
}

void SqlWriter::column(const ast::ColumnDefinition& node) {
  identifier(node.name);
  add(" ");
  if (node.kind == ast::ColumnKind::kComputed) {
    add("AS ");
    expr(*node.expr);
  } else {
    type(*node.type);
  }
  if (node.kind == ast::ColumnKind::kMetadata) {
    add(" METADATA");
    if (node.metadata_key) {
      add(" FROM ");
      string(*node.metadata_key);
    }
    if (node.is_virtual) add(" VIRTUAL");
  }
  if (node.primary_key) add(" PRIMARY KEY NOT ENFORCED");
  comment(node.comment);
}

void SqlWriter::create_view(const ast::CreateView& node) {
  add(node.temporary ? "CREATE TEMPORARY VIEW " : "CREATE VIEW ");
  if (node.if_not_exists) add("IF NOT EXISTS ");
  name(node.name);
  if (!node.columns.empty()) {
    add(" ");
    names(node.columns);
  }
  comment(node.comment);
  add(" AS ");
  query(*node.query);
}

void SqlWriter::insert(const ast::InsertStatement& node) {
  add(node.overwrite ? "INSERT OVERWRITE " : "INSERT INTO ");
  name(node.table);
  if (!node.hints.empty()) {
    add(" ");
    hints(node.hints);
  }
  if (!node.partition.empty()) {
    add(" PARTITION (");
    list(node.partition, [this](const ast::TableOption& option) {
      identifier(ast::Identifier{{}, option.key, false});
      if (option.value_span.line == 0) return;
      add(" = ");
      string(option.value);
    });
    add(")");
  }
  if (!node.columns.empty()) {
    add(" ");
    names(node.columns);
  }
  add(" ");
  query(*node.query);
}

void SqlWriter::statement_set(const ast::StatementSet& node) {
  add("EXECUTE STATEMENT SET BEGIN ");
  for (const auto& member : node.inserts) {
    insert(*member);
    add("; ");
  }
  add("END");
}

void SqlWriter::explain(const ast::ExplainStatement& node) {
  add("EXPLAIN ");
  if (node.details.empty()) {
    add("PLAN FOR");
  } else {
    list(node.details, [this](const std::string& detail) { add(detail); });
  }
  add(" ");
  statement(*node.statement);
}

void SqlWriter::show(const ast::ShowStatement& node) {
  static constexpr std::array<std::string_view, 11> kWords{
      "TABLES",   "VIEWS",        "FUNCTIONS",       "COLUMNS",
      "CATALOGS", "DATABASES",    "CURRENT CATALOG", "CURRENT DATABASE",
      "JOBS",     "CREATE TABLE", "CREATE VIEW"};
  const bool create =
      node.what == ast::ShowKind::kCreateTable || node.what == ast::ShowKind::kCreateView;
  add("SHOW ");
  add(kWords[static_cast<std::size_t>(node.what)]);
  if (node.name) {
    add(create ? " " : " FROM ");
    name(*node.name);
  }
  if (!node.like) return;
  add(node.negated ? " NOT LIKE " : " LIKE ");
  string(*node.like);
}

namespace {

template <typename F>
std::string write(F&& fill) {
  SqlWriter writer;
  fill(writer);
  return writer.take();
}

}  // namespace

std::string to_sql(const ast::Expr& expr) {
  return write([&](SqlWriter& writer) { writer.expr(expr); });
}
std::string to_sql(const ast::TypeName& type) {
  return write([&](SqlWriter& writer) { writer.type(type); });
}
std::string to_sql(const ast::QualifiedName& name) {
  return write([&](SqlWriter& writer) { writer.name(name); });
}
std::string to_sql(const ast::Query& query) {
  return write([&](SqlWriter& writer) { writer.query(query); });
}
std::string to_sql(const ast::Statement& statement) {
  return write([&](SqlWriter& writer) { writer.statement(statement); });
}

}  // namespace slipstream::sql
