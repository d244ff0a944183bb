// Which server of jobs a command asks.
#pragma once

#include <string>

#include "slipstream/status.h"

#include "server/http_client.h"

namespace slipstream::cli {

struct ServerArguments {
  std::string url = "http://127.0.0.1:8080";
  std::string token_file;
};
// Reads the token.
Result<server::ServerAddress> address_of(const ServerArguments& arguments);

// Says why a request failed; kExitUsage where the request was wrong.
int fail_request(const Error& error);

}  // namespace slipstream::cli
