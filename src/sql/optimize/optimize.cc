#include "sql/optimize/optimize.h"

#include <algorithm>
#include <set>

#include "base/try.h"
#include "sql/optimize/offers.h"

namespace slipstream::sql {

using expr::ExprPtr;

namespace {

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields()) names.push_back(field.name);
  return names;
}

std::vector<ExprPtr> identity_projections(const Schema& schema) {
  std::vector<ExprPtr> projections;
  for (std::size_t i = 0; i < schema.size(); ++i)
    projections.push_back(expr::column(i, schema[i].type, schema[i].name));
  return projections;
}

bool is_plain(const ExprPtr& e) {
  return e->kind == expr::ExprKind::kColumn || e->kind == expr::ExprKind::kLiteral;
}

// e over columns [begin, begin + count) moved down to start at 0.
ExprPtr shift(const ExprPtr& e, std::size_t begin, const Schema& below) {
  std::vector<ExprPtr> replacements(begin + below.size());
  for (std::size_t i = 0; i < below.size(); ++i)
    replacements[begin + i] = expr::column(i, below[i].type, below[i].name);
  return expr::substitute(e, replacements);
}

bool reads_only(const ExprPtr& e, std::size_t begin, std::size_t end) {
  const auto columns = expr::columns_read(*e);
  return !columns.empty() && columns.front() >= begin && columns.back() < end;
}

// Adds a predicate directly below `rel`'s input `index`.
void filter_input(Rel& rel, std::size_t index, std::vector<ExprPtr> conjuncts) {
  if (conjuncts.empty()) return;
  rel.inputs[index] = push_filters(
      make_filter(std::move(rel.inputs[index]), expr::conjunction(std::move(conjuncts))));
}

std::vector<ExprPtr> push_into_join(Rel& join, std::vector<ExprPtr> conjuncts) {
  const std::size_t left = join.inputs[0]->schema.size();
  const std::size_t total = join.schema.size();
  std::vector<ExprPtr> to_left;
  std::vector<ExprPtr> to_right;
  std::vector<ExprPtr> on;
  for (const ExprPtr& conjunct : conjuncts) {
    if (expr::deterministic(*conjunct) && reads_only(conjunct, 0, left)) {
      to_left.push_back(conjunct);
    } else if (expr::deterministic(*conjunct) && reads_only(conjunct, left, total)) {
      to_right.push_back(shift(conjunct, left, join.inputs[1]->schema));
    } else {
      on.push_back(conjunct);
    }
  }
  filter_input(join, 0, std::move(to_left));
  filter_input(join, 1, std::move(to_right));
  return on;
}

std::vector<ExprPtr> push_into_union(Rel& node, const std::vector<ExprPtr>& conjuncts) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) filter_input(node, i, conjuncts);
  return {};
}

std::vector<ExprPtr> push_into_window(Rel& node, const std::vector<ExprPtr>& conjuncts) {
  std::vector<ExprPtr> below;
  std::vector<ExprPtr> kept;
  for (const ExprPtr& conjunct : conjuncts) {
    const bool pushable =
        expr::deterministic(*conjunct) && reads_only(conjunct, 0, node.inputs[0]->schema.size());
    (pushable ? below : kept).push_back(conjunct);
  }
  filter_input(node, 0, std::move(below));
  return kept;
}

// What is said of keys alone holds for whole groups. Without keys the one group must stay.
std::vector<ExprPtr> push_into_aggregate(Rel& node, const std::vector<ExprPtr>& conjuncts) {
  std::vector<ExprPtr> below;
  std::vector<ExprPtr> kept;
  std::vector<ExprPtr> keys(node.keys.size());
  const Schema& input = node.inputs[0]->schema;
  for (std::size_t i = 0; i < keys.size(); ++i)
    keys[i] = expr::column(node.keys[i], input[node.keys[i]].type, input[node.keys[i]].name);
  for (const ExprPtr& conjunct : conjuncts) {
    if (expr::deterministic(*conjunct) && reads_only(conjunct, 0, keys.size()))
      below.push_back(expr::substitute(conjunct, keys));
    else
      kept.push_back(conjunct);
  }
  filter_input(node, 0, std::move(below));
  return kept;
}

}  // namespace

