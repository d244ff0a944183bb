// What a table can be told about its event time, whatever its connector.
#pragma once

#include "slipstream/options.h"

namespace slipstream::sql {

// "scan.watermark.*"
OptionTable watermark_options();

}  // namespace slipstream::sql
