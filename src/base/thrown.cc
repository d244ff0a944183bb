#include "base/thrown.h"

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>

#include <cxxabi.h>

namespace slipstream {
namespace {

std::string readable(const char* mangled) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &failed), std::free);
  return text != nullptr ? text.get() : mangled;
}

}  // namespace

Error error_of_exception() {
  std::string text = "threw";
  if (const std::type_info* type = abi::__cxa_current_exception_type(); type != nullptr)
    text += " " + readable(type->name());
  try {
    throw;
  } catch (const std::exception& thrown) {
    text += std::string(": ") + thrown.what();
  } catch (...) {  // it has no text
  }
  return Error{ErrorCode::kUserCode, std::move(text)};
}

}  // namespace slipstream
