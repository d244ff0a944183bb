// SET and RESET.
#include "sql/settings/checked_setting.h"
#include "sql/settings/session_options.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {

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
  const CheckedSetting checked = check_setting(*statement.key, statement.value);
  if (!checked.ok()) {
    return report(checked.of_value ? statement.value_span : statement.key_span, checked.problem,
                  checked.fix);
  }
  if (checked.option.empty()) {
    add(Step::Kind::kNote, statement).text = checked.note;
    return;
  }
  settings_[checked.option] = statement.value;
  add_text(statement, "OK");
}

void ScriptRun::reset(const ast::ResetStatement& statement) {
  if (!statement.key) {
    settings_.clear();
    add_text(statement, "OK");
    return;
  }
  const CheckedSetting checked = check_setting(*statement.key);
  if (!checked.ok()) return report(statement.key_span, checked.problem, checked.fix);
  if (checked.option.empty()) {
    add(Step::Kind::kNote, statement).text = checked.note;
    return;
  }
  settings_.erase(checked.option);
  add_text(statement, "OK");
}

}  // namespace slipstream::sql
