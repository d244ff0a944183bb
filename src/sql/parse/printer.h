// Syntax trees back to SQL text that parses to the same tree. One line, keywords in upper case,
// only the parentheses that precedence needs.
#pragma once

#include <string>

#include "sql/parse/ast.h"

namespace slipstream::sql {

std::string to_sql(const ast::Expr& expr);
std::string to_sql(const ast::TypeName& type);
std::string to_sql(const ast::QualifiedName& name);
std::string to_sql(const ast::Query& query);
std::string to_sql(const ast::Statement& statement);

}  // namespace slipstream::sql
