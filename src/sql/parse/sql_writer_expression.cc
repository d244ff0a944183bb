#include <array>
#include <cstddef>

#include "sql/parse/keywords.h"
#include "sql/parse/sql_writer.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

using ast::as;
using ast::ExprKind;

void SqlWriter::identifier(const ast::Identifier& node) {
  if (!node.quoted) {
    add(quote_name(node.name));
    return;
  }
  add("`");
  for (const char letter : node.name) {
    out_ += letter;
    if (letter == '`') out_ += letter;
  }
  add("`");
}

void SqlWriter::string(std::string_view text) { add(quote_string(text)); }

void SqlWriter::name(const ast::QualifiedName& node) {
  bool first = true;
  for (const ast::Identifier& part : node.parts) {
    if (!first) add(".");
    first = false;
    identifier(part);
  }
}

void SqlWriter::names(const std::vector<ast::Identifier>& nodes) {
  add("(");
  list(nodes, [this](const ast::Identifier& node) { identifier(node); });
  add(")");
}

void SqlWriter::exprs(const std::vector<ast::ExprPtr>& nodes) {
  list(nodes, [this](const ast::ExprPtr& node) { expr(*node); });
}

int SqlWriter::precedence_of(const ast::Expr& node) {
  switch (node.kind) {
    case ExprKind::kLogical:
      return as<ast::LogicalExpr>(node).is_and ? kPrecedenceAnd : kPrecedenceOr;
    case ExprKind::kUnary:
      return as<ast::UnaryExpr>(node).op == ast::UnaryOp::kNot ? kPrecedenceNot : kPrecedenceUnary;
    case ExprKind::kIs:
    case ExprKind::kIsDistinct:
      return kPrecedenceIs;
    case ExprKind::kBetween:
    case ExprKind::kInList:
    case ExprKind::kInSubquery:
    case ExprKind::kLike:
      return kPrecedenceRange;
    case ExprKind::kBinary: {
      const ast::BinaryOp op = as<ast::BinaryExpr>(node).op;
      if (op <= ast::BinaryOp::kGreaterEqual) return kPrecedenceCompare;
      return op <= ast::BinaryOp::kSubtract ? kPrecedenceAdd : kPrecedenceMultiply;
    }
    default:
      return kPrecedencePostfix;
  }
}

void SqlWriter::expr(const ast::Expr& node, int min_precedence) {
  const bool wrap = precedence_of(node) < min_precedence;
  if (wrap) add("(");
  bare_expr(node);
  if (wrap) add(")");
}

void SqlWriter::bare_expr(const ast::Expr& node) {
  if (!operator_expr(node) && !primary_expr(node)) constructor(node);
}

bool SqlWriter::operator_expr(const ast::Expr& node) {
  switch (node.kind) {
    case ExprKind::kUnary: {
      const auto& unary = as<ast::UnaryExpr>(node);
      const bool negation = unary.op == ast::UnaryOp::kNot;
      add(negation ? "NOT " : unary.op == ast::UnaryOp::kMinus ? "-" : "+");
      // -(-1): two signs in a row would begin a comment.
      expr(*unary.operand, negation ? kPrecedenceNot : kPrecedencePostfix);
      return true;
    }
    case ExprKind::kBinary:
      binary(as<ast::BinaryExpr>(node));
      return true;
    case ExprKind::kLogical:
      logical(as<ast::LogicalExpr>(node));
      return true;
    case ExprKind::kIs:
      is(as<ast::IsExpr>(node));
      return true;
    case ExprKind::kIsDistinct:
      is_distinct(as<ast::IsDistinctExpr>(node));
      return true;
    case ExprKind::kBetween:
      between(as<ast::BetweenExpr>(node));
      return true;
    case ExprKind::kInList:
      in_list(as<ast::InListExpr>(node));
      return true;
    case ExprKind::kInSubquery:
      in_subquery(as<ast::InSubqueryExpr>(node));
      return true;
    case ExprKind::kLike:
      like(as<ast::LikeExpr>(node));
      return true;
    default:
      return false;
  }
}

