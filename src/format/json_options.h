// Options that json and debezium-json share.
#pragma once

#include <string>
#include <vector>

#include "slipstream/options.h"

#include "format/json_reader.h"

namespace slipstream::format {

std::vector<OptionSpec> json_option_specs(const std::string& prefix);
JsonRules json_rules(const Options& options, const std::string& prefix);

}  // namespace slipstream::format
