#include "sql/bind/query_binder.h"

#include <algorithm>
#include <set>

#include "base/try.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {

using expr::ExprPtr;

namespace {

std::vector<std::string> names_of(const std::vector<ast::Identifier>& identifiers) {
  std::vector<std::string> names;
  for (const ast::Identifier& each : identifiers) names.push_back(each.name);
  return names;
}

}  // namespace

RelPtr QueryBinder::project(RelPtr input, std::vector<ExprPtr> projections,
                            std::vector<std::string> names) {
  // one name twice: a, a0 as Flink names them
  std::set<std::string> used;
  for (std::string& name : names) {
    std::string candidate = name;
    for (int suffix = 0; !used.insert(candidate).second; ++suffix)
      candidate = name + std::to_string(suffix);
    name = candidate;
  }
  return make_calc(std::move(input), nullptr, std::move(projections), std::move(names));
}

RelPtr QueryBinder::bind_select(const ast::Query& query) {
  RelPtr root;
  std::int64_t limit = -1;
  if (query.limit) {
    const auto* number = ast::as_if<ast::Literal>(*query.limit);
    if (number == nullptr || number->literal != ast::LiteralKind::kInteger ||
        number->text.size() > 18) {
      report(query.limit->span, "LIMIT takes a whole number");
      return nullptr;
    }
    limit = std::stoll(number->text);
  }
  if (!query.order_by.empty()) {
    report(query.order_by[0].span, "ORDER BY is not supported on a stream",
           "sort the result outside, or use a window");
    return nullptr;
  }
  if (query.offset) {
    report(query.offset->span, "OFFSET is not supported on a stream");
    return nullptr;
  }
  CommonTables tables;
  for (const ast::CommonTable& table : query.with) tables[table.name.name] = &table;
  with_.push_back(std::move(tables));
  root = bind_body(*query.body);
  with_.pop_back();
  if (!root) return nullptr;
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kCollect;
  rel->schema = root->schema;
  rel->traits = root->traits;
  rel->updating = root->updating;
  rel->limit = limit;
  rel->inputs.push_back(std::move(root));
  return rel;
}

RelPtr QueryBinder::bind_query(const ast::Query& query) {
  if (!query.order_by.empty() || query.limit || query.offset) {
    const SourceSpan& span = !query.order_by.empty() ? query.order_by[0].span
                             : query.limit           ? query.limit->span
                                                     : query.offset->span;
    report(span, "ORDER BY, LIMIT and OFFSET are not supported here",
           "LIMIT works in a SELECT at the top");
    return nullptr;
  }
  CommonTables tables;
  for (const ast::CommonTable& table : query.with) tables[table.name.name] = &table;
  with_.push_back(std::move(tables));
  RelPtr root = bind_body(*query.body);
  with_.pop_back();
  return root;
}

RelPtr QueryBinder::bind_body(const ast::QueryBody& body) {
  switch (body.kind) {
    case ast::QueryBodyKind::kSelect:
      return bind_select_body(ast::as<ast::SelectBody>(body));
    case ast::QueryBodyKind::kSetOperation:
      return bind_set_operation(ast::as<ast::SetOperation>(body));
    case ast::QueryBodyKind::kValues:
      return bind_values(ast::as<ast::ValuesBody>(body));
    case ast::QueryBodyKind::kNested:
      return bind_query(*ast::as<ast::NestedQuery>(body).query);
    case ast::QueryBodyKind::kTable:
      return bind_named(ast::as<ast::TableBody>(body).name, {});
  }
  return nullptr;
}

void QueryBinder::rename(Rel& rel, const std::vector<std::string>& columns,
                         const SourceSpan& span) {
  if (columns.empty()) return;
  if (columns.size() != rel.schema.size()) {
    report(span, std::to_string(columns.size()) + " column names for " +
                     std::to_string(rel.schema.size()) + " columns");
    return;
  }
  Schema renamed;
  for (std::size_t i = 0; i < columns.size(); ++i) renamed.add(columns[i], rel.schema[i].type);
  rel.schema = std::move(renamed);
}

RelPtr QueryBinder::bind_named(const ast::QualifiedName& name,
                               const std::vector<ast::Hint>& hints) {
  const std::string& text = name.parts.back().name;
  if (name.parts.size() == 1) {
    for (std::size_t i = with_.size(); i-- > 0;) {
      const auto found = with_[i].find(text);
      if (found == with_[i].end()) continue;
      const ast::CommonTable* table = found->second;
      with_[i].erase(found);  // a common table does not see itself
      RelPtr rel = bind_query(*table->query);
      with_[i][text] = table;
      if (rel) rename(*rel, names_of(table->columns), table->name.span);
      return rel;
    }
  }
  const CatalogEntryPtr entry = catalog_.find(text, name.span);
  if (const CatalogView* view = as_view(entry)) return bind_view(*view, name.span);
  if (const CatalogTable* table = as_table(entry)) return bind_scan(*table, hints, name.span);
  if (catalog_.is_broken(text)) return nullptr;
  const auto near = catalog_.nearest(text);
  report(name.span, "unknown table '" + name.text() + "'",
         near ? "did you mean '" + *near + "'?" : "");
  return nullptr;
}

