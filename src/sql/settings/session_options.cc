#include "sql/settings/session_options.h"

#include <utility>
#include <vector>

namespace slipstream::sql {

OptionTable session_options() {
  using namespace session_option;
  std::vector<OptionSpec> all = option_specs(kJobName, kParallelism, kMaxParallelism);
  for (const auto& part : {option_specs(kCheckpointInterval, kCheckpointTimeout, kCheckpointDir,
                                        kCheckpointsRetained, kIncrementalCheckpoints),
                           option_specs(kRestartAttempts, kRestartDelay),
                           option_specs(kTimeZone, kNotNullEnforcer, kStateTtl),
                           option_specs(kMemory, kBatchRows, kAudit)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return OptionTable(std::move(all));
}

}  // namespace slipstream::sql
