#include "stream/plan.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/try.h"
#include "flow/operators/collect.h"
#include "flow/operators/dead_letters.h"
#include "stream/body_operator.h"
#include "stream/stamping.h"
#include "stream/stream_table.h"

namespace slipstream::stream {

Result<std::unique_ptr<SplitEnumerator>> StreamTable::make_enumerator(EnumeratorContext) {
  return Error{ErrorCode::kInternal, "a stream was read as a source"};
}
Result<std::unique_ptr<SourceReader>> StreamTable::make_reader(ReaderContext) {
  return Error{ErrorCode::kInternal, "a stream was read as a source"};
}

namespace erased {
namespace {

using flow::Input;
using flow::Node;
using flow::NodeId;

constexpr const char* kImported = "sql";

std::vector<std::size_t> first_columns(std::size_t count) {
  std::vector<std::size_t> columns(count);
  for (std::size_t i = 0; i < count; ++i) columns[i] = i;
  return columns;
}

// One pass over the plan. A run of steps behind a body becomes one operator.
class Translation {
 public:
  Translation(const StreamPlan& plan, std::vector<Status>& errors)
      : plan_(plan), nodes_(plan.nodes()), errors_(errors), built_(nodes_.size()) {
    for (const NodeSpec& node : nodes_) {
      for (const EdgeSpec& edge : node.inputs) ++consumers_[{edge.from, edge.output}];
    }
    for (const StreamPlan::Imported& imported : plan.imported()) {
      for (const Node& node : imported.graph.nodes) {
        if (const auto* table = dynamic_cast<const StreamTable*>(node.source.get()))
          ++consumers_[{table->edge().from, table->edge().output}];
      }
    }
  }

  flow::Graph run() {
    for (NodeNumber number = 0; number < nodes_.size(); ++number) {
      const NodeSpec& spec = nodes_[number];
      check_uid(spec);
      const Status status = add(number, spec);
      if (!status.ok()) errors_.push_back(status.with_context("operator '" + spec.uid + "'"));
    }
    return std::move(graph_);
  }

 private:
  struct Built {
    NodeId node = 0;
    std::uint32_t parallelism = 0;
    std::shared_ptr<BodyOperatorSpec> body;  // what steps can be added to
  };

  void check_uid(const NodeSpec& spec) {
    if (spec.uid.empty()) {
      errors_.push_back(
          Error{ErrorCode::kInvalidArgument, "operator '" + spec.name +
                                                 "' has an empty uid: leave it out, or "
                                                 "give one that names its state"});
    }
    if (!uids_.insert(spec.uid).second) {
      errors_.push_back(Error{
          ErrorCode::kInvalidArgument,
          "two operators have the uid '" + spec.uid + "': a uid names the state of one operator"});
    }
  }

  std::uint32_t parallelism_of(const NodeSpec& spec) const {
    if (spec.follows_input && !spec.inputs.empty() &&
        spec.inputs[0].exchange == Partitioning::kForward && spec.parallelism == 0)
      return built_[spec.inputs[0].from].parallelism;
    return spec.parallelism;
  }

  Status add(NodeNumber number, const NodeSpec& spec) {
    if (spec.kind == kImported) return add_imported(number);
    if (spec.source != nullptr || spec.reads) return add_source(number, spec);
    if (spec.sink != nullptr || spec.writes) return add_sink(number, spec);
    if (spec.step && fuse(number, spec)) return {};
    return add_operator(number, spec);
  }

  // Into the operator in front, when it is user code of the same parallelism that nobody else
  // reads.
  bool fuse(NodeNumber number, const NodeSpec& spec) {
    const EdgeSpec& edge = spec.inputs[0];
    const Built& before = built_[edge.from];
    if (before.body == nullptr || edge.output != 0 || edge.exchange != Partitioning::kForward ||
        consumers_[{edge.from, 0}] != 1 || parallelism_of(spec) != before.parallelism)
      return false;
    before.body->steps.push_back({spec.name, spec.step});
    before.body->end = spec.end;
    before.body->end_name = spec.name;
    before.body->output = edge_schema(spec.element, spec.keyed_output);
    Node& node = graph_.nodes[before.node];
    node.name += " -> " + spec.name;
    node.output = before.body->output;
    built_[number] = before;
    return true;
  }

  Node named(const NodeSpec& spec) const {
    Node node;
    node.uid = spec.uid;
    node.name = spec.name;
    node.parallelism = parallelism_of(spec);
    node.state_note = spec.state_note;
    return node;
  }

