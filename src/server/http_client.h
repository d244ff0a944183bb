// Requests to a server of jobs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::server {

struct ServerAddress {
  std::string url = "http://127.0.0.1:8080";
  std::string token{};  // empty = none is sent
};

// False: no more of it is wanted.
using LineVisitor = std::function<bool(std::string_view line)>;

// GET `path`, which is encoded, and each line of the answer as it comes, without empty ones.
// Thread:  any; blocks until the answer ends.
// Failure: kUnavailable: nobody answers, or the answer breaks off; kInvalidArgument: the URL, or
//          what the server said: the request is wrong; kDataError likewise: it refused.
Status get_lines(const ServerAddress& server, const std::string& path, const LineVisitor& visit);

// A word as a part of a path or of its parameters.
std::string encoded(std::string_view word);

}  // namespace slipstream::server
