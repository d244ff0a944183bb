#include "sql/parse/parser.h"

#include <utility>

#include "sql/parse/lexer.h"
#include "sql/parse/statement_parser.h"

namespace slipstream::sql {

namespace {

Diagnostic too_long() {
  return Diagnostic{1, 1, 0, "the SQL text is longer than 64 MiB", "split it into several files"};
}

}  // namespace

ParseResult parse_script(std::string_view source) {
  ParseResult result;
  if (source.size() > kLongestScript) {
    result.diagnostics.push_back(too_long());
    return result;
  }
  StatementParser parser(source, lex(source));
  result.statements = parser.parse_all();
  result.diagnostics = parser.take_diagnostics();
  result.broken_names = parser.take_broken_names();
  sort_by_place(result.diagnostics);
  if (result.diagnostics.size() > kDiagnosticsMax) result.diagnostics.resize(kDiagnosticsMax);
  return result;
}

ExpressionResult parse_expression(std::string_view source) {
  if (source.size() > kLongestScript) return ExpressionResult{nullptr, {too_long()}};
  StatementParser parser(source, lex(source));
  ExpressionResult result{parser.parse_only_expr(), parser.take_diagnostics()};
  if (!result.diagnostics.empty()) result.expr = nullptr;
  return result;
}

TypeResult parse_type(std::string_view source) {
  if (source.size() > kLongestScript) return TypeResult{nullptr, {too_long()}};
  StatementParser parser(source, lex(source));
  TypeResult result{parser.parse_only_type(), parser.take_diagnostics()};
  if (!result.diagnostics.empty()) result.type = nullptr;
  return result;
}

bool is_complete_input(std::string_view source) {
  if (source.size() > kLongestScript) return true;
  const LexResult lexed = lex(source);
  if (lexed.open_ended) return false;
  const std::vector<Token>& tokens = lexed.tokens;
  if (tokens.size() == 1) return true;
  if (!tokens[tokens.size() - 2].is_symbol(";")) return false;
  // Inside a statement set a ';' ends only an INSERT; the set ends with END;
  bool in_set = false;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].is_word("STATEMENT") && tokens[i + 1].is_word("SET")) in_set = true;
    if (tokens[i].is_word("END") && tokens[i + 1].is_symbol(";") &&
        (i == 0 || tokens[i - 1].is_symbol(";") || tokens[i - 1].is_word("BEGIN"))) {
      in_set = false;
    }
  }
  return !in_set;
}

}  // namespace slipstream::sql
