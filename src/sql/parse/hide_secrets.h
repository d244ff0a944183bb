// SQL text as it may be shown and kept.
#pragma once

#include <string>
#include <string_view>

namespace slipstream::sql {

// The text with stars for the values of options that are secret by their name: 'secretKey' = '***',
// and accessKey, securityToken, and whatever ends in password, secret or token, however it is
// spelled. Length and lines stay, so that places in the text do.
std::string hide_secrets(std::string_view sql);

}  // namespace slipstream::sql