RelPtr push_filters(RelPtr rel) {
  for (RelPtr& input : rel->inputs) input = push_filters(std::move(input));
  if (rel->kind == RelKind::kJoin && rel->predicate) {
    auto on = push_into_join(*rel, expr::split_conjunction(rel->predicate));
    rel->predicate = on.empty() ? nullptr : expr::conjunction(std::move(on));
  }
  if (rel->kind != RelKind::kCalc || !rel->predicate) return rel;
  Rel& below = *rel->inputs[0];
  std::vector<ExprPtr> conjuncts = expr::split_conjunction(rel->predicate);
  if (below.kind == RelKind::kCalc && !below.predicate &&
      std::all_of(conjuncts.begin(), conjuncts.end(),
                  [](const ExprPtr& e) { return expr::deterministic(*e); }) &&
      std::all_of(below.projections.begin(), below.projections.end(), is_plain)) {
    below.predicate = expr::substitute(rel->predicate, below.projections);
    rel->predicate = nullptr;
    rel->inputs[0] = push_filters(std::move(rel->inputs[0]));
    return rel;
  }
  if (below.kind == RelKind::kJoin) {
    auto rest = push_into_join(below, std::move(conjuncts));
    if (below.predicate) rest.push_back(below.predicate);
    below.predicate = rest.empty() ? nullptr : expr::conjunction(std::move(rest));
    conjuncts.clear();
  } else if (below.kind == RelKind::kUnion) {
    conjuncts = push_into_union(below, conjuncts);
  } else if (below.kind == RelKind::kWindowTable) {
    conjuncts = push_into_window(below, conjuncts);
  } else if (below.kind == RelKind::kGroupAggregate || below.kind == RelKind::kWindowAggregate) {
    conjuncts = push_into_aggregate(below, conjuncts);
  }
  rel->predicate = conjuncts.empty() ? nullptr : expr::conjunction(std::move(conjuncts));
  return rel;
}

RelPtr merge_calcs(RelPtr rel) {
  for (RelPtr& input : rel->inputs) input = merge_calcs(std::move(input));
  if (rel->kind != RelKind::kCalc) return rel;
  while (rel->inputs[0]->kind == RelKind::kCalc) {
    Rel& below = *rel->inputs[0];
    // an expression used twice above would be computed twice after the merge (the program shares
    // it), but a non-deterministic one must stay single
    const bool safe =
        std::all_of(below.projections.begin(), below.projections.end(),
                    [](const ExprPtr& e) { return is_plain(e) || expr::deterministic(*e); });
    if (!safe) break;
    std::vector<ExprPtr> conjuncts;
    if (below.predicate) conjuncts.push_back(below.predicate);
    if (rel->predicate) conjuncts.push_back(expr::substitute(rel->predicate, below.projections));
    for (ExprPtr& projection : rel->projections)
      projection = expr::substitute(projection, below.projections);
    rel->predicate = conjuncts.empty() ? nullptr : expr::conjunction(std::move(conjuncts));
    RelPtr deeper = std::move(below.inputs[0]);
    rel->inputs[0] = std::move(deeper);
  }
  // a calc that changes nothing
  if (!rel->predicate && rel->schema == rel->inputs[0]->schema) {
    bool same = true;
    for (std::size_t i = 0; i < rel->projections.size(); ++i) {
      same = same && rel->projections[i]->kind == expr::ExprKind::kColumn &&
             rel->projections[i]->index == i;
    }
    if (same) {
      RelPtr input = std::move(rel->inputs[0]);
      input->traits = rel->traits;
      return input;
    }
  }
  return rel;
}

namespace {

// Makes `e`, over `rel`, a column of it: an existing one or one more, computed in a Calc on top.
std::size_t as_column(RelPtr& rel, const ExprPtr& e, std::vector<ExprPtr>& extra) {
  if (e->kind == expr::ExprKind::kColumn) return e->index;
  for (std::size_t i = 0; i < extra.size(); ++i) {
    if (expr::equal(*extra[i], *e)) return rel->schema.size() + i;
  }
  extra.push_back(e);
  return rel->schema.size() + extra.size() - 1;
}

RelPtr with_extra(RelPtr rel, const std::vector<ExprPtr>& extra) {
  if (extra.empty()) return rel;
  auto projections = identity_projections(rel->schema);
  auto names = column_names(rel->schema);
  for (const ExprPtr& e : extra) {
    names.push_back("$key" + std::to_string(projections.size()));
    projections.push_back(e);
  }
  return make_calc(std::move(rel), nullptr, std::move(projections), std::move(names));
}

struct Equality {
  ExprPtr left;   // over the left input
  ExprPtr right;  // over the right input
};

std::optional<Equality> as_equality(const ExprPtr& e, const Rel& join) {
  if (e->kind != expr::ExprKind::kCall || e->function->relation != expr::Relation::kEqual ||
      e->args.size() != 2)
    return std::nullopt;
  const std::size_t left = join.inputs[0]->schema.size();
  const std::size_t total = join.schema.size();
  for (const bool swapped : {false, true}) {
    const ExprPtr& a = e->args[swapped ? 1 : 0];
    const ExprPtr& b = e->args[swapped ? 0 : 1];
    if (reads_only(a, 0, left) && reads_only(b, left, total) && same_type(a->type, b->type) &&
        expr::deterministic(*e)) {
      return Equality{a, shift(b, left, join.inputs[1]->schema)};
    }
  }
  return std::nullopt;
}

}  // namespace

