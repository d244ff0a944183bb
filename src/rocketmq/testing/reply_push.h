// What the scripted brokers do with an answer to a request of a client.
#pragma once

#include <string>
#include <string_view>

#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq::testing {

// The id of the client whom the reply is for; a view into the header.
std::string_view asker_of(const FrameHeader& reply);
// What that client is sent.
Command make_reply_push(const FrameHeader& reply, const std::string& body);
// What the replier is answered.
Command make_reply_answer(const FrameHeader& reply, bool pushed);

}  // namespace slipstream::rocketmq::testing
