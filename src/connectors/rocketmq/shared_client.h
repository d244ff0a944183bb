// One set of connections per cluster and process.
#pragma once

#include <memory>
#include <string>

#include "slipstream/rocketmq/client.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq_connector {

// The client for these name servers, security, heartbeats and unit: the one that is in use already,
// or a new one. It closes when its last user has gone, which must not be on the client's own
// thread.
//
// Thread:  any; blocks while connecting, at most `start_timeout_ms` of the client's options.
// Failure: no name server answers; retryable when one did before in this process.
Result<std::shared_ptr<rocketmq::Client>> shared_client(const rocketmq::ClientOptions& options);

// With all brokers away no topic is known, whatever exists: asked before a topic is said to be
// missing. Thread: any but the client's; blocks. Failure: names the table; retryable.
Status check_brokers_are_there(rocketmq::Client& client, const std::string& table);

}  // namespace slipstream::rocketmq_connector
