#include "sql/session.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "base/clock.h"
#include "base/suggest.h"
#include "base/try.h"
#include "data/text/time_zone.h"
#include "expr/function.h"
#include "sql/bind/query_binder.h"
#include "sql/lower/lower.h"
#include "sql/optimize/optimize.h"
#include "sql/parse/hide_secrets.h"
#include "sql/parse/parser.h"
#include "sql/parse/printer.h"
#include "sql/plan/identity.h"
#include "sql/settings/flink_settings.h"
#include "sql/settings/session_options.h"

namespace slipstream::sql {
namespace {

expr::EvalContext eval_context(const Options& options, const Clock& clock) {
  expr::EvalContext eval;
  eval.session_time_zone = options.text("table.local-time-zone");
  eval.wall_micros = [&clock] { return clock.wall_ms() * 1000; };
  const auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  eval.random = [engine] { return (*engine)(); };
  return eval;
}

LowerOptions lower_options(const ConnectorRegistry& registry, const Clock& clock,
                           const Options& options) {
  LowerOptions lowering;
  lowering.registry = &registry;
  lowering.eval = eval_context(options, clock);
  lowering.job_name = options.text("pipeline.name");
  lowering.drop_null_rows = options.text("table.exec.sink.not-null-enforcer") == "drop";
  return lowering;
}

void set_state_ttl(Rel& rel, std::int64_t ttl_ms) {
  for (const RelPtr& input : rel.inputs) set_state_ttl(*input, ttl_ms);
  if (rel.kind == RelKind::kGroupAggregate || rel.kind == RelKind::kJoin) rel.state_ttl_ms = ttl_ms;
}

// Row kinds of sources are known only now: an operator above an updating one is updating too.
void spread_updating(Rel& rel) {
  for (const RelPtr& input : rel.inputs) {
    spread_updating(*input);
    if (input->updating && rel.kind != RelKind::kWindowAggregate) rel.updating = true;
  }
}

void add_endpoints_read(const Rel& rel, std::set<std::string>& endpoints) {
  if (rel.scan && rel.scan->source) {
    for (std::string& each : rel.scan->source->endpoints()) endpoints.insert(std::move(each));
  }
  for (const RelPtr& input : rel.inputs) add_endpoints_read(*input, endpoints);
}

// What an INSERT reads, at any depth, and where it writes.
struct Flow {
  std::size_t line = 0;
  std::set<std::string> reads = {};
  std::set<std::string> writes = {};
};

std::optional<std::string> one_of_both(const std::set<std::string>& a,
                                       const std::set<std::string>& b) {
  for (const std::string& place : a) {
    if (b.contains(place)) return place;
  }
  return std::nullopt;
}

Flow flow_of(const Rel& root) {
  Flow flow;
  flow.line = root.span.line;
  add_endpoints_read(root, flow.reads);
  if (root.sink) {
    for (std::string& each : root.sink->endpoints()) flow.writes.insert(std::move(each));
  }
  return flow;
}

// The line of the INSERT through which what `last` writes comes back to it.
std::optional<std::size_t> find_way_back(const Flow& last, const std::vector<Flow>& others) {
  std::set<std::string> reached = last.writes;
  std::vector<bool> passed(others.size());
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (passed[i] || !one_of_both(others[i].reads, reached)) continue;
      passed[i] = more = true;
      reached.insert(others[i].writes.begin(), others[i].writes.end());
      if (one_of_both(last.reads, others[i].writes)) return others[i].line;
    }
  }
  return std::nullopt;
}

bool matches(const std::string& name, const ast::ShowStatement& show) {
  if (!show.like) return true;
  // LIKE with % and _ over short names
  const std::string& pattern = *show.like;
  std::vector<bool> row(name.size() + 1);
  row[0] = true;
  for (const char p : pattern) {
    std::vector<bool> next(name.size() + 1);
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (p == '%')
        next[i] = row[i] || (i > 0 && next[i - 1]);
      else if (i > 0)
        next[i] = row[i - 1] && (p == '_' || name[i - 1] == p);
    }
    row = std::move(next);
  }
  return row[name.size()] != show.negated;
}

}  // namespace

// Those that the plans of one job have so far.
struct Uids {
  std::map<std::string, int> names;
  std::map<std::string, int> former_names;
};

// One pass over a script.
struct Session::Run {
  const ConnectorRegistry& registry;
  const Clock& clock;
  Catalog& catalog;
  OptionMap& settings;
  Compiled out;
  // Of all inserts of a script: they are one job.
  Uids insert_uids = {};
  std::vector<Flow> flows = {};  // of those inserts

