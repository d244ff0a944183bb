// SET and RESET.
#include "base/suggest.h"
#include "data/text/time_zone.h"
#include "sql/settings/flink_settings.h"
#include "sql/settings/session_options.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {

// A key that means nothing here, or nothing at all.
void ScriptRun::set_other(const ast::SetStatement& statement) {
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

void ScriptRun::list_settings(const ast::SetStatement& statement) {
  Step& step = add(Step::Kind::kTable, statement);
  step.header = {"key", "value"};
  const OptionTable options = session_options();
  for (const OptionSpec& spec : options.specs()) {
    const auto given = settings_.find(spec.name);
    step.rows.push_back({spec.name, given == settings_.end() ? spec.default_value : given->second});
  }
}

void ScriptRun::set(const ast::SetStatement& statement) {
  if (!statement.key) return list_settings(statement);
  if (session_options().find(*statement.key) == nullptr) return set_other(statement);
  const auto parsed = session_options().parse({{*statement.key, statement.value}}, "SET");
  if (!parsed.ok()) return report(statement.key_span, parsed.error().message);
  if (*statement.key == session_option::kTimeZone.name) {
    const auto zone = TimeZone::from_name(statement.value);
    if (!zone.ok()) return report(statement.value_span, zone.error().message);
  }
  settings_[session_options().find(*statement.key)->name] = statement.value;
  add_text(statement, "OK");
}

void ScriptRun::reset(const ast::ResetStatement& statement) {
  if (statement.key) {
    const OptionTable options = session_options();
    const OptionSpec* spec = options.find(*statement.key);
    settings_.erase(spec != nullptr ? spec->name : *statement.key);
  } else {
    settings_.clear();
  }
  add_text(statement, "OK");
}

}  // namespace slipstream::sql