bool SqlWriter::primary_expr(const ast::Expr& node) {
  switch (node.kind) {
    case ExprKind::kLiteral:
      literal(as<ast::Literal>(node));
      return true;
    case ExprKind::kInterval:
      interval(as<ast::IntervalLiteral>(node));
      return true;
    case ExprKind::kColumn:
      name(as<ast::ColumnRef>(node).name);
      return true;
    case ExprKind::kStar:
      for (const ast::Identifier& part : as<ast::StarExpr>(node).qualifier) {
        identifier(part);
        add(".");
      }
      add("*");
      return true;
    case ExprKind::kCase:
      case_expr(as<ast::CaseExpr>(node));
      return true;
    case ExprKind::kCast: {
      const auto& cast = as<ast::CastExpr>(node);
      add(cast.is_try ? "TRY_CAST(" : "CAST(");
      expr(*cast.operand);
      add(" AS ");
      type(*cast.type);
      add(")");
      return true;
    }
    case ExprKind::kCall:
      call(as<ast::CallExpr>(node));
      return true;
    case ExprKind::kJsonCall:
      json_call(as<ast::JsonCallExpr>(node));
      return true;
    case ExprKind::kSymbol:
      add(as<ast::SymbolExpr>(node).name);
      return true;
    case ExprKind::kDefault:
      add("DEFAULT");
      return true;
    default:
      return false;
  }
}

void SqlWriter::constructor(const ast::Expr& node) {
  const auto wrapped = [this](std::string_view open, const std::vector<ast::ExprPtr>& items,
                              std::string_view close) {
    add(open);
    exprs(items);
    add(close);
  };
  if (const auto* array = ast::as_if<ast::ArrayExpr>(node)) {
    wrapped("ARRAY[", array->elements, "]");
  } else if (const auto* map = ast::as_if<ast::MapExpr>(node)) {
    wrapped("MAP[", map->entries, "]");
  } else if (const auto* row = ast::as_if<ast::RowExpr>(node)) {
    wrapped(row->is_explicit ? "ROW(" : "(", row->fields, ")");
  } else if (const auto* subscript = ast::as_if<ast::SubscriptExpr>(node)) {
    expr(*subscript->base, kPrecedencePostfix);
    add("[");
    expr(*subscript->index);
    add("]");
  } else if (const auto* access = ast::as_if<ast::FieldAccessExpr>(node)) {
    field_base(*access->base);
    add(".");
    identifier(access->field);
  } else if (const auto* argument = ast::as_if<ast::NamedArgument>(node)) {
    if (argument->name.quoted) {
      identifier(argument->name);
    } else {
      add(argument->name.name);
    }
    add(" => ");
    expr(*argument->value);
  } else if (const auto* descriptor = ast::as_if<ast::DescriptorExpr>(node)) {
    add("DESCRIPTOR");
    names(descriptor->columns);
  } else if (const auto* table_node = ast::as_if<ast::TableArgument>(node)) {
    table_argument(*table_node);
  } else if (const auto* exists = ast::as_if<ast::ExistsExpr>(node)) {
    add("EXISTS (");
    query(*exists->query);
    add(")");
  } else {
    add("(");
    query(*as<ast::SubqueryExpr>(node).query);
    add(")");
  }
}

// (a).b is the field b of the value a, a.b is a name; 1.b would be a number.
void SqlWriter::field_base(const ast::Expr& node) {
  const bool ambiguous = node.kind == ExprKind::kColumn || node.kind == ExprKind::kLiteral ||
                         node.kind == ExprKind::kInterval;
  expr(node, ambiguous ? kPrecedencePostfix + 1 : kPrecedencePostfix);
}

