#include "expr/result_types.h"

#include <algorithm>
#include <cstdint>

#include "base/try.h"

namespace slipstream::expr {

Function with_result_type(Function function, std::function<Type(std::span<const Type>)> derive) {
  function.resolve = [resolve = std::move(function.resolve),
                      derive = std::move(derive)](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(Signature signature, resolve(args));
    signature.result = derive(signature.args).with_nullable(signature.result.nullable());
    return signature;
  };
  return function;
}

int joined_length(const Type& a, const Type& b) {
  return static_cast<int>(
      std::min(std::int64_t{a.precision()} + b.precision(), std::int64_t{Type::kUnlimited}));
}

Type varchar_like(const Type& text) { return Type::varchar(text.precision()); }

}  // namespace slipstream::expr