  void report(const SourceSpan& span, std::string message, std::string fix = {}) {
    out.diagnostics.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
  }
  Step& add(Step::Kind kind, const ast::Statement& at) {
    out.steps.emplace_back();
    out.steps.back().kind = kind;
    out.steps.back().line = at.span.line;
    return out.steps.back();
  }
  void say(const ast::Statement& at, std::string text) {
    add(Step::Kind::kText, at).text = std::move(text);
  }

  void statement(ast::StatementPtr& node);
  void create_table(ast::StatementPtr& node);
  void create_view(ast::StatementPtr& node);
  void drop(const ast::DropStatement& statement);
  void insert(const ast::InsertStatement& statement);
  void select(const ast::QueryStatement& statement);
  void explain(const ast::ExplainStatement& statement);
  static std::vector<std::string> described(const CatalogTable& table, const CatalogColumn& column);
  void describe(const ast::DescribeStatement& statement);
  void show(const ast::ShowStatement& statement);
  void set(const ast::SetStatement& statement);
  void set_other(const ast::SetStatement& statement);
  void reset(const ast::ResetStatement& statement);
  RelPtr plan_of(const ast::Statement& statement);
  RelPtr finish(RelPtr root, const SourceSpan& span);
};

RelPtr Session::Run::finish(RelPtr root, const SourceSpan& span) {
  if (!root) return nullptr;
  const auto options = session_options().parse(settings, "SET");
  if (!options.ok()) {
    report(span, options.error().message);
    return nullptr;
  }
  const LowerOptions lowering = lower_options(registry, clock, *options);
  const bool is_sink = root->kind == RelKind::kSink;
  Uids own;  // a query is a job of its own
  Uids& uids = is_sink ? insert_uids : own;
  identify(*root, uids.names);
  const std::size_t before = out.diagnostics.size();
  root = optimize(std::move(root), lowering.eval, out.diagnostics);
  if (out.diagnostics.size() != before) return nullptr;
  name_formerly(*root, uids.former_names);
  set_state_ttl(*root, options->duration("table.exec.state.ttl").count());
  // sources first: whether they update decides what the sink is asked for
  Status made =
      is_sink ? make_connectors(*root->inputs[0], lowering) : make_connectors(*root, lowering);
  spread_updating(*root);
  if (made.ok() && is_sink) made = make_connectors(*root, lowering);
  if (!made.ok()) {
    report(root->kind == RelKind::kSink ? root->span : span, made.error().message);
    return nullptr;
  }
  check_aggregates(*root, out.diagnostics);
  if (out.diagnostics.size() != before) return nullptr;
  const Flow flow = is_sink ? flow_of(*root) : Flow{};
  if (const auto place = one_of_both(flow.reads, flow.writes)) {
    report(root->span,
           "this INSERT is a loop: it reads " + *place +
               " and writes to it, so every row that it "
               "writes comes back to it, for ever",
           "write to another topic");
    return nullptr;
  }
  return root;
}

void Session::Run::create_table(ast::StatementPtr& node) {
  const std::shared_ptr<const ast::CreateTable> statement(
      static_cast<ast::CreateTable*>(node.release()));
  const std::string& name = statement->name.parts.back().name;
  if (catalog.contains(name)) {
    if (!statement->if_not_exists)
      report(statement->name.span, "'" + name + "' exists already",
             "CREATE TABLE IF NOT EXISTS, or DROP it first");
    return;
  }
  auto table = bind_create_table(statement, registry, out.diagnostics);
  if (!table) return catalog.mark_broken(name);
  catalog.add(std::move(*table));
  say(*statement, "OK");
}

void Session::Run::create_view(ast::StatementPtr& node) {
  const std::shared_ptr<const ast::CreateView> statement(
      static_cast<ast::CreateView*>(node.release()));
  const std::string& name = statement->name.parts.back().name;
  if (catalog.contains(name)) {
    if (!statement->if_not_exists)
      report(statement->name.span, "'" + name + "' exists already",
             "CREATE VIEW IF NOT EXISTS, or DROP it first");
    return;
  }
  QueryBinder binder(catalog, registry, out.diagnostics);
  const RelPtr bound = binder.bind_query(*statement->query);
  if (!bound) return catalog.mark_broken(name);
  if (!statement->columns.empty() && statement->columns.size() != bound->schema.size()) {
    catalog.mark_broken(name);
    report(statement->name.span, "the view names " + std::to_string(statement->columns.size()) +
                                     " columns and its query has " +
                                     std::to_string(bound->schema.size()));
    return;
  }
  catalog.add(CatalogView{name, statement->temporary, statement, hide_secrets(to_sql(*statement))});
  say(*statement, "OK");
}

