// The border where exceptions of user code become errors.
#pragma once

#include <exception>
#include <string>

#include "slipstream/status.h"
#include "slipstream/stream/functions.h"

namespace slipstream::stream {

template <typename F>
Status user_call(F&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure.error();
  } catch (const std::exception& thrown) {
    return Error{ErrorCode::kInternal, std::string("exception in user code: ") + thrown.what()};
  } catch (...) {
    return Error{ErrorCode::kInternal, "exception of unknown type in user code"};
  }
  return {};
}

}  // namespace slipstream::stream
