// SQL text to tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/parse/diagnostic.h"

namespace slipstream::sql {

enum class TokenKind : std::uint8_t {
  kEnd,          // after the last token; also stands for "nothing more in this statement"
  kWord,         // bare name or keyword
  kQuoted,       // `name`; text is without the backquotes
  kString,       // 'text'; text is decoded
  kBinary,       // X'0aff'; text is the bytes
  kInteger,      // 42
  kDecimal,      // 4.2
  kApproximate,  // 4.2e1
  kSymbol,       // operator or punctuation
  kHintBegin,    // /*+
  kHintEnd,      // the */ of a hint
  kError,        // something already reported; no grammar accepts it
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::string upper;  // kWord only: text in ASCII upper case
  SourceSpan span;

  bool is_word(std::string_view upper_word) const {
    return kind == TokenKind::kWord && upper == upper_word;
  }
  bool is_symbol(std::string_view symbol) const {
    return kind == TokenKind::kSymbol && text == symbol;
  }
};

struct LexResult {
  std::vector<Token> tokens;  // ends with one kEnd
  std::vector<Diagnostic> diagnostics;
  bool open_ended = false;  // the text ends inside a string, quoted name, comment or hint
};

// Reads all of `source`. Never fails as a whole: what is wrong is reported, and replaced by what
// was probably meant (`!=` by `<>`, a full-width comma by a comma) or by a kError token. REQUIRES:
// source.size() <= kLongestScript
LexResult lex(std::string_view source);

inline constexpr std::size_t kLongestScript = std::size_t{64} << 20U;

// True if `name` reads as one kWord token.
bool is_bare_word(std::string_view name);

}  // namespace slipstream::sql
