// The options that say who the client is and how its connections are protected.
#pragma once

#include <string>
#include <vector>

#include "slipstream/options.h"
#include "slipstream/rocketmq/client.h"

namespace slipstream::rocketmq_connector {

std::vector<OptionSpec> access_options();

// Name servers, security and what brokers see of the client. What the options leave open is taken
// from the environment. kInvalidArgument names the table, the option and the fix; never a secret.
Result<rocketmq::ClientOptions> read_client(const std::string& table, const Options& options);

// 'namespace': see with_namespace().
const std::string& namespace_of(const Options& options);

// Those of `given` that are access options, for another table of the same cluster.
OptionMap access_options_of(const OptionMap& given);

}  // namespace slipstream::rocketmq_connector
