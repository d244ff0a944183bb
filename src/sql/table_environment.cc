#include <map>
#include <utility>

#include "slipstream/sql.h"

#include "base/try.h"
#include "flow/operators/collect.h"
#include "sql/parse/diagnostic.h"
#include "sql/session.h"
#include "stream/plan.h"
#include "stream/stream_table.h"

namespace slipstream::sql {
namespace {

using flow::Emitter;
using flow::Progress;
using stream::erased::StreamPlan;

constexpr const char* kConnector = "stream";
constexpr const char* kTime = "time";

// Streams by the number that their view's declaration carries.
class StreamConnector final : public ConnectorFactory {
 public:
  using Streams = std::map<std::string, stream::erased::EdgeSpec, std::less<>>;
  explicit StreamConnector(std::shared_ptr<const Streams> streams) : streams_(std::move(streams)) {}
  std::string_view name() const override { return kConnector; }
  std::string_view description() const override { return "a stream of the same program"; }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override {
    return OptionTable({OptionSpec{.name = "number", .description = "Which stream it is."}});
  }
  std::vector<MetadataSpec> metadata() const override {
    return {{kTime, Type::timestamp_ltz(3), true, false, "The time of the element."}};
  }
  bool gives_watermarks() const override { return true; }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    const auto number = request.table.options.find("number");
    const auto found =
        number == request.table.options.end() ? streams_->end() : streams_->find(number->second);
    if (found == streams_->end()) {
      return Error{ErrorCode::kInvalidArgument,
                   "'connector' = 'stream' stands for a stream of the program: use create_view()"};
    }
    Schema schema;
    for (const std::size_t column : request.physical)
      schema.add(request.table.physical[column].name, request.table.physical[column].type);
    for (const std::size_t column : request.metadata)
      schema.add(request.table.metadata[column].name, request.table.metadata[column].type);
    return std::unique_ptr<Source>(std::make_unique<stream::StreamTable>(
        found->second, schema, request.physical, !request.metadata.empty()));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest&) const override {
    return Error{ErrorCode::kUnsupported, "a stream cannot be written: insert into a table"};
  }

 private:
  std::shared_ptr<const Streams> streams_;
};

// Puts the time of the elements behind the columns of a query.
class ElementTimes final : public flow::Operator {
 public:
  explicit ElementTimes(std::size_t column) : column_(column) {}
  Status open(const flow::OperatorContext&) override { return {}; }
  Result<Progress> push(std::size_t, Batch&& batch, Emitter& out) override {
    if (batch.rows() > 0) {
      const Column& time = *batch.column(column_);
      const std::int64_t units = time.type().units_per_second() / 1000;
      ColumnBuilder builder(Type::bigint());
      builder.reserve(batch.rows());
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        if (time.is_null(row)) {
          builder.append_null();
          continue;
        }
        const std::int64_t value = time.data<std::int64_t>()[row];
        builder.append(value / units - (value % units < 0 ? 1 : 0));
      }
      std::vector<ColumnPtr> columns = batch.columns();
      columns.push_back(builder.finish());
      batch.set_columns(std::move(columns));
    }
    out.emit(std::move(batch));
    return Progress::kDone;
  }

 private:
  std::size_t column_;
};

std::string quoted(std::string_view name) {
  std::string text = "`";
  for (const char c : name) text += c == '`' ? std::string("``") : std::string(1, c);
  return text + "`";
}

bool fits(const Type& column, const Type& field) {
  if (column.is_timestamp() && field.is_timestamp()) return true;
  if (column.is_text() && field.is_text()) return true;
  if (column.is_binary() && field.is_binary()) return true;
  if (column.kind() != field.kind()) return false;
  const auto& ours = column.children();
  const auto& theirs = field.children();
  if (ours.size() != theirs.size()) return false;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!fits(ours[i].type, theirs[i].type)) return false;
  }
  return column.kind() != TypeKind::kDecimal || column.scale() == field.scale();
}

