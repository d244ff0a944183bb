#include "sql/plan/rel.h"

#include <utility>

namespace slipstream::sql {
namespace {

std::string list(const Schema& schema, const std::vector<std::size_t>& columns) {
  std::string text;
  for (const std::size_t column : columns) text += (text.empty() ? "" : ", ") + schema[column].name;
  return text;
}

std::string duration(std::int64_t ms) {
  if (ms % 86'400'000 == 0) return std::to_string(ms / 86'400'000) + " d";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + " h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + " min";
  if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + " s";
  return std::to_string(ms) + " ms";
}

std::string calls_text(const Rel& rel) {
  std::string text;
  for (const AggregateCall& call : rel.calls)
    text += (text.empty() ? "" : ", ") + call.to_string(rel.inputs[0]->schema);
  return text;
}

std::string scan_text(const ScanSpec& scan) {
  std::string text = "Scan(" + scan.table.name + ", connector=" + scan.connector + ", columns=[";
  std::string columns;
  for (const std::size_t i : scan.physical)
    columns += (columns.empty() ? "" : ", ") + scan.table.physical[i].name;
  for (const std::size_t i : scan.metadata)
    columns += (columns.empty() ? "" : ", ") + ("metadata " + scan.table.metadata[i].key);
  text += columns + "]";
  if (scan.source) {
    for (const std::string& note : scan.source->explain()) text += ", " + note;
  }
  return text + ")";
}

std::string calc_text(const Rel& rel) {
  std::string text;
  for (std::size_t i = 0; i < rel.projections.size(); ++i) {
    const std::string e = expr::to_string(*rel.projections[i]);
    text += (i == 0 ? "" : ", ") + e;
    if (e != rel.schema[i].name) text += " AS " + rel.schema[i].name;
  }
  text = "Calc(select=[" + text + "]";
  if (rel.predicate) text += ", where=[" + expr::to_string(*rel.predicate) + "]";
  return text + ")";
}

std::string join_text(const Rel& rel) {
  std::string text;
  for (std::size_t i = 0; i < rel.left_keys.size(); ++i) {
    text += (i == 0 ? "" : " AND ") + rel.inputs[0]->schema[rel.left_keys[i]].name + " = " +
            rel.inputs[1]->schema[rel.right_keys[i]].name;
  }
  if (rel.predicate) text += (text.empty() ? "" : " AND ") + expr::to_string(*rel.predicate);
  return "Join(inner, on=[" + text + "])";
}

std::string node_text(const Rel& rel) {
  switch (rel.kind) {
    case RelKind::kScan:
      return scan_text(*rel.scan);
    case RelKind::kCalc:
      return calc_text(rel);
    case RelKind::kWatermark:
      return "WatermarkAssigner(rowtime=" + rel.schema[rel.time_column].name + ", watermark=[" +
             expr::to_string(*rel.watermark) + "])";
    case RelKind::kWindowTable:
      return "WindowTableFunction(" + rel.window.to_string() + " over " +
             rel.schema[rel.window.time_column].name + ")";
    case RelKind::kWindowAggregate:
      return "WindowAggregate(group=[" + list(rel.inputs[0]->schema, rel.keys) + "], window=[" +
             window_function_of(rel).window.to_string() + "], calls=[" + calls_text(rel) + "])";
    case RelKind::kGroupAggregate:
      return "GroupAggregate(group=[" + list(rel.inputs[0]->schema, rel.keys) + "], calls=[" +
             calls_text(rel) + "])";
    case RelKind::kJoin:
      return join_text(rel);
    case RelKind::kUnion:
      return "Union(all)";
    case RelKind::kValues:
      return "Values(" + std::to_string(rel.rows.size()) +
             (rel.rows.size() == 1 ? " row)" : " rows)");
    case RelKind::kSink: {
      std::string text = "Sink(" + rel.sink_table.name + ", connector=" + rel.sink_connector;
      if (rel.sink) {
        for (const std::string& note : rel.sink->explain()) text += ", " + note;
      }
      return text + ")";
    }
    case RelKind::kCollect:
      return rel.limit >= 0 ? "Collect(limit=" + std::to_string(rel.limit) + ")" : "Collect()";
  }
  return "";
}

void append_tree(const Rel& rel, const std::string& indent, bool last, bool root,
                 std::string& out) {
  out += root ? "" : indent + (last ? "`- " : "|- ");
  out += node_text(rel);
  if (rel.updating) out += " [updating]";
  const std::string note = state_note(rel);
  if (!note.empty()) out += "  -- state " + note;
  out += '\n';
  const std::string deeper = root ? "" : indent + (last ? "   " : "|  ");
  for (std::size_t i = 0; i < rel.inputs.size(); ++i) {
    append_tree(*rel.inputs[i], deeper, i + 1 == rel.inputs.size(), false, out);
  }
}

}  // namespace

std::string WindowSpec::to_string() const {
  std::string text = kind == flow::WindowKind::kTumble ? "TUMBLE("
                     : kind == flow::WindowKind::kHop  ? "HOP("
                                                       : "CUMULATE(";
  if (slide_ms != 0) text += duration(slide_ms) + ", ";
  text += duration(size_ms);
  if (offset_ms != 0) text += ", offset " + duration(offset_ms);
  return text + ")";
}

std::string AggregateCall::to_string(const Schema& input) const {
  std::string text = function->name + "(" + (distinct ? "DISTINCT " : "") +
                     (args.empty() ? "*" : list(input, args)) + ")";
  if (filter) text += " FILTER (" + input[*filter].name + ")";
  return text;
}

RelPtr make_calc(RelPtr input, expr::ExprPtr predicate, std::vector<expr::ExprPtr> projections,
                 std::vector<std::string> names) {
  auto rel = std::make_unique<Rel>();
  rel->kind = RelKind::kCalc;
  rel->predicate = std::move(predicate);
  rel->updating = input->updating;
  for (std::size_t i = 0; i < projections.size(); ++i) {
    const expr::Expr& e = *projections[i];
    rel->schema.add(std::move(names[i]), e.type);
    rel->traits.push_back(e.kind == expr::ExprKind::kColumn ? input->traits[e.index]
                                                            : ColumnTrait{});
  }
  rel->projections = std::move(projections);
  rel->inputs.push_back(std::move(input));
  return rel;
}

RelPtr make_filter(RelPtr input, expr::ExprPtr predicate) {
  std::vector<expr::ExprPtr> projections;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < input->schema.size(); ++i) {
    projections.push_back(expr::column(i, input->schema[i].type, input->schema[i].name));
    names.push_back(input->schema[i].name);
  }
  return make_calc(std::move(input), std::move(predicate), std::move(projections),
                   std::move(names));
}

std::string to_string(const Rel& rel) {
  std::string text;
  append_tree(rel, "", true, true, text);
  return text;
}

const Rel& window_function_of(const Rel& aggregate) {
  const Rel* below = aggregate.inputs[0].get();
  while (below->kind != RelKind::kWindowTable) below = below->inputs[0].get();
  return *below;
}

std::string state_note(const Rel& rel) {
  const auto kept = [&](const char* since) {
    return rel.state_ttl_ms == 0
               ? std::string()
               : ", each dropped " + duration(rel.state_ttl_ms) + " after " + since;
  };
  switch (rel.kind) {
    case RelKind::kGroupAggregate:
      if (rel.keys.empty()) return "is one group";
      return "grows with the number of distinct (" + list(rel.inputs[0]->schema, rel.keys) + ")" +
             kept("its last change");
    case RelKind::kWindowAggregate:
      return "grows with the number of groups in open windows" +
             (rel.keys.empty() ? std::string()
                               : " of (" + list(rel.inputs[0]->schema, rel.keys) + ")") +
             ", dropped with the window";
    case RelKind::kJoin:
      return "grows with all rows of both sides" + kept("it came");
    default:
      return "";
  }
}

}  // namespace slipstream::sql
