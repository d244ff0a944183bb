// x IN (v1, v2, ...): constants are put into a hash set once; other values are compared one by one.
#include <cstdint>
#include <string>
#include <unordered_set>

#include "base/try.h"
#include "data/compare.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// The constants of one list. NULLs are only noted: they turn FALSE into NULL.
struct ConstantSet {
  std::unordered_set<std::int64_t> integers;
  std::unordered_set<std::string, TextHash, std::equal_to<>> texts;
  std::vector<ColumnPtr> others;
  bool has_null = false;
  std::vector<std::size_t> variable;  // arguments that are not constant
};

bool is_whole(Layout layout) {
  return layout == Layout::kBool || layout == Layout::kInt8 || layout == Layout::kInt16 ||
         layout == Layout::kInt32 || layout == Layout::kInt64;
}

std::int64_t whole(const Column& column, std::size_t row) {
  switch (column.type().layout()) {
    case Layout::kBool:
      return column.data<std::uint8_t>()[row];
    case Layout::kInt8:
      return column.data<std::int8_t>()[row];
    case Layout::kInt16:
      return column.data<std::int16_t>()[row];
    case Layout::kInt32:
      return column.data<std::int32_t>()[row];
    default:
      return column.data<std::int64_t>()[row];
  }
}

std::shared_ptr<ConstantSet> make_set(const KernelContext& ctx, std::span<const ColumnPtr> args) {
  auto set = std::make_shared<ConstantSet>();
  for (std::size_t i = 1; i < args.size(); ++i) {
    const ColumnPtr& value = args[i];
    if (!ctx.is_constant(i)) {
      set->variable.push_back(i);
    } else if (value->is_null(0)) {
      set->has_null = true;
    } else if (is_whole(value->type().layout())) {
      set->integers.insert(whole(*value, 0));
    } else if (value->type().layout() == Layout::kString) {
      set->texts.emplace(value->text(0));
    } else {
      set->others.push_back(value);
    }
  }
  return set;
}

bool is_among_constants(const ConstantSet& set, const Column& x, std::size_t row) {
  const Layout layout = x.type().layout();
  if (is_whole(layout)) return set.integers.contains(whole(x, row));
  if (layout == Layout::kString) return set.texts.find(x.text(row)) != set.texts.end();
  for (const ColumnPtr& other : set.others) {
    if (cells_equal(x, row, *other, 0)) return true;
  }
  return false;
}

ColumnPtr in_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  if (ctx.memo() == nullptr) ctx.memo() = make_set(ctx, args);
  const auto& set = *static_cast<const ConstantSet*>(ctx.memo().get());
  const bool x_is_constant = ctx.is_constant(0);
  const Column& x = *args[0];
  BoolResult result(type, ctx.rows());
  each_row(ctx, [&](std::size_t row) {
    const std::size_t at = x_is_constant ? 0 : row;
    if (x.is_null(at)) return result.set_null(row);
    bool found = is_among_constants(set, x, at);
    bool unknown = set.has_null;
    for (std::size_t i = 0; !found && i < set.variable.size(); ++i) {
      const Column& value = *args[set.variable[i]];
      if (value.is_null(row)) {
        unknown = true;
      } else {
        found = cells_equal(x, at, value, row);
      }
    }
    if (found) {
      result.set(row, 1);
    } else if (unknown) {
      result.set_null(row);
    }
  });
  return result.finish();
}

Result<Signature> resolve(std::span<const Type> args) {
  if (args.size() < 2) return signature_error("IN", args, "x IN (value, ...)");
  Type common = args[0];
  for (std::size_t i = 1; i < args.size(); ++i) {
    // Unlike `=`, a list may hold text for numbers: 1 IN ('1').
    auto next = comparison_type(common, args[i], false);
    if (!next.ok()) return std::move(next).error().with_context("IN");
    common = std::move(*next);
  }
  std::vector<Type> targets;
  for (const Type& arg : args) targets.push_back(common.with_nullable(arg.nullable()));
  return Signature{std::move(targets), Type::boolean().with_nullable(any_nullable(args))};
}

}  // namespace

void add_in(Functions& out) {
  Function function;
  function.name = "IN";
  function.relation = Relation::kIn;
  function.usage = "x IN (value, ...)";
  function.description = "Whether x equals one of the values; NULL when none does and one is NULL.";
  function.resolve = resolve;
  function.kernel = in_kernel;
  function.one_row_constants = true;
  out.push_back(std::move(function));
}

}  // namespace slipstream::expr
