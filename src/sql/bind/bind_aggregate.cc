// SELECT with GROUP BY or aggregates: keys and arguments are projected below the aggregate, items
// above it.
#include <algorithm>

#include "base/try.h"
#include "sql/bind/query_binder.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {

using expr::ExprPtr;

namespace {

// Collects what the aggregate node needs while the select items are bound.
struct Grouping {
  std::vector<ExprPtr>
      below;  // projections under the aggregate: keys first, then arguments and filters
  std::vector<std::string> names;
  std::size_t keys = 0;
  std::vector<AggregateCall> calls;

  std::size_t add(ExprPtr e) {
    for (std::size_t i = keys; i < below.size(); ++i) {
      if (expr::equal(*below[i], *e)) return i;
    }
    const bool is_column = e->kind == expr::ExprKind::kColumn && !e->text.empty();
    names.push_back(is_column ? e->text : "$f" + std::to_string(below.size()));
    below.push_back(std::move(e));
    return below.size() - 1;
  }
};

bool same_call(const AggregateCall& a, const AggregateCall& b) {
  return a.function == b.function && a.args == b.args && a.distinct == b.distinct &&
         a.filter == b.filter;
}

// Binds one aggregate call over the input; the answer is its position in `grouping.calls`.
std::optional<std::size_t> add_call(const ast::CallExpr& e, ExprBinder& below, Grouping& grouping) {
  AggregateCall call;
  call.function = expr::find_aggregate(e.simple_name());
  call.distinct = e.distinct;
  call.name = to_sql(e);
  call.span = e.span;
  std::vector<ExprPtr> arguments;
  std::vector<Type> types;
  for (const auto& argument : e.arguments) {
    if (contains_aggregate(*argument)) {
      below.report(argument->span, "an aggregate inside an aggregate", "use a subquery");
      return std::nullopt;
    }
    ExprPtr bound = below.bind(*argument);
    if (!bound) return std::nullopt;
    types.push_back(bound->type);
    arguments.push_back(std::move(bound));
  }
  if (e.star != (arguments.empty())) {
    below.report(e.span, call.function->name + " takes an argument");
    return std::nullopt;
  }
  if (call.distinct && arguments.size() != 1) {
    below.report(e.span, "DISTINCT takes one argument");
    return std::nullopt;
  }
  auto signature = call.function->resolve(types);
  if (!signature.ok()) {
    below.report(e.span, signature.error().message);
    return std::nullopt;
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    call.args.push_back(grouping.add(
        expr::cast(arguments[i], signature->args[i].with_nullable(arguments[i]->type.nullable()))));
  }
  call.arg_types = signature->args;
  call.result = signature->result;
  if (e.filter) {
    ExprPtr filter = below.bind_predicate(*e.filter, "FILTER");
    if (!filter) return std::nullopt;
    call.filter = grouping.add(std::move(filter));
  }
  for (std::size_t i = 0; i < grouping.calls.size(); ++i) {
    if (same_call(grouping.calls[i], call)) return i;
  }
  grouping.calls.push_back(std::move(call));
  return grouping.calls.size() - 1;
}

// GROUP BY 1 is not Flink's; GROUP BY alias is: an unknown name that is an alias of an item means
// that item.
const ast::Expr* group_expression(const ast::Expr& e, const ast::SelectBody& select,
                                  ExprBinder& binder) {
  const auto* column = ast::as_if<ast::ColumnRef>(e);
  if (column == nullptr || column->name.parts.size() != 1 ||
      binder.find_column(column->name, false))
    return &e;
  for (const ast::SelectItem& item : select.items) {
    if (item.alias && item.alias->name == column->name.parts[0].name) return item.expr.get();
  }
  return &e;
}

// The aggregate node over `below`, a windowed one when both ends of a window are grouped.
RelPtr aggregate_node(RelPtr below, Grouping grouping) {
  auto rel = std::make_unique<Rel>();
  std::optional<std::size_t> start;
  std::optional<std::size_t> end;
  for (std::size_t i = 0; i < grouping.keys; ++i) {
    if (below->traits[i].window == ColumnTrait::Window::kStart) start = i;
    if (below->traits[i].window == ColumnTrait::Window::kEnd) end = i;
  }
  const bool windowed = start && end;
  rel->kind = windowed ? RelKind::kWindowAggregate : RelKind::kGroupAggregate;
  rel->updating = windowed ? false : true;
  if (windowed) rel->window_start = *start, rel->window_end = *end;
  const Schema& input = below->schema;
  for (std::size_t i = 0; i < grouping.keys; ++i) {
    if (windowed && below->traits[i].window != ColumnTrait::Window::kNone) continue;
    rel->keys.push_back(i);
    rel->schema.add(input[i].name, input[i].type);
    rel->traits.push_back(ColumnTrait{});
  }
  for (const AggregateCall& call : grouping.calls) {
    rel->schema.add(call.name, call.result);
    rel->traits.push_back(ColumnTrait{});
  }
  for (std::size_t i = 0; windowed && i < grouping.keys; ++i) {
    const auto window = below->traits[i].window;
    if (window == ColumnTrait::Window::kNone) continue;
    rel->window_outputs.push_back(window == ColumnTrait::Window::kStart ? flow::WindowColumn::kStart
                                  : window == ColumnTrait::Window::kEnd
                                      ? flow::WindowColumn::kEnd
                                      : flow::WindowColumn::kTime);
    rel->schema.add(input[i].name, input[i].type);
    ColumnTrait trait;
    trait.window = window;
    trait.rowtime = window == ColumnTrait::Window::kTime;
    rel->traits.push_back(trait);
  }
  rel->calls = std::move(grouping.calls);
  rel->inputs.push_back(std::move(below));
  return rel;
}

// Where key i of the grouping and call i come out of the aggregate node.
struct OutputPlaces {
  std::vector<std::size_t> keys;
  std::size_t calls = 0;

