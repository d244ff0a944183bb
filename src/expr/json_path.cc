#include "expr/json_path.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "data/text/number.h"

namespace slipstream::expr {

namespace {

Error refused(std::string_view path, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument, "the JSON path '" + std::string(path) +
                                                "' is not supported: " + std::string(why) +
                                                " (write $.name, $['name'] or $[0])"};
}

// "[0]", "['name']" at the front of `rest`.
Result<JsonStep> bracketed(std::string_view path, std::string_view& rest) {
  rest.remove_prefix(1);
  JsonStep step;
  if (rest.starts_with('\'') || rest.starts_with('"')) {
    const char quote = rest[0];
    const std::size_t end = rest.find(quote, 1);
    if (end == std::string_view::npos || !rest.substr(end + 1).starts_with(']')) {
      return refused(path, "a quoted name must end with its quote and ']'");
    }
    step.member = rest.substr(1, end - 1);
    rest.remove_prefix(end + 2);
    return step;
  }
  const std::size_t end = rest.find(']');
  if (end == std::string_view::npos) return refused(path, "']' is missing");
  step.is_index = true;
  const auto parsed = std::from_chars(rest.data(), rest.data() + end, step.index);
  if (parsed.ec != std::errc() || parsed.ptr != rest.data() + end) {
    return refused(path, "an index must be a whole number");
  }
  rest.remove_prefix(end + 1);
  return step;
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  std::string_view rest = text::trim(text);
  for (const std::string_view mode : {"lax", "strict"}) {
    if (!rest.starts_with(mode)) continue;
    path.lax = mode == "lax";
    rest = text::trim(rest.substr(mode.size()));
    break;
  }
  if (!rest.starts_with('$')) return refused(text, "it must begin with $");
  rest.remove_prefix(1);
  while (!rest.empty()) {
    if (rest[0] == '[') {
      TRY_ASSIGN(JsonStep step, bracketed(text, rest));
      path.steps.push_back(std::move(step));
      continue;
    }
    if (rest[0] != '.') return refused(text, "expected '.' or '['");
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.size(), rest.find_first_of(".["));
    const std::string_view name = rest.substr(0, end);
    if (name.empty() || name.find_first_of("*?() ") != std::string_view::npos) {
      return refused(text, name.empty() ? "a name is missing" : "wildcards and filters");
    }
    path.steps.push_back(JsonStep{std::string(name), 0, false});
    rest.remove_prefix(end);
  }
  return path;
}

}  // namespace slipstream::expr
