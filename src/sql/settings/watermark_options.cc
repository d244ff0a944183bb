#include "sql/settings/watermark_options.h"

namespace slipstream::sql {

OptionTable watermark_options() {
  using namespace watermark_option;
  return OptionTable(option_specs(kEmptyGrace, kIdleTimeout, kMaxDrift));
}

}  // namespace slipstream::sql
