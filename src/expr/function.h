// The function registry: names, signatures and kernels of scalar and aggregate functions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/time_zone.h"
#include "expr/expr.h"

namespace slipstream::expr {

// What a query may depend on besides its rows. One per job attempt.
struct EvalContext {
  std::string session_time_zone = "UTC";      // table.local-time-zone
  std::function<std::int64_t()> wall_micros;  // microseconds since the epoch; REQUIRES: set
  std::function<std::uint64_t()> random;  // 64 random bits; REQUIRES: set when RAND or UUID is used
  TimeZone zone;                          // set by Program from session_time_zone
};

// The rows a kernel works on, and where it reports failures.
//
// A kernel fills values and NULLs of the selected rows only; rows that are not selected may hold
// anything initialised. Argument columns have at least rows() rows; the result has exactly rows().
// A failure (1/0, failed CAST) is reported per row with fail() and the row is made NULL; the caller
// decides whether it ends the job (a selected row of a top-level expression) or stays NULL
// (TRY_CAST).
class KernelContext {
 public:
  KernelContext(const EvalContext& eval, std::size_t rows, std::span<const std::uint32_t> selection,
                std::span<const bool> constants = {}, std::shared_ptr<void>* memo = nullptr)
      : eval_(eval), rows_(rows), selection_(selection), constants_(constants), memo_(memo) {}

  const EvalContext& eval() const { return eval_; }
  std::size_t rows() const { return rows_; }                               // size of every column
  std::span<const std::uint32_t> selection() const { return selection_; }  // ascending row numbers
  bool all_selected() const { return selection_.size() == rows_; }
  // Argument i has the same value in every row, of this and of all later batches.
  bool is_constant(std::size_t argument) const {
    return argument < constants_.size() && constants_[argument];
  }
  // Kept by the caller from batch to batch for this one call: compiled patterns, hash sets of
  // constant lists.
  std::shared_ptr<void>& memo() { return memo_ != nullptr ? *memo_ : own_memo_; }
  void fail(std::size_t row, std::string reason);
  struct Failure {
    std::size_t row;
    std::string reason;
  };
  const std::vector<Failure>& failures() const { return failures_; }  // at most one is kept per row

 private:
  const EvalContext& eval_;
  std::size_t rows_;
  std::span<const std::uint32_t> selection_;
  std::span<const bool> constants_;
  std::shared_ptr<void>* memo_;
  std::shared_ptr<void> own_memo_;
  std::vector<Failure> failures_;
};

using Kernel =
    std::function<ColumnPtr(KernelContext&, std::span<const ColumnPtr> args, const Type& result)>;

// What a call says of its arguments, where the planner makes use of it.
enum class Relation : std::uint8_t {
  kNone,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,  // the first is one of the others
};

// One scalar function of the dialect.
//
// `resolve` takes the argument types as written and answers the types that arguments must be cast
// to and the result type, or an error that names the function, what it got and what it accepts.
struct Signature {
  std::vector<Type> args;
  Type result;
};
// Names of what is no plain call in SQL (binder -> registry):
//   + - * / % = <> < <= > >= ||, NEGATE (minus), LIKE and SIMILAR TO (text, pattern [, escape]), IN
//   (x, value...), [KEY], [INDEX], IS [NOT] TRUE / FALSE / UNKNOWN, IS [NOT] DISTINCT FROM;
//   EXTRACT, TIMESTAMPADD, TIMESTAMPDIFF take the unit as a STRING first ('DAY'), FLOOR_TO and
//   CEIL_TO (value, unit); TRIM ('BOTH' | 'LEADING' | 'TRAILING', characters, text) or TRIM (text);
//   JSON_VALUE (json, path [, on_empty, default_on_empty, on_error, default_on_error]): behaviours
//   are the STRING literals 'NULL', 'ERROR', 'DEFAULT' (both clauses default to 'NULL'), a default
//   counts with 'DEFAULT' only and has the RETURNING type. RETURNING picks the function: JSON_VALUE
//   (STRING), JSON_VALUE_BOOLEAN, JSON_VALUE_INTEGER, JSON_VALUE_DOUBLE.
struct Function {
  std::string name;  // upper case; operators: "+", "=", "LIKE", ...
  std::function<Result<Signature>(std::span<const Type> args)> resolve;
  Kernel kernel;
  bool deterministic = true;
  Relation relation = Relation::kNone;
  // Constant arguments arrive as columns of one row (IN with a long list).
  bool one_row_constants = false;
  // Where the result type depends on a literal (ROUND of a DECIMAL): narrows what `resolve`
  // answered. May be null.
  std::function<Type(std::span<const ExprPtr> args, const Type& resolved)> refine = nullptr;
  // Called when SQL binds a call and while a program is compiled, with the constant arguments as
  // one-row columns and nullptr for the others: a bad constant (pattern, unit, path) is then an
  // error before any row. May be null.
  std::function<Status(std::span<const ColumnPtr> constants)> check = nullptr;
  std::string usage;        // "SUBSTRING(text, from [, length])"
  std::string description;  // one sentence, for `slipstream functions` and docs
};

// REQUIRES for all: names in any case. nullptr when there is none.
const Function* find_function(std::string_view name);
std::vector<const Function*> all_functions();  // sorted by name

// A call with everything the rules ask for: resolves, casts the arguments, refines the result type.
Result<ExprPtr> bind_call(const Function& function, std::vector<ExprPtr> args,
                          std::string text = "");

// Aggregate functions: state lies in fixed-width slots of keyed state, updated per batch.
//
// A state is `width` bytes, plus text held by the caller's arena for MIN/MAX of strings (StringView
// in the slot). `retract` is null for functions that cannot take a row back without keeping all
// rows (MIN, MAX): the planner then keeps a sorted multiset instead.
struct AggregateFunction {
  std::string name;  // COUNT, SUM, SUM0, AVG, MIN, MAX, FIRST_VALUE, LAST_VALUE, ...
  std::function<Result<Signature>(std::span<const Type> args)> resolve;
  struct Bound {
    Signature signature;
    std::uint32_t width = 0;  // bytes of state, zero-initialised state = empty group
    bool keeps_text = false;  // the slot holds a StringView at offset 8 that must be copied into
                              // the owner's arena
    // states[i] is the slot of row i. `signs[i]`: +1 accumulate, -1 retract; empty = all +1.
    std::function<void(std::span<std::byte* const> states, std::span<const ColumnPtr> args,
                       std::span<const std::int8_t> signs,
                       const std::function<StringView(std::string_view)>& keep_text)>
        update;
    std::function<void(std::byte* into, const std::byte* from,
                       const std::function<StringView(std::string_view)>& keep_text)>
        merge;  // for two-phase and pane aggregation
    std::function<void(std::span<const std::byte* const> states, ColumnBuilder& out)> result;
    bool can_retract = false;
  };
  std::function<Bound(const Signature&)> bind;
  // The result follows from the set of the values, whatever their order and however often each
  // comes (MIN, MAX): it can be computed anew from the values that are left.
  bool of_value_set = false;
  std::string usage;
  std::string description;
};
const AggregateFunction* find_aggregate(std::string_view name);
std::vector<const AggregateFunction*> all_aggregates();

// Type rules shared with the binder.
Result<Type> common_type(std::span<const Type> types);  // CASE, COALESCE, IN, UNION, comparison
// Whether a value of `from` may be cast: implicitly (INSERT, comparison) or explicitly (CAST).
enum class CastRule { kNever, kExplicit, kImplicit };
CastRule cast_rule(const Type& from, const Type& to);

}  // namespace slipstream::expr