RelPtr find_join_keys(RelPtr rel, std::vector<Diagnostic>& diagnostics) {
  for (RelPtr& input : rel->inputs) input = find_join_keys(std::move(input), diagnostics);
  if (rel->kind != RelKind::kJoin || !rel->left_keys.empty()) return rel;
  std::vector<ExprPtr> rest;
  std::vector<ExprPtr> left_extra;
  std::vector<ExprPtr> right_extra;
  if (rel->predicate) {
    for (const ExprPtr& conjunct : expr::split_conjunction(rel->predicate)) {
      const auto equality = as_equality(conjunct, *rel);
      if (!equality) {
        rest.push_back(conjunct);
        continue;
      }
      rel->left_keys.push_back(as_column(rel->inputs[0], equality->left, left_extra));
      rel->right_keys.push_back(as_column(rel->inputs[1], equality->right, right_extra));
    }
  }
  if (rel->left_keys.empty()) {
    diagnostics.push_back(Diagnostic::at(rel->span,
                                         "a join of two streams needs an equality between them",
                                         "JOIN b ON a.id = b.id"));
    return rel;
  }
  const std::size_t left = rel->inputs[0]->schema.size();
  const std::size_t right = rel->inputs[1]->schema.size();
  rel->inputs[0] = with_extra(std::move(rel->inputs[0]), left_extra);
  rel->inputs[1] = with_extra(std::move(rel->inputs[1]), right_extra);
  // the join's output has the key columns too; a Calc above takes them away
  Schema old_schema = rel->schema;
  std::vector<ExprPtr> places;
  const std::size_t new_left = rel->inputs[0]->schema.size();
  for (std::size_t i = 0; i < left + right; ++i) {
    const std::size_t at = i < left ? i : new_left + (i - left);
    places.push_back(expr::column(at, old_schema[i].type, old_schema[i].name));
  }
  if (!rest.empty())
    rel->predicate = expr::substitute(expr::conjunction(std::move(rest)), places);
  else
    rel->predicate = nullptr;
  if (left_extra.empty() && right_extra.empty()) return rel;
  rel->schema = Schema();
  for (const RelPtr& input : rel->inputs) {
    for (const Field& field : input->schema.fields()) rel->schema.add(field.name, field.type);
  }
  rel->traits.assign(rel->schema.size(), ColumnTrait{});
  return make_calc(std::move(rel), nullptr, std::move(places), column_names(old_schema));
}

