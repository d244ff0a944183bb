// Where exceptions of other people's code become errors: the library itself throws none.
#pragma once

#include <type_traits>
#include <utility>

#include "slipstream/status.h"

namespace slipstream {

// What the exception that is handled now is, for people: "threw std::out_of_range: map::at".
// REQUIRES: inside a catch block
Error error_of_exception();

// Answers what `call` answers (a Status or a Result), or what it threw.
template <typename Call>
std::invoke_result_t<Call&> without_exceptions(Call&& call) {
  try {
    return call();
  } catch (...) {
    return error_of_exception();
  }
}

}  // namespace slipstream