Status check_fits(const Schema& query, const Schema& element) {
  bool same = query.size() == element.size();
  for (std::size_t i = 0; same && i < query.size(); ++i)
    same = fits(query[i].type, element[i].type);
  if (same) return {};
  return Error{ErrorCode::kInvalidArgument, "the query gives " + query.to_string() +
                                                " and the element type is " + element.to_string() +
                                                ": CAST the columns, or change the type"};
}

}  // namespace

class TableEnvironment::Impl {
 public:
  explicit Impl(StreamPlan& plan)
      : plan_(plan),
        streams_(std::make_shared<StreamConnector::Streams>()),
        registry_(make_registry(plan, streams_)),
        session_(*registry_, *plan.runtime()) {}

  Result<std::vector<Step>> compile(std::string_view script) {
    TRY(session_.set("pipeline.name", plan_.settings().name));
    Compiled compiled = session_.compile(script);
    if (compiled.ok()) return std::move(compiled.steps);
    std::string text;
    for (const Diagnostic& diagnostic : compiled.diagnostics)
      text +=
          (text.empty() ? "" : "\n") + render_diagnostic(std::string(script), "SQL", diagnostic);
    return Error{ErrorCode::kInvalidArgument, text};
  }

  Status execute(std::string_view script) {
    TRY_ASSIGN(std::vector<Step> steps, compile(script));
    std::vector<RelPtr> inserts;
    for (Step& step : steps) {
      if (step.kind == Step::Kind::kSelect)
        return Error{ErrorCode::kInvalidArgument,
                     "a SELECT has nowhere to go here: query<T>() makes it a stream"};
      if (step.kind == Step::Kind::kInsert) inserts.push_back(std::move(step.plan));
    }
    if (inserts.empty()) return {};
    TRY_ASSIGN(flow::Graph graph, session_.graph(inserts, {}));
    plan_.import_graph(std::move(graph), std::nullopt, Schema());
    return {};
  }

  Result<stream::erased::NodeNumber> query(std::string_view select, const Schema& element) {
    TRY_ASSIGN(std::vector<Step> steps, compile(select));
    if (steps.size() != 1 || steps[0].kind != Step::Kind::kSelect)
      return Error{ErrorCode::kInvalidArgument, "query<T>() takes one SELECT"};
    const Rel& root = *steps[0].plan;
    TRY(check_fits(root.schema, element));
    if (root.updating)
      return Error{ErrorCode::kUnsupported,
                   "the rows of this query are updated later (GROUP BY without a window, a join "
                   "of updating inputs): a stream holds inserts only; group by a window, or write "
                   "to a table with INSERT INTO"};
    if (root.limit >= 0)
      return Error{ErrorCode::kUnsupported, "LIMIT ends a job: it has no meaning for a stream"};
    std::optional<std::size_t> time;
    for (std::size_t i = 0; i < root.traits.size() && !time; ++i) {
      if (root.traits[i].rowtime) time = i;
    }
    std::vector<RelPtr> plans;
    plans.push_back(std::move(steps[0].plan));
    TRY_ASSIGN(flow::Graph graph, session_.graph(plans, {}));
    flow::NodeId result = graph.nodes.back().inputs[0].from;  // what the collecting end reads
    graph.nodes.pop_back();
    if (time) result = add_times(graph, result, *time);
    return plan_.import_graph(std::move(graph), result, element);
  }

