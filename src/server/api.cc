#include "server/api.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include "base/log.h"
#include "base/try.h"
#include "flow/runtime/memory_budget.h"
#include "server/assets.h"
#include "server/json_body.h"
#include "server/metrics_server.h"
#include "server/report_json.h"

namespace slipstream::server {
namespace {

using nlohmann::json;

constexpr std::int64_t kSavepointSeconds = 600;

HttpResponse answer(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

int status_of(Refusal::Reason reason) {
  switch (reason) {
    case Refusal::Reason::kInvalid:
      return 400;
    case Refusal::Reason::kNotFound:
      return 404;
    case Refusal::Reason::kConflict:
      return 409;
    case Refusal::Reason::kTimeout:
      return 504;
    case Refusal::Reason::kUnavailable:
      return 503;
    case Refusal::Reason::kInternal:
      return 500;
  }
  return 500;
}

HttpResponse refused(const Refusal& refusal) {
  return answer(status_of(refusal.reason), refusal_json(refusal));
}

// What the interface itself refuses.
HttpResponse refused(int status, std::string message, std::string fix = "") {
  Refusal refusal;
  refusal.message = std::move(message);
  refusal.fix = std::move(fix);
  return answer(status, refusal_json(refusal));
}

// "name" where the template has {name}; false when the path is another one.
bool matches(std::string_view path_template, std::string_view path, std::string* name) {
  const std::size_t open = path_template.find("{name}");
  if (open == std::string_view::npos) return path_template == path;
  const std::string_view before = path_template.substr(0, open);
  const std::string_view behind = path_template.substr(open + 6);
  if (path.size() <= before.size() + behind.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(behind)) return false;
  const std::string_view found =
      path.substr(before.size(), path.size() - before.size() - behind.size());
  if (found.find('/') != std::string_view::npos) return false;
  *name = found;
  return true;
}

// Names of schemes are compared without regard to case (RFC 9110, 11.1).
bool is_bearer(std::string_view scheme) {
  constexpr std::string_view kBearer = "bearer";
  return std::equal(scheme.begin(), scheme.end(), kBearer.begin(), kBearer.end(),
                    [](char given, char wanted) { return (given | 0x20) == wanted; });
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':'));
}

StartOptions start_options(BodyReader& reader) {
  StartOptions start;
  start.restore_from = reader.text("from");
  start.fresh = reader.flag("fresh");
  start.allow_duplicates = reader.flag("allow_duplicates");
  start.allow_dropped_state = reader.flag("allow_dropped_state");
  return start;
}

std::optional<Refusal> refuse_start(const StartOptions& start) {
  if (start.restore_from.empty() || !start.fresh) return std::nullopt;
  return Refusal::because(Refusal::Reason::kInvalid, "'from' and 'fresh' exclude each other",
                          "leave out one of them");
}

}  // namespace

Api::Api(JobHost& host, Options options)
    : host_(host),
      options_(std::move(options)),
      clock_(host.context().runtime->clock()),
      started_ms_(clock_.now_ms()) {}

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> kAll = [] {
    std::vector<Route> all = {
        {"GET", "/api/v1/status", &Api::status},
        {"GET", "/api/v1/jobs", &Api::list},
        {"POST", "/api/v1/jobs", &Api::submit},
        {"GET", "/api/v1/jobs/{name}", &Api::inspect},
        {"DELETE", "/api/v1/jobs/{name}", &Api::remove},
        {"GET", "/api/v1/jobs/{name}/series", &Api::series},
        {"GET", "/api/v1/jobs/{name}/tap", &Api::tap},
        {"GET", "/api/v1/jobs/{name}/audit", &Api::audit},
        {"POST", "/api/v1/jobs/{name}/stop", &Api::stop},
        {"POST", "/api/v1/jobs/{name}/cancel", &Api::cancel},
        {"POST", "/api/v1/jobs/{name}/savepoint", &Api::savepoint},
        {"POST", "/api/v1/jobs/{name}/restart", &Api::restart},
        {"POST", "/api/v1/check", &Api::check},
        {"POST", "/api/v1/queries", &Api::query},
        {"GET", "/metrics", &Api::metrics},
    };
    for (const Asset& each : assets())
      all.push_back({"GET", std::string(each.path), &Api::asset, true});
    return all;
  }();
  return kAll;
}

