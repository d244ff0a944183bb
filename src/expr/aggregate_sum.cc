// COUNT, SUM, SUM0 and AVG: all of them take rows back.
#include <type_traits>

#include "base/try.h"
#include "data/text/number.h"
#include "expr/aggregate_state.h"
#include "expr/decimal_math.h"
#include "expr/number_layout.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

using Bound = AggregateFunction::Bound;

// --- COUNT ---

void count_update(States states, std::span<const ColumnPtr> args,
                  std::span<const std::int8_t> signs, const KeepText&) {
  const Column* column = args.empty() || !args[0]->may_have_nulls() ? nullptr : args[0].get();
  for (std::size_t row = 0; row < states.size(); ++row) {
    if (column != nullptr && column->is_null(row)) continue;
    store_state(states[row], load_state<std::int64_t>(states[row]) + sign_of(signs, row));
  }
}

Bound bind_count(const Signature& signature) {
  Bound bound;
  bound.signature = signature;
  bound.width = sizeof(std::int64_t);
  bound.can_retract = true;
  bound.update = count_update;
  bound.merge = [](std::byte* into, const std::byte* from, const KeepText&) {
    store_state(into, load_state<std::int64_t>(into) + load_state<std::int64_t>(from));
  };
  bound.result = [](ConstStates states, ColumnBuilder& out) {
    for (const std::byte* state : states) out.append(load_state<std::int64_t>(state));
  };
  return bound;
}

// --- sums ---

// What a sum of T is kept in: integers of any width wrap in 64 bits and are cut to the result's
// width.
template <typename T>
using Total = std::conditional_t<std::is_same_v<T, Int128>, Int128,
                                 std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>>;

template <typename T>
struct Sum {
  Total<T> total{};
  std::int64_t count = 0;
};

// Stands for "more than 38 digits", which no later row mends: the sum is NULL.
Int128 overflowed() { return -text::power_of_ten(38); }

template <typename V>
V accumulate(V total, V value, std::int64_t sign) {
  if constexpr (std::is_same_v<V, Int128>) {
    const Int128 sum = total == overflowed() ? total : sign >= 0 ? total + value : total - value;
    return sum <= overflowed() || sum >= -overflowed() ? overflowed() : sum;
  } else if constexpr (std::is_floating_point_v<V>) {
    return sign >= 0 ? total + value : total - value;
  } else {
    const auto left = static_cast<std::uint64_t>(total);
    const auto right = static_cast<std::uint64_t>(value);
    return static_cast<V>(sign >= 0 ? left + right : left - right);
  }
}

template <typename T, typename State>
void sum_update(States states, std::span<const ColumnPtr> args, std::span<const std::int8_t> signs,
                const KeepText&) {
  using Value = decltype(State::total);
  const Column& column = *args[0];
  const T* values = column.data<T>();
  const bool may_have_nulls = column.may_have_nulls();
  for (std::size_t row = 0; row < states.size(); ++row) {
    if (may_have_nulls && column.is_null(row)) continue;
    auto state = load_state<State>(states[row]);
    const std::int64_t sign = sign_of(signs, row);
    state.total = accumulate(state.total, static_cast<Value>(values[row]), sign);
    state.count += sign;
    store_state(states[row], state);
  }
}

template <typename State>
void sum_merge(std::byte* into, const std::byte* from, const KeepText&) {
  auto left = load_state<State>(into);
  const auto right = load_state<State>(from);
  left.total = accumulate(left.total, right.total, 1);
  left.count += right.count;
  store_state(into, left);
}

template <typename T>
void append_total(Total<T> total, ColumnBuilder& out) {
  if constexpr (std::is_same_v<T, Int128>) {
    if (total == overflowed()) return out.append_null();
  }
  out.append(static_cast<T>(total));
}

template <typename T>
Bound make_sum(const Signature& signature, bool zero_when_empty) {
  using State = Sum<T>;
  Bound bound;
  bound.signature = signature;
  bound.width = sizeof(State);
  bound.can_retract = true;
  bound.update = sum_update<T, State>;
  bound.merge = sum_merge<State>;
  bound.result = [zero_when_empty](ConstStates states, ColumnBuilder& out) {
    for (const std::byte* slot : states) {
      const auto state = load_state<State>(slot);
      if (state.count == 0 && !zero_when_empty) {
        out.append_null();
      } else {
        append_total<T>(state.total, out);
      }
    }
  };
  return bound;
}