RelPtr QueryBinder::bind_table_ref(const ast::TableRef& ref, Scope* scope) {
  RelPtr rel;
  std::string qualifier;
  switch (ref.kind) {
    case ast::TableRefKind::kNamed: {
      const auto& named = ast::as<ast::NamedTable>(ref);
      if (named.system_time) {
        report(named.system_time->span, "FOR SYSTEM_TIME AS OF is not supported");
        return nullptr;
      }
      rel = bind_named(named.name, named.hints);
      qualifier = named.name.parts.back().name;
      break;
    }
    case ast::TableRefKind::kDerived:
      rel = bind_query(*ast::as<ast::DerivedTable>(ref).query);
      break;
    case ast::TableRefKind::kFunction:
      rel = bind_window_function(ast::as<ast::FunctionTable>(ref));
      break;
    case ast::TableRefKind::kUnnest:
      report(ref.span, "UNNEST is not supported");
      return nullptr;
    case ast::TableRefKind::kJoin:
      return bind_join(ast::as<ast::JoinTable>(ref), scope);
  }
  if (!rel) return nullptr;
  if (ref.alias) {
    rename(*rel, names_of(ref.alias->columns), ref.alias->span);
    qualifier = ref.alias->name.name;
  }
  *scope = Scope::of(*rel, qualifier);
  return rel;
}

RelPtr QueryBinder::bind_join(const ast::JoinTable& join, Scope* scope) {
  Scope left_scope;
  Scope right_scope;
  RelPtr left = bind_table_ref(*join.left, &left_scope);
  RelPtr right = bind_table_ref(*join.right, &right_scope);
  if (!left || !right) return nullptr;
  if (join.type == ast::JoinType::kLeft || join.type == ast::JoinType::kRight ||
      join.type == ast::JoinType::kFull) {
    report(join.span, "outer joins are not supported", "an inner join of two streams is");
    return nullptr;
  }
  if (join.natural || !join.using_columns.empty()) {
    report(join.span, "NATURAL and USING are not supported", "write ON a.id = b.id");
    return nullptr;
  }
  *scope = left_scope;
  scope->columns.insert(scope->columns.end(), right_scope.columns.begin(),
                        right_scope.columns.end());
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kJoin;
  rel->updating = left->updating || right->updating;
  for (const Rel* side : {left.get(), right.get()}) {
    for (const Field& field : side->schema.fields()) rel->schema.add(field.name, field.type);
  }
  // a regular join loses event time: rows come out when their match arrives
  rel->traits.resize(rel->schema.size());
  for (ScopeColumn& column : scope->columns) column.trait = {};
  if (join.on) {
    ExprBinder binder(*scope, diagnostics_);
    rel->predicate = binder.bind_predicate(*join.on, "ON");
    if (!rel->predicate) return nullptr;
  }
  rel->inputs.push_back(std::move(left));
  rel->inputs.push_back(std::move(right));
  rel->span = join.span;
  return rel;
}

RelPtr QueryBinder::bind_values(const ast::ValuesBody& values) {
  const Scope empty;
  ExprBinder binder(empty, diagnostics_);
  std::vector<std::vector<ExprPtr>> rows;
  for (const auto& row : values.rows) {
    std::vector<ExprPtr> cells;
    const auto bind_cell = [&](const ast::Expr& cell) {
      ExprPtr bound = binder.bind(cell);
      if (bound) cells.push_back(std::move(bound));
      return cells.size();
    };
    std::size_t wanted = 1;
    if (const auto* tuple = ast::as_if<ast::RowExpr>(*row)) {
      wanted = tuple->fields.size();
      for (const auto& cell : tuple->fields) bind_cell(*cell);
    } else {
      bind_cell(*row);
    }
    if (cells.size() != wanted) return nullptr;
    if (!rows.empty() && rows[0].size() != cells.size()) {
      report(row->span, "this row has " + std::to_string(cells.size()) + " values, the first has " +
                            std::to_string(rows[0].size()));
      return nullptr;
    }
    rows.push_back(std::move(cells));
  }
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kValues;
  for (std::size_t column = 0; column < rows[0].size(); ++column) {
    std::vector<Type> types;
    for (const auto& row : rows) types.push_back(row[column]->type);
    const auto common = expr::common_type(types);
    if (!common.ok()) {
      report(values.span, common.error().message);
      return nullptr;
    }
    for (auto& row : rows) row[column] = expr::cast(row[column], *common);
    rel->schema.add("EXPR$" + std::to_string(column), *common);
  }
  rel->traits.resize(rel->schema.size());
  rel->rows = std::move(rows);
  return rel;
}

