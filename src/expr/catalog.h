// What every operator, form and function is, for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipstream::expr {

struct FunctionEntry {
  enum class Kind : std::uint8_t {
    kOperator,   // has a syntax of its own: a + b, x LIKE y, CASE
    kScalar,     // a call
    kAggregate,  // over the rows of a group
  };
  Kind kind = Kind::kScalar;
  std::string name;         // upper case
  std::string usage;        // "SUBSTRING(text, from [, length])"
  std::string description;  // one sentence
};

// All that a query can use, sorted by kind and name: the registry, and the forms that are no
// functions (CASE, CAST, COALESCE, ...). Names of the registry that nobody can write are left out.
std::vector<FunctionEntry> function_catalog();

// docs/sql-functions.md.
std::string function_reference();

}  // namespace slipstream::expr
