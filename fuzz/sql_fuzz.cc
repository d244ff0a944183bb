// SQL text: the parser, its errors, the printer, and what hides secrets. Text that parses must
// print to text that parses to the same tree.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/try.h"
#include "sql/parse/hide_secrets.h"
#include "sql/parse/parser.h"
#include "sql/parse/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const slipstream::sql::ParseResult result = slipstream::sql::parse_script(source);
  for (const slipstream::sql::Diagnostic& diagnostic : result.diagnostics) {
    CHECK(!slipstream::sql::render_diagnostic(source, "fuzz.sql", diagnostic).empty());
  }
  slipstream::sql::is_complete_input(source);
  std::size_t behind = 0;
  for (const slipstream::sql::Secret& secret : slipstream::sql::find_secrets(source)) {
    CHECK(secret.begin >= behind && secret.begin <= secret.end && secret.end <= source.size());
    behind = secret.end;
  }
  static_cast<void>(slipstream::sql::hide_secrets(source));
  if (!result.ok()) return 0;
  for (const slipstream::sql::ast::StatementPtr& statement : result.statements) {
    const std::string printed = slipstream::sql::to_sql(*statement);
    const slipstream::sql::ParseResult again = slipstream::sql::parse_script(printed);
    CHECK(again.ok());
    CHECK(again.statements.size() == 1);
    CHECK(slipstream::sql::to_sql(*again.statements.front()) == printed);
  }
  return 0;
}