bool Api::is_authorized(const HttpRequest& request) const {
  std::string_view given = request.authorization;
  const std::size_t end = std::min(given.find(' '), given.size());
  if (!is_bearer(given.substr(0, end))) return false;
  given.remove_prefix(std::min(given.find_first_not_of(' ', end), given.size()));
  // In a time that depends on the given length only.
  return given.size() == options_.token.size() &&
         CRYPTO_memcmp(given.data(), options_.token.data(), given.size()) == 0;
}

// Pages of other sites must not steer this server through the browser of its user: their requests
// carry their origin, or, when they have made a name of theirs point here, that name as host.
std::optional<HttpResponse> Api::refuse_caller(const HttpRequest& request) const {
  if (options_.token.empty() && !is_loopback(host_of(request.host)))
    return refused(403, "without a token this server answers to localhost only",
                   "call it as 127.0.0.1 or localhost, or start it with --token-file");
  const std::size_t scheme = request.origin.find("://");
  const std::string_view origin_host = scheme == std::string::npos
                                           ? std::string_view(request.origin)
                                           : std::string_view(request.origin).substr(scheme + 3);
  if (!request.origin.empty() && origin_host != request.host)
    return refused(403, "the request comes from a page of another site");
  return std::nullopt;
}

HttpResponse Api::handle(const HttpRequest& request) {
  if (auto no = refuse_caller(request)) return std::move(*no);
  Call call;
  call.request = &request;
  const Route* route = nullptr;
  std::string allowed;
  for (const Route& each : routes()) {
    if (!matches(each.path, request.path, &call.name)) continue;
    allowed += (allowed.empty() ? "" : ", ") + each.method;
    if (each.method == request.method) route = &each;
  }
  const bool is_open = route != nullptr && route->is_open;
  if (!options_.token.empty() && !is_open && !is_authorized(request)) {
    HttpResponse response =
        refused(401, "a valid token is needed", "send the header 'Authorization: Bearer TOKEN'");
    response.headers["WWW-Authenticate"] = "Bearer";
    return response;
  }
  if (route == nullptr && allowed.empty())
    return refused(404, "there is no " + request.path, "see /openapi.json");
  if (route == nullptr) {
    HttpResponse response = refused(405, request.path + " knows " + allowed + " only");
    response.headers["Allow"] = allowed;
    return response;
  }
  if (!request.body.empty() && !request.content_type.starts_with("application/json"))
    return refused(415, "the body must be JSON",
                   "send the header 'Content-Type: application/json'");
  return (this->*route->handler)(call);
}

HttpResponse Api::failure(int status) {
  if (status == 503)
    return refused(status, "the server has too many connections", "try again later");
  return refused(status,
                 status == 413 ? "the body is larger than 4 MiB" : "the request cannot be read");
}

HttpResponse Api::status(const Call&) {
  std::size_t running = 0;
  const auto jobs = host_.jobs();
  for (const auto& job : jobs) running += job->is_active() ? 1U : 0U;
  std::size_t queries = 0;
  {
    MutexLock lock(mutex_);
    queries = places_taken_;
  }
  const flow::MemoryBudget& memory = *host_.context().runtime->memory();
  const json status = {{"version", options_.version},
                       {"uptime_ms", clock_.now_ms() - started_ms_},
                       {"jobs", jobs.size()},
                       {"running_jobs", running},
                       {"queries", queries},
                       {"memory_used_bytes", memory.used()},
                       {"memory_limit_bytes", memory.limit()}};
  return answer(200, status.dump());
}

HttpResponse Api::metrics(const Call&) {
  return metrics_response(host_.context().runtime->metrics(), host_.metrics());
}

HttpResponse Api::asset(const Call& call) {
  for (const Asset& asset : assets()) {
    if (asset.path != call.request->path) continue;
    HttpResponse response;
    response.content_type = asset.content_type;
    response.body = asset.content;
    response.headers = {{"Content-Security-Policy",
                         "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Cache-Control", "no-cache"}};
    return response;
  }
  return refused(404, "there is no " + call.request->path);
}