void Session::Run::drop(const ast::DropStatement& statement) {
  const std::string& name = statement.name.parts.back().name;
  const bool is_table = statement.object == ast::ObjectKind::kTable;
  const bool done = is_table ? catalog.drop_table(name) : catalog.drop_view(name);
  if (!done && catalog.is_broken(name)) return;
  if (!done && !statement.if_exists) {
    const auto near = nearest_name(name, is_table ? catalog.table_names() : catalog.view_names());
    report(statement.name.span,
           std::string("no ") + (is_table ? "table" : "view") + " '" + name + "'",
           near ? "did you mean '" + *near + "'?" : "");
    return;
  }
  say(statement, "OK");
}

RelPtr Session::Run::plan_of(const ast::Statement& statement) {
  QueryBinder binder(catalog, registry, out.diagnostics);
  if (const auto* insert_node = ast::as_if<ast::InsertStatement>(statement))
    return finish(binder.bind_insert(*insert_node), insert_node->span);
  if (const auto* query = ast::as_if<ast::QueryStatement>(statement))
    return finish(binder.bind_select(*query->query), query->span);
  report(statement.span, "only queries, INSERT and statement sets can be explained");
  return nullptr;
}

void Session::Run::insert(const ast::InsertStatement& statement) {
  RelPtr plan = plan_of(statement);
  if (!plan) return;
  Flow flow = flow_of(*plan);
  if (const auto line = find_way_back(flow, flows)) {
    report(
        statement.span,
        "this INSERT closes a loop: what it writes comes back to it through the INSERT of line " +
            std::to_string(*line) + ", for ever",
        "write to another topic");
    return;
  }
  flows.push_back(std::move(flow));
  add(Step::Kind::kInsert, statement).plan = std::move(plan);
}

void Session::Run::select(const ast::QueryStatement& statement) {
  RelPtr plan = plan_of(statement);
  if (plan) add(Step::Kind::kSelect, statement).plan = std::move(plan);
}

void Session::Run::explain(const ast::ExplainStatement& statement) {
  std::string text;
  const Uids uids = insert_uids;  // what is explained is not run
  const auto append = [&](const ast::Statement& inner) {
    const RelPtr plan = plan_of(inner);
    if (plan) text += to_string(*plan);
  };
  if (const auto* several = ast::as_if<ast::StatementSet>(*statement.statement)) {
    for (const auto& inner : several->inserts) append(*inner);
  } else {
    append(*statement.statement);
  }
  insert_uids = uids;
  say(statement, "== Plan ==\n" + text);
}

std::vector<std::string> Session::Run::described(const CatalogTable& table,
                                                 const CatalogColumn& column) {
  std::string extras;
  if (column.kind == CatalogColumn::Kind::kComputed) extras = "AS " + to_sql(*column.expr);
  if (column.kind == CatalogColumn::Kind::kMetadata) {
    extras = "METADATA FROM '" + column.metadata_key + "'" + (column.is_virtual ? " VIRTUAL" : "");
  }
  const bool key = std::find(table.primary_key.begin(), table.primary_key.end(), column.name) !=
                   table.primary_key.end();
  return {column.name,
          column.type.with_nullable(true).to_string(),
          column.type.nullable() ? "TRUE" : "FALSE",
          key ? "PRI" : "",
          extras,
          column.name == table.watermark_column ? to_sql(*table.watermark) : ""};
}

void Session::Run::describe(const ast::DescribeStatement& statement) {
  const std::string& name = statement.name.parts.back().name;
  Step step;
  step.kind = Step::Kind::kTable;
  step.line = statement.span.line;
  step.header = {"name", "type", "null", "key", "extras", "watermark"};
  if (const CatalogTable* table = catalog.find_table(name)) {
    for (const CatalogColumn& column : table->columns)
      step.rows.push_back(described(*table, column));
  } else if (const CatalogView* view = catalog.find_view(name)) {
    QueryBinder binder(catalog, registry, out.diagnostics);
    const RelPtr bound = binder.bind_query(*view->source->query);
    for (std::size_t i = 0; bound && i < bound->schema.size(); ++i) {
      const Type& type = bound->schema[i].type;
      const std::string column =
          view->source->columns.empty() ? bound->schema[i].name : view->source->columns[i].name;
      step.rows.push_back({column, type.with_nullable(true).to_string(),
                           type.nullable() ? "TRUE" : "FALSE", "", "", ""});
    }
  } else if (catalog.is_broken(name)) {
    return;
  } else {
    const auto near = nearest_name(name, catalog.table_names());
    report(statement.name.span, "unknown table '" + name + "'",
           near ? "did you mean '" + *near + "'?" : "");
    return;
  }
  out.steps.push_back(std::move(step));
}

