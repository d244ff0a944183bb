// What separates the rows of one checkpoint from those of the next.
#pragma once

#include <cstdint>

#include "slipstream/connector.h"

namespace slipstream::flow {

enum class CheckpointKind : std::uint8_t {
  kPeriodic = 0,
  kSavepoint = 1,  // sources stop after its barrier; the job ends when it is written and committed
  kFinal = 2,      // all input has ended: epochs and splits, operators need their state no more
  kFlush = 3,  // checkpointing is off: sinks flush, sources note their offsets, nothing is stored
};

struct Barrier {
  CheckpointId checkpoint = 0;
  CheckpointKind kind = CheckpointKind::kPeriodic;
  CheckpointId base = 0;  // SnapshotRequest::base
};

}  // namespace slipstream::flow
