// What SET can say.
#pragma once

#include "slipstream/options.h"

namespace slipstream::sql {

// Flink's keys where Flink has them.
OptionTable session_options();

}  // namespace slipstream::sql
