// Options of rocketmq-flink, of all its generations, that tables here have under no name of their own.
#pragma once

#include <vector>

#include "slipstream/connector.h"
#include "slipstream/options.h"

namespace slipstream::rocketmq_connector {

// Two, each with many names: those that decide nothing, and those that are replaced. No table of
// Options holds them: without_former_options() comes first.
std::vector<OptionSpec> former_options();

// The table without the options that decide nothing here, which are logged, and without those of its
// other side. `side`: kSource or kSink.
// Failure: kInvalidArgument where such an option would change what is read or written; it names the
// table, each of these options and what to write in its place.
Result<TableDefinition> without_former_options(TableDefinition table, OptionScope side);

}  // namespace slipstream::rocketmq_connector
