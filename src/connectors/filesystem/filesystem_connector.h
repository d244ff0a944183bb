// 'connector' = 'filesystem': lines of files as rows, and rows as lines of files.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::filesystem_connector {

// Options, guarantees and limits: docs/connectors/filesystem.md.
std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::filesystem_connector
