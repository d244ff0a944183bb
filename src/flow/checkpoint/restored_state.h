// What operators find of themselves when a job goes on from a checkpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "flow/checkpoint/manifest.h"
#include "flow/checkpoint/storage.h"
#include "flow/operator.h"

namespace slipstream::flow {

// State of a checkpoint for the operators of this attempt.
// Thread: any.
class RestoredState {
 public:
  virtual ~RestoredState() = default;
  // Null when the checkpoint has no state of this uid.
  virtual std::unique_ptr<SnapshotReader> reader(const std::string& uid,
                                                 KeyGroupRange range) const = 0;
  struct Progress {
    std::uint64_t bytes = 0;  // of all state
    std::uint64_t read = 0;   // by readers; one that is gone has read all that is its own
  };
  virtual Progress progress() const = 0;
};

// State of a manifest for the operators of an attempt. `storage` outlives it.
std::unique_ptr<RestoredState> make_restored_state(std::shared_ptr<CheckpointStorage> storage,
                                                   Manifest manifest);

}  // namespace slipstream::flow
