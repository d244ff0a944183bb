#include "cli/secrets.h"

#include "slipstream/connectors.h"

#include "base/try.h"

namespace slipstream::cli {

Result<std::unique_ptr<ConnectorRegistry>> connectors_with_secrets(const std::string& file) {
  SecretValues secrets;
  if (!file.empty()) {
    TRY_ASSIGN(secrets, SecretValues::read(file));
  }
  return builtin_connectors({}, std::move(secrets));
}

}  // namespace slipstream::cli