  static OutputPlaces of(const Grouping& grouping, const std::vector<ColumnTrait>& below,
                         bool windowed) {
    OutputPlaces places;
    places.keys.resize(grouping.keys);
    std::size_t plain = 0;
    for (std::size_t i = 0; i < grouping.keys; ++i) {
      if (!windowed || below[i].window == ColumnTrait::Window::kNone) places.keys[i] = plain++;
    }
    places.calls = plain;
    std::size_t window = plain + grouping.calls.size();
    for (std::size_t i = 0; i < grouping.keys; ++i) {
      if (windowed && below[i].window != ColumnTrait::Window::kNone) places.keys[i] = window++;
    }
    return places;
  }
};

// The grouping keys; nullopt when one of them does not bind.
std::optional<Grouping> bind_group_keys(const ast::SelectBody& select, ExprBinder& below,
                                        std::vector<Diagnostic>& diagnostics) {
  Grouping grouping;
  bool ok = true;
  for (const ast::GroupingItem& item : select.group_by) {
    if (item.kind != ast::GroupingKind::kExpression) {
      diagnostics.push_back(
          Diagnostic::at(item.span, "GROUPING SETS, ROLLUP and CUBE are not supported"));
      return std::nullopt;
    }
    for (const auto& node : item.sets[0]) {
      const ast::Expr* source = group_expression(*node, select, below);
      ExprPtr key = below.bind(*source);
      ok = ok && key;
      if (!key) continue;
      const auto* column = ast::as_if<ast::ColumnRef>(*source);
      grouping.names.push_back(column ? column->name.parts.back().name
                                      : "$k" + std::to_string(grouping.below.size()));
      grouping.below.push_back(std::move(key));
    }
  }
  if (!ok) return std::nullopt;
  grouping.keys = grouping.below.size();
  return grouping;
}

// Calls and keys become provisional columns first: call i -> kCall + i, key i -> i.
constexpr std::size_t kCall = 4096;

std::optional<std::size_t> key_equal_to(const Grouping& grouping, const expr::Expr& bound) {
  for (std::size_t i = 0; i < grouping.keys; ++i) {
    if (expr::equal(*grouping.below[i], bound)) return i;
  }
  return std::nullopt;
}

// What the provisional columns stand for above the aggregate.
std::vector<ExprPtr> output_columns(const Grouping& grouping, const OutputPlaces& places) {
  std::vector<ExprPtr> columns(kCall + grouping.calls.size());
  for (std::size_t i = 0; i < grouping.keys; ++i)
    columns[i] = expr::column(places.keys[i], grouping.below[i]->type, grouping.names[i]);
  for (std::size_t i = 0; i < grouping.calls.size(); ++i) {
    columns[kCall + i] =
        expr::column(places.calls + i, grouping.calls[i].result, grouping.calls[i].name);
  }
  return columns;
}

}  // namespace

