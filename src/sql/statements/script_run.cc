#include "sql/statements/script_run.h"

#include <utility>

#include "sql/parse/parser.h"

namespace slipstream::sql {

ScriptRun::ScriptRun(const ConnectorRegistry& registry, const Clock& clock, const Catalog& catalog,
                     OptionMap settings)
    : registry_(registry),
      settings_(std::move(settings)),
      catalog_(catalog, out_.diagnostics),
      planner_(registry, clock, catalog_, settings_, out_.diagnostics) {}

void ScriptRun::report(const SourceSpan& span, std::string message, std::string fix) {
  out_.diagnostics.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
}

Step& ScriptRun::add(Step::Kind kind, const ast::Statement& at) {
  Step& step = out_.steps.emplace_back();
  step.kind = kind;
  step.line = at.span.line;
  return step;
}

void ScriptRun::add_text(const ast::Statement& at, std::string text) {
  add(Step::Kind::kText, at).text = std::move(text);
}

Compiled ScriptRun::run(std::string_view script) {
  ParseResult parsed = parse_script(script);
  out_.diagnostics = std::move(parsed.diagnostics);
  for (std::string& name : parsed.broken_names) catalog_.mark_broken(std::move(name));
  for (const ast::StatementPtr& each : parsed.statements) statement(*each);
  sort_by_place(out_.diagnostics);
  return std::exchange(out_, {});
}

std::vector<Diagnostic> ScriptRun::commit(Catalog& catalog) {
  catalog_.commit(catalog);
  return std::exchange(out_.diagnostics, {});
}

void ScriptRun::insert(const ast::InsertStatement& statement) {
  RelPtr plan = planner_.plan(statement);
  if (!plan) return;
  if (const auto line = loops_.add(*plan)) {
    report(
        statement.span,
        "this INSERT closes a loop: what it writes comes back to it through the INSERT of line " +
            std::to_string(*line) + ", forever",
        "write to another topic");
    return;
  }
  add(Step::Kind::kInsert, statement).plan = std::move(plan);
}

void ScriptRun::select(const ast::QueryStatement& statement) {
  RelPtr plan = planner_.plan(statement);
  if (plan) add(Step::Kind::kSelect, statement).plan = std::move(plan);
}

void ScriptRun::explain(const ast::ExplainStatement& statement) {
  std::string text;
  Planner planner = planner_;  // what is explained is not run
  const auto append = [&](const ast::Statement& inner) {
    const RelPtr plan = planner.plan(inner);
    if (plan) text += to_string(*plan);
  };
  if (const auto* several = ast::as_if<ast::StatementSet>(*statement.statement)) {
    for (const auto& inner : several->inserts) append(*inner);
  } else {
    append(*statement.statement);
  }
  add_text(statement, "== Plan ==\n" + text);
}

void ScriptRun::statement(const ast::Statement& node) {
  switch (node.kind) {
    case ast::StatementKind::kCreateTable:
      return create_table(ast::as<ast::CreateTable>(node));
    case ast::StatementKind::kCreateView:
      return create_view(ast::as<ast::CreateView>(node));
    case ast::StatementKind::kDrop:
      return drop(ast::as<ast::DropStatement>(node));
    case ast::StatementKind::kInsert:
      return insert(ast::as<ast::InsertStatement>(node));
    case ast::StatementKind::kStatementSet:
      for (const auto& inner : ast::as<ast::StatementSet>(node).inserts) insert(*inner);
      return;
    case ast::StatementKind::kQuery:
      return select(ast::as<ast::QueryStatement>(node));
    case ast::StatementKind::kExplain:
      return explain(ast::as<ast::ExplainStatement>(node));
    case ast::StatementKind::kDescribe:
      return describe(ast::as<ast::DescribeStatement>(node));
    case ast::StatementKind::kShow:
      return show(ast::as<ast::ShowStatement>(node));
    case ast::StatementKind::kSet:
      return set(ast::as<ast::SetStatement>(node));
    case ast::StatementKind::kReset:
      return reset(ast::as<ast::ResetStatement>(node));
    case ast::StatementKind::kUse:
      return report(node.span, "there is one catalog and one database: USE is not supported");
  }
}

}  // namespace slipstream::sql
