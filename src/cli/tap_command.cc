#include "cli/tap_command.h"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "server/http_client.h"

namespace slipstream::cli {
namespace {

// {"row":{...}}: what is inside, as it stands there.
constexpr std::string_view kRowBegin = "{\"row\":";

class TapPrinter {
 public:
  // False: the reader of the rows has left, or the answer is over.
  bool add(std::string_view line) {
    if (line.starts_with(kRowBegin) && line.ends_with('}')) {
      line.remove_prefix(kRowBegin.size());
      line.remove_suffix(1);
      written_ = write_output(STDOUT_FILENO, std::string(line) + "\n");
      return written_.ok();
    }
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (object.contains("operator") && object["operator"].is_string()) {
      operator_ = object["operator"].get<std::string>();
    } else if (object.contains("end") && object["end"].is_object()) {
      end_ = object["end"];
    }
    return true;
  }
  Status status() const {
    if (!written_.ok()) return written_.error().code == ErrorCode::kCancelled ? Status() : written_;
    if (!end_.is_object())
      return Error::retry(ErrorCode::kUnavailable, "the server broke off its answer");
    if (const auto error = end_.find("error"); error != end_.end() && error->is_string())
      return Error::retry(ErrorCode::kUnavailable, error->get<std::string>());
    notify(counted(end_.value("rows", std::int64_t{0}), "row") + " of " +
           grouped(end_.value("passed", std::int64_t{0})) + " that went by in " + operator_);
    return {};
  }

 private:
  std::string operator_;
  nlohmann::json end_;
  Status written_;
};

}  // namespace

int tap_command(const TapArguments& arguments) {
  const auto server = address_of(arguments.server);
  if (!server.ok()) return fail(server.error(), kExitUsage);
  TapPrinter printer;
  const Status answered =
      server::get_lines(*server,
                        "/api/v1/jobs/" + server::encoded(arguments.job) +
                            "/tap?rows=" + std::to_string(arguments.rows) +
                            "&operator=" + server::encoded(arguments.operator_name),
                        [&](std::string_view line) { return printer.add(line); });
  if (!answered.ok()) return fail_request(answered.error());
  return report(printer.status());
}

}  // namespace slipstream::cli
