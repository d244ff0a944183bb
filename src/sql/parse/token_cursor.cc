#include "sql/parse/token_cursor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/suggest.h"
#include "sql/parse/keywords.h"
#include "sql/parse/parser.h"

namespace slipstream::sql {

namespace {

// Words that a misspelt name next to an unexpected token may have been meant for.
constexpr std::array<std::string_view, 16> kOftenMisspelt{
    "FROM",  "WHERE",  "GROUP", "ORDER",   "HAVING", "LIMIT",  "UNION", "JOIN",
    "INNER", "VALUES", "INTO",  "BETWEEN", "SELECT", "CREATE", "TABLE", "WITH"};

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the text";
    case TokenKind::kString: {
      constexpr std::size_t kShown = 40;
      if (token.text.size() <= kShown) return "the string " + quote_string(token.text);
      return "a string";
    }
    case TokenKind::kBinary:
      return "a binary string";
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kApproximate:
      return "the number " + token.text;
    case TokenKind::kHintBegin:
    case TokenKind::kHintEnd:
      return "a hint";
    case TokenKind::kQuoted:
      return "`" + token.text + "`";
    case TokenKind::kWord:
    case TokenKind::kSymbol:
    case TokenKind::kError:
      break;
  }
  return "'" + token.text + "'";
}

TokenCursor::TokenCursor(std::string_view source, LexResult tokens)
    : source_(source),
      tokens_(std::move(tokens.tokens)),
      diagnostics_(std::move(tokens.diagnostics)),
      end_(tokens_.back()) {
  match_parentheses();
}

void TokenCursor::match_parentheses() {
  closing_.assign(tokens_.size(), static_cast<std::uint32_t>(tokens_.size() - 1));
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].is_symbol("(")) {
      open.push_back(i);
    } else if (tokens_[i].is_symbol(";")) {
      open.clear();
    } else if (tokens_[i].is_symbol(")") && !open.empty()) {
      closing_[open.back()] = i;
      open.pop_back();
    }
  }
}

const Token& TokenCursor::raw(std::size_t index) const {
  return tokens_[std::min(index, tokens_.size() - 1)];
}

const Token& TokenCursor::peek(std::size_t ahead) const {
  return failed_ ? end_ : raw(position_ + ahead);
}

const Token& TokenCursor::next() {
  const Token& token = peek();
  if (!failed_ && position_ + 1 < tokens_.size()) ++position_;
  return token;
}

bool TokenCursor::at_words(std::initializer_list<std::string_view> words) const {
  std::size_t ahead = 0;
  return std::all_of(words.begin(), words.end(),
                     [&](std::string_view word) { return at_word(word, ahead++); });
}

bool TokenCursor::at_any_word(std::initializer_list<std::string_view> words,
                              std::size_t ahead) const {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return at_word(word, ahead); });
}

bool TokenCursor::at_name(std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kQuoted ||
         (token.kind == TokenKind::kWord && !is_reserved_word(token.upper));
}

bool TokenCursor::accept_word(std::string_view upper) { return accept_words({upper}); }

bool TokenCursor::accept_words(std::initializer_list<std::string_view> words) {
  if (!at_words(words)) return false;
  for (std::size_t i = 0; i < words.size(); ++i) next();
  return true;
}

bool TokenCursor::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  next();
  return true;
}

void TokenCursor::expect_word(std::string_view upper) {
  if (!accept_word(upper)) fail_expected(upper);
}

void TokenCursor::expect_symbol(std::string_view symbol) {
  if (!accept_symbol(symbol)) fail_expected("'" + std::string(symbol) + "'");
}

ast::Identifier TokenCursor::expect_name(std::string_view what) {
  ast::Identifier identifier;
  const Token& token = peek();
  identifier.span = token.span;
  const bool word = token.kind == TokenKind::kWord;
  if (token.kind != TokenKind::kQuoted && !(word && !is_clause_word(token.upper))) {
    fail_expected(what);
    return identifier;
  }
  if (word && is_reserved_word(token.upper)) {
    report(token.span, "'" + token.text + "' is a reserved word and cannot be " + std::string(what),
           "write `" + token.text + "` in backquotes");
  }
  identifier.name = token.text;
  identifier.quoted = !word;
  next();
  return identifier;
}

ast::QualifiedName TokenCursor::expect_qualified_name(std::string_view what) {
  ast::QualifiedName name;
  const SourceSpan start = peek().span;
  do {
    name.parts.push_back(expect_name(what));
  } while (accept_symbol("."));
  name.span = span_from(start);
  return name;
}

