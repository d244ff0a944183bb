// The border where exceptions of user code become errors.
#pragma once

#include <string>
#include <utility>

#include "slipstream/status.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/user_calls.h"

#include "base/thrown.h"

namespace slipstream::stream {

// REQUIRES: inside a catch block. `function`: what the exception came out of.
inline Error error_of_user_code(const std::string& function) {
  try {
    throw;
  } catch (const Failure& failure) {
    return Error(failure.error()).with_context(function);
  } catch (...) {
    Error error = error_of_exception();
    error.message = function + " " + error.message;
    return error;
  }
}

// Runs calls of user functions, each under its name. `otherwise`: what runs between them.
template <typename F>
Status user_call(const erased::UserCalls& calls, const std::string& otherwise, F&& call) {
  try {
    call();
  } catch (...) {
    const std::string thrower = calls.thrower();
    return error_of_user_code(thrower.empty() ? otherwise : thrower);
  }
  return {};
}

// Calls one user function.
template <typename F>
Status user_call(erased::UserCalls& calls, erased::UserCalls::Site site, F&& call) {
  try {
    erased::call_user(calls, site, call);
  } catch (...) {
    return error_of_user_code(calls.thrower());
  }
  return {};
}

}  // namespace slipstream::stream
