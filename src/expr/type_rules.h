// Result types of operators, as Flink's planner derives them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/function.h"

namespace slipstream::expr {

// DECIMAL that holds every value of an integer type: INT -> DECIMAL(10, 0). A DECIMAL is itself.
Type as_decimal(const Type& numeric);

// DECIMAL results; more than 38 digits cost fractional digits, down to six.
Type decimal_sum(const Type& a, const Type& b);
Type decimal_product(const Type& a, const Type& b);
Type decimal_quotient(const Type& a, const Type& b);
Type decimal_remainder(const Type& a, const Type& b);

// What two values are compared as; as common_type, and text meets numbers, dates and times as
// those.
Result<Type> comparison_type(const Type& a, const Type& b, bool equality);

bool any_nullable(std::span<const Type> types);

// "NAME(INT, STRING)": how a call is named in errors.
std::string call_with_types(std::string_view name, std::span<const Type> args);
Error signature_error(std::string_view name, std::span<const Type> args, std::string_view usage);

// What one parameter of an ordinary function accepts, and what an argument is cast to.
enum class Accepts : std::uint8_t {
  kText,         // CHAR, VARCHAR: as it is
  kBytes,        // BINARY, VARBINARY: as it is
  kTextOrBytes,  //
  kInteger,      // any integer: BIGINT
  kNumber,       // any numeric: DOUBLE
  kNumeric,      // any numeric: as it is
  kBoolean,      //
  kTimestamp,    // TIMESTAMP, TIMESTAMP_LTZ: as it is; DATE: TIMESTAMP(0)
  kDateTime,     // DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ: as it is
  kAny,          //
};

using Resolve = std::function<Result<Signature>(std::span<const Type>)>;

struct Parameters {
  std::vector<Accepts> accepts;
  std::size_t required = 0;  // the rest is optional
  bool variadic = false;     // the last one repeats
  Type result;
  bool always_nullable = false;  // also when no argument is: the function itself answers NULL
};
// A resolver for functions whose result type is fixed.
Resolve with_parameters(std::string name, std::string usage, Parameters parameters);
// A function with a fixed result type.
Function ordinary(const std::string& name, const std::string& usage, const std::string& description,
                  const Parameters& parameters, Kernel kernel);
// The arguments checked and cast as `accepts` says.
Result<std::vector<Type>> accepted(std::string_view name, std::string_view usage,
                                   const Parameters& parameters, std::span<const Type> args);

}  // namespace slipstream::expr