void Session::Run::show(const ast::ShowStatement& statement) {
  std::vector<std::string> names;
  std::string header;
  switch (statement.what) {
    case ast::ShowKind::kTables:
      names = catalog.table_names(), header = "table name";
      break;
    case ast::ShowKind::kViews:
      names = catalog.view_names(), header = "view name";
      break;
    case ast::ShowKind::kFunctions:
      header = "function name";
      for (const expr::Function* function : expr::all_functions()) names.push_back(function->name);
      for (const expr::AggregateFunction* function : expr::all_aggregates())
        names.push_back(function->name);
      std::sort(names.begin(), names.end());
      break;
    case ast::ShowKind::kCreateTable:
    case ast::ShowKind::kCreateView: {
      const std::string& name = statement.name->parts.back().name;
      const CatalogTable* table = catalog.find_table(name);
      const CatalogView* view = catalog.find_view(name);
      if (table == nullptr && view == nullptr && catalog.is_broken(name)) return;
      if (table == nullptr && view == nullptr)
        return report(statement.name->span, "unknown table '" + name + "'");
      return say(statement, table != nullptr ? table->text : view->text);
    }
    default:
      return report(statement.span, "this SHOW is not supported",
                    "SHOW TABLES, SHOW VIEWS, SHOW FUNCTIONS and SHOW CREATE TABLE are");
  }
  Step& step = add(Step::Kind::kTable, statement);
  step.header = {header};
  for (const std::string& name : names) {
    if (matches(name, statement)) step.rows.push_back({name});
  }
}

// A key that means nothing here, or nothing at all.
void Session::Run::set_other(const ast::SetStatement& statement) {
  const std::string& key = *statement.key;
  if (const FlinkSetting* setting = find_flink_setting(key)) {
    if (!setting->instead.empty()) {
      return report(statement.key_span, "'" + key + "' is no setting here",
                    "use " + std::string(setting->instead));
    }
    add(Step::Kind::kNote, statement).text =
        "'" + key + "' has no effect here: " + std::string(setting->note);
    return;
  }
  const OptionTable known = session_options();
  std::vector<std::string> names;
  for (const OptionSpec& spec : known.specs()) {
    names.push_back(spec.name);
    names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
  }
  for (const FlinkSetting& setting : flink_settings()) names.emplace_back(setting.key);
  const auto near = nearest_name(key, names);
  report(statement.key_span, "unknown setting '" + key + "'",
         near ? "did you mean '" + *near + "'?" : "SET lists them");
}

void Session::Run::set(const ast::SetStatement& statement) {
  if (!statement.key) {
    Step& step = add(Step::Kind::kTable, statement);
    step.header = {"key", "value"};
    const OptionTable options = session_options();
    for (const OptionSpec& spec : options.specs()) {
      const auto given = settings.find(spec.name);
      step.rows.push_back(
          {spec.name, given == settings.end() ? spec.default_value : given->second});
    }
    return;
  }
  if (session_options().find(*statement.key) == nullptr) return set_other(statement);
  const auto parsed = session_options().parse({{*statement.key, statement.value}}, "SET");
  if (!parsed.ok()) return report(statement.key_span, parsed.error().message);
  if (*statement.key == "table.local-time-zone") {
    const auto zone = TimeZone::from_name(statement.value);
    if (!zone.ok()) return report(statement.value_span, zone.error().message);
  }
  settings[session_options().find(*statement.key)->name] = statement.value;
  say(statement, "OK");
}

void Session::Run::reset(const ast::ResetStatement& statement) {
  if (statement.key) {
    const OptionTable options = session_options();
    const OptionSpec* spec = options.find(*statement.key);
    settings.erase(spec != nullptr ? spec->name : *statement.key);
  } else {
    settings.clear();
  }
  say(statement, "OK");
}

