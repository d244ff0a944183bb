// DESCRIBE.
#include <algorithm>

#include "sql/bind/query_binder.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {
namespace {

std::vector<std::string> described(const Field& field) {
  return {field.name,
          field.type.with_nullable(true).to_string(),
          field.type.nullable() ? "TRUE" : "FALSE",
          "",
          "",
          ""};
}

std::vector<std::string> described(const CatalogTable& table, const CatalogColumn& column,
                                   const Field& field) {
  std::vector<std::string> row = described(field);
  const auto& key = table.primary_key;
  if (std::find(key.begin(), key.end(), column.name) != key.end()) row[3] = "PRI";
  if (column.kind == CatalogColumn::Kind::kComputed) row[4] = "AS " + column.expression;
  if (column.kind == CatalogColumn::Kind::kMetadata) {
    row[4] = "METADATA FROM '" + column.metadata_key + "'" + (column.is_virtual ? " VIRTUAL" : "");
  }
  if (column.name == table.watermark_column) row[5] = table.watermark;
  return row;
}

}  // namespace

void ScriptRun::describe(const ast::DescribeStatement& statement) {
  const RelPtr bound =
      QueryBinder(catalog_, registry_, out_.diagnostics).bind_table(statement.name);
  if (!bound) return;
  const CatalogEntryPtr entry =
      catalog_.find(statement.name.parts.back().name, statement.name.span);
  const CatalogTable* table = as_table(entry);
  Step& step = add(Step::Kind::kTable, statement);
  step.header = {"name", "type", "null", "key", "extras", "watermark"};
  for (std::size_t i = 0; i < bound->schema.size(); ++i) {
    const Field& field = bound->schema[i];
    step.rows.push_back(table != nullptr ? described(*table, table->columns[i], field)
                                         : described(field));
  }
}

}  // namespace slipstream::sql