  Input input_of(const EdgeSpec& edge, std::uint32_t parallelism) const {
    const Built& from = built_[edge.from];
    Input input{from.node, edge.output, edge.exchange, {}};
    if (edge.exchange == Partitioning::kForward && from.parallelism != parallelism)
      input.partitioning = Partitioning::kRebalance;
    if (edge.exchange == Partitioning::kHash)
      input.key_columns.push_back(nodes_[edge.from].element.size() + 1);
    return input;
  }

  void built(NodeNumber number, Node node, std::shared_ptr<BodyOperatorSpec> body = nullptr) {
    built_[number].parallelism = node.parallelism;
    built_[number].node = graph_.add(std::move(node));
    built_[number].body = std::move(body);
  }

  Status add_operator(NodeNumber number, const NodeSpec& spec) {
    Node node = named(spec);
    for (const EdgeSpec& edge : spec.inputs)
      node.inputs.push_back(input_of(edge, node.parallelism));
    if (!spec.body && !spec.step && !spec.stamper.make) {
      node.output = edge_schema(spec.element, false);
      node.make = [] { return Result<std::unique_ptr<flow::Operator>>(flow::make_union()); };
      built(number, std::move(node));
      return {};
    }
    if (spec.stamper.make) {
      node.output = edge_schema(spec.element, false);
      StampingSpec stamping;
      stamping.stamper = spec.stamper;
      stamping.watch = plan_.watch();
      stamping.width = spec.element.size();
      stamping.tick_ms = plan_.settings().watermark_interval.count();
      // the library's sources say themselves when they are idle
      if (nodes_[spec.inputs[0].from].source_times) stamping.empty_grace_ms = 0;
      node.make = [stamping] {
        return Result<std::unique_ptr<flow::Operator>>(make_stamping(stamping));
      };
      built(number, std::move(node));
      return {};
    }
    auto body = std::make_shared<BodyOperatorSpec>();
    body->name = spec.name;
    body->watch = plan_.watch();
    body->body = spec.body ? spec.body : spec.feed;
    if (spec.step) body->steps.push_back({spec.name, spec.step});
    body->end_name = spec.name;
    body->end = spec.end;
    body->sides = spec.sides;
    body->keyed = spec.keyed;
    if (spec.keyed) body->key_layout = nodes_[spec.inputs[0].from].key_layout;
    node.state_schema = key_schema(*body);
    for (const EdgeSpec& edge : spec.inputs) body->inputs.push_back(element_of(edge));
    if (spec.end) body->output = edge_schema(spec.element, spec.keyed_output);
    node.output = body->output;
    const std::shared_ptr<const BodyOperatorSpec> shared = body;
    node.make = [shared] {
      return Result<std::unique_ptr<flow::Operator>>(make_body_operator(shared));
    };
    built(number, std::move(node), std::move(body));
    return {};
  }

  const Schema& element_of(const EdgeSpec& edge) const {
    const NodeSpec& from = nodes_[edge.from];
    return edge.output == 0 ? from.element : from.sides[edge.output - 1].element;
  }

  Status add_source(NodeNumber number, const NodeSpec& spec) {
    Node node = named(spec);
    std::vector<std::size_t> order;  // of the element's columns in the source's rows
    node.source = spec.source;
    if (spec.reads) {
      TRY_ASSIGN(node.source, make_source(*spec.reads, spec.uid, order));
      if (spec.adapt) node.source = spec.adapt(std::move(node.source));
    }
    node.output = node.source->schema();
    built(number, std::move(node));
    const NodeId source = built_[number].node;
    const flow::DeadLetterNames names{spec.uid, spec.name, plan_.settings().name};
    TRY_ASSIGN(auto letters, flow::make_dead_letter_sink(*graph_.nodes[source].source, names,
                                                         plan_.connectors()));
    flow::add_dead_letters(graph_, source, names, std::move(letters));
    if (spec.reads && !std::is_sorted(order.begin(), order.end()))
      add_behind(number, spec, "columns", edge_schema(spec.element, false), [order] {
        return Result<std::unique_ptr<flow::Operator>>(make_column_choice(order));
      });
    if (!spec.source_times || feeds_stampers_only(number)) return {};
    StampingSpec stamping;
    stamping.width = spec.element.size();
    stamping.empty_grace_ms = 0;
    add_behind(number, spec, "watermarks", edge_schema(spec.element, false), [stamping] {
      return Result<std::unique_ptr<flow::Operator>>(make_stamping(stamping));
    });
    return {};
  }