namespace {

// Columns `needed` of rel's output are used above; the answer maps old positions to new ones.
using Mapping = std::vector<std::size_t>;
RelPtr prune(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping);

ExprPtr remap(const ExprPtr& e, const Mapping& mapping, const Schema& schema) {
  std::vector<ExprPtr> replacements(mapping.size());
  for (const std::size_t i : expr::columns_read(*e)) {
    replacements[i] = expr::column(mapping[i], schema[mapping[i]].type, schema[mapping[i]].name);
  }
  return expr::substitute(e, replacements);
}

void add_columns(const ExprPtr& e, std::set<std::size_t>& out) {
  if (!e) return;
  for (const std::size_t i : expr::columns_read(*e)) out.insert(i);
}

std::set<std::size_t> all_columns(const Rel& rel) {
  std::set<std::size_t> all;
  for (std::size_t i = 0; i < rel.schema.size(); ++i) all.insert(i);
  return all;
}

// Keeps only `needed` of the node's own schema and traits.
void keep_outputs(Rel& rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  mapping->assign(rel.schema.size(), 0);
  Schema schema;
  std::vector<ColumnTrait> traits;
  for (const std::size_t i : needed) {
    (*mapping)[i] = schema.size();
    schema.add(rel.schema[i].name, rel.schema[i].type);
    traits.push_back(rel.traits[i]);
  }
  rel.schema = std::move(schema);
  rel.traits = std::move(traits);
}

RelPtr prune_scan(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  ScanSpec& scan = *rel->scan;
  std::vector<std::size_t> physical;
  std::vector<std::size_t> metadata;
  for (const std::size_t i : needed) {
    if (i < scan.physical.size())
      physical.push_back(scan.physical[i]);
    else
      metadata.push_back(scan.metadata[i - scan.physical.size()]);
  }
  keep_outputs(*rel, needed, mapping);
  scan.physical = std::move(physical);
  scan.metadata = std::move(metadata);
  return rel;
}

RelPtr prune_calc(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  std::set<std::size_t> below;
  add_columns(rel->predicate, below);
  std::vector<ExprPtr> projections;
  for (const std::size_t i : needed) {
    add_columns(rel->projections[i], below);
    projections.push_back(rel->projections[i]);
  }
  keep_outputs(*rel, needed, mapping);
  Mapping moved;
  rel->inputs[0] = prune(std::move(rel->inputs[0]), below, &moved);
  for (ExprPtr& e : projections) e = remap(e, moved, rel->inputs[0]->schema);
  if (rel->predicate) rel->predicate = remap(rel->predicate, moved, rel->inputs[0]->schema);
  rel->projections = std::move(projections);
  return rel;
}

RelPtr prune_watermark(RelPtr rel, std::set<std::size_t> needed, Mapping* mapping) {
  needed.insert(rel->time_column);
  std::set<std::size_t> below = needed;
  add_columns(rel->watermark, below);
  Mapping moved;
  rel->inputs[0] = prune(std::move(rel->inputs[0]), below, &moved);
  const std::vector<ColumnTrait> old = rel->traits;
  rel->schema = rel->inputs[0]->schema;
  rel->traits.assign(rel->schema.size(), ColumnTrait{});
  for (const std::size_t i : below) rel->traits[moved[i]] = old[i];
  rel->time_column = moved[rel->time_column];
  rel->watermark = remap(rel->watermark, moved, rel->schema);
  *mapping = moved;
  return rel;
}

RelPtr prune_window_table(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  const std::size_t count = rel->inputs[0]->schema.size();
  std::set<std::size_t> below = {rel->window.time_column};
  for (const std::size_t i : needed) {
    if (i < count) below.insert(i);
  }
  std::set<std::size_t> kept = below;
  for (std::size_t i = count; i < count + 3; ++i) kept.insert(i);
  Mapping moved;
  keep_outputs(*rel, kept, mapping);
  rel->inputs[0] = prune(std::move(rel->inputs[0]), below, &moved);
  rel->window.time_column = moved[rel->window.time_column];
  // the input may have kept more than was asked for: its columns come first in ours
  const std::size_t now = rel->inputs[0]->schema.size();
  if (now != below.size()) {
    Schema schema = rel->inputs[0]->schema;
    std::vector<ColumnTrait> traits(now);
    for (const std::size_t i : below) traits[moved[i]] = rel->traits[(*mapping)[i]];
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t from = (*mapping)[count + i];
      schema.add(rel->schema[from].name, rel->schema[from].type);
      traits.push_back(rel->traits[from]);
    }
    rel->schema = std::move(schema);
    rel->traits = std::move(traits);
  }
  for (const std::size_t i : below) (*mapping)[i] = moved[i];
  for (std::size_t i = 0; i < 3; ++i) (*mapping)[count + i] = now + i;
  return rel;
}

