// MIN, MAX, FIRST_VALUE and LAST_VALUE: one value is kept, NULLs are passed over.
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "expr/aggregate_state.h"
#include "expr/compare.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

enum class Keep : std::uint8_t { kLeast, kGreatest, kFirst, kLast };

// Text lies at offset 8, where the owner of the slot finds it.
template <typename T>
struct Kept {
  std::uint64_t present = 0;
  T value{};
};
static_assert(offsetof(Kept<StringView>, value) == 8);

// NaN is greater than all other numbers, so that the answer does not depend on the order of rows.
template <typename T>
bool is_less(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, StringView>) {
    return compare_text(a, b) < 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  } else {
    return a < b;
  }
}

template <Keep kKeep, typename T>
bool replaces(const T& kept, const T& value) {
  if constexpr (kKeep == Keep::kLeast) return is_less(value, kept);
  if constexpr (kKeep == Keep::kGreatest) return is_less(kept, value);
  return kKeep == Keep::kLast;
}

template <Keep kKeep, typename T>
void offer(std::byte* slot, const T& value, const KeepText& keep_text) {
  auto state = load_state<Kept<T>>(slot);
  const T kept = state.value;
  if (state.present != 0 && !replaces<kKeep, T>(kept, value)) return;
  state.present = 1;
  if constexpr (std::is_same_v<T, StringView>) {
    state.value = value.is_inline() ? value : keep_text(value.view());
  } else {
    state.value = value;
  }
  store_state(slot, state);
}

template <Keep kKeep, typename T>
AggregateFunction::Bound make(const Signature& signature) {
  AggregateFunction::Bound bound;
  bound.signature = signature;
  bound.width = sizeof(Kept<T>);
  bound.keeps_text = std::is_same_v<T, StringView>;
  bound.update = [](States states, std::span<const ColumnPtr> args, std::span<const std::int8_t>,
                    const KeepText& keep_text) {
    const Column& column = *args[0];
    const T* values = column.data<T>();
    const bool may_have_nulls = column.may_have_nulls();
    for (std::size_t row = 0; row < states.size(); ++row) {
      if (may_have_nulls && column.is_null(row)) continue;
      offer<kKeep, T>(states[row], values[row], keep_text);
    }
  };
  bound.merge = [](std::byte* into, const std::byte* from, const KeepText& keep_text) {
    const auto other = load_state<Kept<T>>(from);
    const T value = other.value;
    if (other.present != 0) offer<kKeep, T>(into, value, keep_text);
  };
  bound.result = [](ConstStates states, ColumnBuilder& out) {
    for (const std::byte* slot : states) {
      const auto state = load_state<Kept<T>>(slot);
      const T value = state.value;
      if (state.present == 0) {
        out.append_null();
      } else if constexpr (std::is_same_v<T, StringView>) {
        out.append_text(value.view());
      } else {
        out.append(value);
      }
    }
  };
  return bound;
}

template <Keep kKeep>
AggregateFunction extreme(const std::string& name, const std::string& description) {
  AggregateFunction function;
  function.name = name;
  function.usage = name + "(value)";
  function.description = description;
  function.of_value_set = kKeep == Keep::kLeast || kKeep == Keep::kGreatest;
  function.resolve = [name](std::span<const Type> args) -> Result<Signature> {
    if (args.size() != 1) return signature_error(name, args, name + "(value)");
    const Type arg = args[0].kind() == TypeKind::kNull ? Type::integer() : args[0];
    if (arg.layout() == Layout::kNested) {
      return Error{ErrorCode::kInvalidArgument, name + " does not take " +
                                                    arg.with_nullable(true).to_string() +
                                                    ": it keeps scalar values only"};
    }
    return Signature{{arg}, arg};
  };
  function.bind = [](const Signature& signature) {
    return with_layout(signature.args[0].layout(),
                       [&](auto zero) { return make<kKeep, decltype(zero)>(signature); });
  };
  return function;
}

}  // namespace

void add_extremes(AggregateFunctions& out) {
  out.push_back(extreme<Keep::kLeast>("MIN", "Least value."));
  out.push_back(extreme<Keep::kGreatest>("MAX", "Greatest value."));
  out.push_back(
      extreme<Keep::kFirst>("FIRST_VALUE", "First value that is not NULL, in order of arrival."));
  out.push_back(
      extreme<Keep::kLast>("LAST_VALUE", "Last value that is not NULL, in order of arrival."));
}

}  // namespace slipstream::expr
