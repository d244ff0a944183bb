// 'connector' = 'datagen': rows made up from the schema, for trying things out and for load.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::datagen_connector {

// Row n of a table is a function of n and of the field options alone, so a restart repeats nothing
// and loses nothing. Rows are dealt to kDatagenSplits splits (n modulo the count), so that up to
// that many readers share the work.
inline constexpr std::uint32_t kDatagenSplits = 8;

std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::datagen_connector