void SqlWriter::literal(const ast::Literal& node) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (node.literal) {
    case ast::LiteralKind::kNull:
      add("NULL");
      return;
    case ast::LiteralKind::kTrue:
      add("TRUE");
      return;
    case ast::LiteralKind::kFalse:
      add("FALSE");
      return;
    case ast::LiteralKind::kUnknown:
      add("UNKNOWN");
      return;
    case ast::LiteralKind::kInteger:
    case ast::LiteralKind::kDecimal:
    case ast::LiteralKind::kApproximate:
      add(node.text);
      return;
    case ast::LiteralKind::kBinary:
      add("X'");
      for (const char letter : node.text) {
        const auto byte = static_cast<unsigned char>(letter);
        out_ += kHex[byte >> 4U];
        out_ += kHex[byte & 15U];
      }
      add("'");
      return;
    case ast::LiteralKind::kString:
      break;
    case ast::LiteralKind::kDate:
      add("DATE ");
      break;
    case ast::LiteralKind::kTime:
      add("TIME ");
      break;
    case ast::LiteralKind::kTimestamp:
      add("TIMESTAMP ");
      break;
    case ast::LiteralKind::kTimestampLtz:
      add("TIMESTAMP_LTZ ");
      break;
  }
  string(node.text);
}

void SqlWriter::interval(const ast::IntervalLiteral& node) {
  add("INTERVAL ");
  if (node.negative) add("-");
  string(node.text);
  add(" ");
  interval_qualifier(node.qualifier);
}

void SqlWriter::interval_qualifier(const ast::IntervalQualifier& node) {
  add(ast::time_unit_name(node.start));
  const bool seconds = node.start == ast::TimeUnit::kSecond;
  if (node.start_precision) {
    add("(" + std::to_string(*node.start_precision));
    if (seconds && node.fraction_precision) add(", " + std::to_string(*node.fraction_precision));
    add(")");
  }
  if (!node.end) return;
  add(" TO ");
  add(ast::time_unit_name(*node.end));
  if (node.fraction_precision) add("(" + std::to_string(*node.fraction_precision) + ")");
}

void SqlWriter::binary(const ast::BinaryExpr& node) {
  const int precedence = precedence_of(node);
  expr(*node.left, precedence);
  add(" ");
  add(ast::binary_op_text(node.op));
  add(" ");
  expr(*node.right, precedence + 1);
}

void SqlWriter::logical(const ast::LogicalExpr& node) {
  bool first = true;
  for (const ast::ExprPtr& operand : node.operands) {
    if (!first) add(node.is_and ? " AND " : " OR ");
    first = false;
    expr(*operand, precedence_of(node) + 1);
  }
}

void SqlWriter::is(const ast::IsExpr& node) {
  static constexpr std::array<std::string_view, 5> kTests{"NULL", "TRUE", "FALSE", "UNKNOWN",
                                                          "JSON"};
  expr(*node.operand, kPrecedenceIs);
  add(node.negated ? " IS NOT " : " IS ");
  add(kTests[static_cast<std::size_t>(node.test)]);
}

