#include "server/report_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "slipstream/secret_values.h"

#include "flow/runtime/graph_drawing.h"
#include "sql/parse/hide_secrets.h"

namespace slipstream::server {

using nlohmann::json;

namespace {

json time_json(std::int64_t ms) { return ms == 0 ? json(nullptr) : json(ms); }

// Event time; null before the first watermark, and after the last.
json watermark_json(flow::EventTime watermark) {
  return watermark == flow::kMinWatermark || watermark == flow::kMaxWatermark ? json(nullptr)
                                                                              : json(watermark);
}

const char* name_of(CheckpointReport::Kind kind) {
  switch (kind) {
    case CheckpointReport::Kind::kCheckpoint:
      return "checkpoint";
    case CheckpointReport::Kind::kSavepoint:
      return "savepoint";
    case CheckpointReport::Kind::kFinal:
      return "final";
  }
  return "checkpoint";
}

json task_json(const TaskReport& task) {
  return {{"subtask", task.subtask},
          {"rows_in", task.rows_in},
          {"rows_out", task.rows_out},
          {"busy_ms", task.busy_ms},
          {"idle_ms", task.idle_ms},
          {"backpressured_ms", task.backpressured_ms},
          {"watermark_ms", watermark_json(task.watermark)}};
}

json vertices_json(const JobReport& report) {
  json vertices = json::array();
  for (const VertexReport& vertex : report.vertices) {
    vertices.push_back(
        {{"name", vertex.name}, {"parallelism", vertex.parallelism}, {"tasks", json::array()}});
  }
  for (const TaskReport& task : report.tasks)
    vertices.at(task.vertex)["tasks"].push_back(task_json(task));
  return vertices;
}

json edges_json(const JobReport& report) {
  json edges = json::array();
  for (const EdgeReport& edge : report.edges) {
    edges.push_back({{"from", edge.from},
                     {"to", edge.to},
                     {"partitioning", flow::partitioning_name(edge.partitioning)},
                     {"rows", edge.rows},
                     {"queued_bytes", edge.queued_bytes},
                     {"queued_bytes_max", edge.queued_bytes_max},
                     {"watermark_ms", watermark_json(edge.watermark)}});
  }
  return edges;
}

json checkpoints_json(const JobReport& report) {
  json checkpoints = json::array();
  for (auto each = report.checkpoints.rbegin(); each != report.checkpoints.rend(); ++each) {
    checkpoints.push_back({{"id", each->id},
                           {"kind", name_of(each->kind)},
                           {"completed", each->completed},
                           {"begun_ms", each->begun_ms},
                           {"duration_ms", each->duration.count()},
                           {"state_bytes", each->state_bytes},
                           {"written_bytes", each->written_bytes},
                           {"epoch_bytes", each->epoch_bytes},
                           {"why", hide_secret_values(each->why)}});
  }
  return checkpoints;
}

// Newest first, like checkpoints.
json failures_json(const JobReport& report) {
  json failures = json::array();
  for (auto each = report.failures.rbegin(); each != report.failures.rend(); ++each)
    failures.push_back({{"at_ms", each->at_ms}, {"what", hide_secret_values(each->what)}});
  return failures;
}

json events_json(const HostedJob::View& view) {
  json events = json::array();
  for (auto each = view.events.rbegin(); each != view.events.rend(); ++each)
    events.push_back({{"at_ms", each->at_ms}, {"text", hide_secret_values(each->text)}});
  return events;
}

json splits_json(const JobReport& report) {
  json splits = json::array();
  for (const TaskReport& task : report.tasks) {
    for (const SplitReport& split : task.splits) {
      json shown = {{"task", task.name},
                    {"vertex", task.vertex},
                    {"subtask", task.subtask},
                    {"split", split.id},
                    {"lag", split.lag}};
      if (split.position >= 0) shown["position"] = split.position;
      if (split.end >= 0) shown["end"] = split.end;
      splits.push_back(std::move(shown));
    }
  }
  return splits;
}

json summary_of(const HostedJob::View& view) {
  const auto lag = lag_of(view.report);
  return {{"name", view.record.name},
          {"state", name_of(view.state)},
          {"error", hide_secret_values(view.error)},
          {"submitted_ms", view.record.submitted_ms},
          {"started_ms", time_json(view.started_ms)},
          {"ended_ms", time_json(view.record.ended_ms)},
          {"rows_read", flow::rows_read(view.report)},
          {"rows_written", flow::rows_written(view.report)},
          {"lag", lag ? json(*lag) : json(nullptr)},
          {"restarts", view.report.restarts},
          {"completed_checkpoints", view.report.completed_checkpoints}};
}

json diagnostics_of(const std::vector<sql::Diagnostic>& diagnostics, const std::string& script) {
  json list = json::array();
  for (const sql::Diagnostic& diagnostic : diagnostics) {
    const std::string text = sql::render_diagnostic(script, "sql", diagnostic);
    list.push_back({{"line", diagnostic.line},
                    {"column", diagnostic.column},
                    {"length", diagnostic.length},
                    {"message", hide_secret_values(diagnostic.message)},
                    {"fix", hide_secret_values(diagnostic.fix)},
                    {"text", hide_secret_values(text)}});
  }
  return list;
}

const char* name_of(flow::RowFinding::Verdict verdict) {
  static constexpr const char* kNames[] = {"equal", "missing", "surplus", "different",
                                           "not-compared"};
  return kNames[static_cast<std::size_t>(verdict)];
}

json span_json(const flow::RowAudit::Span& span) {
  json findings = json::array();
  for (const flow::RowFinding& found : span.findings) {
    findings.push_back({{"kind", found.input ? "edge" : "operator"},
                        {"name", hide_secret_values(found.name)},
                        {"node", found.node},
                        {"in", found.in},
                        {"out", found.out},
                        {"dropped", found.dropped},
                        {"missing", found.missing},
                        {"verdict", name_of(found.verdict)}});
  }
  return {{"from_ms", span.from_ms}, {"to_ms", span.to_ms}, {"findings", std::move(findings)}};
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string summary_json(const HostedJob::View& view) { return text_of(summary_of(view)); }

std::string list_json(const std::vector<HostedJob::View>& views) {
  json jobs = json::array();
  for (const HostedJob::View& view : views) jobs.push_back(summary_of(view));
  return text_of({{"jobs", std::move(jobs)}});
}

std::string detail_json(const HostedJob::View& view, const StateDirectory& state) {
  json detail = summary_of(view);
  detail["sql"] = sql::hide_secrets(view.record.sql);
  detail["settings"] = view.record.settings;
  detail["checkpoint_dir"] = state.checkpoints(view.record.checkpoint_dir);
  detail["vertices"] = vertices_json(view.report);
  detail["edges"] = edges_json(view.report);
  detail["splits"] = splits_json(view.report);
  detail["checkpoints"] = checkpoints_json(view.report);
  detail["failures"] = failures_json(view.report);
  detail["events"] = events_json(view);
  return text_of(detail);
}

std::string series_json(const std::vector<SeriesPoint>& points) {
  json series = {{"interval_ms", JobSeries::kIntervalMs}};
  const auto add = [&](const char* name, const auto& value_of) {
    json& values = series[name] = json::array();
    for (const SeriesPoint& point : points) values.push_back(value_of(point));
  };
  const auto short_number = [](float value) { return std::round(value * 1'000.0) / 1'000; };
  const auto known = [](std::int64_t value) { return value < 0 ? json(nullptr) : json(value); };
  add("at_ms", [](const SeriesPoint& each) { return each.at_ms; });
  add("rows_read", [&](const SeriesPoint& each) { return short_number(each.rows_read); });
  add("rows_written", [&](const SeriesPoint& each) { return short_number(each.rows_written); });
  add("lag", [&](const SeriesPoint& each) { return known(each.lag); });
  add("busy", [&](const SeriesPoint& each) { return short_number(each.busy); });
  add("backpressured", [&](const SeriesPoint& each) { return short_number(each.backpressured); });
  add("checkpoint_ms", [&](const SeriesPoint& each) { return known(each.checkpoint_ms); });
  add("state_bytes", [&](const SeriesPoint& each) { return known(each.state_bytes); });
  add("restarts", [](const SeriesPoint& each) { return each.restarts; });
  return text_of(series);
}

std::string audit_json(const flow::RowAudit::Report& report) {
  json audit = span_json(report.total);
  audit["checkpoint"] = report.checkpoint;
  audit["checksums"] = report.checksums;
  json& minutes = audit["minutes"] = json::array();
  for (const flow::RowAudit::Span& span : report.minutes) minutes.push_back(span_json(span));
  return text_of(audit);
}

std::string diagnostics_json(const std::vector<sql::Diagnostic>& diagnostics,
                             const std::string& script) {
  return text_of({{"diagnostics", diagnostics_of(diagnostics, script)}});
}

std::string refusal_json(const Refusal& refusal) {
  return text_of({{"error",
                   {{"message", hide_secret_values(refusal.message)},
                    {"fix", hide_secret_values(refusal.fix)},
                    {"diagnostics", diagnostics_of(refusal.diagnostics, refusal.script)}}}});
}

}  // namespace slipstream::server
