// slipstream serve.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.h"

namespace slipstream::cli {

struct ServeArguments {
  std::string bind = "127.0.0.1";
  int port = 8080;
  std::string state_dir = "slipstream-state";
  std::string token_file;
  std::string secrets_file;
  std::string memory = "1 gb";
  LogFormat log_format = LogFormat::kText;
  std::string version;
};

// Serves until SIGTERM or SIGINT; the second one ends it without waiting for savepoints.
int serve_command(const ServeArguments& arguments);

}  // namespace slipstream::cli
