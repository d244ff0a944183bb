// Regular expressions of Java and SIMILAR TO: a pattern, a line break, a text. Whatever the
// pattern, it is refused or searched for within its bounds, and matches lie in the text.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "data/text/pattern.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void search(text::PatternKind kind, std::string_view source, std::string_view content) {
  const text::Pattern pattern(kind, source, kind == text::PatternKind::kSimilar ? "!" : "");
  if (pattern.fault()) {
    CHECK(!pattern.fault()->message.empty());
    return;
  }
  std::array<std::string_view, 4> groups;
  text::PatternEffort effort(content);
  if (pattern.search(content, 0, groups, effort) == text::Pattern::Outcome::kMatch) {
    for (const std::string_view group : groups) {
      if (group.data() == nullptr) continue;
      CHECK(group.data() >= content.data());
      CHECK(group.data() + group.size() <= content.data() + content.size());
    }
  }
  static_cast<void>(pattern.match_whole(content));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBytesMax = 256;  // longer ones find the same, later
  const std::string_view given = as_text({data, std::min(size, kBytesMax)});
  const std::size_t end = std::min(given.find('\n'), given.size());
  const std::string_view content = given.substr(std::min(end + 1, given.size()));
  search(text::PatternKind::kJava, given.substr(0, end), content);
  search(text::PatternKind::kSimilar, given.substr(0, end), content);
  return 0;
}
