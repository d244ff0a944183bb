// Sources of one split that is there from the start.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"

namespace slipstream::stream {

Result<std::unique_ptr<SplitEnumerator>> make_single_split(std::string id, bool restored);

}  // namespace slipstream::stream