void Session::Run::statement(ast::StatementPtr& node) {
  switch (node->kind) {
    case ast::StatementKind::kCreateTable:
      return create_table(node);
    case ast::StatementKind::kCreateView:
      return create_view(node);
    case ast::StatementKind::kDrop:
      return drop(ast::as<ast::DropStatement>(*node));
    case ast::StatementKind::kInsert:
      return insert(ast::as<ast::InsertStatement>(*node));
    case ast::StatementKind::kStatementSet:
      for (const auto& inner : ast::as<ast::StatementSet>(*node).inserts) insert(*inner);
      return;
    case ast::StatementKind::kQuery:
      return select(ast::as<ast::QueryStatement>(*node));
    case ast::StatementKind::kExplain:
      return explain(ast::as<ast::ExplainStatement>(*node));
    case ast::StatementKind::kDescribe:
      return describe(ast::as<ast::DescribeStatement>(*node));
    case ast::StatementKind::kShow:
      return show(ast::as<ast::ShowStatement>(*node));
    case ast::StatementKind::kSet:
      return set(ast::as<ast::SetStatement>(*node));
    case ast::StatementKind::kReset:
      return reset(ast::as<ast::ResetStatement>(*node));
    case ast::StatementKind::kUse:
      return report(node->span, "there is one catalog and one database: USE is not supported");
  }
}

Session::Session(const ConnectorRegistry& registry, flow::Runtime& runtime)
    : registry_(registry), runtime_(runtime) {}

Compiled Session::compile(std::string_view script) {
  ParseResult parsed = parse_script(script);
  const Catalog catalog_before = catalog_;
  const OptionMap settings_before = settings_;
  Run run{registry_, runtime_.clock(), catalog_, settings_, {}};
  run.out.diagnostics = std::move(parsed.diagnostics);
  for (std::string& name : parsed.broken_names) catalog_.mark_broken(std::move(name));
  for (ast::StatementPtr& statement : parsed.statements) run.statement(statement);
  sort_by_place(run.out.diagnostics);
  if (!run.out.ok()) {
    catalog_ = catalog_before;
    settings_ = settings_before;
  }
  return std::move(run.out);
}

std::vector<Diagnostic> Session::check(std::string_view script) {
  Session copy(registry_, runtime_);
  copy.catalog_ = catalog_;
  copy.settings_ = settings_;
  return copy.compile(script).diagnostics;
}

Status Session::set(std::string_view key, std::string_view value) {
  TRY(session_options().parse({{std::string(key), std::string(value)}}, "--set"));
  settings_[session_options().find(key)->name] = value;
  return {};
}

Result<flow::Graph> Session::graph(const std::vector<RelPtr>& plans,
                                   flow::CollectSpec collect) const {
  TRY_ASSIGN(const Options options, session_options().parse(settings_, "SET"));
  LowerOptions lowering = lower_options(registry_, runtime_.clock(), options);
  lowering.collect = std::move(collect);
  return lower(plans, lowering);
}

Result<flow::JobOptions> Session::job_options() const {
  TRY_ASSIGN(const Options options, session_options().parse(settings_, "SET"));
  flow::JobOptions job;
  job.name = options.text("pipeline.name");
  job.parallelism = static_cast<std::uint32_t>(options.integer("parallelism.default"));
  job.max_parallelism = static_cast<std::uint32_t>(options.integer("pipeline.max-parallelism"));
  job.checkpoint_dir = options.text("execution.checkpointing.dir");
  job.checkpoint_interval = options.duration("execution.checkpointing.interval");
  job.checkpoint_timeout = options.duration("execution.checkpointing.timeout");
  job.retained_checkpoints =
      static_cast<std::uint32_t>(options.integer("execution.checkpointing.num-retained"));
  job.incremental_checkpoints = options.boolean("execution.checkpointing.incremental");
  job.restart_attempts = static_cast<std::uint32_t>(options.integer("restart-strategy.attempts"));
  job.restart_delay = options.duration("restart-strategy.delay");
  job.memory_bytes = static_cast<std::size_t>(options.bytes("slipstream.memory"));
  job.batch_rows = static_cast<std::size_t>(options.integer("slipstream.batch-rows"));
  return job;
}

std::string Session::explain(const std::vector<const Rel*>& plans) const {
  std::string text = "== Plan ==\n";
  for (const Rel* plan : plans) text += to_string(*plan);
  return text;
}

}  // namespace slipstream::sql
