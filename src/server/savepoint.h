// A checkpoint of a running job that no retention removes.
#pragma once

#include <chrono>
#include <string>

#include "slipstream/status.h"

#include "flow/job.h"

namespace slipstream::server {

// Takes a checkpoint and links (or copies, on another file system) everything that it refers to
// into `target`; answers "TARGET/chk-ID", what a job can be started from. A power loss may take the
// links away until the file system writes them. Blocks; kTimeout after `limit`.
Result<std::string> take_savepoint(flow::Job& job, const std::string& checkpoint_dir,
                                   const std::string& target, std::chrono::milliseconds limit,
                                   CheckpointId* id);

}  // namespace slipstream::server