Token TokenCursor::expect_kind(TokenKind kind, std::string_view what) {
  if (at_kind(kind)) return next();
  fail_expected(what);
  return Token{TokenKind::kError, {}, {}, peek().span};
}

int TokenCursor::expect_integer(std::string_view what, int smallest, int largest) {
  const Token token = expect_kind(TokenKind::kInteger, what);
  int value = smallest;
  if (token.kind != TokenKind::kInteger) return value;
  const char* end = token.text.data() + token.text.size();
  const auto [stop, error] = std::from_chars(token.text.data(), end, value);
  if (error != std::errc() || stop != end || value < smallest || value > largest) {
    report(token.span, std::string(what) + " must be between " + std::to_string(smallest) +
                           " and " + std::to_string(largest) + ", not " + token.text);
    return smallest;
  }
  return value;
}

void TokenCursor::report(const SourceSpan& span, std::string message, std::string fix) {
  if (failed_ || full()) return;
  diagnostics_.push_back(Diagnostic::at(span, std::move(message), std::move(fix)));
}

bool TokenCursor::full() const { return diagnostics_.size() >= kDiagnosticsMax; }

void TokenCursor::fail(const SourceSpan& span, std::string message, std::string fix) {
  if (failed_) return;
  // What the lexer could not read was reported by it.
  if (peek().kind != TokenKind::kError) report(span, std::move(message), std::move(fix));
  failed_ = true;
  while (tokens_[position_].kind != TokenKind::kEnd && !tokens_[position_].is_symbol(";"))
    ++position_;
  end_.span = tokens_[position_].span;
}

std::string TokenCursor::keyword_fix(const Token& token) const {
  if (token.kind == TokenKind::kWord && is_reserved_word(token.upper) &&
      !is_clause_word(token.upper)) {
    return "if it is a name, write `" + token.text + "` in backquotes";
  }
  const auto meant = [](const Token& word) -> std::string_view {
    if (word.kind != TokenKind::kWord || is_reserved_word(word.upper) || word.text.size() < 3)
      return {};
    const auto* match = std::find_if(
        kOftenMisspelt.begin(), kOftenMisspelt.end(),
        [&word](std::string_view keyword) { return edit_distance(word.upper, keyword) == 1; });
    return match == kOftenMisspelt.end() ? std::string_view() : *match;
  };
  for (const Token* word : {&token, &previous()}) {
    const std::string_view keyword = meant(*word);
    if (!keyword.empty())
      return "did you mean " + std::string(keyword) + " instead of " + word->text + "?";
  }
  return {};
}

void TokenCursor::fail_expected(std::string_view what) {
  const Token& token = peek();
  fail(token.span, "expected " + std::string(what) + ", found " + describe(token),
       keyword_fix(token));
}

void TokenCursor::fail_unexpected() {
  const Token& token = peek();
  fail(token.span, "unexpected " + describe(token), keyword_fix(token));
}

SourceSpan TokenCursor::span_from(const SourceSpan& start) const {
  return join(start, previous().span);
}

bool TokenCursor::at_parenthesized_query(std::size_t ahead) const {
  if (failed_) return false;
  const std::size_t first = position_ + ahead;
  std::size_t depth = 0;
  while (raw(first + depth).is_symbol("(") && depth <= ast::kDepthMax) ++depth;
  const Token& inside = raw(first + depth);
  if (depth == 0 ||
      !(inside.is_word("SELECT") || inside.is_word("WITH") || inside.is_word("VALUES"))) {
    return false;
  }
  // ((SELECT 1) + 2) is an expression, ((SELECT 1) UNION (SELECT 2)) a query: every inner
  // parenthesis must be followed by what can follow a query.
  for (std::size_t i = first + 1; i < first + depth; ++i) {
    const Token& after = raw(closing_[i] + std::size_t{1});
    const bool query = after.is_symbol(")") || after.is_word("UNION") ||
                       after.is_word("INTERSECT") || after.is_word("EXCEPT") ||
                       after.is_word("ORDER") || after.is_word("LIMIT") ||
                       after.is_word("OFFSET") || after.is_word("FETCH");
    if (!query) return false;
  }
  return true;
}

bool TokenCursor::at_trailing_comma() {
  const Token& token = peek();
  const bool ends = at_statement_end() || token.is_symbol(")") || token.is_symbol("]") ||
                    (token.kind == TokenKind::kWord && is_clause_word(token.upper));
  if (!ends || failed_) return false;
  const std::string before = at_statement_end() ? "the end of the statement" : describe(token);
  report(previous().span, "nothing stands between this comma and " + before, "remove the comma");
  return true;
}

}  // namespace slipstream::sql