void SqlWriter::is_distinct(const ast::IsDistinctExpr& node) {
  expr(*node.left, kPrecedenceIs);
  add(node.negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
  expr(*node.right, kPrecedenceCompare + 1);
}

void SqlWriter::between(const ast::BetweenExpr& node) {
  expr(*node.operand, kPrecedenceRange);
  add(node.negated ? " NOT BETWEEN " : " BETWEEN ");
  if (node.symmetric) add("SYMMETRIC ");
  expr(*node.low, kPrecedenceRange + 1);
  add(" AND ");
  expr(*node.high, kPrecedenceRange + 1);
}

void SqlWriter::in_list(const ast::InListExpr& node) {
  expr(*node.operand, kPrecedenceRange);
  add(node.negated ? " NOT IN (" : " IN (");
  exprs(node.items);
  add(")");
}

void SqlWriter::in_subquery(const ast::InSubqueryExpr& node) {
  expr(*node.operand, kPrecedenceRange);
  add(node.negated ? " NOT IN (" : " IN (");
  query(*node.query);
  add(")");
}

void SqlWriter::like(const ast::LikeExpr& node) {
  expr(*node.operand, kPrecedenceRange);
  if (node.negated) add(" NOT");
  add(node.similar ? " SIMILAR TO " : " LIKE ");
  expr(*node.pattern, kPrecedenceRange + 1);
  if (node.escape == nullptr) return;
  add(" ESCAPE ");
  expr(*node.escape, kPrecedenceRange + 1);
}

void SqlWriter::case_expr(const ast::CaseExpr& node) {
  add("CASE");
  if (node.operand != nullptr) {
    add(" ");
    expr(*node.operand);
  }
  for (const ast::CaseBranch& branch : node.branches) {
    add(" WHEN ");
    expr(*branch.condition);
    add(" THEN ");
    expr(*branch.result);
  }
  if (node.otherwise != nullptr) {
    add(" ELSE ");
    expr(*node.otherwise);
  }
  add(" END");
}

void SqlWriter::call(const ast::CallExpr& node) {
  const bool bare = node.name.parts.size() == 1 && !node.name.parts.front().quoted;
  if (bare) {
    add(node.name.parts.front().name);
  } else {
    name(node.name);
  }
  if (node.without_parentheses) return;
  add("(");
  if (node.star) {
    add("*");
  } else if (!bare || !special_arguments(node)) {
    if (node.distinct) add("DISTINCT ");
    exprs(node.arguments);
  }
  add(")");
  call_suffix(node);
}

// False: the arguments are to be separated by commas.
bool SqlWriter::special_arguments(const ast::CallExpr& node) {
  const std::string function = node.simple_name();
  const auto& arguments = node.arguments;
  const auto symbol_at = [&](std::size_t i) {
    return i < arguments.size() && arguments[i]->kind == ExprKind::kSymbol;
  };
  const auto joined = [&](std::initializer_list<std::string_view> words) {
    std::size_t i = 0;
    for (const std::string_view word : words) {
      if (i >= arguments.size()) break;
      add(word);
      expr(*arguments[i++]);
    }
    return true;
  };
  if (function == "EXTRACT" && symbol_at(0)) return joined({"", " FROM "});
  if (function == "TRIM" && symbol_at(0)) return joined({"", " ", " FROM "});
  if ((function == "FLOOR" || function == "CEIL" || function == "CEILING") && symbol_at(1)) {
    return joined({"", " TO "});
  }
  if (function == "OVERLAY") return joined({"", " PLACING ", " FROM ", " FOR "});
  if (function == "POSITION" && arguments.size() == 2) {
    expr(*arguments[0], kPrecedenceRange + 1);
    add(" IN ");
    expr(*arguments[1]);
    return true;
  }
  return false;
}

void SqlWriter::call_suffix(const ast::CallExpr& node) {
  if (node.ignore_nulls) add(*node.ignore_nulls ? " IGNORE NULLS" : " RESPECT NULLS");
  if (!node.within_group.empty()) {
    add(" WITHIN GROUP (");
    order_by(node.within_group);
    add(")");
  }
  if (node.filter != nullptr) {
    add(" FILTER (WHERE ");
    expr(*node.filter);
    add(")");
  }
  if (node.over == nullptr) return;
  add(" OVER ");
  if (node.over->only_name) {
    identifier(*node.over->base);
  } else {
    window_spec(*node.over);
  }
}

void SqlWriter::json_behavior(const ast::JsonBehavior& node, std::string_view when) {
  static constexpr std::array<std::string_view, 8> kFallbacks{
      "NULL", "ERROR", "DEFAULT ", "EMPTY ARRAY", "EMPTY OBJECT", "TRUE", "FALSE", "UNKNOWN"};
  add(" ");
  add(kFallbacks[static_cast<std::size_t>(node.fallback)]);
  if (node.value != nullptr) expr(*node.value);
  add(" ON ");
  add(when);
}

void SqlWriter::json_call(const ast::JsonCallExpr& node) {
  static constexpr std::array<std::string_view, 3> kWrappers{" WITHOUT ARRAY WRAPPER",
                                                             " WITH CONDITIONAL ARRAY WRAPPER",
                                                             " WITH UNCONDITIONAL ARRAY WRAPPER"};
  add(node.function);
  add("(");
  if (node.function == "JSON_OBJECT") {
    for (std::size_t i = 0; i + 1 < node.arguments.size(); i += 2) {
      add(i == 0 ? "KEY " : ", KEY ");
      expr(*node.arguments[i]);
      add(" VALUE ");
      expr(*node.arguments[i + 1]);
    }
  } else {
    exprs(node.arguments);
  }
  if (node.returning != nullptr) {
    add(" RETURNING ");
    type(*node.returning);
  }
  if (node.wrapper) add(kWrappers[static_cast<std::size_t>(*node.wrapper)]);
  if (node.on_empty) json_behavior(*node.on_empty, "EMPTY");
  if (node.on_error) json_behavior(*node.on_error, "ERROR");
  if (node.absent_on_null) add(*node.absent_on_null ? " ABSENT ON NULL" : " NULL ON NULL");
  add(")");
}

void SqlWriter::table_argument(const ast::TableArgument& node) {
  add("TABLE ");
  if (node.name) {
    name(*node.name);
  } else {
    add("(");
    query(*node.query);
    add(")");
  }
  if (!node.partition_by.empty()) {
    add(" PARTITION BY (");
    exprs(node.partition_by);
    add(")");
  }
  if (node.order_by.empty()) return;
  add(" ORDER BY (");
  list(node.order_by, [this](const ast::SortItem& item) {
    expr(*item.expr);
    if (item.descending) add(" DESC");
  });
  add(")");
}

void SqlWriter::order_by(const std::vector<ast::SortItem>& items) {
  add("ORDER BY ");
  list(items, [this](const ast::SortItem& item) {
    expr(*item.expr);
    if (item.descending) add(" DESC");
    if (item.nulls_first) add(*item.nulls_first ? " NULLS FIRST" : " NULLS LAST");
  });
}

void SqlWriter::window_spec(const ast::WindowSpec& node) {
  add("(");
  std::string_view gap;
  const auto clause = [&] {
    add(gap);
    gap = " ";
  };
  if (node.base) {
    clause();
    identifier(*node.base);
  }
  if (!node.partition_by.empty()) {
    clause();
    add("PARTITION BY ");
    exprs(node.partition_by);
  }
  if (!node.order_by.empty()) {
    clause();
    order_by(node.order_by);
  }
  if (node.frame) {
    clause();
    add(node.frame->rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
    frame_bound(node.frame->start, node.frame->start_offset.get());
    add(" AND ");
    frame_bound(node.frame->end, node.frame->end_offset.get());
  }
  add(")");
}

void SqlWriter::frame_bound(ast::FrameBound bound, const ast::Expr* offset) {
  switch (bound) {
    case ast::FrameBound::kUnboundedPreceding:
      add("UNBOUNDED PRECEDING");
      return;
    case ast::FrameBound::kUnboundedFollowing:
      add("UNBOUNDED FOLLOWING");
      return;
    case ast::FrameBound::kCurrentRow:
      add("CURRENT ROW");
      return;
    case ast::FrameBound::kPreceding:
    case ast::FrameBound::kFollowing:
      break;
  }
  expr(*offset, kPrecedenceRange + 1);
  add(bound == ast::FrameBound::kPreceding ? " PRECEDING" : " FOLLOWING");
}

}  // namespace slipstream::sql
