#include "sql/planner/planner.h"

#include <memory>
#include <random>
#include <utility>

#include "base/try.h"
#include "sql/bind/query_binder.h"
#include "sql/optimize/narrowings.h"
#include "sql/optimize/optimize.h"
#include "sql/plan/identity.h"
#include "sql/planner/insert_loops.h"
#include "sql/settings/session_options.h"

namespace slipstream::sql {
namespace {

expr::EvalContext eval_context(const Options& options, const Clock& clock) {
  expr::EvalContext eval;
  eval.session_time_zone = options[session_option::kTimeZone];
  eval.wall_micros = [&clock] { return clock.wall_ms() * 1000; };
  const auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  eval.random = [engine] { return (*engine)(); };
  return eval;
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

}  // namespace

LowerOptions lower_options(const ConnectorRegistry& registry, const Clock& clock,
                           const Options& options) {
  LowerOptions lowering;
  lowering.registry = &registry;
  lowering.eval = eval_context(options, clock);
  lowering.job_name = options[session_option::kJobName];
  lowering.drop_null_rows = options[session_option::kNotNullEnforcer] == NullRow::kDrop;
  return lowering;
}

void Planner::report(const SourceSpan& span, std::string message, std::string fix) {
  diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
}

RelPtr Planner::plan(const ast::Statement& statement) {
  QueryBinder binder(catalog_, registry_, diagnostics_);
  if (const auto* insert = ast::as_if<ast::InsertStatement>(statement))
    return finish(binder.bind_insert(*insert), insert->span);
  if (const auto* query = ast::as_if<ast::QueryStatement>(statement))
    return finish(binder.bind_select(*query->query), query->span);
  report(statement.span, "only queries, INSERT and statement sets can be explained");
  return nullptr;
}

// Sources first: whether they update decides what the sink is asked for.
Status Planner::make_ends(Rel& root, const LowerOptions& lowering) const {
  const bool is_sink = root.kind == RelKind::kSink;
  const Status made =
      is_sink ? make_connectors(*root.inputs[0], lowering) : make_connectors(root, lowering);
  spread_updating(root);
  if (made.ok()) narrow_sources(root);
  return made.ok() && is_sink ? make_connectors(root, lowering) : made;
}

RelPtr Planner::finish(RelPtr root, const SourceSpan& span) {
  if (!root) return nullptr;
  const auto options = session_options().parse(settings_, "SET");
  if (!options.ok()) {
    report(span, options.error().message);
    return nullptr;
  }
  const LowerOptions lowering = lower_options(registry_, clock_, *options);
  const bool is_sink = root->kind == RelKind::kSink;
  Uids own;  // a query is a job of its own
  Uids& uids = is_sink ? insert_uids_ : own;
  identify(*root, uids.names);
  const std::size_t before = diagnostics_.size();
  root = optimize(std::move(root), lowering.eval, diagnostics_);
  if (diagnostics_.size() != before) return nullptr;
  name_formerly(*root, uids.former_names);
  set_state_ttl(*root, (*options)[session_option::kStateTtl].count());
  if (const Status made = make_ends(*root, lowering); !made.ok()) {
    report(is_sink ? root->span : span, made.error().message);
    return nullptr;
  }
  check_aggregates(*root, diagnostics_);
  if (diagnostics_.size() != before) return nullptr;
  const auto endpoint = is_sink ? InsertLoops::within(*root) : std::nullopt;
  if (endpoint) {
    report(root->span,
           "this INSERT is a loop: it reads " + *endpoint +
               " and writes to it, so every row that it writes comes back to it, forever",
           "write to another topic");
    return nullptr;
  }
  return root;
}

}  // namespace slipstream::sql
