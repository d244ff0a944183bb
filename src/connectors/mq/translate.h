// Tables of mq and mq5 as tables of rocketmq.
#pragma once

#include "slipstream/connector.h"

#include "connectors/mq/mq_options.h"

namespace slipstream::mq_connector {

// The same table in rocketmq's words, for one side of it. `options`: options_of() of the product.
// kInvalidArgument and kUnsupported name the table, the option as it is spelled here, and the fix.
Result<TableDefinition> to_rocketmq(const TableDefinition& table, Product product, OptionScope side,
                                    const OptionTable& options);

// An error of rocketmq's, with the names that options have here in the place of its own.
Error in_own_words(Error error);

}  // namespace slipstream::mq_connector
