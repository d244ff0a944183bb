// The token of a server, as its owner and its callers keep it.
#pragma once

#include <string>

#include "slipstream/status.h"

namespace slipstream::server {

// Without blanks and line ends behind it.
// Failure: the file cannot be read, or the token is too short to be one.
Result<std::string> read_token(const std::string& file);

}  // namespace slipstream::server
