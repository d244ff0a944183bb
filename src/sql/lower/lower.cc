#include "sql/lower/lower.h"

#include <algorithm>

#include "base/try.h"
#include "flow/event_time/watermark_assigner.h"
#include "flow/operators/aggregate_set.h"
#include "flow/operators/calc.h"
#include "flow/operators/dead_letters.h"
#include "flow/operators/group_aggregate.h"
#include "flow/operators/join.h"
#include "flow/operators/not_null.h"
#include "flow/operators/window.h"
#include "sql/settings/watermark_options.h"

namespace slipstream::sql {
namespace {

using flow::Input;
using flow::Node;
using flow::NodeId;

std::vector<flow::AggregateCallSpec> call_specs(const std::vector<AggregateCall>& calls) {
  std::vector<flow::AggregateCallSpec> specs;
  for (const AggregateCall& call : calls) {
    specs.push_back({call.function, call.args, call.arg_types, call.result, call.distinct,
                     call.filter, call.name});
  }
  return specs;
}

flow::DeadLetterNames dead_letter_names(const Rel& scan, const LowerOptions& options) {
  return {scan.uid, scan.scan->table.name, options.job_name};
}

class Lowering {
 public:
  explicit Lowering(const LowerOptions& options) : options_(options) {}

  Result<NodeId> add(const Rel& rel) {
    switch (rel.kind) {
      case RelKind::kScan:
        return add_scan(rel);
      case RelKind::kCalc:
        return add_calc(rel);
      case RelKind::kWatermark:
        return add_watermark(rel);
      case RelKind::kWindowTable:
        return add_window_table(rel);
      case RelKind::kWindowAggregate:
        return add_window_aggregate(rel);
      case RelKind::kGroupAggregate:
        return add_group_aggregate(rel);
      case RelKind::kJoin:
        return add_join(rel);
      case RelKind::kUnion:
        return add_union(rel);
      case RelKind::kValues:
        return add_values(rel);
      case RelKind::kSink:
        return add_sink(rel);
      case RelKind::kCollect:
        return add_collect(rel);
    }
    return Error{ErrorCode::kInternal, "unknown plan node"};
  }

  flow::Graph take() { return std::move(graph_); }

 private:
  Node node(const Rel& rel, std::string name) {
    Node made;
    made.uid = rel.uid.empty() ? "node-" + std::to_string(nameless_++) : rel.uid;
    made.identity = rel.uid.empty() ? flow::StateIdentity{} : rel.identity;
    made.name = std::move(name);
    made.output = rel.schema;
    made.state_note = state_note(rel);
    return made;
  }

  Result<NodeId> add_scan(const Rel& rel) {
    Node made = node(rel, "Source(" + rel.scan->table.name + ")");
    made.source = rel.scan->source;
    const NodeId id = graph_.add(std::move(made));
    flow::add_dead_letters(graph_, id, dead_letter_names(rel, options_), rel.scan->dead_letters);
    return id;
  }

  Result<NodeId> add_values(const Rel& rel) {
    Node made = node(rel, "Values");
    TRY_ASSIGN(made.source, make_values_source(rel, options_.eval));
    made.parallelism = 1;
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_calc(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    Node made =
        node(rel, rel.predicate ? "Filter(" + expr::to_string(*rel.predicate) + ")" : "Project");
    made.inputs.push_back(Input{input, 0, Partitioning::kForward, {}});
    made.parallelism = graph_.nodes[input].parallelism;
    flow::CalcSpec spec{rel.predicate, rel.projections, options_.eval};
    made.make = [spec] { return Result<std::unique_ptr<flow::Operator>>(flow::make_calc(spec)); };
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_watermark(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    TRY_ASSIGN(const Options options,
               watermark_options().parse(rel.watermark_options, "watermark of the table"));
    Node made = node(rel, "Watermark(" + rel.schema[rel.time_column].name + ")");
    made.inputs.push_back(Input{input, 0, Partitioning::kForward, {}});
    made.parallelism = graph_.nodes[input].parallelism;
    flow::WatermarkAssignerSpec spec;
    spec.time_column = rel.time_column;
    spec.watermark = rel.watermark;
    spec.empty_grace_ms = options[watermark_option::kEmptyGrace].count();
    spec.idle_timeout_ms = options[watermark_option::kIdleTimeout].count();
    spec.max_drift_ms = options[watermark_option::kMaxDrift].count();
    spec.ingestion_time = reads_ingestion_time(rel);
    spec.eval = options_.eval;
    made.make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_watermark_assigner(spec));
    };
    return graph_.add(std::move(made));
  }

