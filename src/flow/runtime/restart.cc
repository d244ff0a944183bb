#include "flow/runtime/restart.h"

#include <algorithm>

namespace slipstream::flow {
namespace {

// The same input and the same job give the same failure again.
bool repeats_itself(const Error& cause) {
  if (cause.retryable) return false;
  switch (cause.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
    case ErrorCode::kDataError:
    case ErrorCode::kOutOfRange:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kCorrupt:
    case ErrorCode::kResourceExhausted:  // state over its budget; a full disk is retryable
    case ErrorCode::kCancelled:          // on purpose: who reads the output has left
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> restart_delay(const RestartFacts& facts,
                                                       const JobOptions& options) {
  if (!facts.checkpointing || repeats_itself(facts.cause)) return std::nullopt;
  // What is wrong with a job shows at its first start. Not so an exception: nobody says that it
  // will come again.
  if (!facts.ever_ran && facts.cause.code != ErrorCode::kUserCode) return std::nullopt;
  if (facts.failures > options.restart_attempts) return std::nullopt;
  const std::uint32_t doublings = std::min<std::uint32_t>(facts.failures - 1, 20);
  return std::min(options.restart_delay * (std::int64_t{1} << doublings),
                  options.restart_delay_max);
}

}  // namespace slipstream::flow