RelPtr QueryBinder::bind_aggregate(const ast::SelectBody& select, RelPtr input,
                                   const Scope& scope) {
  ExprBinder below(scope, diagnostics_);
  auto keys = bind_group_keys(select, below, diagnostics_);
  if (!keys) return nullptr;
  Grouping grouping = std::move(*keys);
  bool ok = true;
  ExprBinder above(scope, diagnostics_);
  above.set_intercept([&](const ast::Expr& e, bool* handled) -> ExprPtr {
    const auto* call = ast::as_if<ast::CallExpr>(e);
    if (call != nullptr && !call->over && expr::find_aggregate(call->simple_name()) != nullptr) {
      *handled = true;
      const auto index = add_call(*call, below, grouping);
      return index ? expr::column(kCall + *index, grouping.calls[*index].result, to_sql(e))
                   : nullptr;
    }
    if (contains_aggregate(e)) return nullptr;
    std::vector<Diagnostic> silent;
    ExprBinder probe(scope, silent);
    const ExprPtr bound = probe.bind(e);
    if (const auto key = bound ? key_equal_to(grouping, *bound) : std::nullopt) {
      *handled = true;
      return expr::column(*key, bound->type, grouping.names[*key]);
    }
    if (bound && e.kind == ast::ExprKind::kColumn) {
      *handled = true;
      report(e.span, "column '" + to_sql(e) + "' is neither grouped nor aggregated",
             "add it to GROUP BY, or wrap it in an aggregate such as MAX(" + to_sql(e) + ")");
    }
    return nullptr;
  });
  std::vector<ExprPtr> items;
  std::vector<std::string> names;
  for (const ast::SelectItem& item : select.items) {
    if (item.expr->kind == ast::ExprKind::kStar) {
      report(item.expr->span, "SELECT * does not go with GROUP BY", "name the grouped columns");
      ok = false;
      continue;
    }
    ExprPtr bound = above.bind(*item.expr);
    ok = ok && bound;
    names.push_back(item_name(item, names.size()));
    items.push_back(std::move(bound));
  }
  ExprPtr having = select.having ? above.bind_predicate(*select.having, "HAVING") : nullptr;
  if (!ok || (select.having && !having)) return nullptr;

  RelPtr projected = make_calc(std::move(input), nullptr, grouping.below, grouping.names);
  const std::vector<ColumnTrait> traits = projected->traits;
  const Grouping places_of = grouping;
  RelPtr node = aggregate_node(std::move(projected), std::move(grouping));
  const auto places = OutputPlaces::of(places_of, traits, node->kind == RelKind::kWindowAggregate);
  const std::vector<ExprPtr> columns = output_columns(places_of, places);
  for (ExprPtr& item : items) item = expr::substitute(item, columns);
  if (having) node = make_filter(std::move(node), expr::substitute(having, columns));
  return project(std::move(node), std::move(items), std::move(names));
}

}  // namespace slipstream::sql
