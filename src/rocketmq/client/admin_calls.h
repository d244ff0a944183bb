// How Admin asks: a broker, the name server; what counts as an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rocketmq/client/client_core.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::rocketmq::internal {

// Again where the connection was lost: only for requests that change nothing when they are
// repeated.
Result<Answer> call_broker(ClientCore& core, const std::string& address, const Command& command);
// An answer of code 0.
Result<Answer> succeed(RequestCode request, Result<Answer> answer);
Result<ClusterView> ask_cluster(ClientCore& core);
// "a, b"; "none".
std::string broker_names(const ClusterView& cluster);
void pause(ClientCore& core, std::int64_t wait_ms);

}  // namespace slipstream::rocketmq::internal
