#include <array>
#include <cstddef>

#include "sql/parse/sql_writer.h"

namespace slipstream::sql {

using ast::as;

void SqlWriter::query(const ast::Query& node) {
  if (!node.with.empty()) {
    add("WITH ");
    list(node.with, [this](const ast::CommonTable& common) {
      identifier(common.name);
      if (!common.columns.empty()) {
        add(" ");
        names(common.columns);
      }
      add(" AS (");
      query(*common.query);
      add(")");
    });
    add(" ");
  }
  query_body(*node.body);
  if (!node.order_by.empty()) {
    add(" ");
    order_by(node.order_by);
  }
  if (node.limit != nullptr) {
    add(" LIMIT ");
    expr(*node.limit);
  }
  if (node.offset != nullptr) {
    add(" OFFSET ");
    expr(*node.offset);
  }
}

void SqlWriter::query_body(const ast::QueryBody& node) {
  switch (node.kind) {
    case ast::QueryBodyKind::kSelect:
      select(as<ast::SelectBody>(node));
      return;
    case ast::QueryBodyKind::kSetOperation: {
      static constexpr std::array<std::string_view, 3> kWords{" UNION ", " INTERSECT ", " EXCEPT "};
      const auto& operation = as<ast::SetOperation>(node);
      query_body(*operation.left);
      add(kWords[static_cast<std::size_t>(operation.op)]);
      if (operation.all) add("ALL ");
      query_body(*operation.right);
      return;
    }
    case ast::QueryBodyKind::kValues:
      add("VALUES ");
      exprs(as<ast::ValuesBody>(node).rows);
      return;
    case ast::QueryBodyKind::kNested:
      add("(");
      query(*as<ast::NestedQuery>(node).query);
      add(")");
      return;
    case ast::QueryBodyKind::kTable:
      add("TABLE ");
      name(as<ast::TableBody>(node).name);
      return;
  }
}

void SqlWriter::select(const ast::SelectBody& node) {
  add("SELECT ");
  if (!node.hints.empty()) {
    hints(node.hints);
    add(" ");
  }
  if (node.distinct) add("DISTINCT ");
  list(node.items, [this](const ast::SelectItem& item) {
    expr(*item.expr);
    if (!item.alias) return;
    add(" AS ");
    identifier(*item.alias);
  });
  if (node.from != nullptr) {
    add(" FROM ");
    table(*node.from);
  }
  if (node.where != nullptr) {
    add(" WHERE ");
    expr(*node.where);
  }
  if (node.has_group_by) {
    add(" GROUP BY ");
    list(node.group_by, [this](const ast::GroupingItem& item) { grouping_item(item); });
  }
  if (node.having != nullptr) {
    add(" HAVING ");
    expr(*node.having);
  }
  if (node.windows.empty()) return;
  add(" WINDOW ");
  list(node.windows, [this](const ast::NamedWindow& window) {
    identifier(window.name);
    add(" AS ");
    window_spec(window.spec);
  });
}

void SqlWriter::grouping_item(const ast::GroupingItem& node) {
  if (node.kind == ast::GroupingKind::kExpression) {
    if (node.sets.front().empty()) {
      add("()");
    } else {
      expr(*node.sets.front().front());
    }
    return;
  }
  add(node.kind == ast::GroupingKind::kSets     ? "GROUPING SETS ("
      : node.kind == ast::GroupingKind::kRollup ? "ROLLUP ("
                                                : "CUBE (");
  list(node.sets, [this](const std::vector<ast::ExprPtr>& set) {
    add("(");
    exprs(set);
    add(")");
  });
  add(")");
}

void SqlWriter::hints(const std::vector<ast::Hint>& nodes) {
  add("/*+ ");
  list(nodes, [this](const ast::Hint& hint) {
    identifier(hint.name);
    if (hint.arguments.empty()) return;
    add("(");
    list(hint.arguments, [this](const ast::HintArgument& argument) {
      string(argument.key);
      if (!argument.value) return;
      add(" = ");
      string(*argument.value);
    });
    add(")");
  });
  add(" */");
}

void SqlWriter::table(const ast::TableRef& node) {
  switch (node.kind) {
    case ast::TableRefKind::kNamed: {
      const auto& named = as<ast::NamedTable>(node);
      name(named.name);
      if (!named.hints.empty()) {
        add(" ");
        hints(named.hints);
      }
      if (named.system_time != nullptr) {
        add(" FOR SYSTEM_TIME AS OF ");
        expr(*named.system_time);
      }
      break;
    }
    case ast::TableRefKind::kDerived:
      add(as<ast::DerivedTable>(node).lateral ? "LATERAL (" : "(");
      query(*as<ast::DerivedTable>(node).query);
      add(")");
      break;
    case ast::TableRefKind::kFunction:
      add(as<ast::FunctionTable>(node).lateral ? "LATERAL TABLE(" : "TABLE(");
      expr(*as<ast::FunctionTable>(node).call);
      add(")");
      break;
    case ast::TableRefKind::kUnnest:
      add("UNNEST(");
      exprs(as<ast::UnnestTable>(node).collections);
      add(as<ast::UnnestTable>(node).with_ordinality ? ") WITH ORDINALITY" : ")");
      break;
    case ast::TableRefKind::kJoin:
      join(as<ast::JoinTable>(node));
      return;
  }
  if (!node.alias) return;
  add(" AS ");
  identifier(node.alias->name);
  if (!node.alias->columns.empty()) names(node.alias->columns);
}

void SqlWriter::join(const ast::JoinTable& node) {
  static constexpr std::array<std::string_view, 6> kWords{
      " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN ", ", "};
  const bool comma = node.type == ast::JoinType::kComma;
  const auto is_comma = [](const ast::TableRef& table_node) {
    const auto* inner = ast::as_if<ast::JoinTable>(table_node);
    return inner != nullptr && inner->type == ast::JoinType::kComma;
  };
  join_operand(*node.left, !comma && is_comma(*node.left));
  if (node.natural) add(" NATURAL");
  add(kWords[static_cast<std::size_t>(node.type)]);
  const bool right_join = node.right->kind == ast::TableRefKind::kJoin;
  join_operand(*node.right, right_join && (!comma || is_comma(*node.right)));
  if (node.on != nullptr) {
    add(" ON ");
    expr(*node.on);
  } else if (!node.using_columns.empty()) {
    add(" USING ");
    names(node.using_columns);
  }
}

void SqlWriter::join_operand(const ast::TableRef& node, bool wrap) {
  if (wrap) add("(");
  table(node);
  if (wrap) add(")");
}

}  // namespace slipstream::sql