  Status view(const std::string& name, const stream::erased::NodeOutput& node_output,
              const Schema& element, const ViewOptions& options) {
    if (node_output.output == 0 && node_output.exchange == Partitioning::kHash)
      return Error{ErrorCode::kInvalidArgument,
                   "view '" + name + "': make it of the stream before key_by"};
    const std::string number = std::to_string(streams_->size() + 1);
    streams_->emplace(number, node_output.edge());
    std::string script = "CREATE TABLE " + quoted(name) + " (";
    for (const Field& field : element.fields())
      script += quoted(field.name) + " " + field.type.to_string() + ", ";
    if (!options.rowtime.empty()) {
      const std::string rowtime = quoted(options.rowtime);
      script += rowtime + " TIMESTAMP_LTZ(3) METADATA FROM '" + kTime +
                "' VIRTUAL, WATERMARK FOR " + rowtime + " AS " + rowtime;
    } else {
      script.resize(script.size() - 2);
    }
    script +=
        ") WITH ('connector' = '" + std::string(kConnector) + "', 'number' = '" + number + "')";
    return compile(script).status();
  }

  Status insert(const std::string& table, const stream::erased::NodeOutput& node_output,
                const Schema& element) {
    const std::string name = "$stream" + std::to_string(streams_->size() + 1);
    TRY(view(name, node_output, element, {}));
    std::string columns;
    for (const Field& field : element.fields())
      columns += (columns.empty() ? "" : ", ") + quoted(field.name);
    return execute("INSERT INTO " + quoted(table) + " SELECT " + columns + " FROM " + quoted(name));
  }

  void note(const Status& status) {
    if (!status.ok()) plan_.note_error(status);
  }

 private:
  static std::unique_ptr<ConnectorRegistry> make_registry(
      const StreamPlan& plan, std::shared_ptr<const StreamConnector::Streams> streams) {
    auto registry = std::make_unique<ConnectorRegistry>();
    registry->add_all(plan.connectors());
    registry->add(std::make_unique<StreamConnector>(std::move(streams)));
    return registry;
  }
  static flow::NodeId add_times(flow::Graph& graph, flow::NodeId from, std::size_t column) {
    flow::Node node;
    node.uid = "times";
    node.name = "times";
    node.parallelism = graph.nodes[from].parallelism;
    node.inputs.push_back(flow::Input{from, 0, Partitioning::kForward, {}});
    node.output = stream::erased::edge_schema(graph.nodes[from].output, false);
    node.make = [column] {
      return Result<std::unique_ptr<flow::Operator>>(std::make_unique<ElementTimes>(column));
    };
    return graph.add(std::move(node));
  }

  StreamPlan& plan_;
  std::shared_ptr<StreamConnector::Streams> streams_;
  std::unique_ptr<ConnectorRegistry> registry_;
  Session session_;
};

TableEnvironment::TableEnvironment(stream::Environment& environment)
    : plan_(environment.plan()), impl_(std::make_unique<Impl>(*plan_)) {}
TableEnvironment::~TableEnvironment() = default;
TableEnvironment::TableEnvironment(TableEnvironment&&) noexcept = default;
TableEnvironment& TableEnvironment::operator=(TableEnvironment&&) noexcept = default;

void TableEnvironment::execute(std::string_view script) { impl_->note(impl_->execute(script)); }

stream::erased::NodeNumber TableEnvironment::add_query(std::string_view select,
                                                       const Schema& element) {
  auto number = impl_->query(select, element);
  if (number.ok()) return *number;
  impl_->note(number.status());
  // something to build on, so that the rest of the program can be checked too
  return plan_->import_graph(flow::Graph(), std::nullopt, element);
}

void TableEnvironment::add_view(const std::string& name,
                                const stream::erased::NodeOutput& node_output,
                                const Schema& element, const ViewOptions& options) {
  if (stream::erased::check_same(*plan_, *node_output.plan, "view '" + name + "'"))
    impl_->note(impl_->view(name, node_output, element, options));
}

void TableEnvironment::add_insert(const std::string& table,
                                  const stream::erased::NodeOutput& node_output,
                                  const Schema& element) {
  if (stream::erased::check_same(*plan_, *node_output.plan, "insert into '" + table + "'"))
    impl_->note(impl_->insert(table, node_output, element));
}

}  // namespace slipstream::sql
