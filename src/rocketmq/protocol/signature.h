// The signature of a request, as access control on servers 4.x and 5.x checks it.
#pragma once

#include <string>
#include <string_view>

#include "slipstream/rocketmq/security.h"

#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

// Base64 of HMAC-SHA1 over the values of all ext fields but the signature, in byte order of their
// names, and the body.
std::string signature_of(const FrameHeader& header, std::string_view body,
                         std::string_view secret_key);

// Adds AccessKey, SecurityToken (when there is one) and Signature. Nothing may be added to the ext
// fields afterwards.
void sign(const Credentials& credentials, FrameHeader& header, std::string_view body);

}  // namespace slipstream::rocketmq
