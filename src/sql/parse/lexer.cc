#include "sql/parse/lexer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "sql/parse/keywords.h"

namespace slipstream::sql {

namespace {

bool is_digit(char32_t code_point) { return code_point >= U'0' && code_point <= U'9'; }

struct Range {
  char32_t first;
  char32_t last;
};

// Code points above ASCII that are not part of names: spaces, punctuation, arrows, mathematical
// signs, emoji, full-width forms of ASCII punctuation.
constexpr std::array<Range, 17> kNotInNames{{{0x80, 0xA9},
                                             {0xAB, 0xB4},
                                             {0xB6, 0xB9},
                                             {0xBB, 0xBF},
                                             {0xD7, 0xD7},
                                             {0xF7, 0xF7},
                                             {0x2000, 0x206F},
                                             {0x2190, 0x2BFF},
                                             {0x3000, 0x3004},
                                             {0x3008, 0x3020},
                                             {0xE000, 0xF8FF},
                                             {0xFE10, 0xFE6F},
                                             {0xFEFF, 0xFF0F},
                                             {0xFF1A, 0xFF20},
                                             {0xFF3B, 0xFF40},
                                             {0xFF5B, 0xFF65},
                                             {0xFFE0, 0x1FAFF}}};

bool starts_name(char32_t code_point) {
  if (code_point < 0x80) {
    return (code_point >= U'a' && code_point <= U'z') ||
           (code_point >= U'A' && code_point <= U'Z') || code_point == U'_' || code_point == U'$';
  }
  // The plane of historic scripts is cut off with the emoji; rare ideographs (0x20000 up) are
  // names.
  if (code_point == kInvalidCodePoint) return false;
  return std::none_of(kNotInNames.begin(), kNotInNames.end(), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

bool continues_name(char32_t code_point) { return starts_name(code_point) || is_digit(code_point); }

// Punctuation as Chinese input methods and word processors write it.
struct Lookalike {
  char32_t code_point;
  std::string_view meant;
};
constexpr std::array<Lookalike, 24> kLookalikes{{
    {0xFF0C, ","}, {0xFF1B, ";"},  {0xFF08, "("},  {0xFF09, ")"},  {0xFF1D, "="}, {0xFF0B, "+"},
    {0xFF0D, "-"}, {0xFF0A, "*"},  {0xFF0F, "/"},  {0xFF0E, "."},  {0x3002, "."}, {0x3001, ","},
    {0xFF1C, "<"}, {0xFF1E, ">"},  {0xFF05, "%"},  {0x2212, "-"},  {0x2013, "-"}, {0x00D7, "*"},
    {0x00F7, "/"}, {0x2260, "<>"}, {0x2264, "<="}, {0x2265, ">="}, {0x3010, "["}, {0x3011, "]"},
}};
constexpr std::array<char32_t, 8> kBlanks{0x3000, 0xA0,   0xFEFF, 0x2002,
                                          0x2003, 0x2009, 0x200B, 0x202F};
constexpr std::array<char32_t, 6> kQuotes{0x2018, 0x2019, 0x201C, 0x201D, 0xFF07, 0xFF02};

// Longest first.
constexpr std::array<std::string_view, 29> kSymbols{
    "<=>", "<>", "<=", ">=", "!=", "==", "||", "&&", "=>", "->", "::", "(", ")", ",", ";",
    ".",   "=",  "<",  ">",  "+",  "-",  "*",  "/",  "%",  "[",  "]",  ":", "?", "|"};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {
    // A byte order mark that an editor put in front.
    if (source_.starts_with("\xEF\xBB\xBF")) position_ = 3;
  }

  LexResult run() {
    while (skip_blanks()) read_token();
    start_token();
    emit(TokenKind::kEnd, {});
    return std::move(result_);
  }

 private:
  bool done() const { return position_ >= source_.size(); }
  char peek(std::size_t ahead = 0) const {
    return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
  }
  bool at(std::string_view text) const { return source_.substr(position_).starts_with(text); }
  char32_t peek_code_point() const {
    std::size_t position = position_;
    return done() ? kInvalidCodePoint : decode_utf8(source_, position);
  }

  void step() {
    const char32_t code_point = decode_utf8(source_, position_);
    ++column_;
    if (code_point == U'\n') {
      ++line_;
      column_ = 1;
    }
  }
  void step(std::size_t code_points) {
    for (std::size_t i = 0; i < code_points && !done(); ++i) step();
  }

  void start_token() {
    start_ = SourceSpan{line_, column_, static_cast<std::uint32_t>(position_), 0};
  }
  SourceSpan token_span() const {
    SourceSpan span = start_;
    span.length = static_cast<std::uint32_t>(position_) - start_.offset;
    return span;
  }
  void emit(TokenKind kind, std::string text) {
    Token token{kind, std::move(text), {}, token_span()};
    if (kind == TokenKind::kWord) token.upper = to_upper_ascii(token.text);
    result_.tokens.push_back(std::move(token));
  }
  void report(std::string message, std::string fix = {}) {
    result_.diagnostics.push_back(Diagnostic::at(token_span(), std::move(message), std::move(fix)));
  }
  void report_open(const std::string& what, std::string fix) {
    SourceSpan span = start_;
    span.length = 1;
    result_.diagnostics.push_back(Diagnostic::at(span, what, std::move(fix)));
    result_.open_ended = true;
  }

  // False at the end of the text.
  bool skip_blanks() {
    while (!done()) {
      const char next = peek();
      if (next == ' ' || next == '\t' || next == '\n' || next == '\r' || next == '\f') {
        step();
      } else if (at("--")) {
        while (!done() && peek() != '\n') step();
      } else if (at("/*") && !at("/*+")) {
        skip_comment();
      } else {
        return true;
      }
    }
    return false;
  }

  void skip_comment() {
    start_token();
    step(2);
    while (!done() && !at("*/")) step();
    if (done()) {
      report_open("comment is not closed", "end it with */");
      return;
    }
    step(2);
  }

  void read_token() {
    start_token();
    const char32_t next = peek_code_point();
    if (starts_name(next)) {
      read_word();
    } else if (is_digit(next) || (next == U'.' && is_digit(static_cast<unsigned char>(peek(1))))) {
      read_number();
    } else if (next == U'\'') {
      read_string(TokenKind::kString);
    } else if (next == U'`') {
      read_quoted_name();
    } else if (at("/*+")) {
      step(3);
      in_hint_ = true;
      emit(TokenKind::kHintBegin, "/*+");
    } else if (in_hint_ && at("*/")) {
      step(2);
      in_hint_ = false;
      emit(TokenKind::kHintEnd, "*/");
    } else if (!read_symbol()) {
      read_stray(next);
    }
  }

  void read_word() {
    const std::size_t begin = position_;
    while (!done() && continues_name(peek_code_point())) step();
    std::string text(source_.substr(begin, position_ - begin));
    if ((text == "U" || text == "u") && at("&'")) {
      step();
      read_string(TokenKind::kString);
      report("Unicode escape strings (U&'...') are not supported",
             "write the characters themselves: the text is UTF-8");
      return;
    }
    if (peek() == '\'' && read_prefixed_string(text)) return;
    emit(TokenKind::kWord, std::move(text));
  }

  // X'..' and the prefixes that other dialects know.
  bool read_prefixed_string(const std::string& prefix) {
    const std::string upper = to_upper_ascii(prefix);
    if (upper == "X") {
      read_binary();
      return true;
    }
    if (upper != "N" && upper != "E" && upper != "B" && !upper.starts_with('_')) return false;
    read_string(TokenKind::kString);
    report("strings with the prefix " + prefix + " are not supported",
           "write '...' without a prefix; the text is UTF-8");
    return true;
  }

  void read_binary() {
    const std::optional<std::string> digits = read_quoted_text('\'');
    if (!digits) {
      report_open("binary string is not closed", "close it with '");
      emit(TokenKind::kError, {});
      return;
    }
    std::string bytes;
    bool valid = digits->size() % 2 == 0;
    for (std::size_t i = 0; valid && i + 1 < digits->size(); i += 2) {
      const int high = hex_value((*digits)[i]);
      const int low = hex_value((*digits)[i + 1]);
      valid = high >= 0 && low >= 0;
      bytes.push_back(static_cast<char>(high * 16 + low));
    }
    if (!valid) {
      report("a binary string is an even number of hexadecimal digits, as in X'0aff'");
      emit(TokenKind::kError, {});
      return;
    }
    emit(TokenKind::kBinary, std::move(bytes));
  }

  static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
  }

  void read_number() {
    const std::size_t begin = position_;
    TokenKind kind = TokenKind::kInteger;
    while (is_digit(static_cast<unsigned char>(peek()))) step();
    if (peek() == '.') {
      kind = TokenKind::kDecimal;
      step();
      while (is_digit(static_cast<unsigned char>(peek()))) step();
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(static_cast<unsigned char>(peek(1 + sign)))) {
        kind = TokenKind::kApproximate;
        step(1 + sign);
        while (is_digit(static_cast<unsigned char>(peek()))) step();
      }
    }
    emit(kind, std::string(source_.substr(begin, position_ - begin)));
  }

