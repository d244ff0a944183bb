// Elements of maps and arrays, and how many there are.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/compare.h"
#include "expr/kernel.h"
#include "expr/merge.h"
#include "expr/one_row.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

constexpr const char* kKeyUsage = "map[key]";
constexpr const char* kIndexUsage = "array[index]";
constexpr const char* kCardinalityUsage = "CARDINALITY(map, array or multiset)";

Error bad_element(const std::string& text) { return Error{ErrorCode::kInvalidArgument, text}; }

std::string name_of(const Type& type) { return type.with_nullable(true).to_string(); }

Result<Signature> resolve_key(std::span<const Type> args) {
  if (args.size() != 2 || args[0].kind() != TypeKind::kMap)
    return signature_error("[KEY]", args, kKeyUsage);
  const Type& key = args[0].children()[0].type;
  const Type& given = args[1];
  const bool texts = key.is_text() && given.is_text();
  if (!texts && cast_rule(given, key) != CastRule::kImplicit) {
    return bad_element("a key of " + name_of(args[0]) + " is " + name_of(key) + ", and this is " +
                       name_of(given));
  }
  return Signature{{args[0], texts ? given : key.with_nullable(given.nullable())},
                   args[0].children()[1].type.with_nullable(true)};
}

Result<Signature> resolve_index(std::span<const Type> args) {
  if (args.size() != 2 || args[0].kind() != TypeKind::kArray)
    return signature_error("[INDEX]", args, kIndexUsage);
  const Type& given = args[1];
  if (!given.is_integer() && given.kind() != TypeKind::kNull)
    return bad_element("the index of an ARRAY is an integer, and this is " + name_of(given));
  return Signature{{args[0], Type::bigint().with_nullable(given.nullable())},
                   args[0].children()[0].type.with_nullable(true)};
}

// The position among the children of the element of each row, given by find(row, begin, end); `end`:
// there is none, and the result is NULL.
template <typename Find>
ColumnPtr pick(const KernelContext& ctx, std::span<const ColumnPtr> args, const Column& elements,
               const Type& type, Find find) {
  if (elements.size() == 0) return all_null(type, ctx.rows());
  const std::span<const std::int32_t> offsets = args[0]->offsets();
  std::vector<std::uint32_t> positions(ctx.rows(), 0);
  BoolResult found(Type::boolean(), ctx.rows());
  each_complete_row(ctx, args, found, [&](std::size_t row) {
    const std::int32_t end = offsets[row + 1];
    const std::int32_t at = find(row, offsets[row], end);
    if (at == end) return found.set_null(row);
    positions[row] = static_cast<std::uint32_t>(at);
  });
  const ColumnPtr taken = retyped(take(elements, positions), type, ctx.rows());
  if (found.validity().empty()) return taken;
  return with_nulls_of(taken, *found.finish(), ctx.rows());
}

// Of equal keys the last counts, as in a Java map.
template <typename Equal>
std::int32_t find_last(std::int32_t begin, std::int32_t end, Equal equal) {
  for (std::int32_t at = end; at > begin; --at) {
    if (equal(static_cast<std::size_t>(at - 1))) return at - 1;
  }
  return end;
}

ColumnPtr key_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const Column& keys = *args[0]->children()[0];
  const Column& values = *args[0]->children()[1];
  const Column& wanted = *args[1];
  if (keys.type().is_text()) {
    const auto* texts = keys.data<StringView>();
    const auto* names = wanted.data<StringView>();
    return pick(ctx, args, values, type,
                [&](std::size_t row, std::int32_t begin, std::int32_t end) {
                  return find_last(begin, end, [&](std::size_t at) {
                    return texts[at] == names[row] && !keys.is_null(at);
                  });
                });
  }
  return pick(ctx, args, values, type, [&](std::size_t row, std::int32_t begin, std::int32_t end) {
    return find_last(begin, end, [&](std::size_t at) {
      return !keys.is_null(at) && compare_cells(keys, at, wanted, row) == 0;
    });
  });
}

ColumnPtr index_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const auto* indices = args[1]->data<std::int64_t>();
  return pick(ctx, args, *args[0]->children()[0], type,
              [&](std::size_t row, std::int32_t begin, std::int32_t end) {
                const std::int64_t index = indices[row];
                const bool inside = index >= 1 && index <= end - begin;
                return inside ? begin + static_cast<std::int32_t>(index) - 1 : end;
              });
}

Status check_index(std::span<const ColumnPtr> constants) {
  const ColumnPtr& index = constants[1];
  if (index == nullptr || index->is_null(0)) return {};
  const std::int64_t value = index->data<std::int64_t>()[0];
  if (value >= 1) return {};
  return bad_element("the first element of an ARRAY has the index 1, and this is " +
                     std::to_string(value));
}

ColumnPtr cardinality_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                             const Type& type) {
  const std::span<const std::int32_t> offsets = args[0]->offsets();
  FixedResult<std::int32_t> result(type, ctx.rows());
  each_complete_row(ctx, args, result,
                    [&](std::size_t row) { result.set(row, offsets[row + 1] - offsets[row]); });
  return result.finish();
}

Function element_of_map() {
  Function function;
  function.name = "[KEY]";
  function.usage = kKeyUsage;
  function.description = "The value of the key; NULL when the map has no such key.";
  function.resolve = resolve_key;
  function.kernel = key_kernel;
  return function;
}

Function element_of_array() {
  Function function;
  function.name = "[INDEX]";
  function.usage = kIndexUsage;
  function.description = "The element at an index from 1 on; NULL when there is none.";
  function.resolve = resolve_index;
  function.kernel = index_kernel;
  function.check = check_index;
  return function;
}

Function cardinality() {
  Function function;
  function.name = "CARDINALITY";
  function.usage = kCardinalityUsage;
  function.description = "How many elements there are.";
  function.resolve = [](std::span<const Type> args) -> Result<Signature> {
    const bool counted =
        args.size() == 1 && args[0].layout() == Layout::kNested && args[0].kind() != TypeKind::kRow;
    if (!counted) return signature_error("CARDINALITY", args, kCardinalityUsage);
    return Signature{{args[0]}, Type::integer().with_nullable(args[0].nullable())};
  };
  function.kernel = cardinality_kernel;
  return function;
}

}  // namespace

void add_collections(Functions& out) {
  out.push_back(element_of_map());
  out.push_back(element_of_array());
  out.push_back(cardinality());
}

}  // namespace slipstream::expr