HttpResponse Api::list(const Call&) {
  std::vector<HostedJob::View> views;
  for (const auto& job : host_.jobs()) views.push_back(job->view());
  return answer(200, list_json(views));
}

HttpResponse Api::submit(const Call& call) {
  BodyReader reader(call.request->body, {"name", "sql", "settings", "checkpoint_dir", "from",
                                         "fresh", "allow_duplicates", "allow_dropped_state"});
  JobHost::Submission submission;
  submission.name = reader.required_text("name");
  submission.sql = reader.required_text("sql");
  submission.settings = reader.texts("settings");
  submission.checkpoint_dir = reader.text("checkpoint_dir");
  submission.start = start_options(reader);
  if (!reader.status().ok()) return refused(Refusal::of(reader.status().error()));
  if (const auto wrong = refuse_start(submission.start)) return refused(*wrong);
  const std::string name = submission.name;
  if (const auto refusal = host_.submit(std::move(submission))) return refused(*refusal);
  log(LogLevel::kInfo, "server", "job '" + name + "' was submitted");
  const auto job = host_.find(name);
  if (job == nullptr) return refused(409, "job '" + name + "' was removed at once");
  HttpResponse response = answer(201, summary_json(job->view()));
  response.headers["Location"] = "/api/v1/jobs/" + name;
  return response;
}

HttpResponse Api::inspect(const Call& call) {
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  return answer(200, detail_json(job->view(), *host_.context().state));
}

HttpResponse Api::series(const Call& call) {
  std::int64_t since_ms = 0;
  const auto given = call.request->parameters.find("since_ms");
  if (given != call.request->parameters.end()) {
    const char* end = given->second.data() + given->second.size();
    const auto [rest, error] = std::from_chars(given->second.data(), end, since_ms);
    if (error != std::errc() || rest != end)
      return refused(400, "since_ms: '" + given->second + "' is no whole number");
  }
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  return answer(200, series_json(job->series(since_ms)));
}

HttpResponse Api::audit(const Call& call) {
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  flow::RowAudit::Report report;
  if (const auto refusal = job->audit(&report)) return refused(*refusal);
  return answer(200, audit_json(report));
}

HttpResponse Api::remove(const Call& call) {
  if (const auto refusal = host_.remove(call.name)) return refused(*refusal);
  log(LogLevel::kInfo, "server", "job '" + call.name + "' was removed");
  HttpResponse response;
  response.status = 204;
  return response;
}

HttpResponse Api::steer(const Call& call,
                        const std::function<std::optional<Refusal>(HostedJob&)>& action) {
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  if (const auto refusal = action(*job)) return refused(*refusal);
  return answer(202, summary_json(job->view()));
}

HttpResponse Api::stop(const Call& call) {
  return steer(call, [](HostedJob& job) { return job.stop(); });
}

HttpResponse Api::cancel(const Call& call) {
  return steer(call, [](HostedJob& job) { return job.cancel(); });
}

HttpResponse Api::savepoint(const Call& call) {
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  HostedJob::Savepoint savepoint;
  const auto refusal = job->savepoint(std::chrono::seconds(kSavepointSeconds), &savepoint);
  if (refusal) return refused(*refusal);
  return answer(200, json({{"id", savepoint.id}, {"path", savepoint.path}}).dump());
}

HttpResponse Api::restart(const Call& call) {
  BodyReader reader(call.request->body,
                    {"from", "fresh", "allow_duplicates", "allow_dropped_state"});
  const StartOptions start = start_options(reader);
  if (!reader.status().ok()) return refused(Refusal::of(reader.status().error()));
  if (const auto wrong = refuse_start(start)) return refused(*wrong);
  return steer(call, [&](HostedJob& job) { return job.restart(start); });
}