  // The text between two `quote`s, a doubled one standing for itself; nothing if it is not closed.
  std::optional<std::string> read_quoted_text(char quote) {
    std::string text;
    step();
    while (!done()) {
      if (peek() == quote) {
        step();
        if (peek() != quote) return text;
        text.push_back(quote);
        step();
        continue;
      }
      const std::size_t begin = position_;
      if (peek_code_point() == kInvalidCodePoint && !reported_encoding_) {
        reported_encoding_ = true;
        const SourceSpan place{line_, column_, static_cast<std::uint32_t>(position_), 1};
        result_.diagnostics.push_back(Diagnostic::at(place, "the file is not UTF-8 here",
                                                     "save the file with the encoding UTF-8"));
      }
      step();
      text.append(source_.substr(begin, position_ - begin));
    }
    return std::nullopt;
  }

  void read_string(TokenKind kind) {
    std::optional<std::string> text = read_quoted_text('\'');
    if (!text) {
      report_open("string is not closed", "close it with '; a quote inside is written ''");
      emit(TokenKind::kError, {});
      return;
    }
    emit(kind, std::move(*text));
  }

  void read_quoted_name() {
    std::optional<std::string> text = read_quoted_text('`');
    if (!text) {
      report_open("quoted name is not closed", "close it with `");
      emit(TokenKind::kError, {});
      return;
    }
    if (text->empty()) {
      report("a name cannot be empty");
      emit(TokenKind::kError, {});
      return;
    }
    emit(TokenKind::kQuoted, std::move(*text));
  }

