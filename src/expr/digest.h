// Identity of expressions over versions of the program: part of what state is found by.
#pragma once

#include <cstdint>
#include <span>

#include "expr/expr.h"

namespace slipstream::expr {

// Of what `e` computes from columns whose own identities are `columns`: words, names of functions
// and values of literals. Types do not count, nor do casts that need not be written
// (INT to BIGINT): a column that changes its type stays the column, and state knows its own types.
// Operands of AND, OR, = and <> have no order. Never change.
std::uint64_t digest(const Expr& e, std::span<const std::uint64_t> columns);

}  // namespace slipstream::expr
