// ||, CONCAT and CONCAT_WS.
#include <string>

#include "base/try.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/result_types.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

ColumnPtr concat_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    std::size_t size = 0;
    for (const ColumnPtr& arg : args) size += arg->text(row).size();
    char* const out = result.allocate(size);
    std::size_t at = 0;
    for (const ColumnPtr& arg : args) {
      const std::string_view part = arg->text(row);
      if (!part.empty()) std::memcpy(out + at, part.data(), part.size());
      at += part.size();
    }
    result.set_view(row, std::string_view(out, size));
  });
  return result.finish();
}

ColumnPtr concat_ws_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_row(ctx, [&](std::size_t row) {
    if (args[0]->is_null(row)) return result.set_null(row);
    scratch.clear();
    bool first = true;
    for (std::size_t i = 1; i < args.size(); ++i) {
      if (args[i]->is_null(row)) continue;
      if (!first) scratch += args[0]->text(row);
      scratch += args[i]->text(row);
      first = false;
    }
    result.set(row, scratch);
  });
  return result.finish();
}

Function bars() {
  Function function;
  function.name = "||";
  function.usage = "text || text, bytes || bytes";
  function.description = "One after the other; NULL when one is.";
  function.resolve = [usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    const bool binary =
        !args.empty() && (args[0].is_binary() || (args.size() > 1 && args[1].is_binary()));
    const Accepts accepts = binary ? Accepts::kBytes : Accepts::kText;
    return with_parameters("||", usage,
                           {.accepts = {accepts, accepts},
                            .required = 2,
                            .variadic = false,
                            .result = binary ? Type::bytes() : Type::string()})(args);
  };
  function.kernel = concat_kernel;
  return with_result_type(std::move(function), [](std::span<const Type> args) {
    const bool fixed = args[0].kind() == args[1].kind() &&
                       (args[0].kind() == TypeKind::kChar || args[0].kind() == TypeKind::kBinary);
    const int length = joined_length(args[0], args[1]);
    if (args[0].is_binary()) return fixed ? Type::binary(length) : Type::varbinary(length);
    return fixed ? Type::character(length) : Type::varchar(length);
  });
}

}  // namespace

void add_text_builders(Functions& out) {
  const Parameters texts = {
      .accepts = {Accepts::kText}, .required = 1, .variadic = true, .result = Type::string()};
  out.push_back(bars());
  out.push_back(ordinary("CONCAT", "CONCAT(text, ...)", "One after the other; NULL when one is.",
                         texts, concat_kernel));
  out.push_back(ordinary("CONCAT_WS", "CONCAT_WS(separator, text, ...)",
                         "With a separator between; NULL arguments are left out.", texts,
                         concat_ws_kernel));
}

}  // namespace slipstream::expr
