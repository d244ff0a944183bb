#include "cli/job_audit.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/try.h"
#include "cli/listing.h"
#include "cli/message_format.h"
#include "cli/report.h"
#include "server/http_client.h"

namespace slipstream::cli {
namespace {

using nlohmann::json;

struct Finding {
  std::string kind;
  std::string name;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t dropped = 0;
  std::int64_t missing = 0;
  std::string verdict;

  bool is_wrong() const { return verdict != "equal" && verdict != "not-compared"; }
};

struct Span {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  std::vector<Finding> findings;

  const Finding* first_wrong() const {
    const auto found = std::find_if(findings.begin(), findings.end(),
                                    [](const Finding& each) { return each.is_wrong(); });
    return found == findings.end() ? nullptr : &*found;
  }
};

struct Answer {
  std::int64_t checkpoint = 0;
  bool checksums = false;
  Span total;
  std::vector<Span> minutes;
};

Span span_of(const json& value) {
  Span span;
  value.at("from_ms").get_to(span.from_ms);
  value.at("to_ms").get_to(span.to_ms);
  for (const json& each : value.at("findings")) {
    Finding& found = span.findings.emplace_back();
    each.at("kind").get_to(found.kind);
    each.at("name").get_to(found.name);
    each.at("in").get_to(found.in);
    each.at("out").get_to(found.out);
    each.at("dropped").get_to(found.dropped);
    each.at("missing").get_to(found.missing);
    each.at("verdict").get_to(found.verdict);
  }
  return span;
}

Result<Answer> answer_of(const std::string& text) {
  try {
    const json value = json::parse(text);
    Answer answer;
    value.at("checkpoint").get_to(answer.checkpoint);
    value.at("checksums").get_to(answer.checksums);
    answer.total = span_of(value);
    for (const json& each : value.at("minutes")) answer.minutes.push_back(span_of(each));
    return answer;
  } catch (const json::exception& error) {
    return Error{ErrorCode::kDataError,
                 std::string("the answer of the server cannot be read: ") + error.what()};
  }
}

void add_row(Listing& listing, std::vector<Listing::Cell> begin, const Finding& found) {
  for (Listing::Cell cell :
       std::initializer_list<Listing::Cell>{found.kind, found.name, found.in, found.out,
                                            found.dropped, found.missing, found.verdict})
    begin.push_back(std::move(cell));
  listing.add(std::move(begin));
}

Status print(const Answer& answer, const AuditArguments& arguments) {
  Listing total({"what", "name", "in", "out", "dropped", "missing", "verdict"});
  for (const Finding& found : answer.total.findings) add_row(total, {}, found);
  TRY(total.print(arguments.output));
  Listing minutes({"from", "to", "what", "name", "in", "out", "dropped", "missing", "verdict"});
  bool any = false;
  for (const Span& minute : answer.minutes) {
    for (const Finding& found : minute.findings) {
      if (!found.is_wrong() && !arguments.all_minutes) continue;
      add_row(minutes, {time_text(minute.from_ms), time_text(minute.to_ms)}, found);
      any = true;
    }
  }
  return any ? minutes.print(arguments.output) : Status();
}

std::string in_words(const Finding& found) {
  std::string what = "other rows came out";
  if (found.missing != 0) {
    what = counted(std::abs(found.missing), "row") +
           (std::abs(found.missing) == 1 ? " is" : " are") +
           (found.missing > 0 ? " missing" : " too many");
  }
  return found.kind + " '" + found.name + "': " + what;
}

// A difference that a later one made up for is one, too.
const Finding* first_wrong(const Answer& answer) {
  if (const Finding* found = answer.total.first_wrong()) return found;
  for (const Span& minute : answer.minutes) {
    if (const Finding* found = minute.first_wrong()) return found;
  }
  return nullptr;
}

Status verdict(const Answer& answer) {
  const std::string as_of = "as of checkpoint " + std::to_string(answer.checkpoint) + " (" +
                            time_text(answer.total.to_ms) + ")";
  if (const Finding* found = first_wrong(answer))
    return Error{ErrorCode::kDataError, "different " + as_of + ", first at " + in_words(*found)};
  const auto edges = std::count_if(answer.total.findings.begin(), answer.total.findings.end(),
                                   [](const Finding& found) { return found.kind == "edge"; });
  notify("equal " + as_of + ": " + counted(edges, "edge") + ", " +
         (answer.checksums ? "row by row" : "by numbers of rows"));
  return {};
}

}  // namespace

int audit_job(const AuditArguments& arguments) {
  const auto server = address_of(arguments.server);
  if (!server.ok()) return fail(server.error(), kExitUsage);
  std::string text;
  const Status answered =
      server::get_lines(*server, "/api/v1/jobs/" + server::encoded(arguments.job) + "/audit",
                        [&](std::string_view line) {
                          text += line;
                          return true;
                        });
  if (!answered.ok()) return fail_request(answered.error());
  const auto answer = answer_of(text);
  if (!answer.ok()) return fail(answer.error(), kExitFailed);
  if (const Status printed = print(*answer, arguments); !printed.ok()) return report(printed);
  return report(verdict(*answer));
}

}  // namespace slipstream::cli