  // Another operator that stands for the same node of the plan.
  void add_behind(NodeNumber number, const NodeSpec& spec, const std::string& what, Schema output,
                  std::function<Result<std::unique_ptr<flow::Operator>>()> make) {
    Node node;
    node.uid = spec.uid + "-" + what;
    node.name = what;
    node.parallelism = built_[number].parallelism;
    node.inputs.push_back(Input{built_[number].node, 0, Partitioning::kForward, {}});
    node.output = std::move(output);
    node.make = std::move(make);
    built(number, std::move(node));
  }

  bool feeds_stampers_only(NodeNumber number) const {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const NodeSpec& node) {
      return node.stamper.make ||
             std::none_of(node.inputs.begin(), node.inputs.end(), [&](const EdgeSpec& edge) {
               return edge.from == number && edge.output == 0;
             });
    });
  }

  Result<std::shared_ptr<Source>> make_source(const TableSpec& table, const std::string& uid,
                                              std::vector<std::size_t>& order) const {
    TRY_ASSIGN(const ConnectorFactory* factory, plan_.connectors().find(table.connector));
    SourceRequest request;
    request.table = definition(table, order);
    for (std::size_t i = 0; i < request.table.physical.size(); ++i) request.physical.push_back(i);
    for (std::size_t i = 0; i < request.table.metadata.size(); ++i) request.metadata.push_back(i);
    request.uid = uid;
    TRY_ASSIGN(auto source, factory->make_source(request));
    return std::shared_ptr<Source>(std::move(source));
  }

  // `order`: where each column of the element is, physical columns first, then metadata.
  static TableDefinition definition(const TableSpec& spec, std::vector<std::size_t>& order) {
    TableDefinition table;
    table.name = spec.name.empty() ? spec.connector : spec.name;
    table.primary_key = spec.primary_key;
    table.options = spec.options;
    std::vector<std::size_t> metadata_columns;
    order.resize(spec.element.size());
    for (std::size_t i = 0; i < spec.element.size(); ++i) {
      const Field& field = spec.element[i];
      const auto found = std::find_if(spec.metadata.begin(), spec.metadata.end(),
                                      [&](const auto& entry) { return entry.first == field.name; });
      if (found == spec.metadata.end()) {
        order[i] = table.physical.size();
        table.physical.add(field.name, field.type);
      } else {
        metadata_columns.push_back(i);
        table.metadata.push_back({field.name, found->second, field.type, false});
      }
    }
    for (std::size_t i = 0; i < metadata_columns.size(); ++i)
      order[metadata_columns[i]] = table.physical.size() + i;
    return table;
  }

  Status add_sink(NodeNumber number, const NodeSpec& spec) {
    const EdgeSpec& edge = spec.inputs[0];
    std::vector<std::size_t> order = first_columns(element_of(edge).size());
    std::shared_ptr<Sink> sink = spec.sink;
    if (spec.writes) {
      TRY_ASSIGN(const ConnectorFactory* factory, plan_.connectors().find(spec.writes->connector));
      SinkRequest request;
      std::vector<std::size_t> places;
      request.table = definition(*spec.writes, places);
      for (std::size_t i = 0; i < places.size(); ++i) order[places[i]] = i;
      request.uid = spec.uid;
      request.job_name = plan_.settings().name;
      TRY_ASSIGN(auto made, factory->make_sink(request));
      sink = std::move(made);
    }
    Node columns;
    columns.uid = spec.uid + "-columns";
    columns.name = "columns";
    columns.parallelism = spec.parallelism;
    columns.inputs.push_back(input_of(edge, spec.parallelism));
    columns.output = sink->schema();
    columns.make = [order] {
      return Result<std::unique_ptr<flow::Operator>>(make_column_choice(order));
    };
    const NodeId chosen = graph_.add(std::move(columns));
    Node node = named(spec);
    node.output = sink->schema();
    node.sink = std::move(sink);
    node.inputs.push_back(Input{chosen, 0, Partitioning::kForward, {}});
    built(number, std::move(node));
    return {};
  }

