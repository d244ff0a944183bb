// Options that json and debezium-json share.
#pragma once

#include <string>
#include <vector>

#include "format/json_reader.h"
#include "slipstream/options.h"

namespace slipstream::format {

std::vector<OptionSpec> json_option_specs(const std::string& prefix);
JsonRules json_rules(const Options& options, const std::string& prefix);

}  // namespace slipstream::format