  // True when event time is a metadata value of that role, unchanged.
  bool reads_ingestion_time(const Rel& rel) const {
    const Rel* below = rel.inputs[0].get();
    std::size_t column = rel.time_column;
    while (below->kind == RelKind::kCalc) {
      const expr::Expr& e = *below->projections[column];
      if (e.kind != expr::ExprKind::kColumn) return false;
      column = e.index;
      below = below->inputs[0].get();
    }
    if (below->kind != RelKind::kScan || column < below->scan->physical.size()) return false;
    const std::size_t metadata = below->scan->metadata[column - below->scan->physical.size()];
    const auto factory = options_.registry->find(below->scan->connector);
    if (!factory.ok()) return false;
    const std::string& key = below->scan->table.metadata[metadata].key;
    const std::vector<MetadataSpec> known = (*factory)->metadata();
    return std::any_of(known.begin(), known.end(), [&](const MetadataSpec& spec) {
      return spec.key == key && spec.role == MetadataRole::kIngestionTime;
    });
  }

  flow::WindowAssignment assignment(const Rel& window) const {
    flow::WindowAssignment made;
    made.kind = window.window.kind;
    made.time_column = window.window.time_column;
    made.time_type = window.inputs[0]->schema[window.window.time_column].type;
    made.size_ms = window.window.size_ms;
    made.slide_ms = window.window.slide_ms;
    made.offset_ms = window.window.offset_ms;
    made.time_zone = options_.eval.session_time_zone;
    return made;
  }

  Result<NodeId> add_window_table(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    Node made = node(rel, rel.window.to_string());
    made.inputs.push_back(Input{input, 0, Partitioning::kForward, {}});
    made.parallelism = graph_.nodes[input].parallelism;
    const flow::WindowAssignSpec spec{assignment(rel)};
    made.make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_window_assign(spec));
    };
    return graph_.add(std::move(made));
  }

  // By key; without keys everything goes to one subtask.
  void partition(Node& made, NodeId input, const std::vector<std::size_t>& keys) const {
    made.inputs.push_back(
        Input{input, 0, keys.empty() ? Partitioning::kSingle : Partitioning::kHash, keys});
    if (keys.empty()) made.parallelism = 1;
  }

  Result<NodeId> add_window_aggregate(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    Node made = node(rel, "WindowAggregate(" + window_function_of(rel).window.to_string() + ")");
    partition(made, input, rel.keys);
    flow::WindowAggregateSpec spec;
    spec.window = assignment(window_function_of(rel));
    spec.attached = flow::WindowAggregateSpec::Attached{rel.window_start, rel.window_end};
    spec.input = rel.inputs[0]->schema;
    spec.keys = rel.keys;
    spec.calls = call_specs(rel.calls);
    spec.outputs = rel.window_outputs;
    spec.updating_input = rel.inputs[0]->updating;
    made.state_schema = flow::state_schema(spec);
    made.make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_window_aggregate(spec));
    };
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_group_aggregate(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    Node made = node(rel, "GroupAggregate");
    partition(made, input, rel.keys);
    flow::GroupAggregateSpec spec;
    spec.input = rel.inputs[0]->schema;
    spec.keys = rel.keys;
    spec.calls = call_specs(rel.calls);
    spec.updating_input = rel.inputs[0]->updating;
    spec.ttl_ms = rel.state_ttl_ms;
    made.state_schema = flow::state_schema(spec);
    made.make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_group_aggregate(spec));
    };
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_join(const Rel& rel) {
    TRY_ASSIGN(const NodeId left, add(*rel.inputs[0]));
    TRY_ASSIGN(const NodeId right, add(*rel.inputs[1]));
    Node made = node(rel, "Join");
    partition(made, left, rel.left_keys);
    partition(made, right, rel.right_keys);
    flow::JoinSpec spec;
    spec.left = rel.inputs[0]->schema;
    spec.right = rel.inputs[1]->schema;
    spec.left_keys = rel.left_keys;
    spec.right_keys = rel.right_keys;
    spec.residual = rel.predicate;
    spec.eval = options_.eval;
    spec.left_ttl_ms = spec.right_ttl_ms = rel.state_ttl_ms;
    made.state_schema = flow::state_schema(spec);
    made.make = [spec] { return Result<std::unique_ptr<flow::Operator>>(flow::make_join(spec)); };
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_union(const Rel& rel) {
    Node made = node(rel, "Union");
    for (const RelPtr& input : rel.inputs) {
      TRY_ASSIGN(const NodeId id, add(*input));
      const bool same = graph_.nodes[id].parallelism == 0;
      made.inputs.push_back(
          Input{id, 0, same ? Partitioning::kForward : Partitioning::kRebalance, {}});
    }
    made.make = [] { return Result<std::unique_ptr<flow::Operator>>(flow::make_union()); };
    return graph_.add(std::move(made));
  }

  // Physical columns, then metadata: the order of a sink's schema.
  static std::vector<std::size_t> not_null_columns(const TableDefinition& table) {
    std::vector<std::size_t> columns;
    std::size_t at = 0;
    for (const Field& field : table.physical.fields()) {
      if (!field.type.nullable()) columns.push_back(at);
      ++at;
    }
    for (const TableDefinition::MetadataColumn& column : table.metadata) {
      if (column.is_virtual) continue;
      if (!column.type.nullable()) columns.push_back(at);
      ++at;
    }
    return columns;
  }

  Result<NodeId> add_sink(const Rel& rel) {
    TRY_ASSIGN(NodeId input, add(*rel.inputs[0]));
    const auto not_null = not_null_columns(rel.sink_table);
    if (!not_null.empty()) {
      Node check;
      check.uid = rel.uid + "-not-null";
      check.name = "NotNull(" + rel.sink_table.name + ")";
      check.output = rel.inputs[0]->schema;
      check.inputs.push_back(Input{input, 0, Partitioning::kForward, {}});
      check.parallelism = graph_.nodes[input].parallelism;
      const flow::NotNullSpec spec{rel.sink_table.name, rel.inputs[0]->schema, not_null,
                                   options_.drop_null_rows};
      check.make = [spec] {
        return Result<std::unique_ptr<flow::Operator>>(flow::make_not_null(spec));
      };
      input = graph_.add(std::move(check));
    }
    Node made = node(rel, "Sink(" + rel.sink_table.name + ")");
    made.sink = rel.sink;
    made.inputs.push_back(Input{input, 0, Partitioning::kForward, {}});
    made.parallelism = graph_.nodes[input].parallelism;
    return graph_.add(std::move(made));
  }

  Result<NodeId> add_collect(const Rel& rel) {
    TRY_ASSIGN(const NodeId input, add(*rel.inputs[0]));
    Node made = node(rel, "Collect");
    made.inputs.push_back(Input{input, 0, Partitioning::kSingle, {}});
    made.parallelism = 1;
    const flow::CollectSpec spec = options_.collect;
    made.make = [spec] {
      return Result<std::unique_ptr<flow::Operator>>(flow::make_collect(spec));
    };
    return graph_.add(std::move(made));
  }

  const LowerOptions& options_;
  flow::Graph graph_;
  std::size_t nameless_ = 0;  // nodes that keep nothing
};