RelPtr QueryBinder::bind_set_operation(const ast::SetOperation& operation) {
  RelPtr left = bind_body(*operation.left);
  RelPtr right = bind_body(*operation.right);
  if (!left || !right) return nullptr;
  if (operation.op != ast::SetOperator::kUnion) {
    report(operation.span, "INTERSECT and EXCEPT are not supported");
    return nullptr;
  }
  if (left->schema.size() != right->schema.size()) {
    report(operation.span, "UNION of " + std::to_string(left->schema.size()) + " and " +
                               std::to_string(right->schema.size()) + " columns");
    return nullptr;
  }
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kUnion;
  rel->updating = left->updating || right->updating;
  std::vector<std::vector<ExprPtr>> projections(2);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < left->schema.size(); ++i) {
    const std::vector<Type> types = {left->schema[i].type, right->schema[i].type};
    const auto common = expr::common_type(types);
    if (!common.ok()) {
      report(operation.span,
             "column " + std::to_string(i + 1) + " of UNION: " + common.error().message);
      return nullptr;
    }
    names.push_back(left->schema[i].name);
    rel->schema.add(names.back(), *common);
    ColumnTrait trait;
    trait.rowtime = left->traits[i].rowtime && right->traits[i].rowtime;
    rel->traits.push_back(trait);
    projections[0].push_back(expr::cast(expr::column(i, types[0], names.back()),
                                        common->with_nullable(types[0].nullable())));
    projections[1].push_back(expr::cast(expr::column(i, types[1], names.back()),
                                        common->with_nullable(types[1].nullable())));
  }
  rel->inputs.push_back(make_calc(std::move(left), nullptr, std::move(projections[0]), names));
  rel->inputs.push_back(make_calc(std::move(right), nullptr, std::move(projections[1]), names));
  if (operation.all) return rel;
  return distinct(std::move(rel));
}

RelPtr QueryBinder::distinct(RelPtr input) {
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kGroupAggregate;
  rel->schema = input->schema;
  rel->traits.resize(rel->schema.size());
  for (std::size_t i = 0; i < rel->schema.size(); ++i) rel->keys.push_back(i);
  rel->updating = input->updating;
  rel->inputs.push_back(std::move(input));
  return rel;
}

std::string QueryBinder::item_name(const ast::SelectItem& item, std::size_t position) {
  if (item.alias) return item.alias->name;
  if (const auto* column = ast::as_if<ast::ColumnRef>(*item.expr))
    return column->name.parts.back().name;
  if (const auto* field = ast::as_if<ast::FieldAccessExpr>(*item.expr)) return field->field.name;
  return "EXPR$" + std::to_string(position);
}

bool QueryBinder::bind_star(const ast::StarExpr& star, const Scope& scope,
                            std::vector<ExprPtr>& projections, std::vector<std::string>& names) {
  const std::size_t before = names.size();
  for (std::size_t i = 0; i < scope.columns.size(); ++i) {
    const ScopeColumn& column = scope.columns[i];
    if (!star.qualifier.empty() && column.qualifier != star.qualifier.back().name) continue;
    projections.push_back(expr::column(i, column.type, column.name));
    names.push_back(column.name);
  }
  if (names.size() != before) return true;
  report(star.span, star.qualifier.empty()
                        ? "SELECT * needs FROM"
                        : "no table or alias '" + star.qualifier.back().name + "' in FROM");
  return false;
}

RelPtr QueryBinder::bind_select_body(const ast::SelectBody& select) {
  Scope scope;
  RelPtr input;
  if (select.from) {
    input = bind_table_ref(*select.from, &scope);
  } else {
    input = std::make_unique<Rel>();
    input->kind = RelKind::kValues;
    input->rows.emplace_back();
  }
  if (!input) return nullptr;
  bool ok = true;
  if (select.where) {
    ExprBinder binder(scope, diagnostics_);
    ExprPtr predicate = binder.bind_predicate(*select.where, "WHERE");
    ok = predicate != nullptr;
    if (ok) input = make_filter(std::move(input), std::move(predicate));
  }
  bool aggregates = select.has_group_by || select.having != nullptr;
  for (const ast::SelectItem& item : select.items)
    aggregates = aggregates || contains_aggregate(*item.expr);
  if (aggregates) {
    if (!ok) return nullptr;
    RelPtr rel = bind_aggregate(select, std::move(input), scope);
    return rel && select.distinct ? distinct(std::move(rel)) : std::move(rel);
  }
  ExprBinder binder(scope, diagnostics_);
  std::vector<ExprPtr> projections;
  std::vector<std::string> names;
  for (const ast::SelectItem& item : select.items) {
    if (const auto* star = ast::as_if<ast::StarExpr>(*item.expr)) {
      ok = bind_star(*star, scope, projections, names) && ok;
      continue;
    }
    ExprPtr bound = binder.bind(*item.expr);
    if (bound && bound->type.kind() == TypeKind::kNull) {
      report(item.expr->span, "a bare NULL has no type", "CAST(NULL AS STRING)");
      bound = nullptr;
    }
    ok = ok && bound;
    names.push_back(item_name(item, names.size()));
    projections.push_back(std::move(bound));
  }
  if (!ok) return nullptr;
  RelPtr rel = project(std::move(input), std::move(projections), std::move(names));
  return select.distinct ? distinct(std::move(rel)) : std::move(rel);
}

}  // namespace slipstream::sql
