// What a command says on standard error, and its exit code.
#pragma once

#include <string_view>

#include "slipstream/status.h"

#include "base/log.h"

namespace slipstream::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // a job failed, a server refused
inline constexpr int kExitUsage = 2;   // bad SQL, bad options: nothing was started

// A line as it is, or an object when logs are JSON.
void notify(std::string_view text, LogLevel level = LogLevel::kInfo);

// Says the error and answers `code`.
int fail(const Error& error, int code);
// kExitOk, or what fail() does with kExitFailed.
int report(const Status& status);

}  // namespace slipstream::cli
