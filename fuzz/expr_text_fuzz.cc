// Texts that functions of SQL read: a path or pattern, a line break, then JSON or a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "expr/json_document.h"
#include "expr/json_path.h"
#include "expr/time_format.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void find(std::string_view path_text, std::string_view json) {
  const auto path = expr::JsonPath::parse(path_text);
  if (!path.ok()) return;
  CHECK(path->steps.size() <= path_text.size());
  const expr::JsonFound found = expr::find_json(json, *path);
  if (found.token.empty()) return;
  CHECK(found.token.data() >= json.data());
  CHECK(found.token.data() + found.token.size() <= json.data() + json.size());
  if (found.kind != expr::JsonKind::kNumber) return;
  CHECK(!expr::java_number_text(found.token).empty());
  static_cast<void>(expr::is_whole_number(found.token));
}

void read_time(std::string_view pattern, std::string_view text) {
  using Format = expr::TimeFormat;
  for (const auto dialect : {Format::Dialect::kFormatter, Format::Dialect::kSimple}) {
    const auto printing = Format::compile(pattern, dialect, Format::Use::kPrint);
    const auto reading = Format::compile(pattern, dialect, Format::Use::kRead);
    for (const auto leniency : {Format::Leniency::kSmart, Format::Leniency::kLenient}) {
      const auto time = reading.ok() ? reading->parse(text, leniency) : std::nullopt;
      std::string printed;
      if (printing.ok()) printing->append(time.value_or(text::CivilTime{}), printed);
      CHECK(printed.size() <= 64 * pattern.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view given = as_text({data, size});
  const std::size_t end = std::min(given.find('\n'), given.size());
  const std::string_view behind = given.substr(std::min(end + 1, given.size()));
  find(given.substr(0, end), behind);
  read_time(given.substr(0, end), behind);
  return 0;
}
