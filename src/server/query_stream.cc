#include "server/query_stream.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/try.h"
#include "flow/runtime/task_pool.h"
#include "sql/row_json.h"

namespace slipstream::server {
namespace {

constexpr std::int64_t kShowLifeMs = 500;
constexpr std::size_t kChunkBytes = std::size_t{16} << 10;

std::string line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

struct QueryStream::State {
  explicit State(const HostContext& context)
      : catalog(context.make_catalog()), session(*context.registry, *context.runtime, *catalog) {}

  const std::unique_ptr<sql::Catalog> catalog;
  sql::Session session;
  Schema schema;
  bool updating = false;
  TimeZone zone;
  std::int64_t limit = -1;

  Mutex mutex;
  Condition changed;
  std::string queued SLIPSTREAM_GUARDED_BY(mutex);
  std::int64_t rows SLIPSTREAM_GUARDED_BY(mutex) = 0;
  bool closed SLIPSTREAM_GUARDED_BY(mutex) = false;  // nobody takes rows any more
  bool ended SLIPSTREAM_GUARDED_BY(mutex) = false;
  Status status SLIPSTREAM_GUARDED_BY(mutex);

  std::unique_ptr<sql::Query> query;

  // Thread: task.
  Status take(const Batch& batch) {
    std::string text;
    std::int64_t count = 0;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      text += "{\"row\":";
      sql::append_json_row(batch, row, schema, updating, zone, text);
      text += "}\n";
      ++count;
      if (text.size() < kChunkBytes && row + 1 < batch.rows()) continue;
      TRY(put(std::exchange(text, {}), std::exchange(count, 0)));
    }
    return {};
  }
  Status put(const std::string& text, std::int64_t count) {
    MutexLock lock(mutex);
    if (!closed && queued.size() >= kQueuedBytesMax) {
      const flow::OutsideWait waits;  // the other jobs do not
      while (!closed && queued.size() >= kQueuedBytesMax) changed.wait(mutex);
    }
    if (closed) return Error{ErrorCode::kCancelled, "nobody reads the rows"};
    queued += text;
    rows += count;
    changed.notify_all();
    return {};
  }
  void end(const Status& how) {
    MutexLock lock(mutex);
    status = how;
    ended = true;
    changed.notify_all();
  }
  void await_end() {
    MutexLock lock(mutex);
    while (!ended) changed.wait(mutex);
  }
  void close() {
    MutexLock lock(mutex);
    closed = true;
    changed.notify_all();
  }
};

QueryStream::QueryStream(std::unique_ptr<State> state) : state_(std::move(state)) {}

QueryStream::~QueryStream() {
  cancel();
  state_->await_end();
}

void QueryStream::cancel() {
  state_->close();
  if (state_->query != nullptr) state_->query->cancel();
}

namespace {

// The one SELECT of a script; null: *refusal says why.
sql::RelPtr select_of(sql::Session& session, const QueryStream::Request& request,
                      Refusal* refusal) {
  for (const auto& [key, value] : request.settings) {
    const auto set = session.set(key, value);
    if (set.ok()) continue;
    *refusal = Refusal::of(set.error());
    return nullptr;
  }
  if (!request.before.empty() && !session.compile(request.before).ok()) {
    *refusal =
        Refusal::because(Refusal::Reason::kConflict, "the script of that job has errors now");
    return nullptr;
  }
  sql::Compiled compiled = session.compile(request.sql);
  if (!compiled.ok()) {
    *refusal = Refusal::because(Refusal::Reason::kInvalid, "the query has errors");
    refusal->diagnostics = std::move(compiled.diagnostics);
    refusal->script = request.sql;
    return nullptr;
  }
  sql::RelPtr select;
  for (sql::Step& step : compiled.steps) {
    const bool is_insert = step.kind == sql::Step::Kind::kInsert;
    if (is_insert || (step.kind == sql::Step::Kind::kSelect && select != nullptr)) {
      *refusal =
          Refusal::because(Refusal::Reason::kInvalid,
                           is_insert ? "an INSERT is a job, not a query" : "one SELECT at a time",
                           is_insert ? "submit the script as a job" : "");
      return nullptr;
    }
    if (step.kind == sql::Step::Kind::kSelect) select = std::move(step.plan);
  }
  if (select == nullptr)
    *refusal = Refusal::because(Refusal::Reason::kInvalid, "there is no SELECT");
  return select;
}

}  // namespace

std::unique_ptr<QueryStream> QueryStream::start(const HostContext& context, const Request& request,
                                                Refusal* refusal) {
  auto state = std::make_unique<State>(context);
  sql::RelPtr select = select_of(state->session, request, refusal);
  if (select == nullptr) return nullptr;
  auto zone = sql::time_zone_of(state->session);
  if (zone.ok()) state->zone = std::move(*zone);
  state->schema = select->schema;
  state->updating = select->updating;
  if (request.rows_max >= 0 && (select->limit < 0 || select->limit > request.rows_max))
    select->limit = request.rows_max;
  sql::LaunchOptions launch;
  launch.name = "(query)";  // no job can be called so: metrics stay apart
  auto query = sql::Query::start(
      state->session, std::move(select),
      [state = state.get()](const Batch& batch) { return state->take(batch); }, launch,
      [](std::string_view text) { log(LogLevel::kInfo, "query", text); });
  if (!query.ok()) {
    *refusal = Refusal::of(query.error());
    return nullptr;
  }
  state->query = std::move(*query);
  state->query->when_ended([state = state.get()](const Status& status) { state->end(status); });
  return std::unique_ptr<QueryStream>(new QueryStream(std::move(state)));
}

void QueryStream::write(const std::function<bool(std::string_view)>& chunk) {
  nlohmann::json columns = nlohmann::json::array();
  for (const Field& field : state_->schema.fields())
    columns.push_back({{"name", field.name}, {"type", field.type.to_string()}});
  if (!chunk(line({{"columns", std::move(columns)}, {"updating", state_->updating}})))
    return cancel();
  while (true) {
    std::string text;
    nlohmann::json end;
    {
      MutexLock lock(state_->mutex);
      if (state_->queued.empty() && !state_->ended && !state_->closed)
        state_->changed.wait_for_ms(state_->mutex, kShowLifeMs);
      text = std::exchange(state_->queued, {});
      state_->changed.notify_all();
      if (text.empty() && (state_->ended || state_->closed)) {
        end = {{"rows", state_->rows}, {"error", nullptr}};
        if (state_->closed) end["error"] = "the server ends";
        if (!state_->status.ok()) end["error"] = state_->status.to_string();
      }
    }
    if (!end.is_null()) {
      chunk(line({{"end", std::move(end)}}));
      return;
    }
    if (!chunk(text.empty() ? "\n" : text)) return cancel();
  }
}

}  // namespace slipstream::server
