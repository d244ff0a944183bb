#include "sql/parse/hide_secrets.h"

#include <algorithm>
#include <array>

namespace slipstream::sql {
namespace {

bool is_secret(std::string_view option) {
  std::string plain;
  for (const char c : option) {
    if (c == '-' || c == '_') continue;
    plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  static constexpr std::array<std::string_view, 5> kEndings = {"accesskey", "secretkey", "token",
                                                               "password", "secret"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return plain.ends_with(ending); });
}

// Behind the closing quote of the literal that begins at `begin`; the end of the text when there
// is none.
std::size_t end_of_literal(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] != '\'') continue;
    if (at + 1 < text.size() && text[at + 1] == '\'') {
      ++at;
      continue;
    }
    return at + 1;
  }
  return text.size();
}

}  // namespace

std::string hide_secrets(std::string_view sql) {
  std::string text(sql);
  bool hide = false;  // the next literal, unless something else comes between
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c != '\'') {
      hide = hide && (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '=');
      ++at;
      continue;
    }
    const std::size_t end = end_of_literal(text, at);
    const bool closed = end > at + 1 && text[end - 1] == '\'';
    const std::size_t inner_end = closed ? end - 1 : end;
    if (hide) {
      for (std::size_t i = at + 1; i < inner_end; ++i) {
        if (text[i] != '\n') text[i] = '*';
      }
      hide = false;
    } else {
      hide = is_secret(std::string_view(text).substr(at + 1, inner_end - at - 1));
    }
    at = end;
  }
  return text;
}

}  // namespace slipstream::sql
