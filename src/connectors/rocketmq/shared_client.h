// One set of connections per cluster and process.
#pragma once

#include <memory>
#include <string>

#include "slipstream/rocketmq/client.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq_connector {

// The client for these name servers, security, heartbeats, unit and quota: the one that is in use already,
// or a new one. It closes when its last user has gone, which must not be on the client's own
// thread.
//
// Thread:  any; blocks while connecting, at most `start_timeout_ms` of the client's options.
// Failure: no name server answers; retryable when one did before in this process.
Result<std::shared_ptr<rocketmq::Client>> shared_client(const rocketmq::ClientOptions& options);

}  // namespace slipstream::rocketmq_connector