// Without those of the engine, and those that mean nothing on this side of the table.
void keep_options_of(const ConnectorFactory& factory, OptionScope side, TableDefinition& table) {
  const OptionTable engine = watermark_options();
  std::erase_if(table.options,
                [&](const auto& option) { return engine.find(option.first) != nullptr; });
  table.options = factory.options().without_other_side(std::move(table.options), side);
}

}  // namespace

Status make_connectors(Rel& root, const LowerOptions& options) {
  for (const RelPtr& input : root.inputs) TRY(make_connectors(*input, options));
  if (root.kind == RelKind::kScan) {
    ScanSpec& scan = *root.scan;
    TRY_ASSIGN(const ConnectorFactory* factory, options.registry->find(scan.connector));
    SourceRequest request{scan.table, scan.physical, scan.metadata, scan.predicates, root.uid};
    keep_options_of(*factory, OptionScope::kSource, request.table);
    TRY_ASSIGN(scan.source, factory->make_source(request));
    TRY_ASSIGN(scan.dead_letters,
               flow::make_dead_letter_sink(*scan.source, dead_letter_names(root, options),
                                           *options.registry));
    if (scan.source->updating()) {
      // the binder planned for inserts: rows of other kinds must be announced before it
      root.updating = true;
    }
  }
  if (root.kind == RelKind::kSink) {
    TRY_ASSIGN(const ConnectorFactory* factory, options.registry->find(root.sink_connector));
    SinkRequest request{root.sink_table, root.updating, {}, root.uid, options.job_name};
    for (std::size_t i = 0; i < root.traits.size(); ++i) {
      if (root.traits[i].rowtime) request.time_columns.push_back(i);
    }
    keep_options_of(*factory, OptionScope::kSink, request.table);
    TRY_ASSIGN(root.sink, factory->make_sink(request));
  }
  return {};
}

void check_aggregates(const Rel& root, std::vector<Diagnostic>& diagnostics) {
  for (const RelPtr& input : root.inputs) check_aggregates(*input, diagnostics);
  if (root.calls.empty() || !root.inputs[0]->updating) return;
  for (const AggregateCall& call : root.calls) {
    const auto set = flow::AggregateSet::make(call_specs({call}), true);
    if (!set.ok()) diagnostics.push_back(Diagnostic::at(call.span, set.error().message));
  }
}

Result<flow::Graph> lower(const std::vector<RelPtr>& roots, const LowerOptions& options) {
  Lowering lowering(options);
  for (const RelPtr& root : roots) TRY(lowering.add(*root));
  return lowering.take();
}

}  // namespace slipstream::sql
