#include "cli/server_address.h"

#include <utility>

#include "base/try.h"
#include "cli/report.h"
#include "server/token_file.h"

namespace slipstream::cli {

Result<server::ServerAddress> address_of(const ServerArguments& arguments) {
  server::ServerAddress address{arguments.url};
  if (!arguments.token_file.empty()) {
    TRY_ASSIGN(address.token, server::read_token(arguments.token_file));
  }
  return address;
}

int fail_request(const Error& error) {
  return fail(error, error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed);
}

}  // namespace slipstream::cli
