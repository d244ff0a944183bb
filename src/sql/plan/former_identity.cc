// Uids as manifests of version 1 hold them: digests of what EXPLAIN printed in commit 1e89edf.
// Frozen: the texts here are not those that are printed now, and must not follow them. A plan that
// the optimizer makes in another way than then is not recognised.
#include "data/digest.h"
#include "data/hash.h"
#include "expr/function.h"
#include "expr/one_row.h"
#include "sql/plan/identity.h"

namespace slipstream::sql {
namespace {

using expr::Expr;
using expr::ExprKind;
using expr::ExprPtr;

std::string text_of(const Expr& e);

std::string list_of(const std::vector<ExprPtr>& args, std::size_t begin, std::string_view between) {
  std::string text;
  for (std::size_t i = begin; i < args.size(); ++i) {
    if (i != begin) text += between;
    text += text_of(*args[i]);
  }
  return text;
}

std::string case_text(const Expr& e) {
  std::string text = "CASE";
  for (std::size_t i = 0; i + 1 < e.args.size(); i += 2)
    text += " WHEN " + text_of(*e.args[i]) + " THEN " + text_of(*e.args[i + 1]);
  return text + " ELSE " + text_of(*e.args.back()) + " END";
}

std::string call_text(const Expr& e) {
  const std::string& name = e.function->name;
  const bool is_word = !name.empty() && ((name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_');
  const bool between = name == "LIKE" || name == "SIMILAR TO" || name == "NOT LIKE" ||
                       name == "IS DISTINCT FROM" || name == "IS NOT DISTINCT FROM";
  if (e.args.size() == 2 && (!is_word || between))
    return "(" + list_of(e.args, 0, " " + name + " ") + ")";
  if (e.args.size() == 1 && !is_word) return name + text_of(*e.args[0]);
  if (e.args.size() == 1 && name.starts_with("IS "))
    return "(" + text_of(*e.args[0]) + " " + name + ")";
  if (name == "IN" && e.args.size() > 1)
    return "(" + text_of(*e.args[0]) + " IN (" + list_of(e.args, 1, ", ") + "))";
  return name + "(" + list_of(e.args, 0, ", ") + ")";
}

std::string text_of(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kColumn:
      return e.text.empty() ? "$" + std::to_string(e.index) : e.text;
    case ExprKind::kLiteral:
      return e.text.empty() ? expr::value_text(*e.literal) : e.text;
    case ExprKind::kCall:
      return call_text(e);
    case ExprKind::kCast:
      return (e.try_cast ? "TRY_CAST(" : "CAST(") + text_of(*e.args[0]) + " AS " +
             e.type.with_nullable(true).to_string() + ")";
    case ExprKind::kCase:
      return case_text(e);
    case ExprKind::kAnd:
      return "(" + list_of(e.args, 0, " AND ") + ")";
    case ExprKind::kOr:
      return "(" + list_of(e.args, 0, " OR ") + ")";
    case ExprKind::kNot:
      return "NOT " + text_of(*e.args[0]);
    case ExprKind::kIsNull:
      return "(" + text_of(*e.args[0]) + (e.negated ? " IS NOT NULL)" : " IS NULL)");
    case ExprKind::kCoalesce:
      return "COALESCE(" + list_of(e.args, 0, ", ") + ")";
    case ExprKind::kField: {
      const auto& fields = e.args[0]->type.children();
      return text_of(*e.args[0]) + "." + (e.index < fields.size() ? fields[e.index].name : "?");
    }
  }
  return "?";
}

std::string columns_text(const Schema& schema, const std::vector<std::size_t>& columns) {
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

std::string window_text(const WindowSpec& window) {
  std::string text = window.kind == flow::WindowKind::kTumble ? "TUMBLE("
                     : window.kind == flow::WindowKind::kHop  ? "HOP("
                                                              : "CUMULATE(";
  if (window.slide_ms != 0) text += duration(window.slide_ms) + ", ";
  text += duration(window.size_ms);
  if (window.offset_ms != 0) text += ", offset " + duration(window.offset_ms);
  return text + ")";
}

std::string calls_text(const Rel& rel) {
  const Schema& input = rel.inputs[0]->schema;
  std::string text;
  for (const AggregateCall& call : rel.calls) {
    text += (text.empty() ? "" : ", ") + call.function->name + "(" +
            (call.distinct ? "DISTINCT " : "") +
            (call.args.empty() ? "*" : columns_text(input, call.args)) + ")";
    if (call.filter) text += " FILTER (" + input[*call.filter].name + ")";
  }
  return text;
}

std::string calc_text(const Rel& rel) {
  std::string text;
  for (std::size_t i = 0; i < rel.projections.size(); ++i) {
    const std::string e = text_of(*rel.projections[i]);
    text += (i == 0 ? "" : ", ") + e;
    if (e != rel.schema[i].name) text += " AS " + rel.schema[i].name;
  }
  text = "Calc(select=[" + text + "]";
  if (rel.predicate) text += ", where=[" + text_of(*rel.predicate) + "]";
  return text + ")";
}

std::string join_text(const Rel& rel) {
  std::string text;
  for (std::size_t i = 0; i < rel.left_keys.size(); ++i) {
    text += (i == 0 ? "" : " AND ") + rel.inputs[0]->schema[rel.left_keys[i]].name + " = " +
            rel.inputs[1]->schema[rel.right_keys[i]].name;
  }
  if (rel.predicate) text += (text.empty() ? "" : " AND ") + text_of(*rel.predicate);
  return "Join(inner, on=[" + text + "])";
}

std::string aggregate_text(const Rel& rel) {
  const std::string group = columns_text(rel.inputs[0]->schema, rel.keys);
  if (rel.kind == RelKind::kGroupAggregate)
    return "GroupAggregate(group=[" + group + "], calls=[" + calls_text(rel) + "])";
  return "WindowAggregate(group=[" + group + "], window=[" +
         window_text(window_function_of(rel).window) + "], calls=[" + calls_text(rel) + "])";
}

// With the number that the kind had.
std::string node_text(const Rel& rel) {
  switch (rel.kind) {
    case RelKind::kScan: {
      const auto topic = rel.scan->table.options.find("topic");
      return "scan|" + rel.scan->table.name + "|" + rel.scan->connector + "|" +
             (topic == rel.scan->table.options.end() ? "" : topic->second);
    }
    case RelKind::kCalc:
      return "1|" + calc_text(rel);
    case RelKind::kWatermark:
      return "2|WatermarkAssigner(rowtime=" + rel.schema[rel.time_column].name + ", watermark=[" +
             text_of(*rel.watermark) + "])";
    case RelKind::kWindowTable:
      return "3|WindowTableFunction(" + window_text(rel.window) + " over " +
             rel.schema[rel.window.time_column].name + ")";
    case RelKind::kWindowAggregate:
      return "4|" + aggregate_text(rel);
    case RelKind::kGroupAggregate:
      return "5|" + aggregate_text(rel);
    case RelKind::kJoin:
      return "6|" + join_text(rel);
    case RelKind::kUnion:
      return "7|Union(all)";
    case RelKind::kValues:
      return "8|Values(" + std::to_string(rel.rows.size()) +
             (rel.rows.size() == 1 ? " row)" : " rows)");
    case RelKind::kSink:
      return "sink|" + rel.sink_table.name + "|" + rel.sink_connector;
    case RelKind::kCollect:
      return "10|" + (rel.limit >= 0 ? "Collect(limit=" + std::to_string(rel.limit) + ")"
                                     : std::string("Collect()"));
  }
  return "";
}

std::uint64_t hash_of(std::string_view text) {
  ColumnBuilder builder(Type::string());
  builder.append_text(text);
  const std::vector<ColumnPtr> columns = {builder.finish()};
  return hash_rows(columns, 1)[0];
}

}  // namespace

void name_formerly(Rel& rel, std::map<std::string, int>& used) {
  std::string text = node_text(rel);
  for (const RelPtr& input : rel.inputs) {
    name_formerly(*input, used);
    text += "(" + input->identity.former_uid + ")";
  }
  std::string uid = hex_text(hash_of(text));
  const int copies = used[uid]++;
  if (copies > 0) uid += "-" + std::to_string(copies);
  rel.identity.former_uid = uid;
}

}  // namespace slipstream::sql
