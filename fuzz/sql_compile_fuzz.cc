// SQL scripts that are checked as `slipstream check` does: bound, planned, with the options of every
// connector read. Nothing is started. Each diagnostic points into the script.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "slipstream/connectors.h"

#include "base/bytes.h"
#include "base/try.h"
#include "flow/runtime.h"
#include "sql/parse/diagnostic.h"
#include "sql/session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipstream;  // NOLINT: one file
  static const std::unique_ptr<ConnectorRegistry> registry = builtin_connectors();
  static flow::Runtime runtime;
  const std::string_view script = as_text({data, size});
  sql::Session session(*registry, runtime);
  const auto diagnostics = session.check(script);
  for (const sql::Diagnostic& each : diagnostics)
    CHECK(!sql::render_diagnostic(script, "fuzz.sql", each).empty());
  const sql::Compiled compiled = session.compile(script);
  CHECK(compiled.diagnostics.size() == diagnostics.size());
  std::vector<const sql::Rel*> plans;
  for (const sql::Step& step : compiled.steps) {
    if (step.plan != nullptr) plans.push_back(step.plan.get());
  }
  if (!plans.empty()) CHECK(!session.explain(plans).empty());
  return 0;
}
