// Publishing in two steps: what committers share, whatever they publish.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "slipstream/connector/sink.h"

#include "base/retry.h"

namespace slipstream::connector_kit {

// An error when another process may own the job: to be asked before each thing that others can see.
inline Status check_lease(const CommitContext& context) {
  return context.check_lease ? context.check_lease() : Status();
}

struct PublishLoop {
  std::string subject;         // of errors: "table 't'"; empty: they name it themselves
  std::string_view component;  // that logs what is tried again
  // Where it has bounds, the last error comes back when they are reached.
  RetryPolicy retry{.first_wait_ms = 200, .wait_ms_max = 10'000};
};

// Runs `publish` until it succeeds, with growing waits behind retryable errors.
//
// Thread:  one; blocks until the clock says that a wait is over. Stop ends a wait at once.
//          CommitContext::progress says what it waits for.
// Bounds:  none in time: what is sealed has to be published.
// Failure: the first error that is not retryable, with the subject; kCancelled on stop.
Status publish_until_done(const PublishLoop& loop, const CommitContext& context, const Clock& clock,
                          const std::function<Status()>& publish);

}  // namespace slipstream::connector_kit