RelPtr prune_join(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  const std::size_t left = rel->inputs[0]->schema.size();
  std::set<std::size_t> used = needed;
  add_columns(rel->predicate, used);
  for (const std::size_t i : rel->left_keys) used.insert(i);
  for (const std::size_t i : rel->right_keys) used.insert(left + i);
  std::set<std::size_t> sides[2];
  for (const std::size_t i : used) sides[i < left ? 0 : 1].insert(i < left ? i : i - left);
  Mapping moved[2];
  for (std::size_t side = 0; side < 2; ++side) {
    rel->inputs[side] = prune(std::move(rel->inputs[side]), sides[side], &moved[side]);
  }
  const std::size_t new_left = rel->inputs[0]->schema.size();
  mapping->assign(rel->schema.size(), 0);
  for (const std::size_t i : used)
    (*mapping)[i] = i < left ? moved[0][i] : new_left + moved[1][i - left];
  rel->schema = Schema();
  for (const RelPtr& input : rel->inputs) {
    for (const Field& field : input->schema.fields()) rel->schema.add(field.name, field.type);
  }
  rel->traits.assign(rel->schema.size(), ColumnTrait{});
  for (std::size_t& key : rel->left_keys) key = moved[0][key];
  for (std::size_t& key : rel->right_keys) key = moved[1][key];
  if (rel->predicate) rel->predicate = remap(rel->predicate, *mapping, rel->schema);
  return rel;
}

RelPtr prune_aggregate(RelPtr rel, Mapping* mapping) {
  std::set<std::size_t> below(rel->keys.begin(), rel->keys.end());
  if (rel->kind == RelKind::kWindowAggregate) below.insert({rel->window_start, rel->window_end});
  for (const AggregateCall& call : rel->calls) {
    below.insert(call.args.begin(), call.args.end());
    if (call.filter) below.insert(*call.filter);
  }
  Mapping moved;
  rel->inputs[0] = prune(std::move(rel->inputs[0]), below, &moved);
  for (std::size_t& key : rel->keys) key = moved[key];
  if (rel->kind == RelKind::kWindowAggregate) {
    rel->window_start = moved[rel->window_start];
    rel->window_end = moved[rel->window_end];
  }
  for (AggregateCall& call : rel->calls) {
    for (std::size_t& arg : call.args) arg = moved[arg];
    if (call.filter) call.filter = moved[*call.filter];
  }
  mapping->resize(rel->schema.size());
  for (std::size_t i = 0; i < mapping->size(); ++i) (*mapping)[i] = i;
  return rel;
}

RelPtr prune(RelPtr rel, const std::set<std::size_t>& needed, Mapping* mapping) {
  switch (rel->kind) {
    case RelKind::kScan:
      return prune_scan(std::move(rel), needed, mapping);
    case RelKind::kCalc:
      return prune_calc(std::move(rel), needed, mapping);
    case RelKind::kWatermark:
      return prune_watermark(std::move(rel), needed, mapping);
    case RelKind::kWindowTable:
      return prune_window_table(std::move(rel), needed, mapping);
    case RelKind::kJoin:
      return prune_join(std::move(rel), needed, mapping);
    case RelKind::kGroupAggregate:
    case RelKind::kWindowAggregate:
      return prune_aggregate(std::move(rel), mapping);
    case RelKind::kUnion:
    case RelKind::kSink:
    case RelKind::kCollect: {
      for (RelPtr& input : rel->inputs) {
        const std::set<std::size_t> all = all_columns(*input);
        Mapping moved;
        const auto names = column_names(input->schema);
        const Schema before = input->schema;
        input = prune(std::move(input), all, &moved);
        bool same = input->schema.size() == before.size();
        for (std::size_t i = 0; i < moved.size(); ++i) same = same && moved[i] == i;
        if (same) continue;
        std::vector<ExprPtr> places;
        for (std::size_t i = 0; i < moved.size(); ++i)
          places.push_back(expr::column(moved[i], before[i].type, before[i].name));
        input = make_calc(std::move(input), nullptr, std::move(places), names);
      }
      break;
    }
    case RelKind::kValues:
      break;
  }
  mapping->resize(rel->schema.size());
  for (std::size_t i = 0; i < mapping->size(); ++i) (*mapping)[i] = i;
  return rel;
}

std::optional<Predicate::Comparison> comparison_of(expr::Relation relation, bool turned) {
  using Comparison = Predicate::Comparison;
  switch (relation) {
    case expr::Relation::kEqual:
      return Comparison::kEqual;
    case expr::Relation::kNotEqual:
      return Comparison::kNotEqual;
    case expr::Relation::kLess:
      return turned ? Comparison::kGreater : Comparison::kLess;
    case expr::Relation::kLessOrEqual:
      return turned ? Comparison::kGreaterOrEqual : Comparison::kLessOrEqual;
    case expr::Relation::kGreater:
      return turned ? Comparison::kLess : Comparison::kGreater;
    case expr::Relation::kGreaterOrEqual:
      return turned ? Comparison::kLessOrEqual : Comparison::kGreaterOrEqual;
    case expr::Relation::kNone:
    case expr::Relation::kIn:
      break;
  }
  return std::nullopt;
}

