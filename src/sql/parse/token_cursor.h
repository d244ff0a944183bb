// A position in the tokens of a script, and the errors met so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sql/parse/ast.h"
#include "sql/parse/lexer.h"

namespace slipstream::sql {

// Reading of tokens with one error policy for all grammar functions.
//
// fail() reports an error and ends the statement: from then on peek() shows nothing but the end, so
// every grammar function runs out of tokens and returns, and further errors of the statement are
// not reported. report() reports an error and lets the grammar go on, for mistakes that can be seen
// past.
// Owner:  the parse call; borrows `source`.
// Bounds: keeps kDiagnosticsMax diagnostics.
class TokenCursor {
 public:
  TokenCursor(std::string_view source, LexResult tokens);

  const Token& peek(std::size_t ahead = 0) const;
  // The token just taken; the first token if none was.
  const Token& previous() const { return tokens_[position_ == 0 ? 0 : position_ - 1]; }
  const Token& next();

  bool at_word(std::string_view upper, std::size_t ahead = 0) const {
    return peek(ahead).is_word(upper);
  }
  bool at_words(std::initializer_list<std::string_view> words) const;
  bool at_any_word(std::initializer_list<std::string_view> words, std::size_t ahead = 0) const;
  bool at_symbol(std::string_view symbol, std::size_t ahead = 0) const {
    return peek(ahead).is_symbol(symbol);
  }
  bool at_kind(TokenKind kind, std::size_t ahead = 0) const { return peek(ahead).kind == kind; }
  bool at_statement_end() const { return at_kind(TokenKind::kEnd) || at_symbol(";"); }
  // A name that needs no backquotes, or one that has them.
  bool at_name(std::size_t ahead = 0) const;

  // All of the words, or nothing.
  bool accept_word(std::string_view upper);
  bool accept_words(std::initializer_list<std::string_view> words);
  bool accept_symbol(std::string_view symbol);
  // These fail().
  void expect_word(std::string_view upper);
  void expect_symbol(std::string_view symbol);
  ast::Identifier expect_name(std::string_view what);
  ast::QualifiedName expect_qualified_name(std::string_view what);
  // The token taken, or one of kind kError after fail().
  Token expect_kind(TokenKind kind, std::string_view what);
  int expect_integer(std::string_view what, int smallest, int largest);

  void fail(const SourceSpan& span, std::string message, std::string fix = {});
  // "expected `what`, found ...", at the current token.
  void fail_expected(std::string_view what);
  // "unexpected ...", at the current token.
  void fail_unexpected();
  void report(const SourceSpan& span, std::string message, std::string fix = {});
  bool failed() const { return failed_; }
  void clear_failure() { failed_ = false; }

  // From `start` to the last token taken.
  SourceSpan span_from(const SourceSpan& start) const;
  std::string_view text_of(const SourceSpan& span) const {
    return source_.substr(span.offset, span.length);
  }
  // After "(" at `ahead`: true if a query in parentheses begins here, however deep.
  bool at_parenthesized_query(std::size_t ahead = 0) const;
  // A comma with nothing behind it: reports it and answers true.
  bool at_trailing_comma();

  std::size_t position() const { return position_; }
  std::vector<Diagnostic> take_diagnostics() { return std::move(diagnostics_); }
  bool full() const;

 private:
  const Token& raw(std::size_t index) const;
  std::string keyword_fix(const Token& token) const;
  void match_parentheses();

  std::string_view source_;
  std::vector<Token> tokens_;
  std::vector<std::uint32_t> closing_;  // of each "(": the index of its ")", or the last index
  std::vector<Diagnostic> diagnostics_;
  Token end_;  // what peek() shows after fail()
  std::size_t position_ = 0;
  bool failed_ = false;
};

// "'FROM'", "the string 'abc'", "the end of the text": for messages.
std::string describe(const Token& token);

}  // namespace slipstream::sql
