#include "slipstream/stream/user_calls.h"

namespace slipstream::stream::erased {

UserCalls::Site UserCalls::add(std::string function) {
  const std::lock_guard lock(mutex_);
  functions_.push_back(std::move(function));
  return static_cast<Site>(functions_.size());
}

void UserCalls::threw(Site site) {
  // The same exception on its way out through the functions that called this one.
  std::exception_ptr thrown = std::current_exception();
  if (thrown == thrown_) return;
  thrown_ = std::move(thrown);
  thrower_ = site;
}

std::string UserCalls::thrower() const {
  return thrown_ != nullptr && std::current_exception() == thrown_ ? function(thrower_)
                                                                   : std::string();
}

std::string UserCalls::function(Site site) const {
  const std::lock_guard lock(mutex_);
  return site == 0 ? std::string() : functions_[site - 1];
}

}  // namespace slipstream::stream::erased
