#include "expr/registry.h"

#include <algorithm>
#include <map>

#include "base/try.h"
#include "expr/cast.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

std::string upper(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

template <typename T>
using Registry = std::map<std::string, T, std::less<>>;

template <typename T>
Registry<T> by_name(std::vector<T> functions) {
  Registry<T> registry;
  for (T& function : functions) {
    std::string name = function.name;
    const bool fresh = registry.emplace(std::move(name), std::move(function)).second;
    CHECK(fresh);
  }
  return registry;
}

// Built at the first look-up, immutable afterwards.
const Registry<Function>& functions() {
  static const Registry<Function> kRegistry = [] {
    Functions all;
    for (const auto add : {add_arithmetic,  add_comparisons,   add_logic,
                           add_in,          add_like,          add_math,
                           add_rounding,    add_conditionals,  add_text_cases,
                           add_text_parts,  add_text_builders, add_regex,
                           add_hashing,     add_json_value,    add_clock,
                           add_time_fields, add_time_text,     add_time_arithmetic,
                           add_types,       add_collections}) {
      add(all);
    }
    return by_name(std::move(all));
  }();
  return kRegistry;
}

const Registry<AggregateFunction>& aggregates() {
  static const Registry<AggregateFunction> kRegistry = [] {
    AggregateFunctions all;
    for (const auto add : {add_counts, add_sums, add_extremes}) add(all);
    return by_name(std::move(all));
  }();
  return kRegistry;
}

template <typename T>
const T* find(const Registry<T>& registry, std::string_view name) {
  const auto found = registry.find(upper(name));
  return found == registry.end() ? nullptr : &found->second;
}

template <typename T>
std::vector<const T*> sorted(const Registry<T>& registry) {
  std::vector<const T*> all;
  for (const auto& [name, function] : registry) all.push_back(&function);
  return all;
}

}  // namespace

const Function* find_function(std::string_view name) { return find(functions(), name); }
std::vector<const Function*> all_functions() { return sorted(functions()); }
const AggregateFunction* find_aggregate(std::string_view name) { return find(aggregates(), name); }
std::vector<const AggregateFunction*> all_aggregates() { return sorted(aggregates()); }

Result<ExprPtr> bind_call(const Function& function, std::vector<ExprPtr> args, std::string text) {
  std::vector<Type> types;
  for (const ExprPtr& arg : args) types.push_back(arg->type);
  TRY_ASSIGN(const Signature signature, function.resolve(types));
  // `refine` reads literals, which a cast would hide.
  const Type result = function.refine ? function.refine(args, signature.result) : signature.result;
  for (std::size_t i = 0; i < args.size(); ++i)
    args[i] = cast(std::move(args[i]), signature.args[i]);
  return call(&function, std::move(args), result, std::move(text));
}

}  // namespace slipstream::expr