// --- AVG ---

template <typename T>
struct Average {
  // FLOAT is summed as DOUBLE.
  std::conditional_t<std::is_floating_point_v<T>, double, Total<T>> total{};
  std::int64_t count = 0;
};

template <typename T>
void append_average(const Average<T>& state, const DecimalShape& shape, ColumnBuilder& out) {
  if (state.count == 0) return out.append_null();
  if constexpr (std::is_same_v<T, Int128>) {
    if (state.total == overflowed()) return out.append_null();
    const std::optional<Int128> value = decimal_divide(state.total, state.count, shape);
    if (!value) return out.append_null();
    out.append(*value);
  } else if constexpr (std::is_floating_point_v<T>) {
    out.append(static_cast<T>(state.total / static_cast<double>(state.count)));
  } else {
    out.append(static_cast<T>(state.count == -1 ? accumulate<std::int64_t>(0, state.total, -1)
                                                : state.total / state.count));
  }
}

template <typename T>
Bound make_average(const Signature& signature) {
  using State = Average<T>;
  Bound bound;
  bound.signature = signature;
  bound.width = sizeof(State);
  bound.can_retract = true;
  bound.update = sum_update<T, State>;
  bound.merge = sum_merge<State>;
  const DecimalShape shape = {signature.args[0].scale(), 0, signature.result.precision(),
                              signature.result.scale()};
  bound.result = [shape](ConstStates states, ColumnBuilder& out) {
    for (const std::byte* slot : states) append_average<T>(load_state<State>(slot), shape, out);
  };
  return bound;
}

// --- signatures ---

Result<Signature> numeric_argument(const std::string& name, std::span<const Type> args) {
  const Type arg = args.size() == 1 && args[0].kind() == TypeKind::kNull ? Type::integer()
                   : args.size() == 1                                    ? args[0]
                                                                         : Type::null();
  if (!arg.is_numeric()) return signature_error(name, args, name + "(number)");
  return Signature{{arg}, arg};
}

AggregateFunction sum_function(const std::string& name, bool zero_when_empty) {
  AggregateFunction function;
  function.name = name;
  function.usage = name + "(number)";
  function.description =
      zero_when_empty ? "Sum; 0 when there is no value." : "Sum; NULL when there is no value.";
  function.resolve = [name, zero_when_empty](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(Signature signature, numeric_argument(name, args));
    const Type& arg = signature.args[0];
    if (arg.kind() == TypeKind::kDecimal) signature.result = Type::decimal(38, arg.scale());
    signature.result = signature.result.with_nullable(arg.nullable() && !zero_when_empty);
    return signature;
  };
  function.bind = [zero_when_empty](const Signature& signature) {
    return with_number_layout(signature.args[0].layout(), [&](auto zero) {
      return make_sum<decltype(zero)>(signature, zero_when_empty);
    });
  };
  return function;
}

AggregateFunction average_function() {
  AggregateFunction function;
  function.name = "AVG";
  function.usage = "AVG(number)";
  function.description =
      "Mean; whole (truncated) for integers, at least six fractional digits for DECIMAL.";
  function.resolve = [](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(Signature signature, numeric_argument("AVG", args));
    const Type arg = signature.args[0];
    if (arg.kind() == TypeKind::kDecimal) {
      signature.result = decimal_quotient(Type::decimal(38, arg.scale()), Type::decimal(20, 0))
                             .with_nullable(arg.nullable());
    }
    return signature;
  };
  function.bind = [](const Signature& signature) {
    return with_number_layout(signature.args[0].layout(),
                              [&](auto zero) { return make_average<decltype(zero)>(signature); });
  };
  return function;
}

}  // namespace

void add_counts(AggregateFunctions& out) {
  AggregateFunction function;
  function.name = "COUNT";
  function.usage = "COUNT(*), COUNT(value)";
  function.description = "Number of rows, or of values that are not NULL.";
  function.resolve = [](std::span<const Type> args) -> Result<Signature> {
    if (args.size() > 1) return signature_error("COUNT", args, "COUNT(*), COUNT(value)");
    return Signature{{args.begin(), args.end()}, Type::bigint().not_null()};
  };
  function.bind = bind_count;
  out.push_back(std::move(function));
}

void add_sums(AggregateFunctions& out) {
  out.push_back(sum_function("SUM", false));
  out.push_back(sum_function("SUM0", true));
  out.push_back(average_function());
}

}  // namespace slipstream::expr
