// Bound expression trees: what the binder makes of SQL expressions and what Program compiles.
//
// Every node has a type; arguments were cast to what the function wants, so that kernels meet exact
// types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/status.h"

namespace slipstream::expr {

struct Function;  // function.h

enum class ExprKind : std::uint8_t {
  kColumn,    // input column `index`
  kLiteral,   // row 0 of `literal`
  kCall,      // function(args)
  kCast,      // args[0] to type; `try_cast`: NULL instead of an error
  kCase,      // args: when1, then1, when2, then2, ..., else (odd count); booleans three-valued
  kAnd,       // args: two or more
  kOr,        //
  kNot,       //
  kIsNull,    // args[0]; `negated`: IS NOT NULL
  kCoalesce,  // args: lazily, left to right
  kField,     // field `index` of ROW args[0]
};

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

// One node. Built by the makers below, immutable afterwards, shared freely.
struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Type type;
  std::vector<ExprPtr> args;
  std::size_t index = 0;               // kColumn, kField
  ColumnPtr literal;                   // kLiteral: one row
  const Function* function = nullptr;  // kCall
  bool try_cast = false;               // kCast
  bool negated = false;                // kIsNull
  std::string text;                    // how the user wrote it, for errors; may be empty
};

ExprPtr column(std::size_t index, Type type, std::string name = "");
ExprPtr literal(ColumnPtr one_row, std::string text = "");
ExprPtr null_literal(Type type);
ExprPtr bool_literal(bool value);
ExprPtr int_literal(std::int32_t value);
ExprPtr bigint_literal(std::int64_t value);
ExprPtr string_literal(std::string_view value);
ExprPtr call(const Function* function, std::vector<ExprPtr> args, Type type, std::string text = "");
// Returns `arg` itself when the types are equal but for nullability.
ExprPtr cast(ExprPtr arg, Type to, bool try_cast = false);
ExprPtr conjunction(std::vector<ExprPtr> args);  // AND; one arg: itself; none: TRUE
ExprPtr disjunction(std::vector<ExprPtr> args);
ExprPtr negation(ExprPtr arg);
ExprPtr is_null(ExprPtr arg, bool negated);
ExprPtr case_when(std::vector<ExprPtr> args, Type type);
ExprPtr coalesce(std::vector<ExprPtr> args, Type type);

// Structural equality and a stable hash of it (common subexpressions, operator identity).
bool equal(const Expr& a, const Expr& b);
std::uint64_t hash(const Expr& e);
// Input columns that are read, ascending, without repetition.
std::vector<std::size_t> columns_read(const Expr& e);
// A copy with column i replaced by replacements[i] (projection through projection, predicate
// push-down).
ExprPtr substitute(const ExprPtr& e, const std::vector<ExprPtr>& replacements);
// False for RAND, UUID, CURRENT_TIMESTAMP, ...: may not be folded, duplicated or pushed.
bool deterministic(const Expr& e);
// SQL-like text; columns are printed by their names.
std::string to_string(const Expr& e);
// The top-level conjuncts of a predicate.
std::vector<ExprPtr> split_conjunction(const ExprPtr& e);

}  // namespace slipstream::expr
