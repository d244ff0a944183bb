// One task's part of a checkpoint, on its way from the task to the storage.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/checkpoint/barrier.h"
#include "flow/checkpoint/epoch_file.h"
#include "flow/checkpoint/manifest.h"
#include "flow/operator.h"

namespace slipstream::flow {

using TaskId = std::uint32_t;

struct OperatorSnapshot {
  std::string uid;
  std::string name;
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  std::unique_ptr<PendingSnapshot> state;
  StateSchema schema = {};
};

struct SplitSnapshot {
  std::string source;  // uid
  std::vector<SplitState> splits;
};

struct SealedEpoch {
  std::string sink;  // uid
  std::uint32_t subtask = 0;
  std::string handle;
  std::unique_ptr<EpochLog> file;  // may be null
};

struct TaskSnapshot {
  TaskId task = 0;
  Barrier barrier;
  std::vector<OperatorSnapshot> operators;
  std::optional<SplitSnapshot> source;
  std::optional<SealedEpoch> epoch;
};

}  // namespace slipstream::flow
