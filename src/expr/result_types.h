// Result types of text functions: as long as their arguments allow.
#pragma once

#include <functional>
#include <span>

#include "expr/function.h"

namespace slipstream::expr {

// `function` with a result type that depends on the types of its arguments. Nullability stays as it
// was resolved.
Function with_result_type(Function function, std::function<Type(std::span<const Type>)> derive);
// The length of two texts one after the other, at most the greatest there is.
int joined_length(const Type& a, const Type& b);
// VARCHAR as long as the text.
Type varchar_like(const Type& text);

}  // namespace slipstream::expr
