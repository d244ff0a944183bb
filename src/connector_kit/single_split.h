// Sources of one split that is there from the start.
#pragma once

#include <memory>

#include "slipstream/connector/source.h"

namespace slipstream::connector_kit {

// Gives `split` once; nothing after a restore: the checkpoint has it.
Result<std::unique_ptr<SplitEnumerator>> make_single_split(Split split,
                                                           const EnumeratorContext& context);

}  // namespace slipstream::connector_kit