  bool read_symbol() {
    const auto symbol = std::find_if(kSymbols.begin(), kSymbols.end(),
                                     [this](std::string_view candidate) { return at(candidate); });
    if (symbol == kSymbols.end()) return false;
    step(symbol->size());
    const auto replace = [this](std::string_view written, TokenKind kind,
                                const std::string& meant) {
      report("the operator " + std::string(written) + " is not part of the dialect",
             "use " + meant);
      emit(kind, meant);
    };
    if (*symbol == "!=") {
      replace(*symbol, TokenKind::kSymbol, "<>");
    } else if (*symbol == "==") {
      replace(*symbol, TokenKind::kSymbol, "=");
    } else if (*symbol == "&&") {
      replace(*symbol, TokenKind::kWord, "AND");
    } else if (*symbol == "|") {
      replace(*symbol, TokenKind::kSymbol, "||");
    } else if (*symbol == "?") {
      report("parameters ('?') are not supported", "write the value itself");
      emit(TokenKind::kError, {});
    } else {
      emit(TokenKind::kSymbol, std::string(*symbol));
    }
    return true;
  }

  void read_stray(char32_t code_point) {
    const std::size_t begin = position_;
    if (code_point == U'"') {
      const bool closed = read_quoted_text('"').has_value();
      report("double quotes are not part of the dialect",
             "write text in single quotes ('...') and names in backquotes (`...`)");
      result_.open_ended = result_.open_ended || !closed;
      emit(TokenKind::kError, {});
      return;
    }
    step();
    const std::string written(source_.substr(begin, position_ - begin));
    if (code_point == kInvalidCodePoint) {
      if (!reported_encoding_) {
        report("the file is not UTF-8 here", "save the file with the encoding UTF-8");
      }
      reported_encoding_ = true;
      emit(TokenKind::kError, {});
      return;
    }
    if (std::find(kBlanks.begin(), kBlanks.end(), code_point) != kBlanks.end()) {
      report("a special blank stands here", "write an ordinary space");
      return;
    }
    const auto* lookalike = std::find_if(
        kLookalikes.begin(), kLookalikes.end(),
        [code_point](const Lookalike& entry) { return entry.code_point == code_point; });
    if (lookalike != kLookalikes.end()) {
      report("'" + written + "' is not part of the dialect",
             "write '" + std::string(lookalike->meant) + "'");
      emit(TokenKind::kSymbol, std::string(lookalike->meant));
      return;
    }
    report_unknown(code_point, written);
    emit(TokenKind::kError, {});
  }

  void report_unknown(char32_t code_point, const std::string& written) {
    const bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
    const bool quote = std::find(kQuotes.begin(), kQuotes.end(), code_point) != kQuotes.end();
    if (quote) {
      report("'" + written + "' is not a quote of the dialect",
             "write text in single quotes ('...') and names in backquotes (`...`)");
    } else if (control) {
      report("a control character stands here", "remove it");
    } else if (written == "{" || written == "}") {
      report("'" + written + "' has no meaning here",
             "write the name alone, or in backquotes (`...`)");
    } else {
      report("'" + written + "' has no meaning here",
             "if it belongs to a name, write the name in backquotes (`...`)");
    }
  }

  std::string_view source_;
  std::size_t position_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
  SourceSpan start_;
  bool in_hint_ = false;
  bool reported_encoding_ = false;
  LexResult result_;
};

}  // namespace

LexResult lex(std::string_view source) { return Lexer(source).run(); }

bool is_bare_word(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  std::size_t position = 0;
  while (position < name.size()) {
    if (!continues_name(decode_utf8(name, position))) return false;
  }
  return true;
}

}  // namespace slipstream::sql