  Status add_imported(NodeNumber number) {
    const auto found = std::find_if(
        plan_.imported().begin(), plan_.imported().end(),
        [&](const StreamPlan::Imported& imported) { return imported.number == number; });
    const std::string prefix = nodes_[number].uid + "/";
    std::vector<NodeId> ids;
    for (Node node : found->graph.nodes) {
      for (Input& input : node.inputs) {
        input.from = ids[input.from];
        if (input.partitioning == Partitioning::kForward &&
            graph_.nodes[input.from].parallelism != node.parallelism)
          input.partitioning = Partitioning::kRebalance;
      }
      node.uid = prefix + node.uid;
      if (!node.identity.content.empty()) {
        node.identity.content = prefix + node.identity.content;
        node.identity.former_uid = prefix + node.identity.former_uid;
      }
      if (const auto* table = dynamic_cast<const StreamTable*>(node.source.get())) {
        node.inputs.push_back(input_of(table->edge(), node.parallelism));
        node.make = [columns = table->columns(), with_time = table->with_time(),
                     time = element_of(table->edge()).size()] {
          return Result<std::unique_ptr<flow::Operator>>(
              with_time ? make_timed_columns(columns, time) : make_column_choice(columns));
        };
        node.source = nullptr;
      }
      ids.push_back(graph_.add(std::move(node)));
    }
    if (found->result) {
      built_[number].node = ids[*found->result];
      built_[number].parallelism = graph_.nodes[built_[number].node].parallelism;
    }
    return {};
  }

  const StreamPlan& plan_;
  const std::vector<NodeSpec>& nodes_;
  std::vector<Status>& errors_;
  std::vector<Built> built_;
  std::map<std::pair<NodeNumber, std::size_t>, int> consumers_;
  std::set<std::string> uids_;
  flow::Graph graph_;
};

}  // namespace

NodeNumber StreamPlan::add(NodeSpec spec) {
  const std::string position = spec.kind + "-" + std::to_string(++kinds_[spec.kind]);
  if (spec.uid.empty()) spec.uid = position;
  if (spec.name.empty()) spec.name = position;
  nodes_.push_back(std::move(spec));
  return nodes_.size() - 1;
}

std::size_t StreamPlan::side_output(NodeNumber number, SideSpec side) {
  NodeSpec& spec = nodes_[number];
  for (std::size_t i = 0; i < spec.sides.size(); ++i) {
    if (spec.sides[i].tag != side.tag) continue;
    if (!(spec.sides[i].element == side.element)) {
      note_error(Error{ErrorCode::kInvalidArgument, "side output '" + side.tag + "' of operator '" +
                                                        spec.uid + "' is read as two types"});
    }
    return i + 1;
  }
  if (!spec.body) {
    note_error(Error{ErrorCode::kInvalidArgument,
                     "operator '" + spec.uid + "' has no side outputs ('" + side.tag +
                         "'): only process functions and windows have"});
  }
  spec.sides.push_back(std::move(side));
  return spec.sides.size();
}

NodeNumber StreamPlan::import_graph(flow::Graph graph, std::optional<flow::NodeId> result,
                                    Schema element) {
  NodeSpec spec;
  spec.kind = kImported;
  spec.element = std::move(element);
  const NodeNumber number = add(std::move(spec));
  imported_.push_back({std::move(graph), result, number});
  return number;
}

const std::shared_ptr<flow::Runtime>& StreamPlan::runtime() {
  if (settings_->runtime != nullptr) return settings_->runtime;
  if (own_runtime_ == nullptr) own_runtime_ = make_runtime();
  return own_runtime_;
}

Result<flow::Graph> StreamPlan::translate() const {
  std::vector<Status> errors = errors_;
  flow::Graph graph = Translation(*this, errors).run();
  if (graph.nodes.empty() && errors.empty())
    errors.push_back(Error{ErrorCode::kInvalidArgument, "the job has no operators"});
  if (errors.empty()) return graph;
  Error all = errors.front().error();
  for (std::size_t i = 1; i < errors.size(); ++i) all.message += "\n" + errors[i].error().message;
  return all;
}

NodeNumber add_node(StreamPlan& plan, NodeSpec spec) { return plan.add(std::move(spec)); }
NodeSpec& node(StreamPlan& plan, NodeNumber number) { return plan.node(number); }
std::size_t side_output(StreamPlan& plan, NodeNumber number, SideSpec side) {
  return plan.side_output(number, std::move(side));
}
void note_error(StreamPlan& plan, Status status) { plan.note_error(std::move(status)); }
bool check_same(StreamPlan& plan, const StreamPlan& other, std::string_view what) {
  if (&plan == &other) return true;
  plan.note_error(Error{ErrorCode::kInvalidArgument, std::string(what) +
                                                         ": a stream of another environment ('" +
                                                         other.settings().name + "') in that of '" +
                                                         plan.settings().name + "'"});
  return false;
}
std::shared_ptr<const JobSettings> job_settings(const StreamPlan& plan) {
  return plan.shared_settings();
}

}  // namespace erased
}  // namespace slipstream::stream
