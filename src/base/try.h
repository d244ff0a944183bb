// TRY and TRY_ASSIGN: return an error upward. CHECK and DCHECK: stop on our own bugs.
#pragma once

#include "slipstream/status.h"

namespace slipstream {

namespace internal {
inline Status as_status(const Status& status) { return status; }
template <typename T>
Status as_status(const Result<T>& result) {
  return result.status();
}
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace internal

}  // namespace slipstream

#define SLIPSTREAM_CONCAT_INNER(a, b) a##b
#define SLIPSTREAM_CONCAT(a, b) SLIPSTREAM_CONCAT_INNER(a, b)

// TRY(status_or_result);  on error: returns it.
#define TRY(expression)                                              \
  do {                                                               \
    auto try_status = ::slipstream::internal::as_status(expression); \
    if (!try_status.ok()) return try_status.error();                 \
  } while (false)

// TRY_ASSIGN(auto frame, decode(bytes));  on error: returns it.
#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_IMPL(SLIPSTREAM_CONCAT(try_result_, __LINE__), declaration, expression)
// NOLINTBEGIN(bugprone-macro-parentheses): names and declarations take no parentheses.
#define TRY_ASSIGN_IMPL(name, declaration, expression) \
  auto name = (expression);                            \
  if (!name.ok()) return std::move(name).error();      \
  declaration = std::move(*name)
// NOLINTEND(bugprone-macro-parentheses)

// Always on: a broken invariant of ours. Never reachable by input.
#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) ::slipstream::internal::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
