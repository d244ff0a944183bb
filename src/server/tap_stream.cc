#include "server/tap_stream.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "sql/row_json.h"

namespace slipstream::server {
namespace {

constexpr std::int64_t kShowLifeMs = 500;

std::string line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

using Operators = std::vector<flow::Taps::Tapped>;

std::string names_of(const Operators& operators) {
  std::string text;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    if (!operators[i].is_sink)
      text += (text.empty() ? "" : ", ") + std::to_string(i) + " " + operators[i].name;
  }
  return text;
}

// Those that the text may mean.
std::vector<std::size_t> meant_by(const std::string& text, const Operators& operators) {
  std::vector<std::size_t> found;
  const auto add_where = [&](const auto& fits) {
    for (std::size_t i = 0; i < operators.size(); ++i) {
      if (!operators[i].is_sink && fits(operators[i])) found.push_back(i);
    }
  };
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (number < operators.size() && !operators[number].is_sink) found.push_back(number);
    return found;
  }
  add_where([&](const auto& each) { return each.name == text; });
  if (found.empty())
    add_where([&](const auto& each) { return each.name.find(text) != std::string::npos; });
  return found;
}

std::vector<std::size_t> before_sinks(const Operators& operators) {
  std::vector<std::size_t> found;
  for (const auto& each : operators) {
    if (each.is_sink) found.insert(found.end(), each.inputs.begin(), each.inputs.end());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::optional<std::size_t> find_operator(const std::string& text, const Operators& operators,
                                         Refusal* refusal) {
  const std::vector<std::size_t> found =
      text.empty() ? before_sinks(operators) : meant_by(text, operators);
  if (found.size() == 1) return found.front();
  std::string why = "several operators give rows to sinks";
  if (!text.empty()) {
    why = (found.empty() ? "no operator is '" : "several operators are '") + text + "'";
  }
  *refusal = Refusal::because(Refusal::Reason::kInvalid, std::move(why),
                              "name one by its number: " + names_of(operators));
  return std::nullopt;
}

// Rows of operators that no schema is known of.
Schema columns_of(const Batch& batch) {
  std::vector<Field> fields;
  for (std::size_t i = 0; i < batch.columns().size(); ++i)
    fields.push_back(Field{"column" + std::to_string(i), batch.column(i)->type()});
  return Schema(std::move(fields));
}

}  // namespace

std::shared_ptr<TapStream> TapStream::start(const HostedJob& job, const Request& request,
                                            Refusal* refusal) {
  HostedJob::Tapped tapped;
  if (auto refused = job.tap(&tapped)) {
    *refusal = std::move(*refused);
    return nullptr;
  }
  const auto index = find_operator(request.operator_name, tapped.taps->operators(), refusal);
  if (!index) return nullptr;
  std::shared_ptr<TapStream> stream(new TapStream(std::move(tapped), *index, request.rows_max));
  stream->consumer_ = stream->tapped_.taps->point(*index).attach(
      [stream = stream.get()](const Batch& batch) { stream->take(batch); });
  return stream;
}

TapStream::TapStream(HostedJob::Tapped tapped, std::size_t index, std::int64_t rows_max)
    : tapped_(std::move(tapped)), index_(index), wanted_(rows_max) {}

TapStream::~TapStream() { tapped_.taps->point(index_).detach(consumer_); }

void TapStream::take(const Batch& batch) {
  passed_.fetch_add(static_cast<std::int64_t>(batch.rows()), std::memory_order_relaxed);
  std::size_t rows = std::min(batch.rows(), kBatchRowsMax);
  std::size_t room = 0;
  {
    MutexLock lock(mutex_);
    if (closed_ || queued_.size() >= kQueuedBytesMax) return;
    rows = std::min(rows, static_cast<std::size_t>(wanted_));
    room = kQueuedBytesMax - queued_.size();
  }
  if (rows == 0) return;
  const Schema& known = tapped_.taps->operators()[index_].output;
  const bool fits = known.size() == batch.columns().size();
  const Schema schema = fits ? known : columns_of(batch);
  std::string text;
  std::int64_t taken = 0;
  for (std::size_t row = 0; row < rows && text.size() < room; ++row, ++taken) {
    text += "{\"row\":";
    sql::append_json_row(batch, row, schema, !batch.kinds().empty(), tapped_.zone, text);
    text += "}\n";
  }
  MutexLock lock(mutex_);
  queued_ += text;
  rows_ += taken;
  wanted_ -= taken;
  changed_.notify_all();
}

void TapStream::cancel() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void TapStream::write(const std::function<bool(std::string_view)>& chunk) {
  const flow::Taps::Tapped& tapped = tapped_.taps->operators()[index_];
  nlohmann::json columns = nlohmann::json::array();
  for (const Field& field : tapped.output.fields())
    columns.push_back({{"name", field.name}, {"type", field.type.to_string()}});
  if (!chunk(line({{"operator", tapped.name}, {"columns", std::move(columns)}}))) return cancel();
  while (true) {
    // Before the rows are looked at: what the job emitted to its end is among them.
    const bool ended = tapped_.taps->is_closed();
    std::string text;
    nlohmann::json end;
    {
      MutexLock lock(mutex_);
      if (queued_.empty() && wanted_ > 0 && !closed_ && !ended)
        changed_.wait_for_ms(mutex_, kShowLifeMs);
      text = std::exchange(queued_, {});
      if (text.empty() && (wanted_ == 0 || closed_ || ended)) {
        end = {{"rows", rows_}, {"passed", passed_.load()}, {"error", nullptr}};
        if (closed_) end["error"] = "the server ends";
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