HttpResponse Api::check(const Call& call) {
  BodyReader reader(call.request->body, {"sql", "settings", "job"});
  const std::string script = reader.required_text("sql");
  const auto settings = reader.texts("settings");
  const std::string name = reader.text("job");
  if (!reader.status().ok()) return refused(Refusal::of(reader.status().error()));
  const HostContext& context = host_.context();
  const auto catalog = context.make_catalog();
  sql::Session session(*context.registry, *context.runtime, *catalog);
  for (const auto& [key, value] : settings) {
    if (const auto set = session.set(key, value); !set.ok())
      return refused(Refusal::of(set.error()));
  }
  if (!name.empty()) {
    const auto job = host_.find(name);
    if (job == nullptr) return refused(404, "there is no job '" + name + "'");
    if (!session.compile(job->view().record.sql).ok())
      return refused(409, "the script of that job has errors now");
  }
  return answer(200, diagnostics_json(session.check(script), script));
}

HttpResponse Api::query(const Call& call) {
  BodyReader reader(call.request->body, {"sql", "settings", "job", "rows_max"});
  QueryStream::Request request;
  request.sql = reader.required_text("sql");
  request.settings = reader.texts("settings");
  request.rows_max = reader.integer("rows_max", -1);
  const std::string name = reader.text("job");
  if (!reader.status().ok()) return refused(Refusal::of(reader.status().error()));
  if (!name.empty()) {
    const auto job = host_.find(name);
    if (job == nullptr) return refused(404, "there is no job '" + name + "'");
    request.before = job->view().record.sql;
  }
  HttpResponse full;
  const std::shared_ptr<void> place = take_place(&full);
  if (place == nullptr) return full;
  Refusal refusal;
  std::shared_ptr<QueryStream> query = QueryStream::start(host_.context(), request, &refusal);
  if (query == nullptr) return refused(refusal);
  return streamed(std::move(query), place);
}

HttpResponse Api::tap(const Call& call) {
  TapStream::Request request;
  for (const auto& [name, value] : call.request->parameters) {
    if (name == "operator") {
      request.operator_name = value;
      continue;
    }
    const char* end = value.data() + value.size();
    const auto [rest, error] = std::from_chars(value.data(), end, request.rows_max);
    const bool valid = error == std::errc() && rest == end && request.rows_max >= 1 &&
                       request.rows_max <= TapStream::kRowsMax;
    if (name != "rows" || !valid) {
      return refused(400, "the parameters are 'operator' and 'rows', a number from 1 to " +
                              std::to_string(TapStream::kRowsMax));
    }
  }
  const auto job = host_.find(call.name);
  if (job == nullptr) return refused(404, "there is no job '" + call.name + "'");
  HttpResponse full;
  const std::shared_ptr<void> place = take_place(&full);
  if (place == nullptr) return full;
  Refusal refusal;
  std::shared_ptr<TapStream> stream = TapStream::start(*job, request, &refusal);
  if (stream == nullptr) return refused(refusal);
  return streamed(std::move(stream), place);
}

std::shared_ptr<void> Api::take_place(HttpResponse* refusal) {
  MutexLock lock(mutex_);
  if (closed_) {
    *refusal = refused(503, "the server is about to end");
    return nullptr;
  }
  if (places_taken_ >= options_.queries_max) {
    *refusal =
        refused(429, std::to_string(places_taken_) + " queries run already", "end one of them");
    return nullptr;
  }
  ++places_taken_;
  return std::shared_ptr<void>(this, [this](void*) {
    MutexLock release(mutex_);
    --places_taken_;
  });
}

template <typename Stream>
HttpResponse Api::streamed(std::shared_ptr<Stream> stream, std::shared_ptr<void> place) {
  {
    MutexLock lock(mutex_);
    streams_.emplace(stream.get(), [stream = stream.get()] { stream->cancel(); });
    if (closed_) stream->cancel();
  }
  // Goes before the stream does.
  const std::shared_ptr<void> listed(stream.get(), [this, stream, place](void*) {
    MutexLock lock(mutex_);
    streams_.erase(stream.get());
  });
  HttpResponse response;
  response.content_type = "application/x-ndjson";
  response.headers["Cache-Control"] = "no-store";
  response.stream = [stream = stream.get(), listed](const WriteChunk& chunk) {
    stream->write(chunk);
  };
  return response;
}

void Api::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  for (const auto& [stream, cancel] : streams_) cancel();
}

}  // namespace slipstream::server
