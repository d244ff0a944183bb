// The character classes that Java's regular expressions have names for.
#pragma once

#include <optional>
#include <string_view>

#include "data/text/character_set.h"

namespace slipstream::text {

// What "." does not match: \n, \r, \u0085, \u2028, \u2029.
CharacterSet line_terminators();
// Of \d \h \s \v \w, and their complements in upper case. `unicode`: with the flag U.
std::optional<CharacterSet> predefined_class(char letter, bool unicode);

enum class PropertyFault { kUnknown, kUnsupported };
struct NamedClass {
  std::optional<CharacterSet> set;
  PropertyFault fault = PropertyFault::kUnknown;  // without a set
};
// Of \p{name}: Alpha, L, Lu, IsHan, IsAlphabetic, InGreek, script=Han. A script is not looked up:
// the engines know them.
NamedClass named_class(std::string_view name, bool unicode);

}  // namespace slipstream::text