bool comparable(const Type& column, const Type& value) {
  return column == value || (column.is_text() && value.is_text());
}

// "column < 5", "5 > column" or "column IN ('a', 'b')" over the scan.
std::optional<Predicate> as_comparison(const expr::Expr& e, const Rel& scan) {
  if (e.kind != expr::ExprKind::kCall || e.args.size() < 2) return std::nullopt;
  Predicate offer;
  const expr::Expr* column = nullptr;
  std::vector<const expr::Expr*> literals;
  for (const ExprPtr& argument : e.args) {
    const expr::Expr& inner = without_text_cast(*argument);
    if (inner.kind == expr::ExprKind::kColumn && column == nullptr) {
      column = &inner;
    } else if (inner.kind == expr::ExprKind::kLiteral && !inner.literal->is_null(0)) {
      literals.push_back(&inner);
    } else {
      return std::nullopt;
    }
  }
  if (column == nullptr || literals.empty()) return std::nullopt;
  if (e.function->relation == expr::Relation::kIn) {
    offer.kind = Predicate::Kind::kIn;
  } else if (const auto comparison = comparison_of(
                 e.function->relation, without_text_cast(*e.args[0]).kind != column->kind)) {
    offer.comparison = *comparison;
  } else {
    return std::nullopt;
  }
  const Type type = column->type.is_text() ? Type::string() : column->type;
  ColumnBuilder values(type);
  for (const expr::Expr* literal : literals) {
    if (!comparable(column->type, literal->type) || !type.children().empty()) return std::nullopt;
    const Column& value = *literal->literal;
    if (column->type.is_text()) {
      values.append_text(value.text(0));
    } else {
      values.append_from(value, 0);
    }
  }
  offer.values = values.finish();
  name_column(*scan.scan, column->index, offer);
  return offer;
}

std::optional<Predicate> as_offer(const expr::Expr& e, const Rel& scan) {
  const bool conjunction = e.kind == expr::ExprKind::kAnd;
  if (!conjunction && e.kind != expr::ExprKind::kOr) return as_comparison(e, scan);
  Predicate offer;
  offer.kind = conjunction ? Predicate::Kind::kAnd : Predicate::Kind::kOr;
  for (const ExprPtr& argument : e.args) {
    auto operand = as_offer(*argument, scan);
    if (!operand) return std::nullopt;
    offer.operands.push_back(std::move(*operand));
  }
  return offer;
}

}  // namespace

RelPtr prune_columns(RelPtr rel) {
  Mapping mapping;
  const std::set<std::size_t> all = all_columns(*rel);
  return prune(std::move(rel), all, &mapping);
}

// Offers are made where a filter stands over a scan, with renames and a watermark between them.
RelPtr offer_predicates(RelPtr rel) {
  for (RelPtr& input : rel->inputs) input = offer_predicates(std::move(input));
  if (rel->kind != RelKind::kCalc || !rel->predicate) return rel;
  std::vector<ExprPtr> conjuncts = expr::split_conjunction(rel->predicate);
  Rel* below = rel->inputs[0].get();
  while (below->kind == RelKind::kCalc || below->kind == RelKind::kWatermark) {
    if (below->kind == RelKind::kCalc) {
      for (ExprPtr& e : conjuncts) e = e ? expr::substitute(e, below->projections) : nullptr;
      if (below->predicate) return rel;
    }
    below = below->inputs[0].get();
  }
  if (below->kind != RelKind::kScan) return rel;
  for (const ExprPtr& e : conjuncts) {
    auto offer = as_offer(*e, *below);
    if (!offer) continue;
    below->scan->predicates.push_back(std::move(*offer));
    below->scan->predicate_exprs.push_back(e);
  }
  return rel;
}

RelPtr optimize(RelPtr root, const expr::EvalContext& eval, std::vector<Diagnostic>& diagnostics) {
  root = fold_constants(std::move(root), eval);
  root = merge_calcs(std::move(root));
  root = push_filters(std::move(root));
  root = merge_calcs(std::move(root));
  root = find_join_keys(std::move(root), diagnostics);
  root = merge_calcs(std::move(root));
  root = prune_columns(std::move(root));
  root = merge_calcs(std::move(root));
  root = fold_constants(std::move(root), eval);
  return offer_predicates(std::move(root));
}

}  // namespace slipstream::sql
