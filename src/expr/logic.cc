// IS [NOT] TRUE, FALSE, UNKNOWN.
#include <cstdint>

#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

Function truth_test(const std::string& name, Truth wanted, bool negated) {
  Function function;
  function.name = name;
  function.usage = "condition " + name;
  function.description = "Never NULL.";
  function.resolve = [name](std::span<const Type> args) -> Result<Signature> {
    const bool fits = args.size() == 1 &&
                      (args[0].kind() == TypeKind::kBoolean || args[0].kind() == TypeKind::kNull);
    if (!fits) return signature_error(name, args, "condition " + name);
    return Signature{{Type::boolean().with_nullable(args[0].nullable())},
                     Type::boolean().not_null()};
  };
  function.kernel = [wanted, negated](KernelContext& ctx, std::span<const ColumnPtr> args,
                                      const Type& type) {
    BoolResult result(type, ctx.rows());
    const auto* values = args[0]->data<std::uint8_t>();
    each_row(ctx, [&](std::size_t row) {
      const Truth truth = args[0]->is_null(row) ? Truth::kUnknown
                          : values[row] != 0    ? Truth::kTrue
                                                : Truth::kFalse;
      result.set(row, static_cast<std::uint8_t>((truth == wanted) != negated ? 1 : 0));
    });
    return result.finish();
  };
  return function;
}

}  // namespace

void add_logic(Functions& out) {
  out.push_back(truth_test("IS TRUE", Truth::kTrue, false));
  out.push_back(truth_test("IS NOT TRUE", Truth::kTrue, true));
  out.push_back(truth_test("IS FALSE", Truth::kFalse, false));
  out.push_back(truth_test("IS NOT FALSE", Truth::kFalse, true));
  out.push_back(truth_test("IS UNKNOWN", Truth::kUnknown, false));
  out.push_back(truth_test("IS NOT UNKNOWN", Truth::kUnknown, true));
}

}  // namespace slipstream::expr
