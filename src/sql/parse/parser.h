// SQL text to syntax trees.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/parse/ast.h"
#include "sql/parse/diagnostic.h"

namespace slipstream::sql {

struct ParseResult {
  // In order. A statement with an error that the parser could see past (a trailing comma, a
  // reserved word as a name, !=) is here too, so that later statements can be checked against it;
  // one that could not be read is not. To run anything, ok() must hold.
  std::vector<ast::StatementPtr> statements;
  // In order of place; at most kDiagnosticsMax.
  std::vector<Diagnostic> diagnostics;
  // Tables and views whose CREATE could not be read, as written: an error about such a name not
  // being known would only repeat the first one.
  std::vector<std::string> broken_names;

  bool ok() const { return diagnostics.empty(); }
};

inline constexpr std::size_t kDiagnosticsMax = 100;

// Reads a script: statements separated by ';'. After an error it goes on behind the next ';', so
// all wrong statements are reported, each once (plus what could be seen past).
// Thread: any.
// Bounds: texts over 64 MiB are refused; nesting deeper than ast::kDepthMax is an error.
ParseResult parse_script(std::string_view source);

// One expression (tests, generated columns of other catalogs). `expr` is null if there are errors.
struct ExpressionResult {
  ast::ExprPtr expr;
  std::vector<Diagnostic> diagnostics;
};
ExpressionResult parse_expression(std::string_view source);

// One type. `type` is null if there are errors.
struct TypeResult {
  ast::TypeNamePtr type;
  std::vector<Diagnostic> diagnostics;
};
TypeResult parse_type(std::string_view source);

// For the interactive shell: true when what was typed so far is whole statements, the last one
// closed by ';' (outside strings and comments, and by END; inside a statement set), or nothing but
// blanks.
bool is_complete_input(std::string_view source);

}  // namespace slipstream::sql
