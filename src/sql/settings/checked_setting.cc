#include "sql/settings/checked_setting.h"

#include <utility>
#include <vector>

#include "base/suggest.h"
#include "data/text/time_zone.h"
#include "sql/settings/flink_settings.h"
#include "sql/settings/session_options.h"

namespace slipstream::sql {
namespace {

CheckedSetting refused(std::string problem, std::string fix) {
  return {.option = {}, .note = {}, .problem = std::move(problem), .fix = std::move(fix)};
}

CheckedSetting unknown(std::string_view key, const OptionTable& options) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : options.specs()) {
    names.push_back(spec.name);
    names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
  }
  for (const FlinkSetting& setting : flink_settings()) names.emplace_back(setting.key);
  const auto near = nearest_name(key, names);
  return refused("unknown setting '" + std::string(key) + "'",
                 near ? "did you mean '" + *near + "'?" : "SET lists them");
}

// What is wrong with the value; empty: nothing.
std::string problem_of(const OptionTable& options, const std::string& option,
                       std::string_view value) {
  constexpr std::string_view kSubject = "SET";
  const auto parsed = options.parse({{option, std::string(value)}}, kSubject);
  if (!parsed.ok()) return parsed.error().message.substr(kSubject.size() + 2);  // whose it is
  if (option != session_option::kTimeZone.name) return {};
  const auto zone = TimeZone::from_name(value);
  return zone.ok() ? std::string() : zone.error().message;
}

}  // namespace

CheckedSetting check_setting(std::string_view key) {
  const OptionTable options = session_options();
  CheckedSetting checked;
  if (const OptionSpec* spec = options.find(key)) {
    checked.option = spec->name;
    return checked;
  }
  const FlinkSetting* flink = find_flink_setting(key);
  if (flink == nullptr) return unknown(key, options);
  const std::string quoted = "'" + std::string(key) + "'";
  if (!flink->instead.empty())
    return refused(quoted + " is no setting here", "use " + std::string(flink->instead));
  checked.note = quoted + " has no effect here: " + std::string(flink->note);
  return checked;
}

CheckedSetting check_setting(std::string_view key, std::string_view value) {
  CheckedSetting checked = check_setting(key);
  if (checked.option.empty()) return checked;
  std::string problem = problem_of(session_options(), checked.option, value);
  if (problem.empty()) return checked;
  checked = refused(std::move(problem), "");
  checked.of_value = true;
  return checked;
}

}  // namespace slipstream::sql
