// Upper and lower case of single letters beyond ASCII, by Unicode.
#pragma once

#include <cstdint>
#include <string_view>

namespace slipstream::expr {

// REQUIRES for all but has_case: letter >= 0x80. The letter itself when it has no such case.
char32_t lower_letter(char32_t letter);
char32_t upper_letter(char32_t letter);
// The several letters that one becomes in upper case (\u00DF: SS); empty when it becomes one.
std::u32string_view upper_expansion(char32_t letter);
bool has_case(char32_t letter);

}  // namespace slipstream::expr
