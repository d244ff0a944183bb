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

// '${secret_values.NAME}' names a secret and holds none.
bool is_reference(std::string_view value) {
  constexpr std::string_view kBegin = "${secret_values.";
  return value.starts_with(kBegin) && value.find('}') == value.size() - 1;
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

// Behind the comment or the quoted name that begins at `begin`; `begin` when none does.
std::size_t end_of_other(std::string_view text, std::size_t begin) {
  const auto behind = [&](std::string_view close, std::size_t from) {
    const std::size_t at = text.find(close, from);
    return at == std::string_view::npos ? text.size() : at + close.size();
  };
  const std::string_view rest = text.substr(begin);
  if (rest.starts_with("--")) return behind("\n", begin + 2);
  // A hint holds options.
  if (rest.starts_with("/*") && !rest.starts_with("/*+")) return behind("*/", begin + 2);
  if (rest.starts_with('`')) return behind("`", begin + 1);
  return begin;
}

// Those of a comment: quotes need not come in pairs there, so each may begin the name of an option.
void find_in_comment(std::string_view sql, std::size_t begin, std::size_t end,
                     std::vector<Secret>& secrets) {
  const std::string_view text = sql.substr(0, end);
  for (std::size_t at = text.find('\'', begin); at != std::string_view::npos;
       at = text.find('\'', at + 1)) {
    const std::size_t close = text.find('\'', at + 1);
    if (close == std::string_view::npos) return;
    if (!is_secret(text.substr(at + 1, close - at - 1))) continue;
    const std::size_t value = text.find_first_not_of(" \t\r\n=", close + 1);
    if (value == std::string_view::npos) return;
    if (text[value] != '\'') continue;
    const std::size_t value_end = end_of_literal(text, value);
    const bool closed = value_end > value + 1 && text[value_end - 1] == '\'';
    const std::size_t inner_end = closed ? value_end - 1 : value_end;
    if (!is_reference(text.substr(value + 1, inner_end - value - 1)))
      secrets.push_back({value + 1, inner_end});
    at = value_end - 1;
  }
}

}  // namespace

std::vector<Secret> find_secrets(std::string_view sql) {
  std::vector<Secret> secrets;
  bool hide = false;  // the next literal, unless something else comes between
  std::size_t at = 0;
  while (at < sql.size()) {
    const char c = sql[at];
    if (const std::size_t end = end_of_other(sql, at); end != at) {
      if (c != '`') find_in_comment(sql, at, end, secrets);
      hide = hide && c != '`';
      at = end;
      continue;
    }
    if (c != '\'') {
      hide = hide && (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '=');
      ++at;
      continue;
    }
    const std::size_t end = end_of_literal(sql, at);
    const bool closed = end > at + 1 && sql[end - 1] == '\'';
    const std::size_t inner_end = closed ? end - 1 : end;
    const std::string_view inner = sql.substr(at + 1, inner_end - at - 1);
    if (hide && !is_reference(inner)) secrets.push_back({at + 1, inner_end});
    hide = !hide && is_secret(inner);
    at = end;
  }
  return secrets;
}

std::string hide_secrets(std::string_view sql) {
  std::string text;
  std::size_t shown = 0;
  for (const Secret& secret : find_secrets(sql)) {
    text += sql.substr(shown, secret.begin - shown);
    text += kHidden;
    shown = secret.end;
  }
  text += sql.substr(shown);
  return text;
}

}  // namespace slipstream::sql
